#pragma once

#include <mailquay/session/extension.hpp>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// HELP (RFC 5321 §4.1.1.1). The command answers in any case; this only says so.
struct help final : extension {
    std::string_view keyword() const noexcept override { return "HELP"; }
    bool same_for_all() const noexcept override { return true; }
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
