#pragma once

#include <mailquay/handler/pipeline.hpp>

#include <mailquay/base/log_fields.hpp>
#include <mailquay/protocol/replies.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

// The stages of a conversation: whom each asks, in which order, and what their answers come to.

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
    std::string const id = client == nullptr ? std::string{} : log_id(*client, mail != nullptr ? mail->id() : std::string_view{});
    if (!id.empty()) line.add("id", id);
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

    /// The answer of a stage that only policies have a say in.
    eventual<verdict> ask_policies(pipeline const& through, detail::stage_question const& about) const;

    /// What the validator says, now or later; where it throws, what stands for its answer.
    eventual<verdict> ask_validator(std::size_t index, transaction const& mail, mailquay::recipient const& to) const noexcept {
        try {
            return plugged.recipients[index]->validate(mail, to);
        } catch (...) {
            return detail::hook_failed(log, "validate", &mail.session(), &mail);
        }
    }

    /// The answer to RCPT by all who have a say in it.
    /// @param first  the first validator's answer, if it was asked already, where no policy has a say before it
    eventual<verdict> walk_recipient(pipeline const& through, transaction const& mail, mailquay::recipient const& to,
                                     std::optional<eventual<verdict>> first = {}) const;

    /// Whether the sink takes this recipient, accepted by `given`, together with those of before; if not, `given` becomes the
    /// refusal.
    void keep_to_group(detail::stage_question const& about, verdict& given) const noexcept {
        if (any_recipients || about.mail->recipients().empty()) return;
        try {
            keep_with_others(about, given);
        } catch (...) {
            given = detail::hook_failed(log, "group", about.client, about.mail);
        }
    }

    // A sink that cannot undo limits what one transaction may hold. Replies of LMTP and PRDR map one to one: no groups there.
    void keep_with_others(detail::stage_question const& about, verdict& given) const {
        if (about.client->lmtp() || about.mail->parameters().prdr) return;
        if (!given.resolves()) return keep_with_others(*about.mail, *about.to, given);
        mailquay::recipient resolved = *about.to;
        std::vector<std::string_view> addresses;
        resolved.mailbox = given.resolved_mailbox();
        addresses.assign(given.resolved_addresses().begin(), given.resolved_addresses().end());
        resolved.addresses = addresses;
        keep_with_others(*about.mail, resolved, given);
    }
    void keep_with_others(transaction const& mail, mailquay::recipient const& next, verdict& given) const {
        message_sink const& sink = *plugged.sink;
        if (sink.group(next) != sink.group(mail.recipients().front())) given = defer(replies::one_destination);
        else if (!sink.takes_another(mail, next)) given = defer(replies::too_many_recipients);
    }

    handlers plugged;
    logger log;
    policy_stage policed{};                           // the stages that some policy has
    std::array<std::vector<policy*>, 9> stages{};     // those that have the stage, in order
    std::array<std::vector<policy*>, 9> about_users{};  // of them those that are asked about users in any case
    std::vector<message_needs> filter_needs{};        // one per filter
    std::size_t streamed = 0;                         // filters that are shown octets as they arrive
    std::vector<std::pair<observer*, observation_kind>> observers{};
    message_needs needs = message_needs::none;
    bool edits = false;
    bool any_recipients = false;                      // what `message_sink::takes_any_recipients()` said
    bool asks_validators_alone = false;               // about recipients: there is one at least, and no policy has a say
};

/// One stage under way: what was asked, who is asked next, what was settled.
class pipeline::frozen::stage_walk {
public:
    stage_walk(frozen const& all, detail::stage_question about) : all_(&all), about_(about), policies_(&all.of(about.stage, *about.client)) {
        next_phase_if_over();
    }

    bool done() const noexcept { return phase_ == phase::done; }

    eventual<verdict> ask() noexcept {
        if (phase_ == phase::validators) return all_->ask_validator(index_, *about_.mail, *about_.to);
        try {
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
        all_->keep_to_group(about_, settled_);
        if (settled_.refuses()) phase_ = phase::done;
        next_phase_if_over();
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

/// The answer of a stage, from where its walk stands: now if all are ready with theirs, else by one coroutine.
template <class Walk>
eventual<verdict> run_walk(pipeline const& through, Walk& walk) {
    std::optional<eventual<verdict>> pending;
    walk.run_until_pending(pending);
    if (!pending) return std::move(walk).result();
    return walk_on(through.shared_from_this(), std::move(walk), std::move(*pending));
}

}  // namespace detail

inline eventual<verdict> pipeline::frozen::ask_policies(pipeline const& through, detail::stage_question const& about) const {
    if (!has(policed, about.stage)) return accept();
    stage_walk walk{*this, about};
    return detail::run_walk(through, walk);
}

}  // namespace mailquay::inline MAILQUAY_ABI
