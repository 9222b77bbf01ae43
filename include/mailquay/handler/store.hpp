#pragma once

#include <mailquay/base/result.hpp>
#include <mailquay/handler/eventual.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace mailquay::inline MAILQUAY_ABI {

/// Small values and counters with an expiry, shared by all sessions: greylists, rates, AUTH failures.
///
/// Keys and values are octets. An expired entry is as good as absent. A time to live of zero or less: the entry does not
/// expire by itself. An error means that the store could not be asked (a server that is away); what a caller does then
/// is his decision, usually to let mail pass.
///
/// Thread safety: called by all shards at once; each operation is atomic.
struct MAILQUAY_API store {
    virtual ~store();
    /// The value; a counter as decimal digits; nothing if absent.
    virtual eventual<result<std::optional<std::string>>> get(std::string key) = 0;
    /// Puts a value in place of what is there.
    virtual eventual<result<void>> set(std::string key, std::string value, std::chrono::seconds ttl) = 0;
    /// Adds to a counter and gives its new value. An absent one starts at zero and gets `ttl`; one that is there keeps its
    /// expiry. A value that is no counter: `std::errc::invalid_argument`; beyond 64 bits: `std::errc::result_out_of_range`.
    virtual eventual<result<std::int64_t>> add(std::string key, std::int64_t delta, std::chrono::seconds ttl) = 0;
    /// Puts `value` if what is there is `expected` (nothing: if absent).
    /// @return whether it was put
    virtual eventual<result<bool>> compare_and_set(std::string key, std::optional<std::string> expected, std::string value,
                                                   std::chrono::seconds ttl) = 0;
    /// @return whether it was there
    virtual eventual<result<bool>> remove(std::string key) = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/interfaces.ipp>
#endif
