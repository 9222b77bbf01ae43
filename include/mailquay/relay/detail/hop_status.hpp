#pragma once

#include <mailquay/client/send_report.hpp>

#include <string_view>

namespace mailquay::inline MAILQUAY_ABI::detail {

// RFC 3463 §3.5: what a problem of the host is called.
inline std::string_view status_of(hop_problem what) noexcept {
    switch (what) {
        case hop_problem::not_resolved: return "4.4.4";
        case hop_problem::unreachable: return "4.4.1";
        case hop_problem::timed_out:
        case hop_problem::connection_lost: return "4.4.2";
        case hop_problem::garbled_reply: return "4.5.0";
        case hop_problem::no_tls:
        case hop_problem::tls_failed:
        case hop_problem::not_verified: return "4.7.5";
        case hop_problem::no_mechanism:
        case hop_problem::authentication_failed: return "4.7.8";
        case hop_problem::loops_back: return "4.4.6";
        case hop_problem::none:
        case hop_problem::refused:
        case hop_problem::no_connection_free:
        case hop_problem::content_unreadable:
        case hop_problem::cancelled: break;
    }
    return "4.3.0";
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
