#pragma once

#include <mailquay/server/asio_loop.hpp>
#include <mailquay/server/connection.hpp>
#include <mailquay/server/listener.hpp>
#include <mailquay/server/shard.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailquay_test {

using namespace mailquay;

/// One connection's wire, played by a test: what the client sent, what it took, and what goes wrong.
struct wire {
    static constexpr std::size_t everything = ~std::size_t{0};

    std::string to_server;                  ///< sent by the client, not read yet
    std::string from_server;                ///< written by the server
    std::size_t read_at_most = everything;  ///< octets per read
    std::size_t write_at_most = everything; ///< octets per write
    std::size_t room = everything;          ///< octets the client still takes
    bool client_ended = false;              ///< half-close of the client
    bool reset = false;
    unsigned operations = 0;                ///< reads and writes tried
    unsigned fail_at = 0;                   ///< the operation that finds the connection broken; 0: none
    unsigned reads = 0;                     ///< that moved octets
    unsigned writes = 0;                    ///< that moved octets
    bool half_closed = false;
    bool closed = false;
    char const* last_room = nullptr;        ///< where the last read put its octets
    std::size_t last_room_size = 0;
};

class scripted_transport final : public transport {
public:
    scripted_transport(std::shared_ptr<wire> played, int handle) : wire_(std::move(played)), handle_(handle) {}
    ~scripted_transport() override { wire_->closed = true; }

    io_result read_some(std::span<char> room) noexcept override {
        if (broken()) return {0, io_status::error};
        wire_->last_room = room.data();
        wire_->last_room_size = room.size();
        if (wire_->to_server.empty()) return {0, wire_->client_ended ? io_status::end : io_status::would_block};
        std::size_t const moved = std::min({room.size(), wire_->to_server.size(), wire_->read_at_most});
        std::copy_n(wire_->to_server.data(), moved, room.data());
        wire_->to_server.erase(0, moved);
        ++wire_->reads;
        return {moved, io_status::ok};
    }
    io_result write_some(std::span<char const> octets) noexcept override {
        if (broken()) return {0, io_status::error};
        std::size_t const moved = std::min({octets.size(), wire_->room, wire_->write_at_most});
        if (moved == 0) return {0, io_status::would_block};
        wire_->from_server.append(octets.data(), moved);
        if (wire_->room != wire::everything) wire_->room -= moved;
        ++wire_->writes;
        return {moved, io_status::ok};
    }
    io_status probe() noexcept override {
        if (wire_->reset) return io_status::error;
        if (!wire_->to_server.empty()) return io_status::ok;
        return wire_->client_ended ? io_status::end : io_status::would_block;
    }
    void close_write() noexcept override { wire_->half_closed = true; }
    void close() noexcept override { wire_->closed = true; }
    int native_handle() const noexcept override { return handle_; }

private:
    bool broken() noexcept {
        if (++wire_->operations == wire_->fail_at) wire_->reset = true;
        return wire_->reset || wire_->closed;
    }

    std::shared_ptr<wire> wire_;
    int handle_;
};

/// A reactor whose readiness is played by a test: in the order of registration, reversed, or one by one.
class manual_reactor final : public reactor {
public:
    explicit manual_reactor(batch_listener* const& told) : told_(told) {}

    void tell(batch_listener*) noexcept override {}  // it follows the pointer it was made with
    std::error_code watch(watcher& who, int descriptor) override {
        if (fail_watch) return std::exchange(fail_watch, std::error_code{});
        registration(who) = &who;
        all_.push_back({&who, descriptor, readiness::none});
        return {};
    }
    void want(watcher& who, readiness what) override {
        if (auto* const one = find(who)) one->wanted = one->wanted | what;
    }
    void resume(watcher& who, readiness what) override { want(who, what); }
    void unwatch(watcher& who) noexcept override {
        std::erase_if(all_, [&](auto const& one) { return one.who == &who; });
    }

    /// One batch: every watcher that waits for what is there now. @return how many were told
    std::size_t round() {
        if (*&told_ != nullptr) told_->batch_begins();
        std::vector<std::pair<watcher*, readiness>> ready;
        for (auto& one : all_) {
            readiness const now = readiness(unsigned(one.wanted) & unsigned(look(one.descriptor)));
            if (now == readiness::none) continue;
            one.wanted = readiness(unsigned(one.wanted) & ~unsigned(now));
            ready.emplace_back(one.who, now);
        }
        if (reversed) std::reverse(ready.begin(), ready.end());
        std::size_t told = 0;
        for (auto const& [who, what] : ready) {
            if (find(*who) == nullptr) continue;
            who->ready(what);
            ++told;
        }
        return told;
    }
    std::size_t watched() const noexcept { return all_.size(); }
    readiness wanted_by(int descriptor) const {
        for (auto const& one : all_)
            if (one.descriptor == descriptor) return one.wanted;
        return readiness::none;
    }

    std::function<readiness(int)> look = [](int) { return readiness::none; };
    std::error_code fail_watch{};
    bool reversed = false;

private:
    struct entry {
        watcher* who;
        int descriptor;
        readiness wanted;
    };
    entry* find(watcher& who) {
        for (auto& one : all_)
            if (one.who == &who) return &one;
        return nullptr;
    }

    batch_listener* const& told_;
    std::vector<entry> all_;
};

/// A loop whose time stands until a test moves it. Hooks that answer later run on a context of its own.
class manual_loop final : public loop {
public:
    manual_loop() : reactor_(batches), hooks_(io.get_executor()) {}

    mailquay::reactor& reactor() noexcept override { return reactor_; }
    hook_runner& hooks() noexcept override { return hooks_; }
    time_point now() const noexcept override { return now_; }
    std::chrono::system_clock::time_point wall() const noexcept override { return wall_; }
    void set_alarm(shard_alarm which, std::chrono::milliseconds delay) override { set_[static_cast<std::size_t>(which)] = now_ + delay; }
    void post(unique_function<void()> task) override { posted_.push_back(std::move(task)); }

    /// Everything that can happen without time passing.
    void settle() {
        for (unsigned quiet = 0; quiet < 2; ++quiet) {
            while (!posted_.empty()) {
                auto task = std::move(posted_.front());
                posted_.pop_front();
                task();
                quiet = 0;
            }
            io.restart();
            if (io.poll() + reactor_.round() != 0) quiet = 0;
        }
    }
    /// Time passes; alarms that are due ring, in their order.
    void pass(std::chrono::milliseconds time) {
        auto const until = now_ + time;
        for (;;) {
            auto const next = std::min_element(set_.begin(), set_.end());
            if (*next > until) break;
            auto const which = static_cast<shard_alarm>(next - set_.begin());
            move_to(std::max(now_, *next));
            *next = time_point::max();
            if (rings != nullptr) rings->rang(which);
            settle();
        }
        move_to(until);
        settle();
    }
    bool alarm_set(shard_alarm which) const { return set_[static_cast<std::size_t>(which)] != time_point::max(); }

    asio::io_context io{1};
    batch_listener* batches = nullptr;
    alarm_listener* rings = nullptr;
    manual_reactor reactor_;

private:
    void move_to(time_point to) {
        wall_ += std::chrono::duration_cast<std::chrono::system_clock::duration>(to - now_);
        now_ = to;
    }

    asio_hook_runner hooks_;
    time_point now_{std::chrono::hours{1000}};
    std::chrono::system_clock::time_point wall_{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23}};
    std::array<time_point, alarms> set_{time_point::max(), time_point::max(), time_point::max()};
    std::deque<unique_function<void()>> posted_;
};

/// A client as a test plays it.
class played_client {
public:
    played_client(manual_loop& in, std::shared_ptr<wire> over, int known_as) : handle(known_as), loop_(&in), wire_(std::move(over)) {}

    /// Sends, and lets everything happen that can.
    played_client& send(std::string_view octets) {
        wire_->to_server.append(octets);
        loop_->settle();
        return *this;
    }
    /// Takes what the server wrote since the last time.
    std::string take() { return std::exchange(wire_->from_server, {}); }
    played_client& end() {
        wire_->client_ended = true;
        loop_->settle();
        return *this;
    }
    played_client& vanish() {
        wire_->reset = true;
        loop_->settle();
        return *this;
    }
    played_client& take_nothing() { return wire_->room = 10, *this; }
    played_client& take_again() {
        wire_->room = wire::everything;
        loop_->settle();
        return *this;
    }
    /// All that was sent has left the client.
    bool all_sent() const { return wire_->to_server.empty(); }
    wire& on_wire() { return *wire_; }
    bool closed() const { return wire_->closed; }

    int handle;

private:
    manual_loop* loop_;
    std::shared_ptr<wire> wire_;
};

/// A shard on a manual loop, with clients.
class manual_shard {
public:
    using client = played_client;

    explicit manual_shard(shard_limits limits = {}, logger log = {})
        : door(std::make_shared<admission>(connection_limits{})), home(new shard{loop, limits, door, log}) {
        loop.batches = home.get();
        loop.rings = home.get();
        loop.reactor_.look = [this](int handle) { return ready_now(handle); };
    }
    ~manual_shard() { home->detach(); }

    played_client connect(std::shared_ptr<listener_setup const> setup, std::shared_ptr<wire> over = std::make_shared<wire>()) {
        int const handle = next_handle_++;
        wires_[handle] = over;
        session_info peer{ip_endpoint{*ip_address::parse("192.0.2.1"), 4321}, ip_endpoint{*ip_address::parse("192.0.2.25"), 25}};
        door->admit(peer.socket_peer().address);
        home->adopt(std::move(setup), std::make_unique<scripted_transport>(over, handle), std::move(peer));
        loop.settle();
        return {loop, std::move(over), handle};
    }

    /// A trusted proxy connects: its header is awaited first.
    played_client connect_proxy(std::shared_ptr<listener_setup const> setup, std::shared_ptr<wire> over = std::make_shared<wire>()) {
        int const handle = next_handle_++;
        wires_[handle] = over;
        session_info peer{ip_endpoint{*ip_address::parse("203.0.113.1"), 4321}, ip_endpoint{*ip_address::parse("192.0.2.25"), 25},
                          address_source::direct};
        door->admit({}, 0);
        home->hear_proxy(std::move(setup), std::make_unique<scripted_transport>(over, handle), std::move(peer));
        loop.settle();
        return {loop, std::move(over), handle};
    }

    manual_loop loop;
    std::shared_ptr<admission> door;
    ref<shard> home;

private:
    readiness ready_now(int handle) const {
        auto const found = wires_.find(handle);
        if (found == wires_.end()) return readiness::none;  // a listener: the test tells it
        wire const& one = *found->second;
        readiness now = readiness::none;
        if (!one.to_server.empty() || one.client_ended || one.reset) now = now | readiness::readable;
        if (one.room > 0 || one.reset) now = now | readiness::writable;
        return now;
    }

    std::map<int, std::shared_ptr<wire>> wires_;
    int next_handle_ = 1000;
};

}  // namespace mailquay_test
