// MTA-STS (RFC 8461): fetches a domain's policy by HTTPS, with a small fetcher on Asio and the component tls.
//
//   ./18_mta_sts gmail.com
//   ./18_mta_sts --resolver 127.0.0.1:5353 --https 127.0.0.1:8443 --ca ca.pem example.org
//
// --https connects there whatever the name resolves to, --ca trusts the authorities in a file: for trying it out. A host that has an
// HTTP library uses that one. Needs the components dns (c-ares), client and tls (OpenSSL).
#include <mailquay/client/mta_sts.hpp>
#include <mailquay/dns/caching_resolver.hpp>
#include <mailquay/dns/cares_resolver.hpp>
#include <mailquay/server/memory_store.hpp>
#include <mailquay/tls/client_context.hpp>

#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <array>
#include <iostream>
#include <map>
#include <stdexcept>

using namespace mailquay;

namespace {

using fetched = result<std::string, https_failure>;

// A TCP connection under TLS: cipher text between the socket and the stream.
struct connection_under_tls {
    asio::awaitable<void> send() {
        while (stream->has_output()) {
            std::size_t const size = stream->take_output(room);
            co_await asio::async_write(socket, asio::buffer(room.data(), size), asio::use_awaitable);
        }
    }
    asio::awaitable<void> receive() {
        std::size_t const size = co_await socket.async_read_some(asio::buffer(room), asio::use_awaitable);
        stream->lend({room.data(), size});
        stream->keep_rest();
    }
    asio::ip::tcp::socket socket;
    std::unique_ptr<tls_client_stream> stream;
    std::array<char, 16 * 1024> room{};
};

// The body of a 200 reply of type text/plain; HTTP/1.0, so that it comes in one piece.
fetched body_of(std::string const& reply) {
    std::size_t const end = reply.find("\r\n\r\n");
    std::string head = reply.substr(0, end);
    for (char& c : head) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (end == std::string::npos || (!head.starts_with("http/1.0 200") && !head.starts_with("http/1.1 200")))
        return https_failure{"the policy host said: " + reply.substr(0, reply.find('\r'))};
    if (head.find("\r\ncontent-type: text/plain") == std::string::npos) return https_failure{"the policy is not text/plain"};
    return reply.substr(end + 4);
}

asio::awaitable<fetched> get(std::shared_ptr<tls_connector> tls, asio::ip::tcp::endpoint to, https_request request) {
    auto const executor = co_await asio::this_coro::executor;
    asio::ip::tcp::socket socket{executor};
    co_await socket.async_connect(to, asio::use_awaitable);
    tls_target target;
    target.server_name = request.host;
    target.verify = tls_verification::certificate;
    connection_under_tls link{std::move(socket), tls->connect(target)};
    auto state = link.stream->handshake();
    co_await link.send();
    while (state && *state == tls_stream::state::handshake) {
        co_await link.receive();
        state = link.stream->handshake();
        co_await link.send();
    }
    if (!state || *state != tls_stream::state::established) co_return https_failure{link.stream->server().problem, true};

    std::string const ask = "GET " + request.path + " HTTP/1.0\r\nHost: " + request.host + "\r\nConnection: close\r\n\r\n";
    auto const written = link.stream->write(ask);
    if (!written || *written != ask.size()) co_return https_failure{"the request could not be sent"};
    co_await link.send();

    std::string reply;
    std::array<char, 4096> plain;
    while (reply.size() <= request.octets) {
        auto const size = link.stream->read(plain);
        if (!size) co_return https_failure{size.error().message()};
        reply.append(plain.data(), *size);
        if (link.stream->closed_cleanly()) co_return body_of(reply);  // else it may have been cut off
        if (*size == 0) co_await link.receive();
    }
    co_return https_failure{"the policy is too long"};
}

// What goes wrong with sockets and names is a failure to fetch.
asio::awaitable<fetched> fetch(std::shared_ptr<resolver> dns, std::shared_ptr<tls_connector> tls, std::string fixed, https_request request) {
    try {
        auto to = ip_endpoint::parse(fixed);
        if (!to) {
            auto asked = dns->a(request.host);
            auto const found = co_await std::move(asked).wait();
            if (!found) co_return https_failure{std::string{to_string(found.error())}};
            to = ip_endpoint{found->records.at(0), 443};
        }
        asio::ip::tcp::endpoint const there{asio::ip::make_address(to->address.to_string()), to->port};
        co_return co_await get(tls, there, request);
    } catch (std::exception const& failed) {
        co_return https_failure{failed.what()};
    }
}

asio::awaitable<int> show(mta_sts policies, std::string domain) {
    auto asked = policies.find(domain);
    auto const found = co_await std::move(asked).wait();
    if (!found.text.empty()) std::cout << to_string(found.problem) << ": " << found.text << '\n';
    if (!found.policy) {
        std::cout << domain << " has no policy\n";
        co_return 1;
    }
    std::cout << domain << ": " << to_string(found.policy->mode) << ", id " << found.id << ", " << found.policy->max_age.count() << " s\n";
    for (std::string const& pattern : found.policy->mx) std::cout << "  " << pattern << '\n';
    co_return 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::map<std::string, std::string> flags;
    int at = 1;
    for (; at + 2 < argc; at += 2) flags[argv[at]] = argv[at + 1];
    if (at + 1 != argc) {
        std::cerr << "usage: 18_mta_sts [--resolver ADDR:PORT] [--https ADDR:PORT] [--ca FILE] DOMAIN\n";
        return 2;
    }
    asio::io_context io;
    cares_settings servers;
    if (!flags["--resolver"].empty()) servers.servers = {flags["--resolver"]};
    auto const dns = std::make_shared<caching_resolver>(std::make_shared<cares_resolver>(io, servers));
    auto const tls = std::make_shared<tls::client_context>(tls::client_context_config{.ca_file = flags["--ca"]});
    mta_sts const policies{dns, [&](https_request request) { return fetch(dns, tls, flags["--https"], std::move(request)); },
                           std::make_shared<memory_store>()};
    int status = 1;
    asio::co_spawn(io, show(policies, argv[at]), [&](std::exception_ptr failed, int shown) { status = failed ? 1 : shown; });
    io.run();
    return status;
}
