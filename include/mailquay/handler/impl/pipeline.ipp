#pragma once

#include <mailquay/handler/pipeline.hpp>

#include <mailquay/handler/impl/pipeline_stages.ipp>
#include <mailquay/handler/per_shard.hpp>
#include <mailquay/protocol/replies.hpp>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

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
                made->policed = made->policed | static_cast<policy_stage>(1u << bit);
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
        observed_ = observed_ | one->wants();
    }
    made->any_recipients = set.sink->takes_any_recipients();
    made->asks_validators_alone = !set.recipients.empty() && !has(made->policed, policy_stage::recipient | policy_stage::recipient_accepted);
    made->needs = needs_of(set);
    frozen_ = std::move(made);
}

MAILQUAY_DECL pipeline::~pipeline() = default;

MAILQUAY_DECL eventual<verdict> pipeline::connect(session_info const& client) const {
    detail::stage_question const about{policy_stage::connect, client};
    return frozen_->ask_policies(*this, about);
}

MAILQUAY_DECL eventual<verdict> pipeline::early_talk(session_info const& client) const {
    detail::stage_question const about{policy_stage::early_talk, client};
    return frozen_->ask_policies(*this, about);
}

MAILQUAY_DECL eventual<verdict> pipeline::hello(session_info const& client, std::string_view name) const {
    detail::stage_question about{policy_stage::hello, client};
    about.text = name;
    return frozen_->ask_policies(*this, about);
}

MAILQUAY_DECL eventual<verdict> pipeline::mail(transaction const& mail) const {
    detail::stage_question const about{policy_stage::mail, mail};
    return frozen_->ask_policies(*this, about);
}

MAILQUAY_DECL verdict pipeline::room(transaction const& mail, std::uint64_t octets) const noexcept {
    try {
        return frozen_->plugged.sink->has_room(octets) ? accept() : defer(replies::no_storage);
    } catch (...) {
        return detail::hook_failed(frozen_->log, "has_room", &mail.session(), &mail);
    }
}

MAILQUAY_DECL eventual<verdict> pipeline::recipient(transaction const& mail, mailquay::recipient const& to) const {
    frozen const& all = *frozen_;
    if (!all.asks_validators_alone) return all.walk_recipient(*this, mail, to);
    // No policy has a say, and mostly the first validator's plain yes is the answer.
    eventual<verdict> answer = all.ask_validator(0, mail, to);
    if (answer.ready() && answer.peek().is_plain_yes() && (all.any_recipients || mail.recipients().empty())) return answer;
    return all.walk_recipient(*this, mail, to, std::move(answer));
}

inline eventual<verdict> pipeline::frozen::walk_recipient(pipeline const& through, transaction const& mail, mailquay::recipient const& to,
                                                          std::optional<eventual<verdict>> first) const {
    detail::stage_question about{policy_stage::recipient, mail};
    about.to = &to;
    frozen::stage_walk walk{*this, about};
    if (first && !first->ready()) return detail::walk_on(through.shared_from_this(), std::move(walk), *std::move(first));
    if (first) walk.take(std::move(*first).value());
    return detail::run_walk(through, walk);
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
