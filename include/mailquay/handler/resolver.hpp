#pragma once

#include <mailquay/base/ip_address.hpp>
#include <mailquay/base/result.hpp>
#include <mailquay/handler/eventual.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// Why a look-up gave no records.
enum class dns_errc : std::uint8_t {
    no_such_name,  ///< NXDOMAIN: the name does not exist
    no_data,       ///< the name exists without records of this type
    bad_name,      ///< not a name that can be asked for; nothing was sent
    temporary,     ///< SERVFAIL, REFUSED, a malformed or bogus answer, no server to ask
    timed_out,
    cancelled,
};
/// Lifetime: static.
MAILQUAY_DECL std::string_view to_string(dns_errc why) noexcept;
/// True when asking again later may help: the client is then told 4xx, never 5xx.
constexpr bool is_temporary(dns_errc why) noexcept { return why >= dns_errc::temporary; }

/// A look-up without records. Made of a `dns_errc`, and as good as one where it is compared, tested or printed.
struct dns_failure {
    constexpr dns_failure(dns_errc reason) noexcept : why(reason) {}
    constexpr dns_failure(dns_errc reason, std::chrono::seconds keep, bool validated) noexcept
        : why(reason), ttl(keep), authenticated(validated) {}
    constexpr operator dns_errc() const noexcept { return why; }

    dns_errc why;
    std::chrono::seconds ttl{0};  ///< how long "no" may be kept (RFC 2308 §5); zero: not at all
    bool authenticated = false;   ///< DNSSEC: that there is nothing was validated
};

/// The records of one type at one name.
template <class Record>
struct dns_records {
    std::vector<Record> records{};    ///< at least one
    std::chrono::seconds ttl{0};      ///< how long they may be kept
    bool authenticated = false;       ///< DNSSEC: the answer was validated by whom the resolver trusts (AD)
    std::string name{};               ///< whose records they are if that is another name, of which the one asked for is an alias
};

/// RFC 1035 §3.3.9; a single one with preference 0 and an empty exchange says "no mail" (RFC 7505).
struct mx_record {
    std::uint16_t preference = 0;
    std::string exchange{};  ///< without the final dot; empty for the root
};

/// RFC 6698 §2.1
struct tlsa_record {
    std::uint8_t usage = 0;
    std::uint8_t selector = 0;
    std::uint8_t matching_type = 0;
    std::string data{};  ///< octets
};

/// Asks the DNS. Names are ASCII (A-labels), with or without a final dot.
///
/// Thread safety: called by all shards at once.
struct MAILQUAY_API resolver {
    template <class Record>
    using answer = eventual<result<dns_records<Record>, dns_failure>>;

    virtual ~resolver();
    virtual answer<ip_address> a(std::string name) = 0;
    virtual answer<ip_address> aaaa(std::string name) = 0;
    /// In the order of the answer: the caller sorts by preference.
    virtual answer<mx_record> mx(std::string name) = 0;
    /// The character strings of each record, joined (RFC 7208 §3.3).
    virtual answer<std::string> txt(std::string name) = 0;
    virtual answer<std::string> ptr(ip_address address) = 0;
    /// @param name  with its port and protocol: `_25._tcp.mx.example.org`
    virtual answer<tlsa_record> tlsa(std::string name) = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/interfaces.ipp>
#endif
