#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/params.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <chrono>
#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

/// What a relay does with RRVS where the next hop does not know it.
enum class rrvs_action : std::uint8_t {
    unsaid,
    go_on,   ///< C: the header field takes its place
    refuse,  ///< R
};

/// RRVS (RFC 7293): the mailbox must have belonged to the same owner since then.
struct valid_since {
    std::chrono::sys_seconds when{};
    rrvs_action action = rrvs_action::unsaid;

    friend bool operator==(valid_since const&, valid_since const&) = default;
};

/// RFC 7293 §3.1  "RRVS=" date-time [ ";" ( "C" / "R" ) ], in any case.
/// @return `parameter_value_missing` or `bad_rrvs`
MAILQUAY_DECL parsed<valid_since> parse_rrvs(parameter const& given) noexcept;

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/params/impl/rrvs.ipp>
#endif
