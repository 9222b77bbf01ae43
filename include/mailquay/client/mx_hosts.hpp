#pragma once

#include <mailquay/base/ip_address.hpp>
#include <mailquay/base/result.hpp>
#include <mailquay/client/next_hop.hpp>
#include <mailquay/handler/eventual.hpp>
#include <mailquay/handler/resolver.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// How the hosts of a domain are found.
struct mx_settings {
    /// Names and addresses of this server: where one of them is among the hosts of a domain, mail goes only to better ones.
    std::vector<std::string> own_names{};
    std::vector<ip_address> own_addresses{};
    /// Addresses for one attempt, over all hosts.
    std::size_t addresses = 5;
    /// MX records looked at, the best first: whoever writes a zone could list any number.
    std::size_t hosts = 20;
    bool ipv4 = true;
    bool ipv6 = true;
    /// Deliver to loopback, private, link-local, multicast and reserved addresses, too: nobody else's DNS should lead there. For
    /// tests and for networks of one's own.
    bool allow_private = false;
    /// No further host is looked up after this time.
    std::chrono::milliseconds patience{60'000};
};

/// One host that takes mail for a domain.
struct mx_host {
    std::string name{};                   ///< as the MX record says, or the domain itself; an address literal as it stands
    std::uint16_t preference = 0;
    std::vector<ip_address> addresses{};  ///< in the order in which to try them: IPv6 and IPv4 in turn; at least one
    bool secure = false;                  ///< DNSSEC: the addresses are validated
    std::string canonical{};              ///< the name that `name` is an alias of, if it is one
};

/// Where mail for a domain goes.
struct mx_route {
    std::string domain{};          ///< lower case, A-labels; an address literal as it stands
    std::vector<mx_host> hosts{};  ///< in the order in which to try them; at least one
    bool by_mx = false;            ///< by MX records; else the domain itself is the host
    bool secure = false;           ///< DNSSEC: that these are the hosts is validated
    std::string key{};             ///< equal for domains with the same hosts in the same order: what may share a transaction
};

/// Why mail for a domain goes nowhere, or not now.
///
/// | cause | code | status |
/// |---|---|---|
/// | the domain does not exist, or is no domain | 550 | 5.1.2 |
/// | a bad address literal | 501 | 5.1.3 |
/// | it takes no mail (RFC 7505) | 556 | 5.1.10 |
/// | no host of it has an address that may be used | 550 | 5.4.4 |
/// | it leads back to this server | 554 | 5.4.6 |
/// | a look-up failed | 451 | 4.4.3 |
class mx_failure {
public:
    mx_failure(int code, std::string_view status, std::string text) : code_(code), status_(status), text_(std::move(text)) {}
    int code() const noexcept { return code_; }
    /// RFC 3463. Lifetime: static.
    std::string_view status() const noexcept { return status_; }
    std::string const& text() const noexcept { return text_; }
    bool temporary() const noexcept { return code_ < 500; }

private:
    int code_;
    std::string_view status_;
    std::string text_;
};

/// Finds the hosts of a domain by MX (RFC 5321 §5.1, RFC 7505).
///
/// MX records in order of preference, equal ones in random order; without MX records the domain itself. Of hosts with
/// many addresses two come before the other hosts' share is used up. A host whose addresses cannot be found is passed over as
/// long as there are others. An address literal stands for itself, but one of loopback is this server.
///
/// Thread safety: safe.
///
/// @code
/// mx_settings settings;
/// settings.own_names = {"mx.example.org"};
/// mx_hosts const hosts{dns, settings};
/// auto asked = hosts.find("example.net");
/// auto const found = co_await std::move(asked).wait();
/// @endcode
class MAILQUAY_API mx_hosts {
public:
    /// Throws `std::invalid_argument` naming setting, value and cure.
    explicit mx_hosts(std::shared_ptr<resolver> dns, mx_settings settings = {});
    ~mx_hosts();
    mx_hosts(mx_hosts const&);
    mx_hosts& operator=(mx_hosts const&);

    /// @param domain  what follows the "@": a domain in ASCII or UTF-8, or an address literal with its brackets
    eventual<result<mx_route, mx_failure>> find(std::string domain) const;

private:
    struct state;
    std::shared_ptr<state const> state_;
};

/// The hop of one attempt at `host`. Its TLS is opportunistic, and may be demanded by `tls_demand`.
MAILQUAY_DECL next_hop hop_to(mx_route const& route, mx_host const& host, std::uint16_t port = 25);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/client/impl/mx_hosts.ipp>
#endif
