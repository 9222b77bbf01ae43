#include <mailquay/sink/mbox.hpp>

#include <mailquay/handler/delivery_targets.hpp>
#include <mailquay/handler/storage_errors.hpp>
#include <mailquay/message/field_filter.hpp>
#include <mailquay/message/trace_fields.hpp>
#include <mailquay/sink/detail/sink_bounds.hpp>
#include <mailquay/sink/offloaded.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>
#include <fcntl.h>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL void append_mbox_quoted(std::string& out, std::string_view text) {
    while (!text.empty()) {
        auto const end = std::min(text.find('\n'), text.size() - 1) + 1;
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end);
        auto const quotes = std::min(line.find_first_not_of('>'), line.size());
        if (line.substr(quotes).starts_with("From ")) out += '>';
        if (line.ends_with("\r\n")) {
            out.append(line.substr(0, line.size() - 2)).append("\n");
        } else {
            out.append(line);
        }
    }
}

namespace detail {

// FILE.lock. The system's lock on it says whether the process that made it is still there: it goes with the process, however that
// ends. Locks of other programs have neither our name in them nor that lock.
class dot_lock {
public:
    dot_lock(std::string const& file, std::chrono::steady_clock::time_point until, std::chrono::seconds stale) : path_(file + ".lock") {
        for (;;) {
            file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
            if (file_ >= 0) {
                sign();
                return;
            }
            failed_ = errno;
            if (failed_ != EEXIST) return;
            if (remove_if_left(stale)) continue;
            if (std::chrono::steady_clock::now() >= until) return;
            std::this_thread::sleep_for(std::chrono::milliseconds{50});
        }
    }
    dot_lock(dot_lock const&) = delete;
    dot_lock& operator=(dot_lock const&) = delete;
    ~dot_lock() {
        if (file_ < 0) return;
        if (names(file_)) ::unlink(path_.c_str());
        ::close(file_);
    }
    bool held() const noexcept { return file_ >= 0; }
    std::error_code why() const noexcept { return {failed_, std::system_category()}; }

private:
    static constexpr std::string_view ours = "mailquay ";

    // Locked first: whoever reads our name in it must find the lock as well.
    void sign() {
        if (::flock(file_, LOCK_EX | LOCK_NB) != 0) return;  // a file system without: then its age alone says that it was left
        std::string const name = fmt::format("{}{}\n", ours, ::getpid());
        if (::write(file_, name.data(), name.size()) < 0) failed_ = errno;  // likewise
    }
    // Whether `path_` is still the name of this file.
    bool names(int file) const {
        struct stat opened {}, named {};
        return ::fstat(file, &opened) == 0 && ::stat(path_.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
               opened.st_dev == named.st_dev;
    }
    bool remove_if_left(std::chrono::seconds stale) const {
        int const there = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (there < 0) return errno == ENOENT;
        char name[ours.size()] = {};
        bool const is_ours = ::pread(there, name, sizeof name, 0) == static_cast<ssize_t>(sizeof name) &&
                             std::string_view{name, sizeof name} == ours;
        struct stat facts {};
        bool left = is_ours ? ::flock(there, LOCK_EX | LOCK_NB) == 0
                            : stale.count() != 0 && ::fstat(there, &facts) == 0 && std::time(nullptr) - facts.st_mtime > stale.count();
        // Another may have taken it away meanwhile, and made one.
        left = left && names(there) && ::unlink(path_.c_str()) == 0;
        ::close(there);
        return left;
    }

    std::string path_;
    int file_ = -1;
    int failed_ = 0;
};

inline std::error_code mbox_error() noexcept { return {errno, std::system_category()}; }

inline std::error_code lock_mbox(int file, std::chrono::steady_clock::time_point until) {
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    while (::fcntl(file, F_SETLK, &whole) != 0) {
        if ((errno != EACCES && errno != EAGAIN && errno != EINTR) || std::chrono::steady_clock::now() >= until) return mbox_error();
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    return {};
}

// What is missing of the empty line behind the last entry: a crash may have cut that off.
inline result<std::string_view> end_of_mbox(int file, off_t size) {
    char last[2] = {'\n', '\n'};
    auto const count = std::min<off_t>(size, 2);
    if (::pread(file, last + 2 - count, static_cast<std::size_t>(count), size - count) != count) return mbox_error();
    if (last[1] != '\n') return std::string_view{"\n\n"};
    return last[0] != '\n' ? std::string_view{"\n"} : std::string_view{};
}

// A new name must survive a loss of power as well.
inline std::error_code sync_folder_of(std::string const& path) {
    auto const slash = path.rfind('/');
    std::string const above = slash == path.npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
    int const folder = ::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return mbox_error();
    std::error_code const failed = ::fsync(folder) != 0 ? mbox_error() : std::error_code{};
    ::close(folder);
    return failed;
}

// Appends all of `text`, or nothing.
inline std::error_code append_durably(std::string const& path, std::string_view text, std::chrono::steady_clock::time_point until) {
    int const file = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return mbox_error();
    std::error_code failed = lock_mbox(file, until);
    struct stat facts {};
    if (!failed && ::fstat(file, &facts) != 0) failed = mbox_error();
    if (!failed) {
        auto const end = end_of_mbox(file, facts.st_size);
        if (!end) failed = end.error();
        std::string_view before = end ? *end : std::string_view{};
        while (!(before.empty() && text.empty()) && !failed) {
            std::string_view& next = before.empty() ? text : before;
            auto const wrote = ::write(file, next.data(), next.size());
            if (wrote >= 0) next.remove_prefix(static_cast<std::size_t>(wrote));
            else if (errno != EINTR) failed = mbox_error();
        }
        if (!failed && ::fsync(file) != 0) failed = mbox_error();
        // A reader may have taken the file away, and this is a new one.
        if (!failed && facts.st_size == 0) failed = sync_folder_of(path);
        if (failed && ::ftruncate(file, facts.st_size) == 0) (void)::fsync(file);
    }
    ::close(file);
    return failed;
}

inline void add_once(std::vector<std::string>& to, std::string const& name) {
    if (std::find(to.begin(), to.end(), name) == to.end()) to.push_back(name);
}

inline std::string mbox_entries(received_message const& mail) {
    std::string kept;
    field_filter filter;
    filter.remove("Return-Path");
    filter.feed(mail.octets, kept);
    filter.message_ended(kept);

    std::vector<std::string> mailboxes;
    for (envelope_recipient const& to : mail.envelope.recipients) {
        bool const resolved = for_each_target(to, [&](std::string_view name) { add_once(mailboxes, std::string(name)); });
        if (!resolved) add_once(mailboxes, to.address);
    }
    // asctime's form, in UTC: what readers of the From_ line know.
    std::time_t const now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char date[32] = {};
    (void)std::strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", &parts);
    std::string sender = mail.envelope.reverse_path.empty() ? "MAILER-DAEMON" : mail.envelope.reverse_path;
    for (char& c : sender)
        if (static_cast<unsigned char>(c) <= ' ') c = '-';

    std::string text;
    text.reserve(mailboxes.size() * (kept.size() + kept.size() / 64 + 512));
    for (std::string const& mailbox : mailboxes) {
        text += fmt::format("From {} {}\n", sender, date);
        std::string head;
        append_return_path(head, mail.envelope.reverse_path);
        append_delivered_to(head, mailbox);
        append_mbox_quoted(text, head);
        append_mbox_quoted(text, kept);
        if (!text.ends_with('\n')) text += '\n';
        text += '\n';
    }
    return text;
}

}  // namespace detail

namespace sinks {

struct mbox::parts {
    // In one process fcntl locks do not keep threads apart.
    // One deadline for all the waiting: many messages do not wait in turn until nobody waits for them any more.
    static delivery append(std::string const& file, std::timed_mutex& one_at_a_time, detail::free_room& room, mbox_settings const& settings,
                           received_message const& mail) {
        std::string const text = detail::mbox_entries(mail);
        auto const until = std::chrono::steady_clock::now() + settings.lock_wait;
        std::error_code failed = std::make_error_code(std::errc::timed_out);
        if (std::unique_lock const only{one_at_a_time, until}; only) {
            detail::dot_lock const lock{file, until, settings.stale_lock};
            failed = lock.held() ? detail::append_durably(file, text, until) : lock.why();
            room.look();
        }
        if (!failed) return delivery{accept()};
        return delivery{defer(storage_reply(failed)).because("mbox: " + failed.message())};
    }
    static offloaded_sink make(std::string file, std::shared_ptr<detail::free_room> room, mbox_settings settings) {
        settings.workers.reset();  // a job must not hold the pool it runs on
        return offloaded([file = std::move(file), room = std::move(room), settings, mutex = std::make_shared<std::timed_mutex>()](
                             received_message mail) { return append(file, *mutex, *room, settings, mail); },
                         settings.max_octets);
    }
    static unique_function<void()> look(std::shared_ptr<detail::free_room> room) {
        return [room = std::move(room)] { room->look(); };
    }

    parts(std::string file, mbox_settings const& settings)
        : room(std::make_shared<detail::free_room>(detail::free_room::folder_of(file))),
          sink(make(std::move(file), room, settings)) {
        if (settings.workers) lend(settings.workers);
    }
    void lend(std::shared_ptr<mailquay::workers> more) {
        if (pool) return;
        pool = more;
        sink.lend(std::move(more));
    }

    std::shared_ptr<detail::free_room> room;
    offloaded_sink sink;
    std::shared_ptr<mailquay::workers> pool{};
};

MAILQUAY_DECL mbox::mbox(std::string file, mbox_settings settings) {
    int const made = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    std::error_code failed = made < 0 ? detail::mbox_error() : std::error_code{};
    struct stat facts {};
    if (!failed && (::fstat(made, &facts) != 0 || !S_ISREG(facts.st_mode))) failed = std::make_error_code(std::errc::not_supported);
    if (!failed && ::fsync(made) != 0) failed = detail::mbox_error();
    if (made >= 0) ::close(made);
    if (failed)
        throw std::runtime_error("sinks::mbox: \"" + file + "\" cannot be used: " + failed.message() +
                                 "; name a file that the process may append to");
    (void)detail::sync_folder_of(file);  // one that fails here is told with the first message
    parts_ = std::make_unique<parts>(std::move(file), settings);
}

MAILQUAY_DECL mbox::~mbox() = default;
MAILQUAY_DECL mbox::mbox(mbox&&) noexcept = default;

MAILQUAY_DECL void mbox::lend(std::shared_ptr<mailquay::workers> pool) {
    parts_->lend(std::move(pool));
}

MAILQUAY_DECL eventual<message_sink::opened> mbox::open(transaction const& mail) { return parts_->sink.open(mail); }

MAILQUAY_DECL bool mbox::has_room(std::uint64_t octets) const {
    if (parts_->room->has(octets)) return true;
    if (parts_->pool && parts_->room->begin_looking() && !parts_->pool->post(parts::look(parts_->room))) parts_->room->give_up_looking();
    return false;
}

MAILQUAY_DECL promises mbox::promised() const {
    promises kept = parts_->sink.promised();
    kept.requiretls = kept.deliver_by = kept.priority = true;
    return kept;
}

}  // namespace sinks
}  // namespace mailquay::inline MAILQUAY_ABI
