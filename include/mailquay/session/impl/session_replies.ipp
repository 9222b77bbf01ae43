#pragma once

#include <mailquay/session/impl/session.ipp>

#include <mailquay/protocol/replies.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL reply_buffer& session::out() {
    if (!out_) {
        out_ = memory_->take_replies();
        out_since_ = now_;
    }
    return *out_;
}

MAILQUAY_DECL void session::say(reply_text const& text) {
    if (!out_ || !out_->has_room()) return say_with_room(text);
    std::size_t const from = out_->size();
    out_->append_in_room(text);
    if (config_->id_in_refusals) sign(from);
}

/// The first reply of a buffer, or one that it must grow for.
MAILQUAY_DECL void session::say_with_room(reply_text const& text) {
    out().make_room();
    say(text);
}

MAILQUAY_DECL void session::say(reply const& text) { say(text.code, text.enhanced, text.text); }

MAILQUAY_DECL void session::say(int code, std::string_view enhanced, std::string_view text, bool allow_utf8) {
    std::size_t const from = output_end();
    std::string made;
    append_reply(made, code, enhanced, text, allow_utf8);
    out().append(made);
    sign(from);
}

/// The reply a verdict carries; where it carries none, the stage's usual one.
MAILQUAY_DECL void session::say(verdict const& given, reply_text const& usual) {
    if (given.named() != nullptr) return say(*given.named());
    if (given.is_bare() || (given.code() == 0 && given.text().empty())) return say(usual);
    std::string_view const text = given.text().empty() ? usual.text() : given.text();
    if (given.code() == 0)
        say(usual.code(), usual.enhanced(), text);
    else
        say(given.code(), given.enhanced(), text);
}

/// Puts the transaction's id behind a refusal, where the listener wants that (`id_in_refusals`).
MAILQUAY_DECL void session::sign(std::size_t from) {
    constexpr std::size_t line_octets = 512;
    if (!config_->id_in_refusals || !work_ || work_->mail.id().empty() || out_->view()[from] < '4') return;
    std::size_t const last = out_->view().rfind('\n', out_->size() - 2);
    std::size_t const line = out_->size() - (last == std::string::npos ? 0 : last + 1);
    if (line + transaction_id::octets + 3 > line_octets) return;
    out_->cut(out_->size() - 2);
    for (std::string_view const part : {std::string_view{" ["}, work_->mail.id(), std::string_view{"]\r\n"}}) out_->append(part);
}

MAILQUAY_DECL void session::syntax_error(reply const& text) {
    if (++totals_.syntax_errors > config_->budgets.syntax)
        return close_with(replies::too_many_errors, close_reason::too_many_errors);
    say(text);
    command_boundary();
}

MAILQUAY_DECL void session::out_of_sequence() {
    // What an earlier refusal of the same run explains is no mistake of the client's (RFC 2920 §3.1).
    if (!(forgiven_ && excused()) && ++totals_.sequence_errors > config_->budgets.sequence)
        return close_with(replies::too_many_errors, close_reason::too_many_errors);
    reply said{replies::bad_sequence};
    said.text.append("; expected ").append(expected(state_, info_.lmtp()));
    say(said);
    command_boundary();
}

/// Has the reply that stands at `from` in the output told, if it is a refusal.
MAILQUAY_DECL void session::note_refusal(std::size_t from, verb of, bool of_message) noexcept {
    if (output_end() <= from || out_->view()[from] < '4') return;
    refused_at_ = static_cast<std::uint32_t>(from);
    refused_verb_ = of;
    refused_message_ = of_message;
    will_tell(tell_refused);
}

MAILQUAY_DECL void session::stop_between_commands() {
    if (phase_ != phase::command || open_ != 0 || delayed_) return;
    if (state_ > session_state::ready && state_ != session_state::chunks_failed) return;
    if (hold_ && !in_hold_) return;  // a command is half there
    close_with(replies::service_stopping, close_reason::stopped);
}

MAILQUAY_DECL void session::close(close_reason why) noexcept {
    if (phase_ == phase::closing) return;
    withdraw();
    // Between chunks a message may be under way whatever ends the connection.
    abort_message(why == close_reason::stopped     ? abort_reason::stopped
                  : why == close_reason::timed_out ? abort_reason::timed_out
                                                   : abort_reason::refused);
    phase_ = phase::closing;
    close_reason_ = why;
    will_tell(tell_closed);
    if (exchange_) end_exchange(unsaid_outcome(), output_end());
    delayed_.reset();
    drop_input();
}

MAILQUAY_DECL void session::close_with(reply_text const& last, close_reason why) {
    if (phase_ == phase::closing) return;
    say(last);
    close(why);
}

}  // namespace mailquay::inline MAILQUAY_ABI
