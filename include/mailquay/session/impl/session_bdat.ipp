#pragma once

#include <mailquay/session/impl/session.ipp>
#include <mailquay/session/impl/session_commands.ipp>

#include <mailquay/protocol/bdat_command.hpp>
#include <mailquay/protocol/replies.hpp>

#include <algorithm>

// BDAT (RFC 3030): a message in counted chunks. It goes through the same events and checks as one by DATA; only its end is found
// by counting. Whatever becomes of a chunk, its octets are read, or the connection ends.

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL session::step session::bdat(std::string_view line, parsed<command_line> const& found, std::optional<event>& given) {
    auto const lost_count = [this](reply_text const& why) {
        close_with(why, close_reason::lost_framing);
        return step::go_on;
    };
    if (!chunking()) return lost_count(replies::unknown_command);
    if (!found || detail::has_bare_octets(line)) return lost_count(replies::bad_argument);
    auto const chunk = parse_bdat_argument(found->argument);
    if (!chunk) return lost_count(to_reply(chunk.error()));
    bool const lacks_tls = config_->require_tls && !info_.secure();
    // Nothing but its octets bounds how often a chunk may come.
    if (((chunk->octets == 0 && !chunk->last) || lacks_tls) && !junk_allowed()) return step::go_on;

    if (!work_) {  // out of order: only to count what is dropped
        work_ = memory_->take_work();
        work_->mail.session_ = &info_;
    }
    reception& message = work_->message;
    message.chunked = true;
    message.chunk_left = chunk->octets;
    message.last_chunk = chunk->last;
    if (lacks_tls) {
        message.bad_command = true;
        refuse_message(replies::tls_required);
    } else if (!message.refused) {
        bool const bad_space = !config_->leniency.trailing_space && is_wsp(line.back());
        judge_chunk(*chunk, bad_space           ? &replies::bad_argument
                            : chunk->bad_marker ? &to_reply(refusal{protocol_errc::bad_end_marker})
                                                : nullptr);
    }
    if (phase_ == phase::closing) return step::go_on;
    if (message.refused) return drop_chunk(), step::go_on;
    if (state_ == session_state::recipients_given) {
        message_told_ = true;
        given.emplace(message_started{ask(question::started), &work_->mail});
        return step::event_given;
    }
    phase_ = phase::message;
    since_ = now_;
    return step::go_on;
}

MAILQUAY_DECL bool session::chunking() const noexcept { return config_->extensions.find("CHUNKING") != nullptr; }

/// Refuses what can be refused before the chunk's first octet.
/// @param mistake  the reply to what is wrong with the line; null for nothing
MAILQUAY_DECL void session::judge_chunk(bdat_command const& chunk, reply_text const* mistake) {
    reception& message = work_->message;
    bool const in_order = info_.extended() && legal(state_, verb::bdat);
    if (in_order && mistake == nullptr) {
        std::uint64_t const most = config_->limits.message_octets;
        if (most != 0 && chunk.octets > most - std::min(most, message.octets)) refuse_message(replies::message_too_big);
        return;
    }
    bool const spent = in_order ? ++totals_.syntax_errors > config_->budgets.syntax
                                : !(forgiven_ && excused()) && ++totals_.sequence_errors > config_->budgets.sequence;
    if (spent) return close_with(replies::too_many_errors, close_reason::too_many_errors);
    message.bad_command = true;
    if (in_order) return refuse_message(*mistake);
    if (state_ == session_state::mail_given && info_.extended()) return refuse_message(replies::no_valid_recipients);
    reply_text const& usual = replies::bad_sequence;
    std::string text{usual.text()};
    text.append("; expected ").append(expected(state_, info_.lmtp()));
    refuse_message(reject(usual.code(), std::string(usual.enhanced()), std::move(text)));
}

/// The chunk under way is refused already: none of its octets is looked at.
MAILQUAY_DECL void session::drop_chunk() {
    reception& message = work_->message;
    phase_ = phase::message;
    since_ = message.drain_since = now_;
    message.dropping = true;
    bound_rest_of_chunk();
}

/// A message just refused: what its chunk still holds is passed over, unless that is more than it is worth.
MAILQUAY_DECL void session::bound_rest_of_chunk() {
    reception& message = work_->message;
    message.drained += message.chunk_left;
    if (message.drained <= config_->limits.drain_octets) return;
    say_refusal();
    close(close_reason::refused);
}

/// The host has answered `message_started`, asked at the first chunk. There is no 354: the octets are on their way.
MAILQUAY_DECL void session::begin_chunks(verdict const& given) {
    forgiven_ = false;
    if (given.refuses()) {
        reply_text const& usual = given.kind() == verdict_kind::defer ? replies::deferred : replies::transaction_failed;
        verdict why = given;
        if (!why.has_reply() && why.text().empty()) why = verdict::make(given.kind(), usual);
        if (given.closes()) why.then_close();
        refuse_message(std::move(why));
        return drop_chunk();
    }
    if (given.closes()) return close_with(replies::service_stopping, close_reason::refused);
    work_->message.header_given = !config_->hold_headers;
    if (config_->add_received) write_received();
    phase_ = phase::message;
    since_ = now_;
}

MAILQUAY_DECL session::step session::advance_chunk(std::optional<event>& given) {
    reception& message = work_->message;
    bool const lines = work_->mail.parameters_.body != body_type::binary_mime;
    bool const repairs = lines && config_->line_endings == line_ending_policy::normalise;
    bool const looks = lines && config_->line_endings == line_ending_policy::refuse;
    if (message.refused) message.held.clear();  // only now: a hook that was overtaken may have looked at it
    for (;;) {
        if (message.header_given && !message.held.empty() && !message.refused) return offer_chunk(message.held, true, given);
        if (message.chunk_left == 0 && (!message.last_chunk || message.ended)) return chunk_over(given);
        if (message.chunk_left != 0 && !next_region()) return step::wait;

        auto const size = static_cast<std::size_t>(std::min(static_cast<std::uint64_t>(end_ - cur_), message.chunk_left));
        std::span<char> octets{cur_, size};
        cur_ += size;
        message.chunk_left -= size;
        message.window_octets += size;
        message.ended = message.last_chunk && message.chunk_left == 0;
        if (message.dropping) continue;

        bool const was_refused = message.refused;
        if (looks) {
            bool const bare = message.bare_line_ends.feed({octets.data(), size});
            if (bare || (message.ended && message.bare_line_ends.ended())) refuse_message(replies::bare_line_ending);
        }
        if (repairs) {
            message.repaired.clear();
            message.normaliser.append(message.repaired, {octets.data(), size});
            if (message.ended) message.normaliser.finish(message.repaired);
            octets = message.repaired;
        }
        // Measured also when it is dropped: which refusal it gets must not depend on how the octets were cut.
        check_limits({octets.data(), octets.size()});
        if (message.refused) {
            if (was_refused) continue;
            return bound_rest_of_chunk(), step::go_on;
        }
        if (step const went = take_octets(octets, repairs, given); went != step::wait) return went;
    }
}

/// The last octet of a chunk was taken or dropped: now it is answered.
MAILQUAY_DECL session::step session::chunk_over(std::optional<event>& given) {
    reception& message = work_->message;
    if (!message.refused) {
        if (message.last_chunk) return end_message(given);
        state_ = session_state::chunks_given;
        say(replies::chunk_ok);
    } else {
        bool const closes = message.refusal.closes();
        say_refusal();
        if (state_ <= session_state::ready) {
            drop_work();  // there was no transaction
        } else if (message.last_chunk) {
            message_over(false);
        } else {
            state_ = session_state::chunks_failed;
        }
        if (closes) return close(close_reason::refused), step::go_on;
    }
    if (phase_ == phase::closing) return step::go_on;
    phase_ = phase::command;
    since_ = now_;
    command_boundary();
    return step::go_on;
}

}  // namespace mailquay::inline MAILQUAY_ABI
