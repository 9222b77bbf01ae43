#pragma once

#include <mailquay/handler/clock.hpp>
#include <mailquay/handler/store.hpp>
#include <mailquay/handler/uses_workers.hpp>
#include <mailquay/handler/workers.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace mailquay::inline MAILQUAY_ABI::stores {

struct sqlite_settings {
    /// Octets of a key and of a value; more is `std::errc::value_too_large`.
    std::size_t max_key_octets = 1024;
    std::size_t max_value_octets = 64 * 1024;
    /// Entries; above it the ones that expire first go, and then, in no order, those that never do. They come from clients, who could
    /// fill the disk. What other processes add is counted now and then: together they may have some more for a while.
    std::size_t max_entries = 1'000'000;
    /// How long another process may have the database; then `std::errc::device_or_resource_busy`.
    unsigned busy_ms = 5000;
    /// Absent: the machine's. Expiry goes by wall time, for it outlives the process.
    std::shared_ptr<mailquay::clock> clock{};
};

/// Keeps small values and counters in an SQLite database: greylists and rates that survive a restart, and that several
/// processes on one machine may share.
///
/// Write-ahead log without a sync for each change: a killed process loses nothing, a loss of power the last moments. What that
/// can cost is a greylisted client that waits again. Expired entries are removed as others are written.
///
/// Each operation is a job of the workers; when their queue is full it throws `workers_busy`.
///
/// Thread safety: called by all shards at once; each operation is atomic, across processes as well.
///
/// @code
/// auto state = std::make_shared<stores::sqlite>("state.db", pool);
/// @endcode
class MAILQUAY_API sqlite final : public store, public uses_workers {
public:
    /// Opens the database, or makes it.
    /// @throws std::runtime_error naming path, reason and cure
    sqlite(std::string file, std::shared_ptr<mailquay::workers> pool, sqlite_settings settings = {});
    /// The same, with the workers that whoever uses it is lent by its server, as `sasl::guarded` is. Before that each operation throws
    /// `workers_busy`.
    explicit sqlite(std::string file, sqlite_settings settings = {});
    ~sqlite() override;

    void lend(std::shared_ptr<workers> pool) override;

    eventual<result<std::optional<std::string>>> get(std::string key) override;
    eventual<result<void>> set(std::string key, std::string value, std::chrono::seconds ttl) override;
    eventual<result<std::int64_t>> add(std::string key, std::int64_t delta, std::chrono::seconds ttl) override;
    eventual<result<bool>> compare_and_set(std::string key, std::optional<std::string> expected, std::string value,
                                           std::chrono::seconds ttl) override;
    eventual<result<bool>> remove(std::string key) override;

    struct database;

private:
    std::shared_ptr<database> database_;
    std::shared_ptr<mailquay::workers> pool_;
    bool lent_ = true;  // pool_ is still to be lent
};

}  // namespace mailquay::inline MAILQUAY_ABI::stores

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/store/impl/sqlite.ipp>
#endif
