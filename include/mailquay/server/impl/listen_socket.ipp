#pragma once

#include <mailquay/server/listen_socket.hpp>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL accept_source::~accept_source() = default;

namespace detail {

inline std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

/// A socket address of any family, with its length.
struct socket_address {
    sockaddr_storage storage{};
    socklen_t size = sizeof(sockaddr_storage);

    sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
    sockaddr const* get() const noexcept { return reinterpret_cast<sockaddr const*>(&storage); }
};

inline socket_address to_socket_address(listen_endpoint const& where) noexcept {
    socket_address made;
    if (where.is_unix()) {
        auto& to = reinterpret_cast<sockaddr_un&>(made.storage);
        to.sun_family = AF_UNIX;
        std::memcpy(to.sun_path, where.path.data(), std::min(where.path.size(), sizeof to.sun_path - 1));
        made.size = sizeof(sockaddr_un);
    } else if (where.address.address.is_v4()) {
        auto& to = reinterpret_cast<sockaddr_in&>(made.storage);
        to.sin_family = AF_INET;
        to.sin_port = htons(where.address.port);
        std::memcpy(&to.sin_addr, where.address.address.bytes().data(), 4);
        made.size = sizeof(sockaddr_in);
    } else {
        auto& to = reinterpret_cast<sockaddr_in6&>(made.storage);
        to.sin6_family = AF_INET6;
        to.sin6_port = htons(where.address.port);
        std::memcpy(&to.sin6_addr, where.address.address.bytes().data(), 16);
        made.size = sizeof(sockaddr_in6);
    }
    return made;
}

/// The address and port; none for other families. IPv4 within IPv6 comes out as IPv4.
inline ip_endpoint to_endpoint(socket_address const& from) noexcept {
    ip_endpoint made;
    if (from.storage.ss_family == AF_INET) {
        auto const& in = reinterpret_cast<sockaddr_in const&>(from.storage);
        ip_address::v4_octets octets;
        std::memcpy(octets.data(), &in.sin_addr, octets.size());
        made = {ip_address::from_v4(octets), ntohs(in.sin_port)};
    } else if (from.storage.ss_family == AF_INET6) {
        auto const& in = reinterpret_cast<sockaddr_in6 const&>(from.storage);
        ip_address::v6_octets octets;
        std::memcpy(octets.data(), &in.sin6_addr, octets.size());
        made = {ip_address::from_v6(octets).unmapped(), ntohs(in.sin6_port)};
    }
    return made;
}

inline int open_stream_socket(int family) noexcept {
#ifdef SOCK_CLOEXEC
    return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
#else
    int const made = ::socket(family, SOCK_STREAM, 0);
    if (made >= 0) {
        ::fcntl(made, F_SETFL, O_NONBLOCK);
        ::fcntl(made, F_SETFD, FD_CLOEXEC);
    }
    return made;
#endif
}

inline void switch_on(int descriptor, int level, int option) noexcept {
    int const on = 1;
    ::setsockopt(descriptor, level, option, &on, sizeof on);
}

}  // namespace detail

MAILQUAY_DECL result<std::unique_ptr<listen_socket>> listen_socket::open(listen_endpoint const& where, listen_options const& how) {
    int const family = where.is_unix() ? AF_UNIX : where.address.address.is_v4() ? AF_INET : AF_INET6;
    int const descriptor = detail::open_stream_socket(family);
    if (descriptor < 0) return detail::last_error();
    std::unique_ptr<listen_socket> made{new listen_socket{descriptor}};
    made->how_ = how;
    if (auto const failure = made->bind_to(where, false)) return failure;
    return made;
}

MAILQUAY_DECL std::error_code listen_socket::bind_to(listen_endpoint const& where, bool share_port) {
    if (where.is_unix()) {
        where_ = where;
        if (auto const failure = remove_stale_file()) return failure;
    } else {
        detail::switch_on(descriptor_, SOL_SOCKET, SO_REUSEADDR);
        detail::switch_on(descriptor_, IPPROTO_TCP, TCP_NODELAY);
        if (where.address.address.is_v6()) detail::switch_on(descriptor_, IPPROTO_IPV6, IPV6_V6ONLY);
    }
#ifdef SO_REUSEPORT
    if (share_port) detail::switch_on(descriptor_, SOL_SOCKET, SO_REUSEPORT);
#endif
    auto const address = detail::to_socket_address(where);
    if (::bind(descriptor_, address.get(), address.size) != 0) return detail::last_error();
    if (where.is_unix()) {
        struct stat file {};
        // Nobody can connect before listen(), so the mode is right from the first connection on.
        if (::chmod(where.path.c_str(), static_cast<mode_t>(how_.unix_mode)) != 0 || ::stat(where.path.c_str(), &file) != 0) {
            auto const failure = detail::last_error();
            ::unlink(where.path.c_str());
            return failure;
        }
        file_device_ = file.st_dev;
        file_inode_ = file.st_ino;
    }
#ifdef SO_REUSEPORT
    // Only after bind(): another program's socket on this port is an error, siblings of ours are not.
    if (!where.is_unix()) detail::switch_on(descriptor_, SOL_SOCKET, SO_REUSEPORT);
    shares_port_ = !where.is_unix();
#endif
    if (::listen(descriptor_, how_.backlog) != 0) return detail::last_error();
    if (!where.is_unix()) ask_where();
    return {};
}

MAILQUAY_DECL std::error_code listen_socket::remove_stale_file() const {
    struct stat file {};
    if (::lstat(where_.path.c_str(), &file) != 0) return {};
    if (!S_ISSOCK(file.st_mode)) return make_error_code(std::errc::file_exists);
    int const trial = detail::open_stream_socket(AF_UNIX);
    if (trial < 0) return detail::last_error();
    auto const address = detail::to_socket_address(where_);
    bool const refused = ::connect(trial, address.get(), address.size) != 0 && errno == ECONNREFUSED;
    ::close(trial);
    if (!refused) return make_error_code(std::errc::address_in_use);
    return ::unlink(where_.path.c_str()) == 0 || errno == ENOENT ? std::error_code{} : detail::last_error();
}

MAILQUAY_DECL void listen_socket::ask_where() {
    detail::socket_address bound;
    if (::getsockname(descriptor_, bound.get(), &bound.size) != 0) return;
    where_.address = detail::to_endpoint(bound);
    if (bound.storage.ss_family != AF_UNIX) return;
    auto const& name = reinterpret_cast<sockaddr_un const&>(bound.storage);
    constexpr auto head = offsetof(sockaddr_un, sun_path);
    if (bound.size > head && name.sun_path[0] != '\0') where_.path = std::string{name.sun_path, ::strnlen(name.sun_path, bound.size - head)};
}

MAILQUAY_DECL result<std::unique_ptr<listen_socket>> listen_socket::adopt(int descriptor) {
    int type = 0;
    socklen_t size = sizeof type;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return detail::last_error();
    int listens = 0;
    size = sizeof listens;
    bool const known = ::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0;
    if (type != SOCK_STREAM || (known && listens == 0)) return make_error_code(std::errc::invalid_argument);
    int const flags = ::fcntl(descriptor, F_GETFL);
    if (flags < 0 || ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0)
        return detail::last_error();
    std::unique_ptr<listen_socket> made{new listen_socket{descriptor}};
    made->ask_where();
    if (!made->where_.address.address.is_none()) detail::switch_on(descriptor, IPPROTO_TCP, TCP_NODELAY);
    return made;
}

MAILQUAY_DECL listen_socket::~listen_socket() {
    if (file_inode_ != 0) {
        struct stat file {};
        if (::lstat(where_.path.c_str(), &file) == 0 && file.st_dev == file_device_ && file.st_ino == file_inode_)
            ::unlink(where_.path.c_str());
    }
    if (descriptor_ >= 0) ::close(descriptor_);
}

MAILQUAY_DECL result<std::unique_ptr<listen_socket>> listen_socket::sibling() const {
    if (shares_port_) {
        int const descriptor = detail::open_stream_socket(where_.address.address.is_v4() ? AF_INET : AF_INET6);
        if (descriptor < 0) return detail::last_error();
        std::unique_ptr<listen_socket> made{new listen_socket{descriptor}};
        made->how_ = how_;
        if (!made->bind_to(where_, true)) return made;
    }
    int const copy = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return detail::last_error();
    std::unique_ptr<listen_socket> made{new listen_socket{copy}};
    made->how_ = how_;
    made->where_ = where_;
    return made;
}

MAILQUAY_DECL accepted_socket listen_socket::accept() noexcept {
    detail::socket_address peer;
    for (;;) {
        peer.size = sizeof peer.storage;
#ifdef SOCK_CLOEXEC
        int const taken = ::accept4(descriptor_, peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
        int const taken = ::accept(descriptor_, peer.get(), &peer.size);
        if (taken >= 0) {
            ::fcntl(taken, F_SETFL, O_NONBLOCK);
            ::fcntl(taken, F_SETFD, FD_CLOEXEC);
        }
#endif
        if (taken >= 0) {
#ifndef __linux__
            detail::switch_on(taken, IPPROTO_TCP, TCP_NODELAY);
#endif
            return {taken, where_.is_unix() ? ip_endpoint{} : detail::to_endpoint(peer), {}};
        }
        // A client that was gone again before it was accepted concerns nobody.
        if (errno != EINTR && errno != ECONNABORTED && errno != EPROTO) return {-1, {}, detail::last_error()};
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
