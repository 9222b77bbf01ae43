#pragma once

#include <mailquay/session/event.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL std::string_view to_string(abort_reason why) noexcept {
    switch (why) {
        case abort_reason::refused: return "refused";
        case abort_reason::peer_gone: return "peer-gone";
        case abort_reason::timed_out: return "timed-out";
        case abort_reason::hook_timed_out: return "hook-timed-out";
        case abort_reason::stopped: return "stopped";
        case abort_reason::reset: return "reset";
        case abort_reason::failed: return "failed";
    }
    return "unknown";
}

MAILQUAY_DECL std::string_view to_string(close_reason why) noexcept {
    switch (why) {
        case close_reason::quit: return "quit";
        case close_reason::peer_gone: return "peer-gone";
        case close_reason::timed_out: return "timed-out";
        case close_reason::too_many_errors: return "too-many-errors";
        case close_reason::refused: return "refused";
        case close_reason::lost_framing: return "lost-framing";
        case close_reason::stopped: return "stopped";
        case close_reason::not_smtp: return "not-smtp";
        case close_reason::output_stalled: return "output-stalled";
        case close_reason::tls_failed: return "tls-failed";
        case close_reason::unanswered: return "unanswered";
        case close_reason::failed: return "failed";
    }
    return "unknown";
}

}  // namespace mailquay::inline MAILQUAY_ABI
