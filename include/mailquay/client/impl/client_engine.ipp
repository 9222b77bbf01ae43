#pragma once

#include <mailquay/client/client_engine.hpp>

#include <mailquay/client/impl/engine_session.ipp>
#include <mailquay/client/impl/engine_transaction.ipp>

#include <cassert>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL client_engine::client_engine(hop_settings const& settings, client_engine_config config, time_point now)
    : impl_(std::make_unique<impl>(settings, std::move(config), now)) {}
MAILQUAY_DECL client_engine::~client_engine() = default;

MAILQUAY_DECL void client_engine::feed(std::string_view octets) {
    impl& of = *impl_;
    while (!octets.empty() && of.current != impl::phase::ended) {
        if (of.current == impl::phase::handshake) {
            // Who speaks in clear where TLS begins may not be whom we asked (RFC 3207 §6).
            of.fail_hop(hop_problem::tls_failed, send_stage::starttls, {}, "the server sent octets in clear behind its reply to STARTTLS");
            break;
        }
        octets.remove_prefix(of.parser.feed(octets));
        switch (of.parser.state()) {
            case reply_parser::outcome::need_more: break;
            case reply_parser::outcome::complete:
                of.on_reply(of.parser.take());
                of.rearm();  // octets of an unfinished reply leave the wait as it is
                break;
            case reply_parser::outcome::garbled:
                of.fail_hop(hop_problem::garbled_reply, of.stage_now(), of.parser.take(), {});
                break;
            case reply_parser::outcome::endless:
                of.fail_hop(hop_problem::garbled_reply, of.stage_now(), of.parser.take(), "a reply without end");
                break;
        }
    }
}

MAILQUAY_DECL void client_engine::input_closed(std::error_code why) {
    impl& of = *impl_;
    if (of.current == impl::phase::quitting) return of.end();
    of.fail_hop(hop_problem::connection_lost, of.stage_now(), {}, why ? why.message() : "the server closed the connection");
}

MAILQUAY_DECL std::optional<client_event> client_engine::next_event() {
    if (impl_->events.empty()) return std::nullopt;
    client_event first = std::move(impl_->events.front());
    impl_->events.pop_front();
    return first;
}

MAILQUAY_DECL std::string_view client_engine::output() const noexcept {
    if (impl_->all_sent) impl_->end_seen = true;
    return impl_->unsent();
}

MAILQUAY_DECL void client_engine::output_sent(std::size_t octets) {
    impl& of = *impl_;
    of.out_sent += std::min(octets, of.unsent().size());  // what an engine gives up is no longer in its output
    if (of.out_sent == of.out.size()) {
        constexpr std::size_t kept_octets = 4096;
        if (of.out.capacity() > 2 * detail::output_is_low) of.out = {};
        if (of.out.capacity() < kept_octets) of.out.reserve(kept_octets);
        of.out.clear();
        of.out_sent = 0;
    }
    if (octets != 0 && of.current == impl::phase::message && of.doing == impl::step::content) {
        of.want_content();
        of.rearm();
    }
}

MAILQUAY_DECL void client_engine::time_is(time_point now) {
    impl& of = *impl_;
    of.now = now;
    if (std::exchange(of.moved, false)) of.deadline = of.next_deadline();
    if (!of.deadline || now < *of.deadline) return;
    if (of.current == impl::phase::quitting || (of.current == impl::phase::message && of.message == nullptr)) return of.end();
    bool const at_all = of.attempt_end && now >= *of.attempt_end;
    of.fail_hop(hop_problem::timed_out, of.stage_now(), {}, at_all ? "the whole attempt took too long" : "");
}

MAILQUAY_DECL std::optional<client_engine::time_point> client_engine::wake_at() const noexcept {
    return impl_->moved ? impl_->next_deadline() : impl_->deadline;
}

MAILQUAY_DECL void client_engine::keep_to_one_domain() noexcept { impl_->one_domain = true; }
MAILQUAY_DECL bool client_engine::keeps_to_one_domain() const noexcept { return impl_->one_domain; }

MAILQUAY_DECL void client_engine::send(outgoing_message const& message, std::vector<std::size_t> which) {
    assert(impl_->current == impl::phase::idle && !message.recipients.empty());
    impl_->begin(message, std::move(which));
    impl_->rearm();
}

MAILQUAY_DECL void client_engine::content(std::span<char const> octets) {
    impl& of = *impl_;
    if (of.current != impl::phase::message || of.doing != impl::step::content || !of.content_wanted) return;
    if (octets.empty()) return content_failed(std::make_error_code(std::errc::io_error));
    of.take_content({octets.data(), octets.size()});
    of.pump();
    of.rearm();
}

MAILQUAY_DECL void client_engine::content_failed(std::error_code why) {
    impl& of = *impl_;
    if (of.current != impl::phase::message || of.doing != impl::step::content || !of.content_wanted) return;
    of.content_wanted = false;
    of.out.clear();  // the server must not take what there is for the whole
    of.out_sent = 0;
    of.fail_hop(hop_problem::content_unreadable, send_stage::content, {}, why.message());
}

MAILQUAY_DECL void client_engine::tls_established(tls_info facts, tls_server_facts server) {
    impl& of = *impl_;
    if (of.current != impl::phase::handshake) return;
    of.current = impl::phase::opening;
    of.report.tls = std::move(facts);
    of.report.server = std::move(server);
    of.report.offers = {};
    if (of.settings.tls == tls_use::implicit) {
        of.expect(detail::owed::greeting);
    } else {
        of.say_hello();
    }
    of.rearm();
}

MAILQUAY_DECL void client_engine::tls_failed(std::string why, bool for_the_certificate) {
    impl& of = *impl_;
    if (of.current != impl::phase::handshake) return;
    of.fail_hop(for_the_certificate ? hop_problem::not_verified : hop_problem::tls_failed, send_stage::tls, {}, std::move(why));
}

MAILQUAY_DECL void client_engine::probe() {
    assert(impl_->current == impl::phase::idle);
    impl_->current = impl::phase::opening;
    impl_->begin_attempt();
    impl_->send_line("NOOP", detail::owed::noop);
    impl_->rearm();
}

MAILQUAY_DECL void client_engine::quit() {
    impl& of = *impl_;
    if (of.current == impl::phase::idle) {
        of.current = impl::phase::quitting;
        of.send_line("QUIT", detail::owed::quit);
        return of.rearm();
    }
    if (of.current == impl::phase::message && of.message != nullptr) return abort(hop_problem::cancelled);
    of.end();
}

MAILQUAY_DECL void client_engine::abort(hop_problem why) { impl_->fail_hop(why, impl_->stage_now(), {}, {}); }

MAILQUAY_DECL bool client_engine::wants_facts(outgoing_message const& message) const noexcept {
    auto const& offers = impl_->report.offers;
    bool const binary = offers.binarymime && offers.chunking && impl_->settings.chunking != chunking_use::off;
    return message.content && !message.facts && (message.smtputf8 || (message.body == body_type::binary_mime && !binary) ||
                              (message.body == body_type::eight_bit_mime && !offers.eight_bit_mime));
}

MAILQUAY_DECL bool client_engine::wants_priority_field(outgoing_message const& message) const noexcept {
    constexpr std::uint64_t field_octets = 20;
    auto const& offers = impl_->report.offers;
    bool const wanted = message.content && message.requests.priority && impl_->settings.priority_field && !offers.mt_priority;
    // Better without than too large.
    return wanted && !(offers.max_size && message.content->size() + field_octets > *offers.max_size);
}

MAILQUAY_DECL bool client_engine::handed_over() const noexcept {
    impl const& of = *impl_;
    if (of.current != impl::phase::message) return false;
    return of.doing == impl::step::finished || of.end_seen;
}

MAILQUAY_DECL send_report const& client_engine::report() const noexcept { return impl_->report; }

MAILQUAY_DECL std::uint64_t client_engine::messages_left() const noexcept {
    auto const& most = impl_->report.offers.most_messages;
    if (!most) return ~std::uint64_t{0};
    return *most - std::min<std::uint64_t>(*most, impl_->transactions_begun);
}

MAILQUAY_DECL bool client_engine::mail_answered() const noexcept { return impl_->mail_answered; }
MAILQUAY_DECL bool client_engine::ended() const noexcept { return impl_->current == impl::phase::ended; }

}  // namespace mailquay::inline MAILQUAY_ABI
