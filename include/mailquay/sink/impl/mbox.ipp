#include <mailquay/sink/mbox.hpp>

#include <mailquay/handler/delivery_targets.hpp>
#include <mailquay/handler/storage_errors.hpp>
#include <mailquay/message/field_filter.hpp>
#include <mailquay/message/trace_fields.hpp>
#include <mailquay/sink/offloaded.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <mutex>
#include <stdexcept>
#include <string_view>
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

// FILE.lock, which a name of its own makes safe on network file systems too.
class dot_lock {
public:
    dot_lock(std::string const& file, std::chrono::seconds wait, std::chrono::seconds stale) : path_(file + ".lock") {
        auto const until = std::chrono::steady_clock::now() + wait;
        for (;;) {
            int const made = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
            if (made >= 0) {
                ::close(made);
                held_ = true;
                return;
            }
            failed_ = errno;
            if (failed_ != EEXIST || std::chrono::steady_clock::now() >= until) return;
            struct stat facts {};
            if (stale.count() != 0 && ::stat(path_.c_str(), &facts) == 0 && std::time(nullptr) - facts.st_mtime > stale.count())
                ::unlink(path_.c_str());
            std::this_thread::sleep_for(std::chrono::milliseconds{50});
        }
    }
    dot_lock(dot_lock const&) = delete;
    dot_lock& operator=(dot_lock const&) = delete;
    ~dot_lock() {
        if (held_) ::unlink(path_.c_str());
    }
    bool held() const noexcept { return held_; }
    std::error_code why() const noexcept { return {failed_, std::system_category()}; }

private:
    std::string path_;
    bool held_ = false;
    int failed_ = 0;
};

inline std::error_code mbox_error() noexcept { return {errno, std::system_category()}; }

inline std::error_code lock_mbox(int file, std::chrono::seconds wait) {
    auto const until = std::chrono::steady_clock::now() + wait;
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    while (::fcntl(file, F_SETLK, &whole) != 0) {
        if ((errno != EACCES && errno != EAGAIN && errno != EINTR) || std::chrono::steady_clock::now() >= until) return mbox_error();
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    return {};
}

// Appends all of `text`, or nothing.
inline std::error_code append_durably(std::string const& path, std::string_view text, std::chrono::seconds wait) {
    int const file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return mbox_error();
    std::error_code failed = lock_mbox(file, wait);
    struct stat facts {};
    if (!failed && ::fstat(file, &facts) != 0) failed = mbox_error();
    if (!failed) {
        while (!text.empty() && !failed) {
            auto const wrote = ::write(file, text.data(), text.size());
            if (wrote >= 0) text.remove_prefix(static_cast<std::size_t>(wrote));
            else if (errno != EINTR) failed = mbox_error();
        }
        if (!failed && ::fsync(file) != 0) failed = mbox_error();
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
    static delivery append(std::string const& file, std::mutex& one_at_a_time, mbox_settings const& settings, received_message const& mail) {
        std::string const text = detail::mbox_entries(mail);
        std::lock_guard const only{one_at_a_time};
        detail::dot_lock const lock{file, settings.lock_wait, settings.stale_lock};
        std::error_code const failed = lock.held() ? detail::append_durably(file, text, settings.lock_wait) : lock.why();
        if (!failed) return delivery{accept()};
        return delivery{defer(storage_reply(failed)).because("mbox: " + failed.message())};
    }
    static offloaded_sink make(std::string file, mbox_settings settings) {
        return offloaded([file = std::move(file), settings, mutex = std::make_shared<std::mutex>()](
                             received_message mail) { return append(file, *mutex, settings, mail); },
                         settings.max_octets);
    }

    parts(std::string file, mbox_settings const& settings) : sink(make(std::move(file), settings)), has_workers(settings.workers != nullptr) {
        if (has_workers) sink.lend(settings.workers);
    }

    offloaded_sink sink;
    bool has_workers;
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
    // The new name must survive a loss of power as well.
    auto const slash = file.rfind('/');
    std::string const above = slash == file.npos ? "." : file.substr(0, std::max<std::size_t>(slash, 1));
    if (int const folder = ::open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); folder >= 0) {
        (void)::fsync(folder);
        ::close(folder);
    }
    parts_ = std::make_unique<parts>(std::move(file), settings);
}

MAILQUAY_DECL mbox::~mbox() = default;
MAILQUAY_DECL mbox::mbox(mbox&&) noexcept = default;

MAILQUAY_DECL void mbox::lend(std::shared_ptr<mailquay::workers> pool) {
    if (!parts_->has_workers) parts_->sink.lend(std::move(pool));
}

MAILQUAY_DECL eventual<message_sink::opened> mbox::open(transaction const& mail) { return parts_->sink.open(mail); }

MAILQUAY_DECL promises mbox::promised() const {
    promises kept = parts_->sink.promised();
    kept.requiretls = kept.deliver_by = kept.priority = true;
    return kept;
}

}  // namespace sinks
}  // namespace mailquay::inline MAILQUAY_ABI
