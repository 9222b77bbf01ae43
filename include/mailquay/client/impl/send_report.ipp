#pragma once

#include <mailquay/client/send_report.hpp>

#include <mailquay/base/decimal.hpp>
#include <mailquay/base/scrub.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL std::string_view to_string(send_stage stage) noexcept {
    switch (stage) {
        case send_stage::connect: return "connect";
        case send_stage::tls: return "tls";
        case send_stage::greeting: return "greeting";
        case send_stage::hello: return "hello";
        case send_stage::starttls: return "starttls";
        case send_stage::authentication: return "authentication";
        case send_stage::mail: return "mail";
        case send_stage::recipient: return "recipient";
        case send_stage::data: return "data";
        case send_stage::content: return "content";
        case send_stage::final_reply: return "final_reply";
    }
    return {};
}

MAILQUAY_DECL std::string_view to_string(recipient_state state) noexcept {
    switch (state) {
        case recipient_state::untried: return "untried";
        case recipient_state::accepted: return "accepted";
        case recipient_state::delivered: return "delivered";
        case recipient_state::temporary: return "temporary";
        case recipient_state::permanent: return "permanent";
        case recipient_state::unknown: return "unknown";
    }
    return {};
}

MAILQUAY_DECL std::string_view to_string(hop_problem what) noexcept {
    switch (what) {
        case hop_problem::none: return "no problem";
        case hop_problem::not_resolved: return "its name has no address";
        case hop_problem::unreachable: return "no connection";
        case hop_problem::no_connection_free: return "no connection is free";
        case hop_problem::timed_out: return "timed out";
        case hop_problem::connection_lost: return "connection lost";
        case hop_problem::garbled_reply: return "a reply that is none";
        case hop_problem::refused: return "refused";
        case hop_problem::no_tls: return "TLS is required, but not offered";
        case hop_problem::tls_failed: return "TLS handshake failed";
        case hop_problem::not_verified: return "the certificate is not the host's";
        case hop_problem::no_mechanism: return "no way to log in";
        case hop_problem::authentication_failed: return "login failed";
        case hop_problem::loops_back: return "the host is ourselves";
        case hop_problem::content_unreadable: return "the message cannot be read";
        case hop_problem::cancelled: return "cancelled";
    }
    return {};
}

namespace detail {

/// A reply on one line, fit to be shown.
inline std::string reply_in_a_line(received_reply const& given) {
    std::string line;
    append_decimal(line, static_cast<std::uint64_t>(given.code));
    for (std::string_view const part : {std::string_view{given.enhanced}, std::string_view{given.text}}) {
        if (part.empty()) continue;
        line += ' ';
        std::string one{part};
        std::replace(one.begin(), one.end(), '\n', ' ');
        scrub_append(line, one, 400, scrub_to::utf8);
    }
    return line;
}

}  // namespace detail

MAILQUAY_DECL bool send_report::delivered() const noexcept {
    return !recipients.empty() && std::all_of(recipients.begin(), recipients.end(), [](recipient_result const& one) {
        return one.state == recipient_state::delivered;
    });
}

MAILQUAY_DECL std::string send_report::summary() const {
    if (problem != hop_problem::none) {
        std::string line{host};
        if (!line.empty()) line += ": ";
        line += to_string(problem);
        if (!text.empty()) line.append(": ").append(text);
        if (reply.code != 0) line.append(": ").append(detail::reply_in_a_line(reply));
        return line;
    }
    recipient_result const* shown = nullptr;
    for (recipient_result const& one : recipients)
        if (shown == nullptr || (shown->state == recipient_state::delivered && one.state != recipient_state::delivered)) shown = &one;
    if (shown == nullptr) return "nobody to send to";
    std::string line{to_string(shown->state)};
    line += ": ";
    line += shown->reply.code != 0 ? detail::reply_in_a_line(shown->reply) : shown->status + ' ' + shown->problem;
    return line;
}

}  // namespace mailquay::inline MAILQUAY_ABI
