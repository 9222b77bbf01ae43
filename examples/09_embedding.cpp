// The server lives in your program: in its event loop, beside its other work, on several listeners, until you stop it.
//
//   ./09_embedding         then: swaks --server 127.0.0.1:2525 --to bob@example.org, and Ctrl-C
//
// `listen()` says where it listens, so port 0 is fine for tests. `shutdown()` lets transactions under way finish, then
// calls back; when nothing is left to do `io.run()` returns by itself.
#include <mailquay/mailquay.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>

#include <iostream>

using namespace mailquay;

namespace {

// The host's own work, in the same loop.
void count_seconds(asio::steady_timer& timer, unsigned seconds = 0) {
    timer.expires_after(std::chrono::seconds{1});
    timer.async_wait([&timer, seconds](std::error_code cancelled) {
        if (cancelled) return;
        if (seconds % 10 == 9) std::cout << "up for " << seconds + 1 << " s" << std::endl;
        count_seconds(timer, seconds + 1);
    });
}

}  // namespace

int main() {
    asio::io_context io;
    server_config config{.hostname = "mx.example.org"};
    config.limits.message_octets = 10 * 1024 * 1024;
    config.connections.per_address = 10;
    config.log = logger::to_stderr(log_level::info);
    server server{io, config};
    server.recipients(recipient_table{"bob@example.org"}).sink(sinks::discard{});

    // Listeners differ by profile; what a profile does not say is the server's.
    profile inside = profile::mx();
    inside.name = "inside";
    inside.limits.message_octets = 100 * 1024 * 1024;
    std::cout << "outside: " << server.listen("127.0.0.1:2525").to_string() << '\n'
              << "inside:  " << server.listen("127.0.0.1:0", inside).to_string() << std::endl;

    asio::steady_timer timer{io};
    count_seconds(timer);
    asio::signal_set signals{io, SIGINT, SIGTERM};
    signals.async_wait([&](std::error_code failed, int) {
        if (failed) return;
        timer.cancel();
        server.shutdown(std::chrono::seconds{10}, [](auto const&) { std::cout << "stopped" << std::endl; });
    });
    io.run();
}
