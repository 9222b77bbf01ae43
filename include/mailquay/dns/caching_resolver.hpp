#pragma once

#include <mailquay/handler/clock.hpp>
#include <mailquay/handler/resolver.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

namespace mailquay::inline MAILQUAY_ABI {

/// Bounds of a `caching_resolver`. What comes above them pushes out what was used longest ago.
struct cache_settings {
    std::size_t entries = 50'000;
    /// Keys and records together.
    std::size_t octets = 32 * 1024 * 1024;
    /// Answers are kept as long as they say, but never longer.
    std::chrono::seconds longest{24 * 3600};
    /// That there is nothing is kept as long as its SOA record says, but never longer (RFC 2308 §5 advises 1 to 3 hours).
    std::chrono::seconds longest_negative{3600};
    /// A failed look-up is not tried anew within this time (RFC 2308 §7.1: at most 5 min). Zero: at once.
    std::chrono::seconds failures{5};
    /// Who wait for a look-up that another began, in all; above it a look-up fails at once (`dns_errc::temporary`).
    std::size_t waiting = 10'000;
};

/// A `resolver` that remembers what another one answered. What is known is answered at once, without an allocation for a
/// coroutine. Those who ask for the same at the same time share one query; when whoever began it is cancelled, the next
/// one begins it anew.
///
/// The time to live of an answer is what is left of it. DNSSEC state is kept with it. `cancelled` and `bad_name` are not kept.
///
/// Thread safety: safe.
class MAILQUAY_API caching_resolver final : public resolver {
public:
    /// Throws `std::invalid_argument` when `inner` or `time` is null, or a bound is 0.
    explicit caching_resolver(std::shared_ptr<resolver> inner, cache_settings settings = {},
                              std::shared_ptr<mailquay::clock> time = machine_clock());
    caching_resolver(caching_resolver const&) = delete;
    caching_resolver& operator=(caching_resolver const&) = delete;
    ~caching_resolver() override;

    answer<ip_address> a(std::string name) override;
    answer<ip_address> aaaa(std::string name) override;
    answer<mx_record> mx(std::string name) override;
    answer<std::string> txt(std::string name) override;
    answer<std::string> ptr(ip_address address) override;
    answer<tlsa_record> tlsa(std::string name) override;

    /// Answers kept, those included whose time is over.
    std::size_t size() const noexcept;
    /// Forgets all.
    void clear() noexcept;

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/dns/impl/caching_resolver.ipp>
#endif
