#include <mailquay/server/listen_socket.hpp>

#include "support/catch.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace test_listen_socket {

using namespace mailquay;

inline listen_endpoint at(std::string_view text) { return *listen_endpoint::parse(text); }
inline std::string temporary_path(std::string_view name) {
    return (std::filesystem::temp_directory_path() / fmt::format("mailquay-{}-{}", ::getpid(), name)).string();
}
inline int connect_to(std::string const& path) {
    int const made = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    if (::connect(made, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return made;
    ::close(made);
    return -1;
}
inline int connect_to(ip_endpoint const& where) {
    int const made = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(where.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(made, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return made;
    ::close(made);
    return -1;
}

TEST_CASE("accepted connections do not block, are closed on exec, and have TCP_NODELAY", "[server][listen_socket]") {
    auto const listens = listen_socket::open(at("127.0.0.1:0"), {});
    REQUIRE(listens);
    REQUIRE((*listens)->local().port != 0);
    CHECK((*listens)->accept().failure == std::errc::operation_would_block);
    int const client = connect_to((*listens)->local());
    REQUIRE(client >= 0);

    auto const taken = (*listens)->accept();

    REQUIRE(taken.descriptor >= 0);
    CHECK(taken.peer.address.to_string() == "127.0.0.1");
    CHECK(taken.peer.port != 0);
    CHECK((::fcntl(taken.descriptor, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(taken.descriptor, F_GETFD) & FD_CLOEXEC) != 0);
    int no_delay = 0;
    socklen_t size = sizeof no_delay;
    ::getsockopt(taken.descriptor, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
    CHECK(no_delay != 0);
    ::close(taken.descriptor);
    ::close(client);
}

TEST_CASE("two servers cannot share a port, siblings of one can", "[server][listen_socket]") {
    auto const first = listen_socket::open(at("127.0.0.1:0"), {});
    REQUIRE(first);
    auto const same = listen_socket::open((*first)->where(), {});
    REQUIRE_FALSE(same);
    CHECK(same.error() == std::errc::address_in_use);

    auto const sibling = (*first)->sibling();
    REQUIRE(sibling);
    CHECK((*sibling)->where() == (*first)->where());
    int accepted = 0;
    for (int i = 0; i < 20; ++i) {
        int const client = connect_to((*first)->local());
        REQUIRE(client >= 0);
        for (auto* one : {first->get(), sibling->get()}) {
            auto const taken = one->accept();
            if (taken.descriptor < 0) continue;
            ++accepted;
            ::close(taken.descriptor);
        }
        ::close(client);
    }
    CHECK(accepted == 20);
    CHECK_FALSE(listen_socket::open((*first)->where(), {}));
}

TEST_CASE("a UNIX socket has its mode, and its file goes with it", "[server][listen_socket]") {
    std::string const path = temporary_path("mode");
    {
        auto const listens = listen_socket::open(at("unix:" + path), {.unix_mode = 0600});
        REQUIRE(listens);
        struct stat file {};
        REQUIRE(::stat(path.c_str(), &file) == 0);
        CHECK((file.st_mode & 0777) == 0600);
        int const client = connect_to(path);
        REQUIRE(client >= 0);
        auto const taken = (*listens)->accept();
        CHECK(taken.descriptor >= 0);
        CHECK(taken.peer.address.is_none());
        ::close(taken.descriptor);
        ::close(client);
        auto const sibling = (*listens)->sibling();
        REQUIRE(sibling);
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("the file of a server that is gone is replaced, one that is served is not", "[server][listen_socket]") {
    std::string const path = temporary_path("stale");
    {
        int const dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        path.copy(to.sun_path, sizeof to.sun_path - 1);
        REQUIRE(::bind(dead, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
        ::close(dead);
    }
    auto const listens = listen_socket::open(at("unix:" + path), {});
    REQUIRE(listens);
    auto const second = listen_socket::open(at("unix:" + path), {});
    REQUIRE_FALSE(second);
    CHECK(second.error() == std::errc::address_in_use);
    CHECK(connect_to(path) >= 0);
}

TEST_CASE("a file that is no socket is left alone", "[server][listen_socket]") {
    std::string const path = temporary_path("file");
    std::ofstream{path} << "precious";
    auto const listens = listen_socket::open(at("unix:" + path), {});
    REQUIRE_FALSE(listens);
    CHECK(listens.error() == std::errc::file_exists);
    CHECK(std::filesystem::file_size(path) == 8);
    std::filesystem::remove(path);
}

TEST_CASE("a socket file that another server put there meanwhile is not removed", "[server][listen_socket]") {
    std::string const path = temporary_path("other");
    auto first = listen_socket::open(at("unix:" + path), {});
    REQUIRE(first);
    std::filesystem::remove(path);
    auto const second = listen_socket::open(at("unix:" + path), {});
    REQUIRE(second);
    first->reset();
    CHECK(std::filesystem::exists(path));
}

TEST_CASE("an address of no interface is refused by the system", "[server][listen_socket]") {
    auto const listens = listen_socket::open(at("192.0.2.1:2525"), {});
    REQUIRE_FALSE(listens);
    CHECK(listens.error() == std::errc::address_not_available);
}

}  // namespace test_listen_socket
