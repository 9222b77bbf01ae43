#pragma once

#include <mailquay/handler/clock.hpp>
#include <mailquay/handler/store.hpp>

#include <cstddef>
#include <memory>

namespace mailquay::inline MAILQUAY_ABI {

/// Bounds of a `memory_store`. What comes above them pushes out what has expired, then what was written longest ago.
struct memory_store_config {
    /// A greylist of a small host sees some 10,000 triplets a day.
    std::size_t entries = 100'000;
    /// Keys and values together, without the store's own 200 octets per entry.
    std::size_t octets = 64 * 1024 * 1024;
};

/// A `store` in this process; forgotten when it ends. Answers at once.
///
/// An entry of more than `octets` alone is `std::errc::not_enough_memory`. Cost: logarithmic in the number of entries.
///
/// Thread safety: distinct objects: safe. Shared objects: safe.
class MAILQUAY_API memory_store final : public store {
public:
    /// Throws `std::invalid_argument` when a bound is 0.
    explicit memory_store(memory_store_config config = {}, std::shared_ptr<mailquay::clock> time = machine_clock());
    memory_store(memory_store const&) = delete;
    memory_store& operator=(memory_store const&) = delete;
    ~memory_store() override;

    eventual<result<std::optional<std::string>>> get(std::string key) override;
    eventual<result<void>> set(std::string key, std::string value, std::chrono::seconds ttl) override;
    eventual<result<std::int64_t>> add(std::string key, std::int64_t delta, std::chrono::seconds ttl) override;
    eventual<result<bool>> compare_and_set(std::string key, std::optional<std::string> expected, std::string value,
                                           std::chrono::seconds ttl) override;
    eventual<result<bool>> remove(std::string key) override;

    /// Entries kept, expired ones that were not yet dropped included.
    std::size_t size() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/memory_store.ipp>
#endif
