#pragma once

#include <mailquay/server/transport.hpp>

#include <cerrno>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL transport::~transport() = default;

namespace detail {

#ifdef MSG_NOSIGNAL
inline constexpr int send_flags = MSG_NOSIGNAL | MSG_DONTWAIT;
#else
inline constexpr int send_flags = MSG_DONTWAIT;
#endif
#ifdef POLLRDHUP
inline constexpr short peer_sends_no_more = POLLRDHUP;
#else
inline constexpr short peer_sends_no_more = 0;
#endif

class socket_transport final : public transport {
public:
    explicit socket_transport(int descriptor) noexcept : descriptor_(descriptor) {}
    ~socket_transport() override { socket_transport::close(); }

    io_result read_some(std::span<char> room) noexcept override {
        for (;;) {
            auto const got = ::recv(descriptor_, room.data(), room.size(), MSG_DONTWAIT);
            if (got > 0) return {static_cast<std::size_t>(got), io_status::ok};
            if (got == 0) return {0, io_status::end};
            if (errno != EINTR) return {0, failed()};
        }
    }
    io_result write_some(std::span<char const> octets) noexcept override {
        for (;;) {
            auto const sent = ::send(descriptor_, octets.data(), octets.size(), send_flags);
            if (sent >= 0) return {static_cast<std::size_t>(sent), io_status::ok};
            if (errno != EINTR) return {0, failed()};
        }
    }
    io_status probe() noexcept override {
        pollfd asked{descriptor_, static_cast<short>(POLLIN | peer_sends_no_more), 0};
        if (::poll(&asked, 1, 0) <= 0) return io_status::would_block;
        if ((asked.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) return io_status::error;
        char octet;
        auto const got = ::recv(descriptor_, &octet, 1, MSG_PEEK | MSG_DONTWAIT);
        if (got > 0) return io_status::ok;
        return got == 0 ? io_status::end : failed();
    }
    void close_write() noexcept override { ::shutdown(descriptor_, SHUT_WR); }
    void close() noexcept override {
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = -1;
    }
    int native_handle() const noexcept override { return descriptor_; }

private:
    static io_status failed() noexcept {
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? io_status::would_block : io_status::error;
    }

    int descriptor_;
};

}  // namespace detail

MAILQUAY_DECL std::unique_ptr<transport> make_socket_transport(int descriptor) {
    return std::make_unique<detail::socket_transport>(descriptor);
}

}  // namespace mailquay::inline MAILQUAY_ABI
