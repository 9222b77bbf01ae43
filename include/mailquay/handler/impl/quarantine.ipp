#pragma once

#include <mailquay/handler/quarantine.hpp>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

struct quarantine_reason {
    std::string text{};
};

// An address of our own, so that no plug-in's slot is meant.
inline char const quarantine_owner = 0;

}  // namespace detail

MAILQUAY_DECL void quarantine(transaction const& mail, std::string_view reason) {
    auto& kept = mail.slot<detail::quarantine_reason>(&detail::quarantine_owner);
    if (kept.text.empty()) kept.text = reason.empty() ? std::string_view{"unspecified"} : reason;
}

MAILQUAY_DECL std::string_view quarantine_of(transaction const& mail) {
    auto const* const kept = mail.find_slot<detail::quarantine_reason>(&detail::quarantine_owner);
    return kept != nullptr ? std::string_view{kept->text} : std::string_view{};
}

}  // namespace mailquay::inline MAILQUAY_ABI
