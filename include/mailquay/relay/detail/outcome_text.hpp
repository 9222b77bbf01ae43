#pragma once

#include <mailquay/message/dsn.hpp>
#include <mailquay/message/transaction_id.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// An outcome's text in the spool: "mx.example.org said: 550 5.1.1 no such user", or our own finding, "5.6.7 ...". What a notice
/// tells is read from it, at once or after a crash.
struct outcome_text {
    std::string remote{};
    std::string reply{};
    bool is_reply = false;  ///< not our own finding
    std::string status{};   ///< RFC 3463
};

inline constexpr std::string_view outcome_said = " said: ";

inline std::string on_one_line(std::string text) {
    std::replace_if(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
    return text;
}

inline std::string make_outcome_text(std::string_view remote, std::string reply) {
    std::string text;
    if (!remote.empty()) text.append(remote).append(outcome_said);
    return on_one_line(std::move(text += reply));
}

inline outcome_text read_outcome_text(std::string_view text) {
    outcome_text read;
    auto const space = text.find(' ');
    if (space != text.npos && space > 0 && text.substr(space).starts_with(outcome_said)) {
        read.remote = text.substr(0, space);
        text.remove_prefix(space + outcome_said.size());
    }
    read.reply = text;
    auto const digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
    read.is_reply = digit(0) && digit(1) && digit(2) && (text.size() == 3 || text[3] == ' ');
    read.status = read.is_reply || text.empty() ? status_of_reply(text) : status_of_reply(std::string(1, text.front()) + "00 " + std::string(text));
    return read;
}

/// The outcome of an alias whose members have a message of their own.
inline std::string expanded_into(transaction_id const& id) { return "2.1.5 expanded into " + std::string(id.view()); }

/// The same by codes alone: words may name what an alias stands for.
inline std::string without_words(outcome_text const& of) {
    return of.is_reply ? of.reply.substr(0, 3) + ' ' + of.status : of.status;
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
