#pragma once

#include <mailquay/base/config.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// What a server announced in its reply to EHLO or LHLO (RFC 5321 §4.1.1.1).
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
struct ehlo_reply {
    std::string name{};                 ///< the server's name, first word of the first line; empty if there is none
    bool pipelining = false;            ///< RFC 2920
    bool eight_bit_mime = false;        ///< RFC 6152
    bool smtputf8 = false;              ///< RFC 6531
    bool chunking = false;              ///< RFC 3030
    bool binarymime = false;            ///< RFC 3030
    bool dsn = false;                   ///< RFC 3461
    bool enhanced_status_codes = false; ///< RFC 2034
    bool starttls = false;              ///< RFC 3207
    bool requiretls = false;            ///< RFC 8689
    bool prdr = false;                  ///< PRDR, as Exim has it
    bool rrvs = false;                  ///< RFC 7293
    bool size = false;                  ///< RFC 1870
    std::optional<std::uint64_t> max_size{};   ///< octets; nothing or 0 announced: no fixed maximum
    bool deliver_by = false;            ///< RFC 2852
    std::optional<std::uint32_t> least_by{};   ///< seconds; the shortest time the server accepts with R
    bool mt_priority = false;           ///< RFC 6710
    bool future_release = false;        ///< RFC 4865
    std::vector<std::string> auth{};    ///< RFC 4954: names of mechanisms in upper case, in the order announced
    std::vector<std::string> xclient{};   ///< attributes of Postfix's XCLIENT, in upper case
    std::vector<std::string> xforward{};  ///< attributes of Postfix's XFORWARD, in upper case
    std::optional<std::uint32_t> most_messages{};    ///< LIMITS MAILMAX (RFC 9422)
    std::optional<std::uint32_t> most_recipients{};  ///< LIMITS RCPTMAX
    std::optional<std::uint32_t> most_domains{};     ///< LIMITS RCPTDOMAINMAX
};

/// Reads the text of a reply to EHLO: lines with "\n" between them, without codes (`received_reply::text`).
///
/// Keywords compare without case; a line that is not understood is passed over, and so is the older form "AUTH=". A malformed
/// value counts as none, a LIMITS value of 0 as 1.
MAILQUAY_DECL ehlo_reply parse_ehlo_reply(std::string_view text);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/ehlo_reply.ipp>
#endif
