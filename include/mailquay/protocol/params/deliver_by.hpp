#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/params.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

/// What becomes of a message that was not delivered in time.
enum class by_mode : std::uint8_t {
    notify,            ///< N: one notice of delay; delivery goes on
    return_to_sender,  ///< R: no further try; failure 5.4.7
};

/// BY (RFC 2852): deliver within so many seconds from acceptance.
struct deliver_by {
    std::int32_t seconds = 0;       ///< at most nine digits; 0 and less, time is up already: with `notify` only
    by_mode mode = by_mode::notify;
    bool trace = false;             ///< T: a "relayed" notice from each hop

    friend bool operator==(deliver_by const&, deliver_by const&) = default;
};

/// RFC 2852 §4  by-value = ["-" / "+"] 1*9DIGIT ";" ( "N" / "R" ) ["T"], in any case.
///
/// @return `parameter_value_missing`, or `bad_deliver_by`, also for R with a time of 0 or less
MAILQUAY_DECL parsed<deliver_by> parse_deliver_by(parameter const& given) noexcept;

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/params/impl/deliver_by.ipp>
#endif
