#pragma once

#include <mailquay/session/extension.hpp>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// ENHANCEDSTATUSCODES (RFC 2034). Replies bear the codes in any case; this only says so.
struct enhanced_status_codes final : extension {
    std::string_view keyword() const noexcept override { return "ENHANCEDSTATUSCODES"; }
    bool same_for_all() const noexcept override { return true; }
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
