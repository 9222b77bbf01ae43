#include <mailquay/sink/sqlite.hpp>

#include <mailquay/handler/storage_errors.hpp>
#include <mailquay/message/header_walker.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/sink/detail/sink_bounds.hpp>
#include <mailquay/sink/detail/wait_for_done.hpp>

#include <fmt/format.h>
#include <sqlite3.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::sinks {

/// The database and its one writer.
struct sqlite::shared {
    using when_done = unique_function<void(std::error_code)>;
    struct waiting_message {
        envelope mail{};
        std::string content{};
        detail::memory_share share;
        when_done done{};
        std::shared_ptr<std::atomic<bool>> abandoned{};  // nobody waits for it any more
        std::error_code failed{};
    };

    shared(std::string const& file, sqlite_settings given)
        : settings(std::move(given)), memory(std::make_shared<detail::memory_bound>(settings.memory_octets)), room(detail::free_room::folder_of(file)) {
        int const opened = ::sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
        if (opened != SQLITE_OK) refuse(file);
        ::sqlite3_busy_timeout(handle, static_cast<int>(settings.busy_ms));
        ask_for_wal(file);
        for (char const* one :
             {"PRAGMA synchronous=EXTRA",
              "CREATE TABLE IF NOT EXISTS messages(id TEXT PRIMARY KEY, received INTEGER NOT NULL, reverse_path TEXT NOT NULL, "
              "hello TEXT NOT NULL, client TEXT NOT NULL, user TEXT NOT NULL, secure INTEGER NOT NULL, smtputf8 INTEGER NOT NULL, "
              "body TEXT NOT NULL, octets INTEGER NOT NULL, content BLOB NOT NULL)",
              "CREATE TABLE IF NOT EXISTS recipients(message TEXT NOT NULL, number INTEGER NOT NULL, address TEXT NOT NULL, "
              "mailbox TEXT NOT NULL, deliver_to TEXT NOT NULL, PRIMARY KEY(message, number)) WITHOUT ROWID",
              "CREATE INDEX IF NOT EXISTS recipients_mailbox ON recipients(mailbox)",
              "CREATE TABLE IF NOT EXISTS header_fields(message TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, "
              "value TEXT NOT NULL, PRIMARY KEY(message, number)) WITHOUT ROWID"})
            if (::sqlite3_exec(handle, one, nullptr, nullptr, nullptr) != SQLITE_OK) refuse(file);
        add_message = prepare(file, "INSERT INTO messages VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
        add_recipient = prepare(file, "INSERT INTO recipients VALUES(?1, ?2, ?3, ?4, ?5)");
        add_field = prepare(file, "INSERT INTO header_fields VALUES(?1, ?2, ?3, ?4)");
        writer = std::thread{[this] { write_all(); }};
    }
    shared(shared const&) = delete;
    shared& operator=(shared const&) = delete;
    ~shared() {
        {
            std::lock_guard const lock{mutex};
            ending = true;
        }
        wake.notify_one();
        writer.join();
        close();
    }

    void submit(envelope mail, std::string content, detail::memory_share share, std::shared_ptr<std::atomic<bool>> abandoned, when_done done) {
        {
            std::lock_guard const lock{mutex};
            if (!waiting.empty() && waiting_octets + content.size() > settings.waiting_octets) {
                done(std::make_error_code(std::errc::resource_unavailable_try_again));
                return;
            }
            waiting_octets += content.size();
            waiting.push_back({std::move(mail), std::move(content), std::move(share), std::move(done), std::move(abandoned), {}});
        }
        wake.notify_one();
    }
    bool has_room(std::uint64_t octets) {
        if (room.has(octets)) return true;
        if (room.begin_looking()) {
            {
                std::lock_guard const lock{mutex};
                look = true;
            }
            wake.notify_one();
        }
        return false;
    }

    sqlite_settings settings;
    std::shared_ptr<detail::memory_bound> memory;

private:
    // SQLite answers with the mode that it has then, which is another where the file system or the database does not allow it.
    void ask_for_wal(std::string const& file) {
        std::string mode;
        auto const keep = [](void* to, int count, char** values, char**) {
            if (count == 1 && values[0] != nullptr) *static_cast<std::string*>(to) = values[0];
            return 0;
        };
        if (::sqlite3_exec(handle, "PRAGMA journal_mode=WAL", keep, &mode, nullptr) != SQLITE_OK) refuse(file);
        if (mode == "wal") return;
        if (mode == "memory" || mode == "off") refuse(file, "it is not kept on a disk");
        settings.log.warning([&] {
            return fmt::format("sqlite: \"{}\" cannot have a write-ahead log (journal_mode is {}): messages are kept as safely, but slower",
                               file, mode);
        });
    }
    void write_all() {
        std::vector<waiting_message> batch;
        for (;;) {
            {
                std::unique_lock lock{mutex};
                wake.wait(lock, [&] { return ending || look || !waiting.empty(); });
                if (ending && waiting.empty()) return;
                batch.swap(waiting);
                waiting_octets = 0;
                look = false;
            }
            if (!batch.empty()) commit(batch);
            room.look();
            for (waiting_message& one : batch) {
                // Who is answered may send the next message at once: it is to find the room that this one had.
                one.content = {};
                one.share.give_back();
                one.done(one.failed);
            }
            batch.clear();
        }
    }

    void commit(std::vector<waiting_message>& batch) {
        auto failed = execute("BEGIN IMMEDIATE");
        for (waiting_message& one : batch) {
            if (failed) break;
            if (*one.abandoned) {
                one.failed = std::make_error_code(std::errc::operation_canceled);
                continue;
            }
            failed = execute("SAVEPOINT one");
            if (!failed) one.failed = insert(one);
            // A message that cannot be stored costs no other.
            if (!failed && one.failed) failed = execute("ROLLBACK TO one");
            if (!failed) failed = execute("RELEASE one");
        }
        if (!failed) failed = execute("COMMIT");
        if (!failed) return;
        if (::sqlite3_get_autocommit(handle) == 0) ::sqlite3_exec(handle, "ROLLBACK", nullptr, nullptr, nullptr);
        settings.log.error([&] { return fmt::format("sqlite: storing {} messages failed: {}", batch.size(), failed.message()); });
        for (waiting_message& one : batch)
            if (!one.failed) one.failed = failed;
    }

    std::error_code insert(waiting_message const& one) {
        envelope const& mail = one.mail;
        auto const now = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
        text(add_message, 1, mail.id);
        ::sqlite3_bind_int64(add_message, 2, now);
        text(add_message, 3, mail.reverse_path);
        text(add_message, 4, mail.hello_name);
        std::string const client = mail.client.address.is_none() ? std::string{} : mail.client.address.to_string();
        text(add_message, 5, client);
        text(add_message, 6, mail.user);
        ::sqlite3_bind_int(add_message, 7, mail.secure ? 1 : 0);
        ::sqlite3_bind_int(add_message, 8, mail.smtputf8 ? 1 : 0);
        text(add_message, 9, to_string(mail.body));
        ::sqlite3_bind_int64(add_message, 10, static_cast<sqlite3_int64>(one.content.size()));
        ::sqlite3_bind_blob64(add_message, 11, one.content.data(), one.content.size(), SQLITE_STATIC);
        if (auto const failed = run(add_message)) return failed;
        int number = 0;
        for (envelope_recipient const& to : mail.recipients) {
            std::string members;
            for (std::string const& member : to.deliver_to) members.append(members.empty() ? "" : "\n").append(member);
            text(add_recipient, 1, mail.id);
            ::sqlite3_bind_int(add_recipient, 2, number++);
            text(add_recipient, 3, to.address);
            text(add_recipient, 4, to.mailbox);
            text(add_recipient, 5, members);
            if (auto const failed = run(add_recipient)) return failed;
        }
        return insert_fields(one);
    }

    std::error_code insert_fields(waiting_message const& one) {
        header_walker header{one.content};
        std::size_t number = 0;
        while (auto const field = header.next()) {
            if (number == settings.header_fields) break;
            if (field->is_malformed()) continue;
            std::string const value = unfold(field->value);
            text(add_field, 1, one.mail.id);
            ::sqlite3_bind_int64(add_field, 2, static_cast<sqlite3_int64>(number++));
            text(add_field, 3, field->name);
            text(add_field, 4, value);
            if (auto const failed = run(add_field)) return failed;
        }
        return {};
    }

    static void text(sqlite3_stmt* to, int place, std::string_view value) {
        ::sqlite3_bind_text64(to, place, value.data() != nullptr ? value.data() : "", value.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    std::error_code run(sqlite3_stmt* which) {
        int const got = ::sqlite3_step(which);
        std::error_code const failed = got == SQLITE_DONE ? std::error_code{} : failure();
        ::sqlite3_reset(which);
        return failed;
    }
    std::error_code execute(char const* statement) {
        return ::sqlite3_exec(handle, statement, nullptr, nullptr, nullptr) == SQLITE_OK ? std::error_code{} : failure();
    }
    std::error_code failure() const {
        int const why = ::sqlite3_errcode(handle) & 0xff;
        return {why == SQLITE_FULL ? ENOSPC : why == SQLITE_BUSY ? EBUSY : EIO, std::system_category()};
    }
    sqlite3_stmt* prepare(std::string const& file, char const* statement) {
        sqlite3_stmt* made = nullptr;
        if (::sqlite3_prepare_v3(handle, statement, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) != SQLITE_OK) refuse(file);
        return made;
    }
    [[noreturn]] void refuse(std::string const& file, std::string why = {}) {
        if (why.empty()) why = handle != nullptr ? ::sqlite3_errmsg(handle) : "no memory";
        close();
        throw std::runtime_error("sinks::sqlite: \"" + file + "\" cannot be used: " + why +
                                 "; name a file that the process may write, in a folder that it may write");
    }
    void close() noexcept {
        for (sqlite3_stmt* one : {add_message, add_recipient, add_field}) ::sqlite3_finalize(one);
        ::sqlite3_close(handle);
    }

    sqlite3* handle = nullptr;
    sqlite3_stmt* add_message = nullptr;
    sqlite3_stmt* add_recipient = nullptr;
    sqlite3_stmt* add_field = nullptr;
    std::mutex mutex{};
    std::condition_variable wake{};
    std::vector<waiting_message> waiting{};
    std::size_t waiting_octets = 0;
    bool ending = false;
    bool look = false;  // at what the file system has left
    detail::free_room room;
    std::thread writer{};
};

}  // namespace mailquay::inline MAILQUAY_ABI::sinks

namespace mailquay::inline MAILQUAY_ABI::detail {

struct sqlite_start {
    static unique_function<void(unique_function<void(std::error_code)>)> make(std::shared_ptr<sinks::sqlite::shared> into, envelope mail,
                                                                              std::string content, memory_share share,
                                                                              std::shared_ptr<std::atomic<bool>> abandoned) {
        return [into = std::move(into), mail = std::move(mail), content = std::move(content), share = std::move(share),
                abandoned = std::move(abandoned)](unique_function<void(std::error_code)> done) mutable {
            into->submit(std::move(mail), std::move(content), std::move(share), std::move(abandoned), std::move(done));
        };
    }
};

inline asio::awaitable<delivery> commit_to_sqlite(unique_function<void(unique_function<void(std::error_code)>)> start) {
    asio::awaitable<std::error_code> waiting = wait_for_done(std::move(start));
    std::error_code const failed = co_await std::move(waiting);
    if (!failed) co_return delivery{accept()};
    if (failed == std::errc::resource_unavailable_try_again) co_return delivery{defer(replies::queue_full)};
    co_return delivery{defer(storage_reply(failed)).because("sqlite: " + failed.message())};
}

class sqlite_writer final : public message_writer {
public:
    sqlite_writer(std::shared_ptr<sinks::sqlite::shared> into, transaction const& mail)
        : into_(std::move(into)), mail_(mail.snapshot()), share_(into_->memory) {}
    ~sqlite_writer() override { *abandoned_ = true; }

    eventual<verdict> write(std::span<char const> octets) override {
        if (octets.size() > into_->settings.max_octets - content_.size()) {
            drop();
            return reject(replies::message_too_big);
        }
        if (!share_.add(octets.size())) {
            drop();
            return defer(replies::queue_full).because("sqlite: memory_octets");
        }
        content_.append(octets.data(), octets.size());
        return accept();
    }
    eventual<delivery> finish(commit) override {
        return commit_to_sqlite(sqlite_start::make(into_, std::move(mail_), std::move(content_), std::move(share_), abandoned_));
    }

private:
    void drop() {
        content_ = {};
        share_.give_back();
    }

    std::shared_ptr<sinks::sqlite::shared> into_;
    envelope mail_;
    std::string content_;
    memory_share share_;
    std::shared_ptr<std::atomic<bool>> abandoned_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail

namespace mailquay::inline MAILQUAY_ABI::sinks {

MAILQUAY_DECL sqlite::sqlite(std::string file, sqlite_settings settings) : shared_(std::make_shared<shared>(file, std::move(settings))) {}
MAILQUAY_DECL sqlite::~sqlite() = default;
MAILQUAY_DECL sqlite::sqlite(sqlite&&) noexcept = default;

MAILQUAY_DECL eventual<message_sink::opened> sqlite::open(transaction const& mail) {
    return opened{std::unique_ptr<message_writer>{std::make_unique<detail::sqlite_writer>(shared_, mail)}};
}

MAILQUAY_DECL bool sqlite::has_room(std::uint64_t octets) const { return shared_->has_room(octets); }

MAILQUAY_DECL promises sqlite::promised() const {
    promises kept;
    kept.binary = kept.per_recipient = kept.requiretls = kept.deliver_by = kept.priority = true;
    kept.max_size = shared_->settings.max_octets;
    return kept;
}

}  // namespace mailquay::inline MAILQUAY_ABI::sinks
