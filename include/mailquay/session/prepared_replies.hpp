#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/session/extension.hpp>
#include <mailquay/session/reply_buffer.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

struct session_config;

/// What a listener says to every client in the same words, made once.
///
/// Thread safety: read only once made.
struct prepared_replies {
    /// Lines of the EHLO reply in a row, or one that depends on the client.
    struct piece {
        std::string lines{};
        std::size_t last = 0;           ///< where in `lines` the last one begins
        std::shared_ptr<extension const> asks{};  ///< not null: it is asked for its line, and `lines` is empty
    };
    std::string greeting{};
    std::vector<piece> ehlo{};
};

/// Makes them for `config`: hostname, banner, limits and extensions must not change any more. Without it a session makes each
/// reply anew, which is all the same but for its cost.
MAILQUAY_DECL void prepare_replies(session_config& config);

/// @{ Appends the greeting, and the EHLO reply for this client. @param wall  the wall clock's last tick
MAILQUAY_DECL void append_greeting(reply_buffer& out, session_config const& config);
MAILQUAY_DECL void append_ehlo(reply_buffer& out, session_config const& config, session_info const& client,
                               std::chrono::system_clock::time_point wall);
/// @}

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/session/impl/prepared_replies.ipp>
#endif
