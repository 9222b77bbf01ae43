#pragma once

#include <mailquay/base/config.hpp>

#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// Finds CR without LF and LF without CR in a message that arrives in pieces. For the chunks of BDAT; `data_decoder` looks
/// for them itself.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
class MAILQUAY_API bare_line_end_finder {
public:
    /// @return whether one came to light in these octets. A CR at their very end is judged by what follows.
    MAILQUAY_DECL bool feed(std::string_view octets) noexcept;
    /// The message ended. @return whether its last octet is a CR
    bool ended() const noexcept { return after_cr_; }

private:
    bool after_cr_ = false;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/bare_line_end_finder.ipp>
#endif
