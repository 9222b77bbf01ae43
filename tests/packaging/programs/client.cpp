// A program on mailquay::client: where nobody listens a message is not lost, and the reason is told.
#include <mailquay/client/client.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <cstdint>
#include <cstdio>

int main() {
    asio::io_context io;
    std::uint16_t port = 0;
    {
        asio::ip::tcp::acceptor nobody{io, asio::ip::tcp::endpoint{asio::ip::make_address("127.0.0.1"), 0}};
        port = nobody.local_endpoint().port();
    }
    mailquay::client mail{io};
    mailquay::outgoing_message const message{"alice@example.org", {"bob@example.net"}, "Subject: x\r\n\r\nhello\r\n"};
    bool well = false;
    mail.send(mailquay::next_hop{"127.0.0.1", port}, message, [&well](mailquay::send_report report) {
        well = report.problem == mailquay::hop_problem::unreachable && report.advice == mailquay::hop_advice::try_another;
    });
    io.run();
    std::puts(well ? "client: all is well" : "client: failed");
    return well ? 0 : 1;
}
