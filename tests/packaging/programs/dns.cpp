// A program on mailquay::dns: what is no name is refused at once, and a server that is not there is a temporary failure.
#include <mailquay/dns/caching_resolver.hpp>
#include <mailquay/dns/cares_resolver.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>

namespace {

asio::awaitable<void> ask(std::shared_ptr<mailquay::resolver> dns, bool* well) {
    auto asked = dns->mx("example.org");
    auto const answer = co_await std::move(asked).wait();
    *well = !answer && is_temporary(answer.error());
}

}  // namespace

int main() {
    asio::io_context io;
    asio::ip::udp::socket silent{io, asio::ip::udp::endpoint{asio::ip::make_address("127.0.0.1"), 0}};
    mailquay::cares_settings settings;
    settings.servers = {"127.0.0.1:" + std::to_string(silent.local_endpoint().port())};
    settings.timeout = std::chrono::milliseconds{100};
    settings.tries = 1;
    auto const dns = std::make_shared<mailquay::caching_resolver>(std::make_shared<mailquay::cares_resolver>(io, settings));
    bool well = false;
    asio::co_spawn(io, ask(dns, &well), [&well](std::exception_ptr failed) { well = well && !failed; });
    io.run();
    std::puts(well ? "dns: all is well" : "dns: failed");
    return well ? 0 : 1;
}
