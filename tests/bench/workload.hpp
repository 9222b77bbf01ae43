#pragma once

#include <mailquay/handler/pipeline.hpp>
#include <mailquay/server/connection.hpp>
#include <mailquay/server/hook_runner.hpp>
#include <mailquay/server/listener_setup.hpp>
#include <mailquay/server/loop.hpp>
#include <mailquay/server/plugins.hpp>
#include <mailquay/server/server_config.hpp>
#include <mailquay/server/shard.hpp>
#include <mailquay/session/prepared_replies.hpp>
#include <mailquay/sink/discard.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Whole connections without sockets: a client that is a list of segments, a loop that never waits. What a message costs
/// here is all that a server adds to the kernel's part.
namespace bench {

using namespace mailquay;

/// What a client sends: each segment is what one read finds, some of them many times.
struct segment {
    std::string octets;
    std::uint64_t times = 1;
};

/// Gives the segments to whoever reads, and takes all replies.
class played_transport final : public transport {
public:
    explicit played_transport(std::vector<segment> const& plays) : next_(plays.data()), end_(plays.data() + plays.size()) {}

    io_result read_some(std::span<char> room) noexcept override {
        if (next_ == end_) return {0, io_status::end};
        std::string_view const rest = std::string_view{next_->octets}.substr(at_);
        std::size_t const moved = std::min(rest.size(), room.size());
        copy(room.data(), rest.data(), moved);
        at_ += moved;
        if (at_ == next_->octets.size()) {
            at_ = 0;
            if (++times_ == next_->times) {
                times_ = 0;
                ++next_;
            }
        }
        return {moved, io_status::ok};
    }
    io_result write_some(std::span<char const> octets) noexcept override { return {octets.size(), io_status::ok}; }
    io_status probe() noexcept override { return io_status::ok; }
    void close_write() noexcept override {}
    void close() noexcept override {}
    int native_handle() const noexcept override { return 0; }

private:
    // What the kernel does in a real read. In pieces: a copy must not cost more or less for each octet by its size. By memmove: of a
    // memcpy of a bounded size the compiler makes one string instruction, which counts as many.
    static void copy(char* to, char const* from, std::size_t octets) noexcept {
        constexpr std::size_t most = 1024;
        while (octets != 0) {
            std::size_t const piece = std::min(octets, most);
            std::memmove(to, from, piece);
            octets -= piece, to += piece, from += piece;
        }
    }

    segment const* next_;
    segment const* end_;
    std::size_t at_ = 0;
    std::uint64_t times_ = 0;
};

/// Readiness comes at once; time stands still; no hook may answer later.
class played_loop final : public loop, public reactor, public hook_runner {
public:
    mailquay::reactor& reactor() noexcept override { return *this; }
    hook_runner& hooks() noexcept override { return *this; }
    time_point now() const noexcept override { return time_point{} + std::chrono::hours{1}; }
    std::chrono::system_clock::time_point wall() const noexcept override {
        return std::chrono::system_clock::time_point{} + std::chrono::hours{24 * 365 * 50};
    }
    void set_alarm(shard_alarm, std::chrono::milliseconds) override {}
    void post(unique_function<void()>) override { std::abort(); }

    void tell(batch_listener*) noexcept override {}
    std::error_code watch(watcher& who, int) override { return who_ = &who, std::error_code{}; }
    void want(watcher&, readiness) override {}
    void resume(watcher&, readiness) override {}
    void unwatch(watcher&) noexcept override { who_ = nullptr; }

    void start(eventual<verdict>, connection&, hook_question) override { std::abort(); }
    void start(eventual<delivery>, connection&, hook_question) override { std::abort(); }
    void start(eventual<reply>, connection&, hook_question) override { std::abort(); }
    void start(eventual<auth_step>, connection&, hook_question) override { std::abort(); }

    /// Until the connection is closed.
    void play() {
        while (who_ != nullptr) who_->ready(readiness::readable);
    }

private:
    watcher* who_ = nullptr;
};

/// A server that accepts and discards everything, as mailquay-sink does: the default settings, but for the bounds named.
class played_server {
public:
    played_server() : home_(new shard{loop_, shard_limits{}, door_, logger{}}) {
        server_config config{.hostname = "mx.example.org"};
        config.limits.message_octets = 1024 * 1024 * 1024;
        config.limits.recipients = 100'000;
        plugins plugged;
        plugged.recipients([](transaction const&, recipient const&) { return accept(); }).sink(sink_);
        auto made = std::make_shared<listener_setup>();
        made->session = make_session_config(config, profile::mx(), sink_.promised());
        prepare_replies(made->session);
        made->asks = std::make_shared<pipeline>(plugged.all(), logger{});
        setup_ = std::move(made);
    }
    ~played_server() { home_->detach(); }
    played_server(played_server const&) = delete;
    played_server& operator=(played_server const&) = delete;

    /// One connection from its greeting to its end.
    void connection_of(std::vector<segment> const& plays) {
        session_info peer{client_, local_};
        door_->admit(client_.address, connection_limits{}.per_address);
        home_->adopt(setup_, std::make_unique<played_transport>(plays), std::move(peer));
        loop_.play();
    }
    std::uint64_t accepted() const noexcept { return sink_.messages(); }

private:
    ip_endpoint const client_{ip_address::from_v4({192, 0, 2, 1}), 4321};
    ip_endpoint const local_{ip_address::from_v4({192, 0, 2, 25}), 25};
    played_loop loop_;
    std::shared_ptr<admission> door_ = std::make_shared<admission>(connection_limits{});
    ref<shard> home_;
    sinks::discard sink_;
    std::shared_ptr<listener_setup const> setup_;
};

inline std::string envelope(std::uint64_t recipients) {
    std::string text = "MAIL FROM:<sender@example.com>\r\n";
    for (std::uint64_t i = 0; i < recipients; ++i) text.append("RCPT TO:<user").append(std::to_string(i)).append("@example.org>\r\n");
    return text += "DATA\r\n";
}

inline std::string header(std::uint64_t fields) {
    std::string text = "Subject: bench\r\n";
    for (std::uint64_t i = 1; i < fields; ++i) text += "X-Field: one of many\r\n";
    return text += "\r\n";
}

/// The lines that bodies are made of; about 1 KiB.
enum class lines { plain, small, dotted, led };
inline std::string kibibyte(lines of) {
    std::string text;
    while (text.size() < 1000) {
        switch (of) {
            case lines::plain: text.append(70, 'x').append("\r\n"); break;
            case lines::small: text += "x\r\n"; break;
            case lines::dotted: text += "..\r\n"; break;
            case lines::led: text.append("..").append(68, 'x').append("\r\n"); break;
        }
    }
    return text;
}

/// `messages` of a connection, each with its end and the next envelope in one segment (the harness's shape full).
inline std::vector<segment> full(std::uint64_t messages, std::uint64_t recipients, std::uint64_t fields, std::string const& body) {
    std::string const next = envelope(recipients);
    std::string const message = header(fields) + body + ".\r\n";
    std::vector<segment> plays{{"EHLO client.example.com\r\n"}, {next}};
    if (messages > 1) plays.push_back({message + next, messages - 1});
    plays.push_back({message});
    plays.push_back({"QUIT\r\n"});
    return plays;
}

/// `messages` of a connection, each command and the message in a segment of its own (the shapes keepalive and small).
inline std::vector<segment> in_steps(std::uint64_t messages, std::string const& body) {
    std::vector<segment> plays{{"EHLO client.example.com\r\n"}};
    for (std::uint64_t i = 0; i < messages; ++i) {
        plays.push_back({"MAIL FROM:<sender@example.com>\r\n"});
        plays.push_back({"RCPT TO:<user0@example.org>\r\n"});
        plays.push_back({"DATA\r\n"});
        plays.push_back({header(1) + body + ".\r\n"});
    }
    plays.push_back({"QUIT\r\n"});
    return plays;
}

/// One message of `kibibytes`, in segments of 64 KiB or less.
inline std::vector<segment> large(std::uint64_t kibibytes, lines of) {
    constexpr std::uint64_t in_a_segment = 64;
    std::string const one = kibibyte(of);
    std::string many;
    for (std::uint64_t i = 0; i < in_a_segment; ++i) many += one;
    std::vector<segment> plays{{"EHLO client.example.com\r\n"}, {envelope(1)}, {header(1)}};
    if (kibibytes >= in_a_segment) plays.push_back({many, kibibytes / in_a_segment});
    plays.push_back({many.substr(0, kibibytes % in_a_segment * one.size()) + ".\r\n"});
    plays.push_back({"QUIT\r\n"});
    return plays;
}

}  // namespace bench
