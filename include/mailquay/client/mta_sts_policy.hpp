#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// RFC 8461 §5: what a domain wants of those who send to it.
enum class mta_sts_mode : std::uint8_t {
    none,     ///< as if there were no policy
    testing,  ///< failures are reported, mail goes
    enforce,  ///< no mail to hosts that fail
};
/// Lifetime: static.
MAILQUAY_DECL std::string_view to_string(mta_sts_mode mode) noexcept;

/// Why a text is no policy.
enum class mta_sts_errc : std::uint8_t {
    too_long,     ///< above `max_mta_sts_octets`
    bad_version,  ///< no `version: STSv1`
    bad_mode,     ///< no mode, or none of the three
    bad_max_age,  ///< no max_age, or no number of at most 10 digits
    bad_mx,       ///< an mx that is neither a host name nor `*.` before one
    no_mx,        ///< none, though the mode asks for TLS
    too_many_mx,  ///< above `max_mta_sts_hosts`
};
/// Lifetime: static.
MAILQUAY_DECL std::string_view to_string(mta_sts_errc why) noexcept;

/// RFC 8461 §3.3 asks for a limit; the largest policies seen have a few KiB.
inline constexpr std::size_t max_mta_sts_octets = 64 * 1024;
/// Patterns of one policy.
inline constexpr std::size_t max_mta_sts_hosts = 1000;
/// RFC 8461 §3.2: what is above it counts as this.
inline constexpr std::chrono::seconds max_mta_sts_age{31'557'600};

/// A policy of MTA-STS (RFC 8461 §3.2).
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
struct mta_sts_policy {
    mta_sts_mode mode = mta_sts_mode::none;
    std::vector<std::string> mx{};  ///< lower case, without final dot
    std::chrono::seconds max_age{0};

    /// RFC 8461 §4.1: whether one of the patterns names `host`; `*.` stands for exactly one label.
    [[nodiscard]] MAILQUAY_DECL bool matches(std::string_view host) const noexcept;
};

/// Reads a policy: `key: value` in lines that end in LF or CRLF, in any order. Keys that are not known, empty lines and lines
/// without a colon are passed over; of a key given twice the first counts, but for `mx`.
MAILQUAY_DECL result<mta_sts_policy, mta_sts_errc> parse_mta_sts_policy(std::string_view text);

/// RFC 8461 §3.1: the id of the TXT records at `_mta-sts.<domain>`, of which exactly one may begin with `v=STSv1`.
///
/// @return nothing where there is no policy: no such record, several, or one without a proper id (1-32 letters and digits)
MAILQUAY_DECL std::optional<std::string> mta_sts_id(std::vector<std::string> const& records);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/client/impl/mta_sts_policy.ipp>
#endif
