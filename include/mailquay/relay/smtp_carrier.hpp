#pragma once

#include <mailquay/client/client.hpp>
#include <mailquay/client/next_hop.hpp>
#include <mailquay/handler/workers.hpp>
#include <mailquay/relay/carrier.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// The hosts of a destination, or why there is none.
struct found_hops {
    std::vector<next_hop> hops{};  ///< tried in this order
    /// Where policies of the domain (DANE, MTA-STS) demand something of a host or leave it out: all hosts, without that. For messages
    /// with the field `TLS-Required: No` (RFC 8689 §4.2) that do not ask for REQUIRETLS.
    std::vector<next_hop> without_demands{};
    std::string failure{};         ///< without any: status and words, "5.1.2 no such domain"; "4..." is temporary
    /// Where set: told what came of a session with `hops[hop]`, on the runner's strand. Must not throw.
    std::function<void(std::size_t hop, send_report const& report)> came_out{};
    /// Equal for domains whose mail may go together: the same hosts, of which the same is demanded. Empty: for none. Known also where
    /// none of the hosts may be used now; always what `hop_finder::find_place` says.
    std::string key{};
};
/// Finds the hosts of a domain (RFC 5321 §5.1). Runs on the runner's strand. A function that returns `awaitable<found_hops>` is one.
struct hop_finder {
    hop_finder() = default;
    template <class Find>
        requires std::is_invocable_r_v<asio::awaitable<found_hops>, Find&, std::string>
    hop_finder(Find by) : find(std::move(by)) {}

    std::function<asio::awaitable<found_hops>(std::string domain)> find{};
    /// The name of the place that domains with the same hosts share; empty where none is known. Absent: each domain has its own.
    std::function<asio::awaitable<std::string>(std::string domain)> find_place{};

    asio::awaitable<found_hops> operator()(std::string domain) const { return find(std::move(domain)); }
    explicit operator bool() const noexcept { return static_cast<bool>(find); }
};

/// How a `smtp_carrier` talks to whom.
struct smtp_carrier_settings {
    client_config client{};     ///< name for EHLO, TLS, pool; its `waiting` is not used: mail waits with the runner
    hop_settings smarthost{};   ///< credentials, verification ... of `delivery_way::smarthost`
    hop_settings lmtp{};        ///< of `delivery_way::lmtp`
    /// Of `delivery_way::mx` where the finder sets nothing; absent, mail for MX destinations waits ("4.4.3").
    hop_finder find_hops{};
    /// For reading the spool. Absent: two of the carrier's own.
    std::shared_ptr<mailquay::workers> workers{};
};

/// Carries mail by SMTP and LMTP on a `client`: connections are kept and shared by all consignments to a host.
///
/// A host that is the problem itself, or lacks what the message needs, is followed by the next one of the destination in the same
/// attempt; one whose final reply was lost is not (RFC 5321 §4.5.3.2.6: the message may have been taken). That a host never takes
/// mail (521), or lacks REQUIRETLS, SMTPUTF8 and the like, fails a recipient only where all hosts say so.
///
/// Domains with the same hosts share a place (RFC 5321 §5.1 asks for one transaction): their recipients go together.
///
/// A message with the field `TLS-Required: No` goes as if its destination had no policy of TLS (RFC 8689 §4.2); REQUIRETLS wins.
///
/// Lifetime: the host's context outlives it. Thread safety: as `carrier`.
class MAILQUAY_API smtp_carrier final : public carrier {
public:
    /// Throws `std::invalid_argument` naming setting, value and cure.
    MAILQUAY_DECL smtp_carrier(asio::any_io_executor host, smtp_carrier_settings settings);
    MAILQUAY_DECL ~smtp_carrier() override;

    MAILQUAY_DECL asio::awaitable<carry_report> carry(std::shared_ptr<consignment const> what, outcomes_known told) override;
    /// By `hop_finder::find_place`. Whether domains of one place still share their hosts is looked at in each attempt.
    MAILQUAY_DECL eventual<destination> place_of(destination to) override;
    /// Takes kept connections down.
    MAILQUAY_DECL void close();

private:
    struct impl;
    std::shared_ptr<impl> impl_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/relay/impl/smtp_carrier.ipp>
#endif
