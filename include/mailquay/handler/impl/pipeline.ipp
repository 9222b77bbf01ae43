#pragma once

#include <mailquay/handler/pipeline.hpp>

#include <mailquay/base/log_fields.hpp>
#include <mailquay/handler/per_shard.hpp>
#include <mailquay/protocol/replies.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

/// What is asked at a stage, and about whom.
struct stage_question {
    stage_question(policy_stage at, session_info const& whose) noexcept : stage(at), client(&whose) {}
    stage_question(policy_stage at, transaction const& of) noexcept : stage(at), client(&of.session()), mail(&of) {}

    policy_stage stage;
    session_info const* client;
    transaction const* mail = nullptr;
    mailquay::recipient const* to = nullptr;
    std::string_view text{};
};

inline eventual<verdict> ask_policy(policy& asked, stage_question const& about) {
    switch (about.stage) {
        case policy_stage::connect: return asked.on_connect(*about.client);
        case policy_stage::early_talk: return asked.on_early_talk(*about.client);
        case policy_stage::hello: return asked.on_hello(*about.client, about.text);
        case policy_stage::mail: return asked.on_mail(*about.mail);
        case policy_stage::recipient: return asked.on_recipient(*about.mail, *about.to);
        case policy_stage::recipient_accepted: return asked.on_recipient_accepted(*about.mail, *about.to);
        case policy_stage::data: return asked.on_data(*about.mail);
        case policy_stage::headers: return asked.on_headers(*about.mail, about.text);
        case policy_stage::close:
        case policy_stage::all: break;
    }
    return pass();
}

inline std::string_view stage_hook(policy_stage stage) noexcept {
    switch (stage) {
        case policy_stage::connect: return "on_connect";
        case policy_stage::early_talk: return "on_early_talk";
        case policy_stage::hello: return "on_hello";
        case policy_stage::mail: return "on_mail";
        case policy_stage::recipient: return "on_recipient";
        case policy_stage::recipient_accepted: return "on_recipient_accepted";
        case policy_stage::data: return "on_data";
        case policy_stage::headers: return "on_headers";
        case policy_stage::close:
        case policy_stage::all: break;
    }
    return "hook";
}

inline log_line hook_log_line(std::string_view event, std::string_view hook, session_info const* client,
                              transaction const* mail) {
    log_line line{event};
    if (client != nullptr) line.add("session", client->id());
    if (mail != nullptr) line.add("id", mail->id());
    line.add("hook", hook);
    return line;
}

/// To be called in a handler: logs what was thrown out of a hook, and says what the client is told.
inline verdict hook_failed(logger const& log, std::string_view hook, session_info const* client,
                           transaction const* mail) noexcept {
    try {
        throw;
    } catch (workers_busy const& busy) {
        log.warning([&] { return hook_log_line("workers-busy", hook, client, mail).add("error", std::string_view{busy.what()}); });
        return defer(replies::queue_full);
    } catch (std::system_error const& failure) {
        if (failure.code() == std::errc::operation_canceled) {
            log.info([&] { return hook_log_line("hook-cancelled", hook, client, mail); });
        } else {
            log.error([&] { return hook_log_line("hook-failed", hook, client, mail).add("error", std::string_view{failure.what()}); });
        }
    } catch (std::exception const& failure) {
        log.error([&] { return hook_log_line("hook-failed", hook, client, mail).add("error", std::string_view{failure.what()}); });
    } catch (...) {
        log.error([&] { return hook_log_line("hook-failed", hook, client, mail).add("error", std::string_view{"not a std::exception"}); });
    }
    return defer(replies::local_error);
}

/// A hook answered what no answer can be made of: the host's mistake.
inline verdict hook_misanswered(logger const& log, std::string_view hook, std::string_view what, session_info const* client,
                                transaction const* mail) noexcept {
    log.error([&] { return hook_log_line("hook-failed", hook, client, mail).add("error", what); });
    return defer(replies::local_error);
}

/// Runs a walk from an answer that comes later: one coroutine for all that is left of it.
template <class Walk>
asio::awaitable<verdict> walk_on([[maybe_unused]] std::shared_ptr<pipeline const> keep, Walk walk,
                                 eventual<verdict> first) {
    std::optional<eventual<verdict>> pending{std::move(first)};
    while (pending) {
        verdict given;
        try {
            verdict answer = co_await std::move(*pending).wait();
            given = std::move(answer);
        } catch (...) {
            given = walk.failed();
        }
        pending.reset();
        walk.take(std::move(given));
        walk.run_until_pending(pending);
    }
    co_return std::move(walk).result();
}

}  // namespace detail

struct pipeline::frozen {
    frozen(handlers given, logger to) : plugged(std::move(given)), log(std::move(to)) {}

    std::vector<policy*> const& of(policy_stage stage) const noexcept {
        return stages[static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(stage)))];
    }

    /// The same, as far as it is asked about this client.
    std::vector<policy*> const& of(policy_stage stage, session_info const& client) const noexcept {
        if (!plugged.spare_users || !client.authenticated()) return of(stage);
        return about_users[static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(stage)))];
    }

    class stage_walk;

    handlers plugged;
    logger log;
    std::array<std::vector<policy*>, 9> stages{};     // those that have the stage, in order
    std::array<std::vector<policy*>, 9> about_users{};  // of them those that are asked about users in any case
    std::vector<message_needs> filter_needs{};        // one per filter
    std::size_t streamed = 0;                         // filters that are shown octets as they arrive
    std::vector<std::pair<observer*, observation_kind>> observers{};
    observation_kind observed{};
    message_needs needs = message_needs::none;
    bool edits = false;
};

/// One stage under way: what was asked, who is asked next, what was settled.
class pipeline::frozen::stage_walk {
public:
    stage_walk(frozen const& all, detail::stage_question about) : all_(&all), about_(about), policies_(&all.of(about.stage, *about.client)) {
        next_phase_if_over();
    }

    bool done() const noexcept { return phase_ == phase::done; }

    eventual<verdict> ask() noexcept {
        try {
            if (phase_ == phase::validators) return all_->plugged.recipients[index_]->validate(*about_.mail, *about_.to);
            return detail::ask_policy(*(*policies_)[index_], about_);
        } catch (...) {
            return failed();
        }
    }

    void take(verdict&& given) noexcept {
        if (given.refuses()) return finish(std::move(given));
        // A policy that only slows down says pass().after(...).
        if (given.passes() || phase_ != phase::validators) keep_modifiers(given);
        if (given.passes()) {
            ++index_;
        } else if (phase_ == phase::validators) {
            return accepted(std::move(given));
        } else if (about_.to == nullptr) {
            return finish(std::move(given));
        } else {
            index_ = policies_->size();
        }
        next_phase_if_over();
    }

    void run_until_pending(std::optional<eventual<verdict>>& pending) noexcept {
        while (!done()) {
            eventual<verdict> answer = ask();
            if (!answer.ready()) {
                pending.emplace(std::move(answer));
                return;
            }
            take(std::move(answer).value());
        }
    }

    verdict result() && noexcept {
        if (delay_ > settled_.delay()) settled_.after(delay_);
        if (closes_) settled_.then_close();
        return std::move(settled_);
    }

    verdict failed() const noexcept {
        std::string_view const hook = phase_ == phase::validators ? "validate" : detail::stage_hook(about_.stage);
        return detail::hook_failed(all_->log, hook, about_.client, about_.mail);
    }

private:
    enum class phase : unsigned char { policies, validators, accepted, done };

    void finish(verdict&& given) noexcept {
        settled_ = std::move(given);
        phase_ = phase::done;
    }
    void keep_modifiers(verdict const& given) noexcept {
        delay_ = std::max(delay_, given.delay());
        closes_ = closes_ || given.closes();
    }

    void next_phase_if_over() noexcept {
        if (phase_ == phase::policies && index_ == policies_->size()) {
            if (about_.to == nullptr) return finish(mailquay::accept());
            phase_ = phase::validators;
            index_ = 0;
        }
        // Nobody said yes, and only validators can.
        if (phase_ == phase::validators && index_ == all_->plugged.recipients.size()) finish(reject(replies::relay_denied));
        if (phase_ == phase::accepted && index_ == policies_->size()) phase_ = phase::done;
    }

    void accepted(verdict&& given) noexcept {
        if (given.resolves() && given.resolved_addresses().size() > max_alias_members)
            return finish(detail::hook_misanswered(all_->log, "validate", "deliver_to() has more than 100 addresses", about_.client, about_.mail));
        settled_ = std::move(given);
        phase_ = phase::accepted;
        index_ = 0;
        about_.stage = policy_stage::recipient_accepted;
        policies_ = &all_->of(about_.stage, *about_.client);
        try {
            if (!in_first_group()) return finish(defer(replies::one_destination));
        } catch (...) {
            return finish(detail::hook_failed(all_->log, "group", about_.client, about_.mail));
        }
        next_phase_if_over();
    }

    // A sink that cannot undo limits what one transaction may hold. Replies of LMTP and PRDR map one to one: no groups there.
    bool in_first_group() const {
        auto const others = about_.mail->recipients();
        if (others.empty() || about_.client->lmtp() || about_.mail->parameters().prdr) return true;
        message_sink const& sink = *all_->plugged.sink;
        if (!settled_.resolves()) return sink.group(*about_.to) == sink.group(others.front());
        mailquay::recipient resolved = *about_.to;
        std::vector<std::string_view> addresses;
        resolved.mailbox = settled_.resolved_mailbox();
        addresses.assign(settled_.resolved_addresses().begin(), settled_.resolved_addresses().end());
        resolved.addresses = addresses;
        return sink.group(resolved) == sink.group(others.front());
    }

    frozen const* all_;
    detail::stage_question about_;
    std::vector<policy*> const* policies_;
    std::size_t index_ = 0;
    std::chrono::milliseconds delay_{0};
    verdict settled_{};
    phase phase_ = phase::policies;
    bool closes_ = false;
};

namespace detail {

template <class Walk>
eventual<verdict> run_walk(pipeline const& through, Walk walk) {
    if (walk.done()) return std::move(walk).result();  // nobody is asked
    std::optional<eventual<verdict>> pending;
    walk.run_until_pending(pending);
    if (!pending) return std::move(walk).result();
    return walk_on(through.shared_from_this(), std::move(walk), std::move(*pending));
}

template <class Interface>
void require_usable(std::shared_ptr<Interface> const& entry, std::string_view list) {
    if (!entry) throw std::invalid_argument(std::string{"pipeline: a null handler in "} + std::string{list});
    if (dynamic_cast<made_per_shard const*>(entry.get()) != nullptr)
        throw std::invalid_argument(std::string{"pipeline: a handler in "} + std::string{list} +
                                    " is to be made per shard: pass handlers_for_shard(handlers, shard)");
}

}  // namespace detail

MAILQUAY_DECL message_needs needs_of(handlers const& plugged) {
    message_needs all = message_needs::none;
    for (auto const& one : plugged.policies)
        if (one) all = all | std::min(one->needs(), message_needs::headers);
    for (auto const& one : plugged.filters)
        if (one) all = all | one->needs();
    return all;
}

MAILQUAY_DECL pipeline::pipeline(handlers plugged, logger log) {
    auto made = std::make_unique<frozen>(std::move(plugged), std::move(log));
    handlers const& set = made->plugged;
    if (!set.sink)
        throw std::invalid_argument("pipeline: no sink is set, so mail could go nowhere: set one, for example sinks::maildir{\"mail\"} "
                                    "or sinks::discard{}");
    detail::require_usable(set.sink, "sink");
    for (auto const& one : set.recipients) detail::require_usable(one, "recipients");
    if (set.authenticator) detail::require_usable(set.authenticator, "authenticator");
    for (auto const& one : set.policies) {
        detail::require_usable(one, "policies");
        for (std::size_t bit = 0; bit < made->stages.size(); ++bit)
            if (has(one->stages(), static_cast<policy_stage>(1u << bit))) {
                made->stages[bit].push_back(one.get());
                if (one->asks_about_users()) made->about_users[bit].push_back(one.get());
            }
    }
    for (auto const& one : set.filters) {
        detail::require_usable(one, "filters");
        message_needs const needs = one->needs();
        made->filter_needs.push_back(needs);
        // The first that edits still sees the message as it came; those behind it see its edits.
        if (!made->edits) ++made->streamed;
        made->edits = made->edits || needs == message_needs::edits;
    }
    if (made->edits && !set.buffers)
        throw std::invalid_argument("pipeline: a filter edits, but there is nowhere to buffer messages: set handlers::buffers, for "
                                    "example to spooled_buffers");
    for (auto const& one : set.observers) {
        detail::require_usable(one, "observers");
        made->observers.emplace_back(one.get(), one->wants());
        made->observed = made->observed | one->wants();
    }
    made->needs = needs_of(set);
    frozen_ = std::move(made);
}

MAILQUAY_DECL pipeline::~pipeline() = default;

MAILQUAY_DECL eventual<verdict> pipeline::connect(session_info const& client) const {
    detail::stage_question const about{policy_stage::connect, client};
    return detail::run_walk(*this, frozen::stage_walk{*frozen_, about});
}

MAILQUAY_DECL eventual<verdict> pipeline::early_talk(session_info const& client) const {
    detail::stage_question const about{policy_stage::early_talk, client};
    return detail::run_walk(*this, frozen::stage_walk{*frozen_, about});
}

MAILQUAY_DECL eventual<verdict> pipeline::hello(session_info const& client, std::string_view name) const {
    detail::stage_question about{policy_stage::hello, client};
    about.text = name;
    return detail::run_walk(*this, frozen::stage_walk{*frozen_, about});
}

MAILQUAY_DECL eventual<verdict> pipeline::mail(transaction const& mail) const {
    detail::stage_question const about{policy_stage::mail, mail};
    return detail::run_walk(*this, frozen::stage_walk{*frozen_, about});
}

MAILQUAY_DECL verdict pipeline::room(transaction const& mail, std::uint64_t octets) const noexcept {
    try {
        return frozen_->plugged.sink->has_room(octets) ? accept() : defer(replies::no_storage);
    } catch (...) {
        return detail::hook_failed(frozen_->log, "has_room", &mail.session(), &mail);
    }
}

MAILQUAY_DECL eventual<verdict> pipeline::recipient(transaction const& mail, mailquay::recipient const& to) const {
    detail::stage_question about{policy_stage::recipient, mail};
    about.to = &to;
    return detail::run_walk(*this, frozen::stage_walk{*frozen_, about});
}

namespace detail {

inline reply failed_reply(verdict const& why) {
    return why.named() != nullptr ? reply{*why.named()} : reply{replies::local_error};
}

/// An answer to a command is final: 2xx, 4xx or 5xx. 220 would begin a session, or a handshake, that nobody follows.
inline reply checked_reply(logger const& log, std::string_view hook, session_info const& client, reply given) {
    bool const well = given.code >= 200 && given.code <= 599 && given.code / 100 != 3 && given.code != 220;
    if (well) return given;
    return failed_reply(hook_misanswered(log, hook, "a reply to a command is 2xx (not 220), 4xx or 5xx", &client, nullptr));
}

/// Waits for a handler of commands; one that throws is a failed hook like others.
inline asio::awaitable<reply> reply_later(std::shared_ptr<pipeline const> keep, session_info const* client, std::string_view hook,
                                          eventual<reply> pending) {
    try {
        reply given = co_await std::move(pending).wait();
        reply checked = checked_reply(keep->log(), hook, *client, std::move(given));
        co_return checked;
    } catch (...) {
        verdict const why = hook_failed(keep->log(), hook, client, nullptr);
        pending = eventual<reply>{failed_reply(why)};
    }
    co_return std::move(pending).value();
}

inline eventual<reply> ask_command(pipeline const& asks, command_handler const& answers, std::string_view hook, session_info const& client,
                                   std::string_view argument) {
    try {
        eventual<reply> given = answers(client, argument);
        if (given.ready()) return checked_reply(asks.log(), hook, client, std::move(given).value());
        return reply_later(asks.shared_from_this(), &client, hook, std::move(given));
    } catch (...) {
        return failed_reply(hook_failed(asks.log(), hook, &client, nullptr));
    }
}

}  // namespace detail

MAILQUAY_DECL eventual<reply> pipeline::verify(session_info const& client, std::string_view argument) const {
    handlers const& set = frozen_->plugged;
    if (!set.verify || (set.verify_for == asked_by::users && !client.authenticated())) return reply{replies::cannot_verify};
    return detail::ask_command(*this, set.verify, "verify", client, argument);
}

MAILQUAY_DECL eventual<reply> pipeline::expand(session_info const& client, std::string_view argument) const {
    handlers const& set = frozen_->plugged;
    if (!set.expand || (set.expand_for == asked_by::users && !client.authenticated())) return reply{replies::expn_disabled};
    return detail::ask_command(*this, set.expand, "expand", client, argument);
}

MAILQUAY_DECL eventual<reply> pipeline::command(session_info const& client, std::string_view name, std::string_view argument) const {
    for (auto const& one : frozen_->plugged.extensions)
        if (command_handler const* const answers = one->handler_of(name))
            return detail::ask_command(*this, *answers, "command", client, argument);
    return reply{replies::not_implemented};
}

MAILQUAY_DECL void pipeline::close(session_info const& client) const noexcept {
    for (policy* one : frozen_->of(policy_stage::close)) one->on_close(client);
}

MAILQUAY_DECL bool pipeline::observed(observation_kind kinds) const noexcept { return has(frozen_->observed, kinds); }

MAILQUAY_DECL void pipeline::tell(observation const& what) const noexcept {
    if (!observed(what.kind)) return;
    for (auto const& [told, wants] : frozen_->observers)
        if (has(wants, what.kind)) told->on_event(what);
}

MAILQUAY_DECL message_needs pipeline::needs() const noexcept { return frozen_->needs; }
MAILQUAY_DECL handlers const& pipeline::plugged() const noexcept { return frozen_->plugged; }
MAILQUAY_DECL logger const& pipeline::log() const noexcept { return frozen_->log; }

}  // namespace mailquay::inline MAILQUAY_ABI

#include <mailquay/handler/impl/pipeline_auth.ipp>
#include <mailquay/handler/impl/pipeline_message.ipp>
