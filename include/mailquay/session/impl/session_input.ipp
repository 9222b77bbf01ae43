#pragma once

#include <mailquay/session/impl/session.ipp>
#include <mailquay/session/impl/session_auth.ipp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/secret.hpp>
#include <mailquay/protocol/detail/low_octets.hpp>
#include <mailquay/protocol/detail/plain_command.hpp>

#include <algorithm>
#include <cassert>
#include <cstring>

// Goal: O(octets fed) in total. A line that lies whole in the lent buffer is parsed where it lies; only a line that is cut
// by the end of a buffer is copied, and then only searched where it grows.

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {
/// Moves octets to the end of `text`; neither they nor what `text` held stay behind where they were.
inline void move_to_end(std::string& text, std::span<char> octets) {
    if (std::size_t const needed = text.size() + octets.size(); needed > text.capacity()) {
        std::string larger;
        larger.reserve(std::max(needed, 2 * text.capacity()));
        larger.append(text);
        wipe(text);
        text.swap(larger);
    }
    text.append(octets.data(), octets.size());
    wipe(octets);
}
}  // namespace detail

MAILQUAY_DECL void session::feed(std::span<char> octets) {
    assert(wants_input());
    if (octets.empty()) return;
    paused_ = false;
    asks_follow_ = false;
    if (phase_ == phase::message) since_ = now_;
    next_region();
    cur_ = octets.data();
    end_ = cur_ + octets.size();
    in_hold_ = false;
}

MAILQUAY_DECL void session::keep_rest() {
    assert(!views_buffer());
    // AUTH may be among what is kept, also where it is out of order: no copy of a secret stays in the lender's buffer.
    if (in_hold_) {
        if (lent_ == lent_end_) return;
        auto const at = cur_ - hold_->data();
        detail::move_to_end(*hold_, {lent_, lent_end_});
        cur_ = hold_->data() + at;
        end_ = hold_->data() + hold_->size();
        lent_ = lent_end_ = nullptr;
        return;
    }
    if (cur_ == end_) return;
    if (!hold_) hold_ = memory_->take_buffer();
    detail::move_to_end(*hold_, {cur_, end_});  // behind the partial line that it goes on with, if there is one
    cur_ = hold_->data();
    end_ = cur_ + hold_->size();
    in_hold_ = true;
}

/// Moves on from a worked-off region. @return whether there are octets
MAILQUAY_DECL bool session::next_region() noexcept {
    if (cur_ != end_) return true;
    if (in_hold_) {
        memory_->give_back(std::move(hold_));
        in_hold_ = false;
        cur_ = lent_;
        end_ = lent_end_;
        lent_ = lent_end_ = nullptr;
        return cur_ != end_;
    }
    cur_ = end_ = nullptr;
    return false;
}

MAILQUAY_DECL void session::drop_input() noexcept {
    // hold_ stays until the session goes: a hook that was withdrawn may still look at octets in it, though not at unread ones.
    // Unread octets may hold a secret.
    wipe({cur_, end_});
    wipe({lent_, lent_end_});
    cur_ = end_ = lent_ = lent_end_ = nullptr;
    in_hold_ = false;
    skipping_ = false;
}

/// Lets go of what is over. Only now: until the host came back for more, an overtaken hook might look at it.
MAILQUAY_DECL void session::tidy_up() {
    if (!asked_text_.empty() && open_ == 0 && phase_ != phase::closing) forget_asked_text();
    if (changed_ && open_ == 0) changed_.reset();
    if (run_over_) end_run();
    if (drop_work_) {
        drop_work_ = false;
        memory_->give_back(std::move(work_));
    }
    if (exchange_ && exchange_->over && phase_ == phase::command) exchange_.reset();
    untidy_ = !asked_text_.empty() || changed_ || (exchange_ && exchange_->over);
}

MAILQUAY_DECL session::step session::advance(std::optional<event>& given) {
    if (untidy_) tidy_up();
    switch (phase_) {
        case phase::connecting:
            if (connected_told_) return step::wait;
            connected_told_ = true;
            given.emplace(connected{ask(question::connected)});
            return step::event_given;
        case phase::greeting:
            if (open_ != 0 || early_told_ || cur_ == end_) return step::wait;
            early_told_ = true;
            info_.set_talked_ahead();
            given.emplace(early_talk{ask(question::early_talk)});
            return step::event_given;
        case phase::command: return advance_command(given);
        case phase::message: return open_ != 0 ? step::wait : advance_message(given);
        case phase::securing:
        case phase::closing: break;
    }
    return step::wait;
}

/// While RCPT questions are open, a further RCPT of the same run may be asked, as far as the limit allows and without
/// moving the recipients that open hooks look at.
MAILQUAY_DECL bool session::run_of_recipients_goes_on() const noexcept {
    if (asked_ != question::recipient || open_ >= config_->limits.recipients_in_flight || open_ == most_open) return false;
    if (work_->mail.recipients_.size() == work_->mail.recipients_.capacity()) return false;
    // At the limit it matters how many of the open ones are accepted, and for domains which.
    if (config_->limits.recipient_domains != 0) return false;
    if (work_->mail.recipients_.size() >= most_recipients()) return false;
    // Only a whole line that is certain to be read as RCPT: any other reply would overtake those still owed.
    if (end_ - cur_ < 5 || !iequals({cur_, 5}, "RCPT ")) return false;
    auto const* const lf = static_cast<char const*>(std::memchr(cur_, '\n', static_cast<std::size_t>(end_ - cur_)));
    if (lf == nullptr || lf[-1] != '\r') return false;
    std::string_view const line{cur_, static_cast<std::size_t>(lf - 1 - cur_)};
    return line.size() + 2 <= config_->limits.command_line_octets && !detail::has_bare_octets(line);
}

MAILQUAY_DECL session::step session::advance_command(std::optional<event>& given) {
    if (open_ != 0 && !run_of_recipients_goes_on()) return step::wait;
    if (output().size() > config_->limits.output_octets) return step::wait;
    if (!next_region()) return step::wait;
    std::string_view line;
    verb const spoken = take_plain_line(line);
    if (spoken == verb::unknown) return advance_any_command(given);

    ++totals_.commands;
    last_verb_ = spoken;
    host_verb_ = 0;
    std::size_t const replied = output_end();
    step went = step::go_on;
    if (spoken == verb::data) {
        went = data(false, given);
    } else {
        std::string_view const argument{line.data() + 5, line.size() - 5};
        went = spoken == verb::rcpt ? rcpt(argument, given) : mail(argument, given);
    }
    if (went == step::go_on) answered_at_once(replied);
    return went;
}

/// MAIL, RCPT and DATA as nearly every client sends them: a whole line without an octet below 32, of which nothing can be true
/// that `command()` looks for. @return the verb of the one that was taken, or `unknown`; with an argument, its `line` is given
MAILQUAY_DECL verb session::take_plain_line(std::string_view& line) noexcept {
    if (!spoken_to_ || skipping_ || stopping_ || exchange_ || (hold_ && !in_hold_)) return verb::unknown;
    if (config_->require_tls && !info_.secure()) return verb::unknown;
    if (detail::is_data_line({cur_, end_})) {  // mostly the last of a batch, where the search below would go octet by octet
        cur_ = end_;
        return verb::data;
    }
    char const* const low = detail::first_low_octet(cur_, end_);
    if (end_ - low < 2 || low[0] != '\r' || low[1] != '\n') return verb::unknown;
    line = {cur_, static_cast<std::size_t>(low - cur_)};
    if (line.size() + 2 > config_->limits.command_line_octets) return verb::unknown;
    verb const spoken = detail::plain_verb(line);
    if (spoken == verb::unknown) return verb::unknown;
    cur_ += line.size() + 2;
    return spoken;
}

MAILQUAY_DECL session::step session::advance_any_command(std::optional<event>& given) {
    if (!first_octet_seen_) {
        first_octet_seen_ = true;
        if (*cur_ == tls_handshake_octet && !info_.secure()) return close(close_reason::not_smtp), step::go_on;
    }
    if (responding()) return advance_exchange(given);
    std::string_view line;
    std::size_t const replied = output_end();
    last_verb_ = verb::unknown;
    host_verb_ = 0;
    switch (next_line(line)) {
        case line_found::none: return step::wait;
        case line_found::too_long:
            overlong_line();
            note_refusal(replied, last_verb_);
            return step::go_on;
        case line_found::whole: break;
    }
    step const went = command(line, given);
    if (last_verb_ == verb::auth) detail::wipe_line(line);
    if (went == step::go_on) answered_at_once(replied);
    return went;
}

/// A command led to no question. Its reply, if there is one, begins at `replied`.
MAILQUAY_DECL void session::answered_at_once(std::size_t replied) noexcept {
    if (!tells(tell_refused)) note_refusal(replied, last_verb_);
    // A line joined in hold_ stays until what it led to was told: nothing views it after command() returned.
    if (open_ == 0) since_ = now_;
}

MAILQUAY_DECL session::line_found session::next_line(std::string_view& line) {
    if (skipping_) return skip_line();
    if (hold_ && !in_hold_) return join_line(line);
    char* from = cur_;
    while (from != end_) {
        auto* const lf = static_cast<char*>(std::memchr(from, '\n', static_cast<std::size_t>(end_ - from)));
        if (lf == nullptr) break;
        bool const crlf = lf != cur_ && lf[-1] == '\r';
        if (crlf || config_->leniency.bare_lf_in_commands) {
            auto const octets = static_cast<std::size_t>(lf + 1 - cur_);
            line = {cur_, octets - (crlf ? 2 : 1)};
            cur_ = lf + 1;
            if (octets <= config_->limits.command_line_octets || octets <= line_limit(line)) return line_found::whole;
            skipped_head_ = detail::head_of_overlong(std::string_view{line.data(), octets}.substr(0, config_->limits.command_line_octets));
            if (secret_line(line)) detail::wipe_line(line);
            return line_found::too_long;
        }
        from = lf + 1;
    }
    keep_partial_line();
    if (skipping_) return skip_line();
    return cur_ != end_ ? join_line(line) : line_found::none;
}

/// The octets from cur_ on begin a line that does not end in this region: moves them into hold_, or begins to skip them.
MAILQUAY_DECL void session::keep_partial_line() {
    auto const octets = static_cast<std::size_t>(end_ - cur_);
    bool const secret = secret_line({cur_, octets});
    if (octets >= config_->limits.command_line_octets && octets >= line_limit({cur_, octets})) {
        skipping_ = true;
        skipped_cr_ = end_[-1] == '\r';
        skipped_head_ = detail::head_of_overlong({cur_, config_->limits.command_line_octets});
        if (secret) wipe({cur_, octets});
        cur_ = end_;
        next_region();
        return;
    }
    if (in_hold_) {
        std::memmove(hold_->data(), cur_, octets);
        if (secret) wipe(std::span<char>{*hold_}.subspan(octets));
        hold_->resize(octets);
        in_hold_ = false;
        cur_ = lent_;
        end_ = lent_end_;
        lent_ = lent_end_ = nullptr;
        return;
    }
    hold_ = memory_->take_buffer();
    hold_->assign(cur_, octets);
    if (secret) wipe({cur_, octets});
    cur_ = end_ = nullptr;
}

/// Moves octets to the end of hold_. Where they are part of a secret, no copy of them stays behind.
MAILQUAY_DECL void session::append_to_hold(std::span<char> octets) {
    if (!secret_line(*hold_)) {
        hold_->append(octets.data(), octets.size());
        if (secret_line(*hold_)) wipe(octets);
        return;
    }
    detail::move_to_end(*hold_, octets);
}

/// The line under way began in an earlier buffer: completes it in hold_.
MAILQUAY_DECL session::line_found session::join_line(std::string_view& line) {
    while (cur_ != end_) {
        auto* const lf = static_cast<char*>(std::memchr(cur_, '\n', static_cast<std::size_t>(end_ - cur_)));
        char* const upto = lf != nullptr ? lf + 1 : end_;
        auto const more = static_cast<std::size_t>(upto - cur_);
        std::size_t const octets = hold_->size() + more;
        if (octets > config_->limits.command_line_octets && octets > line_limit(*hold_, {cur_, more})) {
            skipping_ = true;
            // Judged by as many octets as when it comes in one piece, or the answer would hang on how it was cut.
            std::size_t const judged = config_->limits.command_line_octets;
            if (hold_->size() < judged) {
                std::size_t const taken = judged - hold_->size();  // of a secret nothing stays where it was
                append_to_hold({cur_, taken});
                cur_ += taken;
            }
            skipped_cr_ = hold_->back() == '\r';
            skipped_head_ = detail::head_of_overlong(std::string_view{*hold_}.substr(0, judged));
            if (secret_line(*hold_)) wipe(*hold_);
            memory_->give_back(std::move(hold_));
            return skip_line();
        }
        append_to_hold({cur_, more});
        cur_ = upto;
        if (lf == nullptr) break;
        bool const crlf = hold_->size() >= 2 && (*hold_)[hold_->size() - 2] == '\r';
        if (!crlf && !config_->leniency.bare_lf_in_commands) continue;
        line = std::string_view{*hold_}.substr(0, hold_->size() - (crlf ? 2 : 1));
        // The line becomes the active region, already worked off; the lent rest follows it.
        lent_ = cur_;
        lent_end_ = end_;
        cur_ = end_ = hold_->data() + hold_->size();
        in_hold_ = true;
        return line_found::whole;
    }
    cur_ = end_ = nullptr;
    return line_found::none;
}

/// Drops octets up to the end of an over-long line.
MAILQUAY_DECL session::line_found session::skip_line() noexcept {
    while (next_region()) {
        auto* const lf = static_cast<char*>(std::memchr(cur_, '\n', static_cast<std::size_t>(end_ - cur_)));
        bool const secret = exchange_ || skipped_head_ == line_head::auth || skipped_head_ == line_head::unclear;
        if (lf == nullptr) {
            skipped_cr_ = end_[-1] == '\r';
            if (secret) wipe({cur_, end_});
            cur_ = end_;
            continue;
        }
        bool const crlf = lf == cur_ ? skipped_cr_ : lf[-1] == '\r';
        if (secret) wipe({cur_, lf});
        cur_ = lf + 1;
        skipped_cr_ = false;
        if (!crlf && !config_->leniency.bare_lf_in_commands) continue;
        skipping_ = false;
        return line_found::too_long;
    }
    return line_found::none;
}

}  // namespace mailquay::inline MAILQUAY_ABI
