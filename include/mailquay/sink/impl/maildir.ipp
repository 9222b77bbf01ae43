#include <mailquay/sink/maildir.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/message/field_filter.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/sink/detail/maildir_message.hpp>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <unistd.h>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::detail {

// What a maildir's coroutine and its job have in common.
template <class T>
struct maildir_job {
    std::shared_ptr<maildir_message> message;
    std::optional<T> answer{};
    std::exception_ptr thrown{};

    static unique_function<void()> make(std::shared_ptr<maildir_job> work, T (*run)(maildir_message&)) {
        return [work = std::move(work), run] {
            try {
                work->answer.emplace(run(*work->message));
            } catch (...) {
                work->thrown = std::current_exception();
            }
        };
    }
};

template <class T>
asio::awaitable<T> run_maildir_job(std::shared_ptr<workers> pool, std::shared_ptr<maildir_message> message, T (*run)(maildir_message&)) {
    auto work = std::make_shared<maildir_job<T>>();
    work->message = std::move(message);
    try {
        unique_function<void()> job = maildir_job<T>::make(work, run);
        asio::awaitable<void> running = pool->run(std::move(job));
        co_await std::move(running);
    } catch (workers_busy const&) {
        work->answer.emplace(defer(replies::queue_full));
    }
    if (work->thrown) std::rethrow_exception(work->thrown);
    co_return std::move(*work->answer);
}

inline verdict spill_maildir_message(maildir_message& message) { return message.spill(); }
inline delivery commit_maildir_message(maildir_message& message) { return message.commit_as(commit::all_or_none); }
inline delivery commit_maildir_message_each(maildir_message& message) { return message.commit_as(commit::each); }

class maildir_writer final : public message_writer {
public:
    maildir_writer(std::size_t memory_octets, std::shared_ptr<workers> pool, std::shared_ptr<maildir_message> message)
        : memory_octets_(memory_octets), pool_(std::move(pool)), message_(std::move(message)) {
        filter_.remove("Return-Path").watch("Delivered-To", [known = message_.get()](std::string_view value) {
            known->delivered_before_to(value);
        });
    }
    ~maildir_writer() override {
        message_->abandoned.store(true);
        if (!has_jobs_ || message_->settled.load()) return;
        try {
            (void)pool_->post([left = std::move(message_)]() mutable { left.reset(); });
        } catch (...) {  // then the message goes with us
        }
    }

    eventual<verdict> write(std::span<char const> octets) override {
        std::string_view const text{octets.data(), octets.size()};
        if (filter_.finished())
            message_->buffer.append(text);
        else
            filter_.feed(text, message_->buffer);
        if (message_->buffer.size() <= memory_octets_) return accept();
        has_jobs_ = true;
        return run_maildir_job<verdict>(pool_, message_, &spill_maildir_message);
    }

    eventual<delivery> finish(commit how) override {
        filter_.message_ended(message_->buffer);
        has_jobs_ = true;
        auto* const run = how == commit::each ? &commit_maildir_message_each : &commit_maildir_message;
        return run_maildir_job<delivery>(pool_, message_, run);
    }

private:
    std::size_t memory_octets_;
    std::shared_ptr<workers> pool_;
    std::shared_ptr<maildir_message> message_;
    field_filter filter_;
    bool has_jobs_ = false;  // files may be open, which the workers should close
};

inline message_sink::opened open_maildir_writer(std::size_t memory_octets, std::shared_ptr<workers> pool,
                                                std::shared_ptr<maildir_message> message) {
    return std::unique_ptr<message_writer>{std::make_unique<maildir_writer>(memory_octets, std::move(pool), std::move(message))};
}

struct maildir_room {
    static unique_function<void()> look(std::shared_ptr<maildir_shared> into) {
        return [into = std::move(into)] {
            into->look_at_free_octets();
            into->looking.store(false);
        };
    }
};

// Room was short when it was last seen: look again before the body is asked for.
inline asio::awaitable<message_sink::opened> open_if_room(std::shared_ptr<maildir_shared> into, std::shared_ptr<workers> pool,
                                                          std::shared_ptr<maildir_message> message, std::uint64_t needed) {
    try {
        unique_function<void()> job = maildir_room::look(into);
        asio::awaitable<void> running = pool->run(std::move(job));
        co_await std::move(running);
    } catch (workers_busy const&) {
        co_return message_sink::opened{defer(replies::queue_full)};
    }
    if (into->free_octets.load() < needed) co_return message_sink::opened{defer(replies::no_storage)};
    co_return open_maildir_writer(into->memory_octets, std::move(pool), std::move(message));
}

[[noreturn]] inline void refuse_maildir(std::string const& path, std::string const& why) {
    throw std::runtime_error("sinks::maildir: folder \"" + path + "\" cannot be used: " + why +
                             "; let the process own it, or name another folder");
}

inline std::string maildir_hostname(std::string name) {
    if (name.empty()) {
        char own[256] = "localhost";
        if (::gethostname(own, sizeof own - 1) == 0) name = own;
    }
    std::string safe;
    for (char c : name.substr(0, 128)) {
        if (c == '/')
            safe += "\\057";
        else if (c == ':')
            safe += "\\072";
        else
            safe += is_printable(c) && c != ' ' ? c : '_';
    }
    return safe.empty() ? "localhost" : safe;
}

/// The folders that get a new entry when `path` is made, with all that is missing above it.
inline std::vector<std::string> folders_above_missing(std::filesystem::path path) {
    std::vector<std::string> all;
    std::error_code ec;
    while (!path.empty() && !std::filesystem::exists(path, ec)) {
        path = path.parent_path();
        all.push_back(path.empty() ? "." : path.string());
    }
    return all;
}

inline void remove_stale_maildir_files(std::filesystem::path const& tmp, std::chrono::hours age) {
    namespace fs = std::filesystem;
    auto const oldest = fs::file_time_type::clock::now() - age;
    std::error_code ec;
    for (fs::directory_iterator at{tmp, ec}, end; !ec && at != end; at.increment(ec)) {
        std::error_code gone;
        auto const written = at->last_write_time(gone);
        if (!gone && written < oldest && at->symlink_status(gone).type() == fs::file_type::regular) fs::remove(at->path(), gone);
    }
}

// Those of a maildir and of the folders in it.
inline void remove_stale_from_maildir(std::filesystem::path const& maildir, std::chrono::hours age) {
    namespace fs = std::filesystem;
    remove_stale_maildir_files(maildir / "tmp", age);
    std::error_code ec;
    for (fs::directory_iterator at{maildir, ec}, end; !ec && at != end; at.increment(ec))
        if (at->path().filename().native().front() == '.') remove_stale_maildir_files(at->path() / "tmp", age);
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail

namespace mailquay::inline MAILQUAY_ABI::sinks {

MAILQUAY_DECL std::string maildir_folder_name(std::string_view folder) {
    constexpr std::size_t most_octets = 128;
    std::string name;
    bool level_begins = true;
    for (char const c : folder.substr(0, most_octets)) {
        if (c == '.' || c == '/') {
            level_begins = true;
            continue;
        }
        if (std::exchange(level_begins, false)) name += '.';
        name += is_printable(c) && c != '&' ? c : '_';
    }
    return name;
}

MAILQUAY_DECL maildir::maildir(std::string folder, maildir_settings settings) : shared_(std::make_shared<detail::maildir_shared>()) {
    namespace fs = std::filesystem;
    while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
    if (folder.empty()) detail::refuse_maildir(folder, "the name is empty");
    shared_->folder = folder;
    shared_->layout = settings.layout;
    shared_->memory_octets = settings.memory_octets;
    shared_->quota = std::move(settings.quota);
    shared_->folder_of = std::move(settings.folder);
    shared_->hostname = detail::maildir_hostname(std::move(settings.hostname));
    shared_->files = settings.files ? std::move(settings.files) : system_files();
    pool_ = std::move(settings.workers);

    std::error_code ec;
    auto const changed = detail::folders_above_missing(folder);
    if (fs::path const parent = fs::path(folder).parent_path(); !parent.empty()) fs::create_directories(parent, ec);
    if (ec) detail::refuse_maildir(folder, ec.message());
    bool const single = shared_->layout == maildir_layout::single;
    for (std::string_view sub_folder : {"", "/tmp", "/new", "/cur"}) {
        if (!single && !sub_folder.empty()) break;
        std::string const path = folder + std::string(sub_folder);
        if (auto const made = shared_->files->make_folder(path); !made) detail::refuse_maildir(path, made.error().message());
        if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0)
            detail::refuse_maildir(path, std::error_code(errno, std::system_category()).message());
    }
    if (auto const synced = shared_->files->sync_folder(folder); !synced) detail::refuse_maildir(folder, synced.error().message());
    for (std::string const& above : changed)
        if (auto const synced = shared_->files->sync_folder(above); !synced) detail::refuse_maildir(above, synced.error().message());
    if (single) {
        detail::remove_stale_from_maildir(folder, settings.stale_after);
    } else {
        for (fs::directory_iterator at{folder, ec}, end; !ec && at != end; at.increment(ec))
            detail::remove_stale_from_maildir(at->path(), settings.stale_after);
    }
    shared_->look_at_free_octets();
}

MAILQUAY_DECL maildir::~maildir() = default;
MAILQUAY_DECL maildir::maildir(maildir&&) noexcept = default;
MAILQUAY_DECL void maildir::lend(std::shared_ptr<mailquay::workers> pool) {
    if (!pool_) pool_ = std::move(pool);
}

MAILQUAY_DECL promises maildir::promised() const {
    promises kept;
    kept.binary = kept.per_recipient = kept.requiretls = kept.deliver_by = kept.priority = true;
    return kept;
}

MAILQUAY_DECL bool maildir::has_room(std::uint64_t octets) const {
    if (shared_->free_octets.load(std::memory_order_relaxed) >= octets) return true;
    if (pool_ && !shared_->looking.exchange(true)) {
        if (!pool_->post(detail::maildir_room::look(shared_))) shared_->looking.store(false);
    }
    return false;
}

MAILQUAY_DECL eventual<message_sink::opened> maildir::open(transaction const& mail) {
    if (!pool_) throw std::logic_error("sinks::maildir has no workers: give it to a server, name some in its settings, or call lend()");
    auto message = std::make_shared<detail::maildir_message>(shared_, mail);
    if (message->has_unresolved() && shared_->layout == maildir_layout::per_mailbox)
        return opened{defer(replies::local_error).because("maildir per mailbox, and a recipient without one")};
    if (message->mailboxes() == 0) return opened{defer(replies::local_error).because("maildir without recipients")};
    constexpr std::uint64_t spare_octets = 1024 * 1024;
    std::uint64_t const size = std::min(mail.parameters().size.value_or(0), std::uint64_t{1} << 40);
    std::uint64_t const needed = size * message->mailboxes() + spare_octets;
    if (shared_->free_octets.load(std::memory_order_relaxed) >= needed) 
        return detail::open_maildir_writer(shared_->memory_octets, pool_, std::move(message));
    return detail::open_if_room(shared_, pool_, std::move(message), needed);
}

}  // namespace mailquay::inline MAILQUAY_ABI::sinks
