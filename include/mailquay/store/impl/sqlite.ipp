#include <mailquay/store/sqlite.hpp>

#include <mailquay/base/decimal.hpp>
#include <mailquay/handler/offload.hpp>

#include <sqlite3.h>

#include <charconv>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace mailquay::inline MAILQUAY_ABI::stores {

/// The connection and its statements. Everything here blocks.
struct sqlite::database {
    database(std::string const& file, sqlite_settings given) : settings(std::move(given)) {
        int const opened = ::sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, nullptr);
        if (opened != SQLITE_OK) refuse(file);
        ::sqlite3_busy_timeout(handle, static_cast<int>(settings.busy_ms));
        for (char const* one :
             {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL",
              "CREATE TABLE IF NOT EXISTS entries(key BLOB PRIMARY KEY, value BLOB NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID",
              "CREATE INDEX IF NOT EXISTS entries_expire ON entries(expires) WHERE expires > 0"})
            if (::sqlite3_exec(handle, one, nullptr, nullptr, nullptr) != SQLITE_OK) refuse(file);
        find = prepare(file, "SELECT value, expires FROM entries WHERE key = ?1 AND (expires = 0 OR expires > ?2)");
        put = prepare(file, "INSERT INTO entries VALUES(?1, ?2, ?3) ON CONFLICT(key) DO UPDATE SET value = ?2, expires = ?3");
        erase = prepare(file, "DELETE FROM entries WHERE key = ?1 AND (expires = 0 OR expires > ?2)");
        expire = prepare(file, "DELETE FROM entries WHERE key IN (SELECT key FROM entries WHERE expires > 0 AND expires <= ?1 LIMIT 100)");
        trim = prepare(file, "DELETE FROM entries WHERE key IN (SELECT key FROM entries WHERE expires > 0 ORDER BY expires LIMIT 100)");
        trim_any = prepare(file, "DELETE FROM entries WHERE key IN (SELECT key FROM entries LIMIT 100)");
        count = prepare(file, "SELECT count(*) FROM entries");
        count_entries();
    }
    database(database const&) = delete;
    database& operator=(database const&) = delete;
    ~database() { close(); }

    result<std::optional<std::string>> get(std::string const& key) {
        std::lock_guard const lock{mutex};
        return look(key);
    }
    result<void> set(std::string const& key, std::string const& value, std::chrono::seconds ttl) {
        if (auto const fits = check(key, value); !fits) return fits;
        return in_transaction([&]() -> result<void> { return store_entry(key, value, expiry(ttl)); });
    }
    result<std::int64_t> add(std::string const& key, std::int64_t delta, std::chrono::seconds ttl) {
        if (auto const fits = check(key, {}); !fits) return fits.error();
        std::int64_t sum = 0;
        auto const done = in_transaction([&]() -> result<void> {
            std::int64_t expires = expiry(ttl);
            auto const there = look(key, &expires);
            if (!there) return there.error();
            if (*there) {
                std::string const& text = **there;
                auto const read = std::from_chars(text.data(), text.data() + text.size(), sum);
                if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return std::make_error_code(std::errc::invalid_argument);
            }
            using limits = std::numeric_limits<std::int64_t>;
            if (delta > 0 ? sum > limits::max() - delta : sum < limits::min() - delta) return std::make_error_code(std::errc::result_out_of_range);
            sum += delta;
            return store_entry(key, std::to_string(sum), expires);
        });
        if (!done) return done.error();
        return sum;
    }
    result<bool> compare_and_set(std::string const& key, std::optional<std::string> const& expected, std::string const& value,
                                 std::chrono::seconds ttl) {
        if (auto const fits = check(key, value); !fits) return fits.error();
        bool same = false;
        auto const done = in_transaction([&]() -> result<void> {
            auto const there = look(key);
            if (!there) return there.error();
            same = *there == expected;
            return same ? store_entry(key, value, expiry(ttl)) : result<void>{};
        });
        if (!done) return done.error();
        return same;
    }
    result<bool> remove(std::string const& key) {
        std::lock_guard const lock{mutex};
        bind(erase, 1, key);
        ::sqlite3_bind_int64(erase, 2, now());
        if (auto const done = run(erase); !done) return done.error();
        bool const was_there = ::sqlite3_changes(handle) != 0;
        if (was_there && entries != 0) --entries;
        return was_there;
    }

private:
    std::int64_t now() const {
        return std::chrono::duration_cast<std::chrono::milliseconds>(settings.clock->wall().time_since_epoch()).count();
    }
    std::int64_t expiry(std::chrono::seconds ttl) const {
        constexpr std::int64_t longest = std::int64_t{1} << 40;  // seconds; what is longer never ends
        if (ttl.count() <= 0 || ttl.count() > longest) return 0;
        return now() + ttl.count() * 1000;
    }
    result<void> check(std::string const& key, std::string const& value) const {
        if (key.size() > settings.max_key_octets || value.size() > settings.max_value_octets)
            return std::make_error_code(std::errc::value_too_large);
        return {};
    }
    static int step(sqlite3_stmt* which) { return ::sqlite3_step(which); }
    static void bind(sqlite3_stmt* which, int place, std::string_view octets) {
        ::sqlite3_bind_blob64(which, place, octets.data() != nullptr ? octets.data() : "", octets.size(), SQLITE_TRANSIENT);
    }
    std::error_code failure() const {
        switch (::sqlite3_errcode(handle) & 0xff) {
            case SQLITE_BUSY:
            case SQLITE_LOCKED: return std::make_error_code(std::errc::device_or_resource_busy);
            case SQLITE_FULL: return std::make_error_code(std::errc::no_space_on_device);
            case SQLITE_NOMEM: return std::make_error_code(std::errc::not_enough_memory);
            case SQLITE_READONLY: return std::make_error_code(std::errc::read_only_file_system);
            default: return std::make_error_code(std::errc::io_error);
        }
    }
    result<void> run(sqlite3_stmt* which) {
        int const got = step(which);
        auto const failed = got == SQLITE_DONE || got == SQLITE_ROW ? std::error_code{} : failure();
        ::sqlite3_reset(which);
        ::sqlite3_clear_bindings(which);
        if (failed) return failed;
        return {};
    }
    result<std::optional<std::string>> look(std::string const& key, std::int64_t* expires = nullptr) {
        bind(find, 1, key);
        ::sqlite3_bind_int64(find, 2, now());
        std::optional<std::string> value;
        int const got = step(find);
        if (got == SQLITE_ROW) {
            auto const* const octets = static_cast<char const*>(::sqlite3_column_blob(find, 0));
            value.emplace(octets != nullptr ? octets : "", static_cast<std::size_t>(::sqlite3_column_bytes(find, 0)));
            if (expires != nullptr) *expires = ::sqlite3_column_int64(find, 1);
        }
        auto const failed = got == SQLITE_ROW || got == SQLITE_DONE ? std::error_code{} : failure();
        ::sqlite3_reset(find);
        ::sqlite3_clear_bindings(find);
        if (failed) return failed;
        return value;
    }
    result<void> store_entry(std::string const& key, std::string const& value, std::int64_t expires) {
        ::sqlite3_bind_int64(expire, 1, now());
        if (auto const done = run(expire); !done) return done;
        entries -= std::min(entries, static_cast<std::size_t>(::sqlite3_changes(handle)));
        // Other processes add entries as well.
        if (++since_counted > settings.max_entries / 16) count_entries();
        for (sqlite3_stmt* const one : {trim, trim_any}) {
            if (entries < settings.max_entries) break;
            if (auto const done = run(one); !done) return done;
            entries -= std::min(entries, static_cast<std::size_t>(::sqlite3_changes(handle)));
        }
        auto const there = look(key);
        if (!there) return there.error();
        bind(put, 1, key);
        bind(put, 2, value);
        ::sqlite3_bind_int64(put, 3, expires);
        auto done = run(put);
        if (done && !*there) ++entries;
        return done;
    }
    void count_entries() {
        if (step(count) == SQLITE_ROW) entries = static_cast<std::size_t>(::sqlite3_column_int64(count, 0));
        ::sqlite3_reset(count);
        since_counted = 0;
    }
    template <class F>
    result<void> in_transaction(F change) {
        std::lock_guard const lock{mutex};
        // IMMEDIATE: what is read is what is changed, also beside other processes.
        if (::sqlite3_exec(handle, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK) return failure();
        result<void> done = change();
        if (done && ::sqlite3_exec(handle, "COMMIT", nullptr, nullptr, nullptr) != SQLITE_OK) done = failure();
        if (!done) ::sqlite3_exec(handle, "ROLLBACK", nullptr, nullptr, nullptr);
        return done;
    }
    sqlite3_stmt* prepare(std::string const& file, char const* text) {
        sqlite3_stmt* made = nullptr;
        if (::sqlite3_prepare_v3(handle, text, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) != SQLITE_OK) refuse(file);
        return made;
    }
    [[noreturn]] void refuse(std::string const& file) {
        std::string const why = handle != nullptr ? ::sqlite3_errmsg(handle) : "no memory";
        close();
        throw std::runtime_error("stores::sqlite: \"" + file + "\" cannot be used: " + why +
                                 "; name a file that the process may write, in a folder that it may write");
    }
    void close() noexcept {
        for (sqlite3_stmt* one : {find, put, erase, expire, trim, trim_any, count}) ::sqlite3_finalize(one);
        ::sqlite3_close(handle);
        find = put = erase = expire = trim = trim_any = count = nullptr;
        handle = nullptr;
    }

    sqlite_settings settings;
    std::mutex mutex{};
    sqlite3* handle = nullptr;
    sqlite3_stmt* find = nullptr;
    sqlite3_stmt* put = nullptr;
    sqlite3_stmt* erase = nullptr;
    sqlite3_stmt* expire = nullptr;
    sqlite3_stmt* trim = nullptr;
    sqlite3_stmt* trim_any = nullptr;
    sqlite3_stmt* count = nullptr;
    std::size_t entries = 0;
    std::size_t since_counted = 0;  // changes
};

namespace detail {
/// Stands in where none were lent.
struct no_workers final : workers {
    bool post(unique_function<void()>) override { return false; }
    asio::awaitable<void> run(unique_function<void()>) override { throw workers_busy{}; }
};
}  // namespace detail

MAILQUAY_DECL sqlite::sqlite(std::string file, std::shared_ptr<mailquay::workers> pool, sqlite_settings settings)
    : sqlite(std::move(file), std::move(settings)) {
    if (!pool) throw std::invalid_argument("stores::sqlite: no workers; give it a worker_pool");
    pool_ = std::move(pool), lent_ = false;
}

MAILQUAY_DECL sqlite::sqlite(std::string file, sqlite_settings settings) : pool_(std::make_shared<detail::no_workers>()) {
    if (!settings.clock) settings.clock = machine_clock();
    database_ = std::make_shared<database>(file, std::move(settings));
}

MAILQUAY_DECL sqlite::~sqlite() = default;

MAILQUAY_DECL void sqlite::lend(std::shared_ptr<mailquay::workers> pool) {
    if (pool && std::exchange(lent_, false)) pool_ = std::move(pool);
}

MAILQUAY_DECL eventual<result<std::optional<std::string>>> sqlite::get(std::string key) {
    return offload(*pool_, [in = database_, key = std::move(key)] { return in->get(key); });
}
MAILQUAY_DECL eventual<result<void>> sqlite::set(std::string key, std::string value, std::chrono::seconds ttl) {
    return offload(*pool_, [in = database_, key = std::move(key), value = std::move(value), ttl] { return in->set(key, value, ttl); });
}
MAILQUAY_DECL eventual<result<std::int64_t>> sqlite::add(std::string key, std::int64_t delta, std::chrono::seconds ttl) {
    return offload(*pool_, [in = database_, key = std::move(key), delta, ttl] { return in->add(key, delta, ttl); });
}
MAILQUAY_DECL eventual<result<bool>> sqlite::compare_and_set(std::string key, std::optional<std::string> expected, std::string value,
                                                             std::chrono::seconds ttl) {
    return offload(*pool_, [in = database_, key = std::move(key), expected = std::move(expected), value = std::move(value), ttl] {
        return in->compare_and_set(key, expected, value, ttl);
    });
}
MAILQUAY_DECL eventual<result<bool>> sqlite::remove(std::string key) {
    return offload(*pool_, [in = database_, key = std::move(key)] { return in->remove(key); });
}

}  // namespace mailquay::inline MAILQUAY_ABI::stores
