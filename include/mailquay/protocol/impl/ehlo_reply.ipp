#pragma once

#include <mailquay/protocol/ehlo_reply.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/decimal.hpp>

#include <algorithm>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// Takes the first word off `rest`, with the white space around it.
inline std::string_view take_ehlo_word(std::string_view& rest) noexcept {
    auto const begin = std::min(rest.find_first_not_of(" \t"), rest.size());
    rest.remove_prefix(begin);
    std::string_view const word = rest.substr(0, rest.find_first_of(" \t"));
    rest.remove_prefix(word.size());
    return word;
}

/// The words of `rest` in upper case, at most as many as make sense.
inline std::vector<std::string> ehlo_words(std::string_view rest) {
    constexpr std::size_t most_words = 64;
    std::vector<std::string> words;
    for (auto word = take_ehlo_word(rest); !word.empty() && words.size() < most_words; word = take_ehlo_word(rest)) {
        std::string& upper = words.emplace_back(word);
        for (char& c : upper) c = to_upper(c);
    }
    return words;
}

inline void read_limits(std::string_view rest, ehlo_reply& into) {
    for (auto word = take_ehlo_word(rest); !word.empty(); word = take_ehlo_word(rest)) {
        auto const equals = word.find('=');
        if (equals == word.npos) continue;
        auto const value = parse_decimal<std::uint32_t>(word.substr(equals + 1));
        if (!value) continue;
        std::string_view const name = word.substr(0, equals);
        std::uint32_t const limit = std::max(*value, std::uint32_t{1});
        if (iequals(name, "MAILMAX")) into.most_messages = limit;
        if (iequals(name, "RCPTMAX")) into.most_recipients = limit;
        if (iequals(name, "RCPTDOMAINMAX")) into.most_domains = limit;
    }
}

inline void read_ehlo_line(std::string_view line, ehlo_reply& into) {
    static constexpr std::pair<std::string_view, bool ehlo_reply::*> flags[] = {
        {"PIPELINING", &ehlo_reply::pipelining},
        {"8BITMIME", &ehlo_reply::eight_bit_mime},
        {"SMTPUTF8", &ehlo_reply::smtputf8},
        {"CHUNKING", &ehlo_reply::chunking},
        {"BINARYMIME", &ehlo_reply::binarymime},
        {"DSN", &ehlo_reply::dsn},
        {"ENHANCEDSTATUSCODES", &ehlo_reply::enhanced_status_codes},
        {"STARTTLS", &ehlo_reply::starttls},
        {"REQUIRETLS", &ehlo_reply::requiretls},
        {"PRDR", &ehlo_reply::prdr},
        {"RRVS", &ehlo_reply::rrvs},
        {"SIZE", &ehlo_reply::size},
        {"DELIVERBY", &ehlo_reply::deliver_by},
        {"MT-PRIORITY", &ehlo_reply::mt_priority},
        {"FUTURERELEASE", &ehlo_reply::future_release},
    };
    std::string_view rest = line;
    std::string_view const keyword = take_ehlo_word(rest);
    for (auto const& [name, flag] : flags)
        if (iequals(keyword, name)) into.*flag = true;
    if (iequals(keyword, "SIZE")) {
        auto const octets = parse_decimal<std::uint64_t>(take_ehlo_word(rest));
        if (octets && *octets != 0) into.max_size = octets;
    } else if (iequals(keyword, "DELIVERBY")) {
        into.least_by = parse_decimal<std::uint32_t>(take_ehlo_word(rest));
    } else if (iequals(keyword, "AUTH")) {
        into.auth = ehlo_words(rest);
    } else if (iequals(keyword, "XCLIENT")) {
        into.xclient = ehlo_words(rest);
    } else if (iequals(keyword, "XFORWARD")) {
        into.xforward = ehlo_words(rest);
    } else if (iequals(keyword, "LIMITS")) {
        read_limits(rest, into);
    }
}

}  // namespace detail

MAILQUAY_DECL ehlo_reply parse_ehlo_reply(std::string_view text) {
    ehlo_reply made;
    bool first = true;
    while (!text.empty() || first) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (first) {
            made.name = detail::take_ehlo_word(line);
        } else {
            detail::read_ehlo_line(line, made);
        }
        first = false;
    }
    return made;
}

}  // namespace mailquay::inline MAILQUAY_ABI
