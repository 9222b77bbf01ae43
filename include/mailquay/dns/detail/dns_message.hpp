#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/ip_address.hpp>
#include <mailquay/base/result.hpp>
#include <mailquay/handler/resolver.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// RFC 1035 §3.2.2 and those that came later: what is asked for, and what leads there.
enum class dns_type : std::uint16_t { a = 1, ns = 2, cname = 5, soa = 6, ptr = 12, mx = 15, txt = 16, aaaa = 28, opt = 41, tlsa = 52 };

/// Octets of a UDP answer that we take (RFC 6891 §6.2.3; not fragmented on any usual path); above it comes TCP.
inline constexpr std::size_t dns_udp_octets = 1232;
/// Aliases followed until the name counts as a loop.
inline constexpr unsigned dns_aliases = 16;

/// The name in the form in which it is asked for and compared: without the final dot, lower case.
///
/// @return nothing if it is not a name: empty, a label empty or above 63 octets, above 253 octets in all, or with octets
///         other than printable ASCII, or with a backslash
MAILQUAY_DECL std::optional<std::string> dns_name(std::string_view name);
/// RFC 1035 §3.5, RFC 3596 §2.5  The name whose PTR records name the address; nothing for none.
MAILQUAY_DECL std::optional<std::string> reverse_dns_name(ip_address address);

/// RFC 1035 §4.1  A query of one question, class IN, recursion desired, AD set (RFC 6840 §5.7: whether the answer was
/// validated is asked for).
///
/// @param name  what `dns_name()` returned
/// @param edns  with an OPT record (RFC 6891) that allows answers of `dns_udp_octets` by UDP
MAILQUAY_DECL std::string dns_query(std::uint16_t id, std::string_view name, dns_type type, bool edns);

/// An answer as far as it concerns what was asked: aliases followed, records of the type asked for picked out.
struct dns_reply {
    /// Where the data of one record lies within `octets`.
    struct place {
        std::size_t at = 0;
        std::size_t size = 0;
    };

    std::string octets{};
    unsigned code = 0;           ///< RCODE, with its extension (RFC 6891 §6.1.3)
    bool authenticated = false;  ///< AD
    bool referral = false;       ///< the server knows others who should know: it was not for it to answer
    std::string name{};          ///< the last alias' target; the name asked for without aliases
    bool denied = false;         ///< a SOA record says that there is nothing at `name`
    std::vector<place> records{};
    std::chrono::seconds ttl{0};  ///< the least of aliases, records and denial (RFC 2308 §5)
};

/// Reads an answer. Never reads beyond it, whatever it holds; compression pointers only lead back, aliases are followed
/// `dns_aliases` times.
///
/// @param name  what was asked for, as `dns_name()` gave it
/// @return nothing when it is no answer to this question, or malformed
MAILQUAY_DECL std::optional<dns_reply> read_dns_reply(std::string octets, std::string_view name, dns_type type);

/// @{ The record at `place`; nothing if it is malformed. Octets of names that would be taken for something else are written
/// as \DDD (RFC 1035 §5.1).
MAILQUAY_DECL bool read_dns_record(dns_reply const& reply, dns_reply::place place, ip_address& record);
MAILQUAY_DECL bool read_dns_record(dns_reply const& reply, dns_reply::place place, mx_record& record);
MAILQUAY_DECL bool read_dns_record(dns_reply const& reply, dns_reply::place place, tlsa_record& record);
/// TXT: character strings, joined.
MAILQUAY_DECL bool read_dns_text(dns_reply const& reply, dns_reply::place place, std::string& text);
/// PTR
MAILQUAY_DECL bool read_dns_target(dns_reply const& reply, dns_reply::place place, std::string& name);
/// @}

}  // namespace mailquay::inline MAILQUAY_ABI::detail

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/dns/impl/dns_message.ipp>
#endif
