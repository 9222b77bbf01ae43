#pragma once

#include <mailquay/session/impl/session.ipp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/message/received.hpp>
#include <mailquay/protocol/replies.hpp>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <iterator>

namespace mailquay::inline MAILQUAY_ABI {

/// The host is ready for the message: 354.
MAILQUAY_DECL void session::begin_message() {
    forgiven_ = false;
    if (unconsumed_any()) {
        info_.set_talked_ahead();
        if (config_->refuse_talking_ahead) {
            abort_message(abort_reason::refused);
            return close_with(replies::talked_ahead, close_reason::lost_framing);
        }
    }
    work_->message.header_given = !config_->hold_headers;
    if (config_->add_received) write_received();
    say(replies::start_mail_input);
    asks_follow_ = config_->refuse_talking_ahead;
    phase_ = phase::message;
    since_ = now_;
}

MAILQUAY_DECL void session::write_received() {
    transaction& mail = work_->mail;
    std::string_view const id = mail.id();
    bool const utf8 = mail.parameters_.smtputf8;
    if (!trace_ || trace_->of_version != info_.version() || trace_->utf8 != utf8) [[unlikely]] {
        std::string address;
        if (!info_.client().address.is_none()) info_.client().address.append_to(address);
        received_fields parts;
        if (info_.authenticated()) parts.client = config_->received_client;
        parts.helo = info_.hello_name();
        parts.ptr = info_.verified_ptr();
        parts.address = address;
        parts.hostname = config_->hostname;
        parts.with = with_keyword(info_.extended(), info_.lmtp(), utf8, info_.secure(),
                                  info_.authenticated() || !info_.claimed_user().empty());
        parts.id = id;
        if (tls_info const* const tls = info_.tls()) {
            parts.tls_cipher = tls->cipher;
            parts.tls_group = tls->group;
            parts.tls_protocol = tls->protocol;
        }
        auto made = trace_ ? std::move(trace_) : memory_->take_trace();  // of another client, perhaps
        begin_received(made->begin, parts);
        made->of_version = info_.version();
        made->utf8 = utf8;
        trace_ = std::move(made);
    }
    std::string_view recipient;
    // With more recipients the field would tell each of the others, Bcc among them.
    if (mail.accepted_ == 1) {
        address const& to = mail.recipients_.front().forward_path;
        recipient = to.wire;
        // A domain can go on to hosts without SMTPUTF8; the header that names it must not stand in its way.
        if (utf8 && !is_ascii(to.wire)) {
            std::string_view const local_part = to.wire.substr(0, to.wire.rfind('@') + 1);
            if (is_ascii(local_part)) recipient = mail.text_.copy(std::string{local_part}.append(to.domain));
        }
    }
    std::string_view const date = memory_->date();
    char* const field = mail.text_.take(most_received_octets(trace_->begin, id, recipient, date));
    std::size_t const octets = mailquay::write_received(field, trace_->begin, id, recipient, date);
    mail.text_.keep_up_to(field + octets);
    mail.received_field_ = {field, octets};
}

MAILQUAY_DECL session::step session::advance_message(std::optional<event>& given) {
    reception& message = work_->message;
    if (message.chunked) return advance_chunk(given);
    if (message.refused) message.held.clear();  // only now: a hook that was overtaken may have looked at it
    for (;;) {
        if (message.header_given && !message.held.empty() && !message.refused)
            return offer_chunk(message.held, true, given);
        if (message.ended) return end_message(given);
        if (!next_region()) return step::wait;

        auto const decoded = message.decoder.decode({cur_, end_});
        cur_ += decoded.consumed;
        message.window_octets += decoded.consumed;
        message.ended = decoded.end;
        bool const was_refused = message.refused;
        if (decoded.bad && config_->line_endings == line_ending_policy::refuse) refuse_message(replies::bare_line_ending);

        bool const repairs = config_->line_endings == line_ending_policy::normalise;
        bool const ours = repairs || !decoded.prefix.empty();
        std::span<char> octets = decoded.octets;
        if (ours) {
            message.repaired.clear();
            std::string_view const given_octets{octets.data(), octets.size()};
            if (repairs) {
                message.normaliser.append(message.repaired, decoded.prefix);
                message.normaliser.append(message.repaired, given_octets);
                if (message.ended) message.normaliser.finish(message.repaired);
            } else {
                message.repaired.append(decoded.prefix).append(given_octets);
            }
            octets = message.repaired;
        }
        // What is dropped is measured too: which refusal it gets must not depend on how the octets were cut.
        check_limits({octets.data(), octets.size()});
        if (!message.refused) {
            if (step const went = take_octets(octets, ours, given); went != step::wait) return went;
            continue;
        }
        message.drained += decoded.consumed;
        if (!message.ended && message.drained > config_->limits.drain_octets) {
            say_refusal();
            close(close_reason::refused);
        }
        if (!was_refused || phase_ == phase::closing) return step::go_on;
    }
}

/// Takes the next octets of the message. @return wait: go on with the next input
MAILQUAY_DECL session::step session::take_octets(std::span<char> octets, bool ours, std::optional<event>& given) {
    reception& message = work_->message;
    if (message.header_given) return octets.empty() ? step::wait : offer_chunk(octets, ours, given);
    message.held.append(octets.data(), octets.size());
    if (!message.header.finished() && !message.ended) return step::wait;
    std::string_view const header = std::string_view{message.held}.substr(0, message.header.octets());
    given.emplace(headers_complete{ask(question::headers), &work_->mail, header});
    return step::event_given;
}

MAILQUAY_DECL session::step session::offer_chunk(std::span<char const> octets, bool ours, std::optional<event>& given) {
    work_->message.chunk_is_ours = ours;
    given.emplace(message_chunk{ask(question::chunk), &work_->mail, octets});
    return step::event_given;
}

MAILQUAY_DECL session::step session::end_message(std::optional<event>& given) {
    reception& message = work_->message;
    if (message.refused) {
        say_refusal();
        bool const closes = message.refusal.closes();
        message_over(false);
        if (closes) close(close_reason::refused);
        return step::go_on;
    }
    given.emplace(message_complete{ask(question::complete), &work_->mail, message.octets, message.normaliser.repaired()});
    return step::event_given;
}

MAILQUAY_DECL void session::check_limits(std::string_view octets) {
    reception& message = work_->message;
    session_limits const& limits = config_->limits;
    message.octets += octets.size();
    if (limits.message_octets != 0 && message.octets > limits.message_octets) return refuse_message(replies::message_too_big);
    if (!message.header.finished()) check_header(octets);
    if (config_->refuse_nul || config_->strict_eight_bit || limits.text_line_octets != 0) check_text(octets);
}

MAILQUAY_DECL void session::check_header(std::string_view octets) {
    reception& message = work_->message;
    session_limits const& limits = config_->limits;
    // Shown up to one octet above the limit: behind it a first line without a colon may end and say that there is no header,
    // and the reply must not depend on whether that came along.
    while (!octets.empty() && !message.header.finished() && message.header.octets() <= limits.header_octets) {
        std::size_t const piece = std::min(octets.size(), limits.header_octets + 1 - message.header.octets());
        message.header.feed(octets.substr(0, piece));
        octets.remove_prefix(piece);
    }
    if (message.header.octets() > limits.header_octets || message.header.fields() > limits.header_fields)
        refuse_message(replies::header_too_big);
    else if (message.ended)
        message.header.message_ended();
    if (message.header.hops() > limits.hops) refuse_message(replies::hop_limit);
}

/// What only some listeners ask of a message's octets.
MAILQUAY_DECL void session::check_text(std::string_view octets) {
    reception& message = work_->message;
    if (config_->refuse_nul && octets.find('\0') != std::string_view::npos) return refuse_message(replies::nul_in_message);
    mail_parameters const& declared = work_->mail.parameters_;
    if (config_->strict_eight_bit && declared.body == body_type::seven_bit && !declared.smtputf8 && !is_ascii(octets))
        return refuse_message(replies::eight_bit_in_message);
    std::size_t const most = config_->limits.text_line_octets;
    if (most == 0 || declared.body == body_type::binary_mime) return;  // what is binary has no lines
    while (!octets.empty()) {
        std::size_t const lf = octets.find('\n');
        std::size_t const piece = std::min(lf, octets.size());
        // The CR counts into line_octets, so a full line may reach one more.
        if (message.line_octets + piece > most + 1) return refuse_message(replies::line_too_long_in_message);
        message.line_octets = lf == std::string_view::npos ? static_cast<std::uint32_t>(message.line_octets + piece) : 0;
        octets.remove_prefix(lf == std::string_view::npos ? piece : lf + 1);
    }
}

namespace detail {
/// Which refusal a message gets that deserves several: the first of these, then a hook's.
inline constexpr reply_text const* message_refusals[] = {
    &replies::message_too_big, &replies::header_too_big,       &replies::hop_limit,               &replies::bare_line_ending,
    &replies::nul_in_message,  &replies::eight_bit_in_message, &replies::line_too_long_in_message,
};
inline auto refusal_rank(verdict const& why) noexcept {
    return std::find(std::begin(message_refusals), std::end(message_refusals), why.named());
}
}  // namespace detail

/// From here on the message is read to its end and dropped; then this is the reply.
MAILQUAY_DECL void session::refuse_message(verdict why) {
    reception& message = work_->message;
    abort_message(abort_reason::refused);
    if (message.refused) {
        if (detail::refusal_rank(why) >= detail::refusal_rank(message.refusal)) return;
        if (message.refusal.closes()) why.then_close();
    } else {
        message.drain_since = now_;
    }
    message.refused = true;
    message.refusal = std::move(why);
}

MAILQUAY_DECL void session::refuse_message(reply_text const& why) {
    refuse_message(verdict::make(why.code() >= 500 ? verdict_kind::reject : verdict_kind::defer, why));
}

/// A hook refused what it was shown of the message, or did not answer in time.
MAILQUAY_DECL void session::hook_refused_message(verdict why) {
    bool const was_refused = work_->message.refused;
    refuse_message(std::move(why));
    if (work_->message.chunked && !was_refused) bound_rest_of_chunk();
}

MAILQUAY_DECL void session::say_refusal() {
    verdict const& why = work_->message.refusal;
    reply_text const& usual = why.kind() == verdict_kind::defer ? replies::local_error : replies::transaction_failed;
    reception const& message = work_->message;
    bool const for_each = info_.lmtp() && (!message.chunked || message.last_chunk) && work_->mail.accepted_ != 0;
    std::size_t const times = for_each ? work_->mail.accepted_ : 1;
    std::size_t const replied = output_end();
    for (std::size_t i = 0; i < times; ++i) say(why, usual);
    // A hook's refusal is known to the host; the session's own is not. It is told once, whatever follows of the message.
    if (state_ == session_state::chunks_failed) return;
    if (message.bad_command) return note_refusal(replied, verb::bdat);
    if (detail::refusal_rank(why) != std::end(detail::message_refusals)) note_refusal(replied, verb::data, true);
}

MAILQUAY_DECL void session::settle_delivery(delivery const& given) {
    if (given.is_unanswered()) {
        drop_work();
        return close(close_reason::unanswered);
    }
    std::size_t const count = work_->mail.accepted_;
    static verdict const undecided = defer(replies::local_error);
    bool const fits = given.is_single() || given.each().size() == count;
    bool accepted = false;
    bool closes = false;
    auto const outcome = [&](verdict const& one) {
        verdict const& decided = one.passes() ? undecided : one;
        accepted = accepted || decided.accepts();
        closes = closes || decided.closes();
        say_outcome(decided);
    };
    bool const one_for_all = given.is_single() && !given.all().accepts();
    if (fits && !one_for_all && !info_.lmtp() && work_->mail.reply_for_each()) {
        for (std::size_t i = 0; i < count; ++i) {
            accepted = accepted || given.accepted_for(i);
            closes = closes || (given.is_single() ? given.all() : given.each()[i]).closes();
        }
        say_for_each(given);
    } else if (!fits)
        for (std::size_t i = 0; i < (info_.lmtp() ? count : 1); ++i) outcome(undecided);
    else if (!info_.lmtp())
        outcome(given.combined());
    else
        for (std::size_t i = 0; i < count; ++i) outcome(given.is_single() ? given.all() : given.each()[i]);
    message_over(accepted);
    if (closes) close(close_reason::refused);
}

MAILQUAY_DECL void session::say_outcome(verdict const& outcome) {
    if (outcome.refuses())
        return say(outcome, outcome.kind() == verdict_kind::defer ? replies::local_error : replies::transaction_failed);
    if (outcome.has_reply() || !outcome.text().empty()) return say(outcome, replies::accepted);
    say_queued();
}

/// The promise to keep the message.
MAILQUAY_DECL void session::say_queued() {
    constexpr std::string_view begin = "250 2.0.0 Ok: queued as ";
    constexpr std::size_t octets = begin.size() + transaction_id::octets + 2;
    static_assert(octets <= reply_text::max_octets);
    std::string_view const id = work_->mail.id();
    assert(id.size() == transaction_id::octets);
    out().make_room();
    char* const to = out_->take_in_room(octets);
    std::memcpy(to, begin.data(), begin.size());
    std::memcpy(to + begin.size(), id.data(), transaction_id::octets);
    std::memcpy(to + octets - 2, "\r\n", 2);
}

MAILQUAY_DECL void session::message_over(bool accepted) {
    message_told_ = false;
    forgiven_ = false;
    drop_work();
    phase_ = phase::command;
    state_ = session_state::ready;
    since_ = now_;
    if (accepted) {
        ++totals_.messages;
        totals_.syntax_errors /= 2;
        totals_.sequence_errors /= 2;
        totals_.recipients_refused /= 2;
        totals_.junk = 0;
        last_message_ = now_;
    }
    command_boundary();
}

}  // namespace mailquay::inline MAILQUAY_ABI
