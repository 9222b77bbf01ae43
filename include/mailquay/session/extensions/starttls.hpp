#pragma once

#include <mailquay/session/extension.hpp>

#include <array>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// STARTTLS (RFC 3207): offered in clear only. The session knows the command; a listener has this extension only where its
/// host can do the handshake, so it is none of the standard ones.
struct starttls final : extension {
    std::string_view keyword() const noexcept override { return "STARTTLS"; }
    bool offered(session_info const& client) const noexcept override { return !client.secure(); }
    std::span<std::string_view const> verbs() const noexcept override {
        static constexpr std::array<std::string_view, 1> names{"STARTTLS"};
        return names;
    }
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
