#include <mailquay/sink/spool_control.hpp>

#include <mailquay/base/scrub.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

constexpr std::size_t listed_at_once = 1000;
constexpr std::size_t shown_octets = 64 * 1024;
constexpr std::size_t command_octets = 256;
constexpr int command_wait_ms = 5000;
constexpr int answer_wait_ms = 30'000;
constexpr std::size_t scrubbed_octets = 2048;

inline std::string state_word(queued_message const& one) {
    if (one.claimed) return "active";
    if (one.held) return "held";
    // Until its first try a message waits for nothing but its release.
    if (one.due_in.count() > 0 && one.attempts == 0 && one.released > one.accepted)
        return fmt::format("to be released in {} s", one.due_in.count() / 1000);
    return one.due_in.count() > 0 ? fmt::format("in {} s", one.due_in.count() / 1000) : std::string("due");
}

inline std::int64_t unix_seconds(std::chrono::system_clock::time_point when) {
    return std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count();
}

inline void append_listed(std::string& to, spool_queue& queue, queued_message const& one) {
    to += fmt::format("{} {} octets, accepted {}, {} of {} recipients done, {} attempts, {}", one.id.view(), one.octets,
                      unix_seconds(one.accepted), one.recipients_done, one.recipients, one.attempts, state_word(one));
    if (auto const seen = queue.look_at(one.id)) {
        envelope const& mail = seen->stored.envelope;
        to += fmt::format(", from <{}>", scrub(mail.reverse_path, scrubbed_octets));
        if (!mail.recipients.empty()) to += fmt::format(" to <{}>", scrub(mail.recipients.front().address, scrubbed_octets));
        if (mail.recipients.size() > 1) to += fmt::format(" and {} more", mail.recipients.size() - 1);
    }
    to += '\n';
}

inline std::string list_spool(spool_queue& queue, transaction_id after) {
    std::string text;
    for (queued_message const& one : queue.list(after, listed_at_once)) append_listed(text, queue, one);
    return text;
}

inline std::string list_damage(spool_queue& queue) {
    std::string text;
    for (spool_damage const& one : queue.damaged())
        text += fmt::format("{}{} segment {} offset {} {}\n", one.unfinished ? "unfinished " : "", one.id.empty() ? "unknown" : one.id,
                            one.segment, one.offset, one.file);
    return text;
}

inline std::string_view to_word(bounce which) noexcept {
    switch (which) {
        case bounce::always: return "always";
        case bounce::restrained: return "restrained";
        case bounce::never: return "never";
    }
    return "unknown";
}

inline void append_scrubbed(std::string& to, std::string_view name, std::string_view value) {
    to += fmt::format("{} {}\n", name, scrub(value, scrubbed_octets));
}

// As they are written in MAIL, so that whoever knows SMTP can read them.
inline void append_requests(std::string& to, envelope const& mail) {
    delivery_request const& asked = mail.requests;
    if (mail.auth) to += fmt::format("auth <{}>\n", scrub(*mail.auth, scrubbed_octets));
    if (asked.ret != dsn_return::unsaid) to += fmt::format("ret {}\n", to_string(asked.ret));
    if (!asked.envid.empty()) append_scrubbed(to, "envid", asked.envid);
    if (asked.requiretls) to += "requiretls\n";
    if (asked.by)
        to += fmt::format("by {};{}{}\n", asked.by->seconds, asked.by->mode == by_mode::notify ? 'N' : 'R', asked.by->trace ? "T" : "");
    if (asked.hold) to += fmt::format("release {}\n", asked.hold->release.time_since_epoch().count());
    if (asked.priority) to += fmt::format("priority {}, asked for {}\n", +asked.priority->value, +asked.priority->asked);
    for (std::string const& one : mail.unknown_parameters) append_scrubbed(to, "parameter", one);
}

inline void append_requests(std::string& to, recipient_request const& asked) {
    if (asked.notify != dsn_notify::unsaid) to += fmt::format(" notify {}", to_string(asked.notify));
    if (!asked.original.empty())
        to += fmt::format(" orcpt {};{}", scrub(asked.original.type, scrubbed_octets), scrub(asked.original.address, scrubbed_octets));
    if (asked.valid_since) to += fmt::format(" rrvs {}", asked.valid_since->when.time_since_epoch().count());
    for (std::string const& one : asked.unknown) to += fmt::format(" parameter {}", scrub(one, scrubbed_octets));
}

inline std::string show_spooled(queued_message const& one, claimed_message const& seen) {
    envelope const& mail = seen.stored.envelope;
    std::string text = fmt::format("id {}\nstate {}\noctets {}\naccepted {}\nlifetime from {}\nattempts {}\nbounce {}\nfrom <{}>\n", one.id.view(),
                                   state_word(one), one.octets, unix_seconds(one.accepted), unix_seconds(one.released), one.attempts,
                                   to_word(seen.stored.state.bounce), scrub(mail.reverse_path, scrubbed_octets));
    append_requests(text, mail);
    for (std::size_t i = 0; i < mail.recipients.size(); ++i) {
        text += fmt::format("to <{}>", scrub(mail.recipients[i].address, scrubbed_octets));
        if (auto const* outcome = seen.stored.state.outcome_of(static_cast<std::uint32_t>(i)))
            text += fmt::format(" {} {}", to_string(outcome->kind), scrub(outcome->reply, scrubbed_octets));
        append_requests(text, mail.recipients[i].requests);
        text += '\n';
    }
    if (!mail.client.address.is_none()) text += fmt::format("client {} [{}]\n", scrub(mail.hello_name, scrubbed_octets), mail.client.address.to_string());
    if (mail.forwarded)
        text += fmt::format("forwarded for {} [{}]\n", scrub(mail.forwarded->name, scrubbed_octets), scrub(mail.forwarded->address, scrubbed_octets));
    if (!mail.user.empty()) text += fmt::format("user {}\n", scrub(mail.user, scrubbed_octets));
    text += '\n';
    std::string content(static_cast<std::size_t>(std::min<std::uint64_t>(seen.octets, shown_octets)), '\0');
    auto const got = seen.read(0, content);
    for (std::size_t i = 0; got && i < *got; ++i) {
        char const c = content[i];
        bool const control = static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
        if (c == '\r') continue;
        text += control && c != '\n' && c != '\t' ? '?' : c;
    }
    return text;
}

inline void begin_on_spooled(spool_queue& queue, std::string_view verb, transaction_id id, spool_queue::when_done done) {
    if (verb == "delete") return queue.remove(id, std::move(done));
    spool_change what;
    what.give_back = false;  // an attempt that is under way goes on
    if (verb == "flush") {
        auto const one = queue.find(id);
        bool const waits = one && !one->held && !one->claimed && one->recipients_done < one->recipients;
        if (!waits) return done(std::make_error_code(std::errc::device_or_resource_busy));
        // Written down as well: without a server it is the next one that delivers.
        what.flush = true;
        return queue.change(id, std::move(what), [done = std::move(done)](std::error_code failed) mutable {
            done(failed == std::errc::no_such_file_or_directory ? std::error_code{} : failed);  // delivered meanwhile
        });
    }
    if (verb == "hold") what.hold = true;
    if (verb == "release" || verb == "requeue") what.hold = false;
    if (verb == "release" || verb == "requeue") what.new_lifetime = true;
    if (verb == "requeue") what.flush = true;  // also where its destination is left alone for now
    queue.change(id, std::move(what), std::move(done));
}

/// What came of changes that were begun together: one sync serves them all.
class begun_together {
public:
    static spool_queue::when_done one_more(std::shared_ptr<begun_together> all) {
        {
            std::lock_guard const lock{all->mutex_};
            ++all->open_;
        }
        return [all = std::move(all)](std::error_code failed) {
            std::lock_guard const lock{all->mutex_};
            if (failed) all->failed_ = failed, ++all->failures_;
            if (--all->open_ == 0) all->ended_.notify_all();
        };
    }
    /// @return how many failed
    std::size_t wait() {
        std::unique_lock lock{mutex_};
        ended_.wait(lock, [&] { return open_ == 0; });
        return failures_;
    }
    std::error_code failed() const noexcept { return failed_; }

private:
    std::mutex mutex_{};
    std::condition_variable ended_{};
    std::size_t open_ = 0, failures_ = 0;
    std::error_code failed_{};
};

inline std::error_code do_to_spooled(spool_queue& queue, std::string_view verb, transaction_id id) {
    auto const all = std::make_shared<begun_together>();
    begin_on_spooled(queue, verb, id, begun_together::one_more(all));
    return all->wait() != 0 ? all->failed() : std::error_code{};
}

// A part of them, so that whoever asks is answered soon and the server can end in between.
inline std::string do_to_all(spool_queue& queue, std::string_view verb, transaction_id after) {
    auto const some = queue.list(after, listed_at_once);
    auto const all = std::make_shared<begun_together>();
    std::size_t begun = 0;
    for (queued_message const& one : some) {
        if (verb == "release" && !one.held) continue;
        ++begun;
        begin_on_spooled(queue, verb, one.id, begun_together::one_more(all));
    }
    std::size_t const failed = all->wait();
    std::string answer = fmt::format("ok\n{} messages{}\n", begun - failed, failed == 0 ? std::string{} : fmt::format(", {} not", failed));
    if (some.size() == listed_at_once) answer += fmt::format("after {}\n", some.back().id.view());
    return answer;
}

inline bool is_action(std::string_view verb) {
    for (std::string_view const one : {"hold", "release", "delete", "requeue", "flush"})
        if (verb == one) return true;
    return false;
}

}  // namespace detail

MAILQUAY_DECL std::string answer_spool_command(spool_queue& queue, std::string_view line) {
    auto const space = line.find(' ');
    std::string_view const verb = line.substr(0, space);
    std::string_view const rest = space == line.npos ? std::string_view{} : line.substr(space + 1);
    auto const id = transaction_id::parse(rest);
    if (verb == "list" && (rest.empty() || id)) return "ok\n" + detail::list_spool(queue, id.value_or(transaction_id{}));
    if (verb == "damaged") return "ok\n" + detail::list_damage(queue);
    if (verb == "clock-ok") {
        queue.clock_ok();
        return "ok\n";
    }
    if (detail::is_action(verb) && rest == "all") return detail::do_to_all(queue, verb, {});
    if (detail::is_action(verb) && rest.starts_with("all "))
        if (auto const after = transaction_id::parse(rest.substr(4))) return detail::do_to_all(queue, verb, *after);
    if (verb != "show" && !detail::is_action(verb)) return "error no such command; see --help\n";
    if (!id) return "error \"" + scrub(rest) + "\" is not an id: 12 letters and digits, as the log has them\n";
    if (verb == "show") {
        auto const one = queue.find(*id);
        auto const seen = queue.look_at(*id);
        if (!one) return "error no such message\n";
        if (!seen && seen.error().value() == EILSEQ) return "error its record is damaged; see list --damaged\n";
        if (!seen) return "error it cannot be read now: " + seen.error().message() + "\n";
        return "ok\n" + detail::show_spooled(*one, *seen);
    }
    std::error_code const failed = detail::do_to_spooled(queue, verb, *id);
    if (!failed) return "ok\n1 messages\n";
    if (failed == std::errc::no_such_file_or_directory) return "error no such message\n";
    if (verb == "flush") return "error no such message, or it is held or being delivered\n";
    return "error " + failed.message() + "\n";
}

namespace detail {

inline sockaddr_un unix_address(std::string const& path) {
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof where.sun_path)
        throw std::runtime_error("spool_control: \"" + path + "\" is too long for a socket; name a folder with a shorter path");
    std::memcpy(where.sun_path, path.data(), path.size());
    return where;
}

inline bool wait_for(int socket, short what, int patience_ms) {
    pollfd one{socket, what, 0};
    for (;;) {
        int const ready = ::poll(&one, 1, patience_ms);
        if (ready < 0 && errno == EINTR) continue;
        return ready > 0;
    }
}

inline bool send_all(int socket, std::string_view text, int patience_ms) {
    while (!text.empty()) {
        auto const sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
        else if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (!wait_for(socket, POLLOUT, patience_ms)) return false;
        } else return false;
    }
    return true;
}

// Everything up to the end, or to a line end if `one_line`.
inline std::string receive(int socket, bool one_line, std::size_t most, int patience_ms) {
    std::string text;
    char piece[4096];
    while (text.size() < most && !(one_line && text.find('\n') != text.npos)) {
        if (!wait_for(socket, POLLIN, patience_ms)) return {};
        auto const got = ::recv(socket, piece, sizeof piece, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        text.append(piece, static_cast<std::size_t>(got));
    }
    return text;
}

}  // namespace detail

struct spool_control::state {
    std::shared_ptr<spool_queue> queue{};
    std::string path{};
    logger log{};
    int listening = -1;
    int ending[2] = {-1, -1};
    std::thread thread{};

    void serve() {
        for (;;) {
            pollfd both[2] = {{listening, POLLIN, 0}, {ending[0], POLLIN, 0}};
            if (::poll(both, 2, -1) < 0 && errno != EINTR) return;
            if (both[1].revents != 0) return;
            if (both[0].revents == 0) continue;
            int const client = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
            if (client < 0) continue;
            std::string line = detail::receive(client, true, detail::command_octets, detail::command_wait_ms);
            line.resize(std::min(line.find('\n'), line.size()));
            std::string answer;
            try {
                answer = answer_spool_command(*queue, line);
            } catch (std::exception const& failed) {
                answer = std::string("error ") + failed.what() + '\n';
            }
            log.info([&] { return fmt::format("spool: asked to \"{}\"", scrub(line)); });
            (void)detail::send_all(client, answer, detail::answer_wait_ms);
            ::close(client);
        }
    }
};

MAILQUAY_DECL spool_control::spool_control(std::shared_ptr<spool_queue> queue, std::string path, logger log)
    : state_(std::make_unique<state>()) {
    state_->queue = std::move(queue);
    state_->path = std::move(path);
    state_->log = std::move(log);
    sockaddr_un const where = detail::unix_address(state_->path);
    auto const refuse = [&] {
        std::string const why = std::error_code(errno, std::system_category()).message();
        if (state_->listening >= 0) ::close(state_->listening);
        throw std::runtime_error("spool_control: \"" + state_->path + "\": " + why + "; let the process own the folder");
    };
    state_->listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (state_->listening < 0) refuse();
    // The folder's lock says that no other process can be listening here.
    ::unlink(state_->path.c_str());
    auto const* const address = reinterpret_cast<sockaddr const*>(&where);
    mode_t const mask = ::umask(0177);
    int const bound = ::bind(state_->listening, address, sizeof where);
    ::umask(mask);
    if (bound != 0 || ::listen(state_->listening, 8) != 0) refuse();
    if (::pipe2(state_->ending, O_CLOEXEC) != 0) refuse();
    state_->thread = std::thread{[one = state_.get()] { one->serve(); }};
}

MAILQUAY_DECL spool_control::~spool_control() {
    char const octet = 0;
    while (::write(state_->ending[1], &octet, 1) < 0 && errno == EINTR) {
    }
    state_->thread.join();
    for (int const one : {state_->listening, state_->ending[0], state_->ending[1]}) ::close(one);
    ::unlink(state_->path.c_str());
}

MAILQUAY_DECL result<std::string> ask_spool(std::string const& path, std::string_view line) {
    constexpr std::size_t most = 64 * 1024 * 1024;
    sockaddr_un const where = detail::unix_address(path);
    int const socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return std::error_code{errno, std::system_category()};
    if (::connect(socket, reinterpret_cast<sockaddr const*>(&where), sizeof where) != 0) {
        std::error_code const failed{errno, std::system_category()};
        ::close(socket);
        return failed;
    }
    std::string answer;
    if (detail::send_all(socket, std::string(line) + "\n", detail::answer_wait_ms))
        answer = detail::receive(socket, false, most, 2 * detail::answer_wait_ms);
    ::close(socket);
    if (answer.empty()) return std::make_error_code(std::errc::timed_out);
    return answer;
}

}  // namespace mailquay::inline MAILQUAY_ABI
