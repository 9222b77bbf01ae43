#pragma once

#include <mailquay/session/extension.hpp>

#include <array>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// CHUNKING (RFC 3030): messages come in counted chunks by BDAT, which the session itself understands while this is offered.
struct chunking final : extension {
    std::string_view keyword() const noexcept override { return "CHUNKING"; }
    bool same_for_all() const noexcept override { return true; }

    std::span<std::string_view const> verbs() const noexcept override {
        static constexpr std::array<std::string_view, 1> names{"BDAT"};
        return names;
    }
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
