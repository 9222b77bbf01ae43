#pragma once

#include <mailquay/session/extension.hpp>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// PIPELINING (RFC 2920). Commands are always worked off in order; this only says so.
struct pipelining final : extension {
    std::string_view keyword() const noexcept override { return "PIPELINING"; }
    bool same_for_all() const noexcept override { return true; }
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
