#pragma once

#include <mailquay/server/asio_loop.hpp>
#include <mailquay/server/shard.hpp>

#include "support/catch.hpp"

#include <asio/io_context.hpp>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mailquay_test {

using namespace mailquay;

/// How the sockets of a `socket_shard` come to be.
enum class socket_kind { local_pair, loopback };

/// The client's end of a socket that a test drives on the shard's own thread.
struct socket_end {
    explicit socket_end(int descriptor) : handle(descriptor) {}
    socket_end(socket_end const&) = delete;
    socket_end& operator=(socket_end const&) = delete;
    ~socket_end() { close(); }
    void close() {
        if (handle >= 0) ::close(std::exchange(handle, -1));
    }
    /// Moves what can be moved now. @return whether anything did
    bool move() {
        if (handle < 0) return false;
        bool moved = false;
        auto const sent = unsent.empty() ? 0 : ::send(handle, unsent.data(), unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            unsent.erase(0, static_cast<std::size_t>(sent));
            moved = true;
        }
        if (sent < 0 && errno != EAGAIN) unsent.clear();  // the server took leave before it read all
        if (unsent.empty() && std::exchange(end_when_sent, false)) ::shutdown(handle, SHUT_WR);
        if (!takes || server_ended) return moved;
        char room[4096];
        auto const got = ::recv(handle, room, sizeof room, MSG_DONTWAIT);
        if (got > 0) received.append(room, static_cast<std::size_t>(got));
        if (got == 0 || (got < 0 && errno != EAGAIN)) server_ended = true;
        return moved || got >= 0 || server_ended;
    }

    int handle;
    std::string unsent;
    std::string received;
    bool takes = true;
    bool end_when_sent = false;
    bool server_ended = false;
};

/// A shard on Asio's loop with clients over real sockets; the same moves as `manual_shard` and `played_client`.
template <socket_kind Kind, reactor_choice Waits = reactor_choice::best>
class socket_shard {
public:
    class client {
    public:
        client(socket_shard& in, std::shared_ptr<socket_end> over) : shards_(&in), end_(std::move(over)) {}
        client& send(std::string_view octets) {
            end_->unsent.append(octets);
            shards_->settle();
            return *this;
        }
        std::string take() { return std::exchange(end_->received, {}); }
        client& end() {
            end_->end_when_sent = true;
            shards_->settle();
            return *this;
        }
        client& vanish() {
            linger const at_once{1, 0};
            ::setsockopt(end_->handle, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
            end_->close();
            shards_->settle();
            return *this;
        }
        client& take_nothing() { return end_->takes = false, *this; }
        client& take_again() {
            end_->takes = true;
            shards_->settle();
            return *this;
        }
        /// All that was sent has left the client.
        bool all_sent() const { return end_->unsent.empty(); }
        bool closed() const { return end_->handle < 0 || end_->server_ended; }

    private:
        socket_shard* shards_;
        std::shared_ptr<socket_end> end_;
    };

    explicit socket_shard(shard_limits limits = {}, logger log = {})
        : loop(io.get_executor(), Waits), door(std::make_shared<admission>(connection_limits{})), home(new shard{loop, limits, door, log}) {
        loop.tell(home.get(), home.get());
    }
    ~socket_shard() {
        home->detach();
        loop.tell(nullptr, nullptr);
    }

    client connect(std::shared_ptr<listener_setup const> setup) {
        int ends[2];
        make_pair(ends);
        int const small = 32 * 1024;  // one that takes nothing is felt soon
        ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        ::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        session_info peer{ip_endpoint{*ip_address::parse("192.0.2.1"), 4321}, ip_endpoint{*ip_address::parse("192.0.2.25"), 25}};
        door->admit(peer.socket_peer().address);
        auto const over = std::make_shared<socket_end>(ends[1]);
        all_.push_back(over);
        home->adopt(std::move(setup), make_socket_transport(ends[0]), std::move(peer));
        settle();
        return {*this, over};
    }
    /// A trusted proxy connects: its header is awaited first.
    client connect_proxy(std::shared_ptr<listener_setup const> setup) {
        int ends[2];
        make_pair(ends);
        session_info peer{ip_endpoint{*ip_address::parse("203.0.113.1"), 4321}, ip_endpoint{*ip_address::parse("192.0.2.25"), 25},
                          address_source::direct};
        door->admit({}, 0);
        auto const over = std::make_shared<socket_end>(ends[1]);
        all_.push_back(over);
        home->hear_proxy(std::move(setup), make_socket_transport(ends[0]), std::move(peer));
        settle();
        return {*this, over};
    }
    /// Everything that can happen without waiting.
    void settle() {
        for (unsigned quiet = 0; quiet < 3; ++quiet) {
            io.restart();
            std::size_t moved = io.run_for(std::chrono::milliseconds{Kind == socket_kind::loopback ? 5 : 1});
            for (auto const& one : all_) moved += one->move();
            if (moved != 0) quiet = 0;
        }
    }

    asio::io_context io{1};
    asio_loop loop;
    std::shared_ptr<admission> door;
    ref<shard> home;

private:
    static void make_pair(int (&ends)[2]) {
        if constexpr (Kind == socket_kind::local_pair) {
            REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        } else {
            int const listens = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            sockaddr_in where{};
            where.sin_family = AF_INET;
            where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            socklen_t size = sizeof where;
            REQUIRE(::bind(listens, reinterpret_cast<sockaddr const*>(&where), size) == 0);
            REQUIRE(::listen(listens, 1) == 0);
            REQUIRE(::getsockname(listens, reinterpret_cast<sockaddr*>(&where), &size) == 0);
            ends[1] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            int const room = 64 * 1024;
            ::setsockopt(ends[1], SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
            REQUIRE(::connect(ends[1], reinterpret_cast<sockaddr const*>(&where), size) == 0);
            ends[0] = ::accept4(listens, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            REQUIRE(ends[0] >= 0);
            ::close(listens);
            int const on = 1;
            for (int const one : ends) ::setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        }
    }

    std::vector<std::shared_ptr<socket_end>> all_;
};

/// On what is best here (Linux: the epoll set of its own), and by Asio alone.
using local_pair = socket_shard<socket_kind::local_pair>;
using loopback = socket_shard<socket_kind::loopback>;
using portable_pair = socket_shard<socket_kind::local_pair, reactor_choice::portable>;
using portable_loopback = socket_shard<socket_kind::loopback, reactor_choice::portable>;

}  // namespace mailquay_test
