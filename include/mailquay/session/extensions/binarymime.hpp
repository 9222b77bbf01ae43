#pragma once

#include <mailquay/session/extension.hpp>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// BINARYMIME (RFC 3030 §3): BODY=BINARYMIME, a message of any octets, which can be sent by BDAT only. Offered only beside
/// CHUNKING; its parameter is that of 8BITMIME.
struct binarymime final : extension {
    std::string_view keyword() const noexcept override { return "BINARYMIME"; }
    bool same_for_all() const noexcept override { return true; }
    bool kept_by(promises const& sink) const noexcept override { return sink.binary; }
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
