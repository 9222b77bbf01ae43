#pragma once

#include <mailquay/base/decimal.hpp>
#include <mailquay/session/extension.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// LIMITS (RFC 9422): tells the client what it may send on this connection: MAILMAX, RCPTMAX and RCPTDOMAINMAX, each only where
/// there is such a limit. What is above them is refused: 421 4.7.0 to MAIL, 452 4.5.3 to RCPT.
struct limits final : extension {
    std::string_view keyword() const noexcept override { return "LIMITS"; }
    bool same_for_all() const noexcept override { return true; }

    std::string announcement(session_info const&, session_limits const& of) const override {
        std::string all;
        auto const name = [&](std::string_view limit, std::uint64_t value) {
            constexpr std::uint64_t most = 999'999;  // six digits (RFC 9422 §4)
            if (value == 0) return;
            if (!all.empty()) all.append(1, ' ');
            append_decimal(all.append(limit).append(1, '='), std::min(value, most));
        };
        name("MAILMAX", of.messages);
        name("RCPTMAX", of.recipients);
        name("RCPTDOMAINMAX", of.recipient_domains);
        return all;
    }
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
