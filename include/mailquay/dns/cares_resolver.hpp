#pragma once

#include <mailquay/handler/resolver.hpp>

#include <asio/any_io_executor.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// Whom a `cares_resolver` asks, and for how long.
struct cares_settings {
    /// `ADDR:PORT`, or an address alone for port 53. They must be recursive. Empty: those that `resolv_conf` names.
    std::vector<std::string> servers{};
    /// Read when the object is made, and only if `servers` is empty.
    std::string resolv_conf{"/etc/resolv.conf"};
    /// The AD bit of an answer counts (`dns_records::authenticated`): only where the servers validate DNSSEC and nobody on
    /// the way to them can alter answers, as on the same machine. DANE needs it.
    bool trusted = false;
    /// For the first try at each server; doubles with each round.
    std::chrono::milliseconds timeout{3000};
    /// Rounds over all servers.
    unsigned tries = 3;
    /// For one look-up with all its tries and aliases, the time it waits for its turn included.
    std::chrono::milliseconds patience{20'000};
    /// Queries under way at a time.
    unsigned in_flight = 500;
    /// Queries that wait for their turn; above it a look-up fails at once (`dns_errc::temporary`).
    unsigned waiting = 10'000;
};

/// A `resolver` by c-ares: a stub that asks recursive servers by UDP, with EDNS, and by TCP what does not fit.
///
/// Look-ups run on the host's executor, on a strand of their own; who waits goes on on his own executor. A look-up may
/// be cancelled by the cancellation slot of who waits, and is then `dns_errc::cancelled`. Aliases are followed, by
/// further queries where the answer ends with one.
///
/// What is no answer is `dns_errc::temporary`: SERVFAIL, REFUSED and the like from all servers, octets that make no sense, a
/// referral (a lame server), aliases in a loop.
///
/// Lifetime: the executor's context must outlive the object. What is under way when the object goes ends as
/// `dns_errc::cancelled`. Thread safety: safe.
///
/// @code
/// auto dns = std::make_shared<cares_resolver>(io, cares_settings{.servers = {"127.0.0.1:53"}, .trusted = true});
/// auto cached = std::make_shared<caching_resolver>(dns);
/// @endcode
class MAILQUAY_API cares_resolver final : public resolver {
public:
    /// Throws `std::invalid_argument` naming the setting, and `std::runtime_error` when c-ares cannot begin.
    explicit cares_resolver(asio::any_io_executor executor, cares_settings settings = {});
    template <class Context>
        requires requires(Context& context) { asio::any_io_executor(context.get_executor()); }
    explicit cares_resolver(Context& context, cares_settings settings = {})
        : cares_resolver(asio::any_io_executor(context.get_executor()), std::move(settings)) {}
    cares_resolver(cares_resolver const&) = delete;
    cares_resolver& operator=(cares_resolver const&) = delete;
    ~cares_resolver() override;

    answer<ip_address> a(std::string name) override;
    answer<ip_address> aaaa(std::string name) override;
    answer<mx_record> mx(std::string name) override;
    answer<std::string> txt(std::string name) override;
    answer<std::string> ptr(ip_address address) override;
    answer<tlsa_record> tlsa(std::string name) override;

    /// The servers that are asked, as `ADDR:PORT`.
    std::vector<std::string> servers() const;

private:
    class engine;
    std::shared_ptr<engine> engine_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/dns/impl/cares_resolver.ipp>
#endif
