// A program on mailquay::server: takes one message over loopback.
#if defined(ALIGNED_ALLOC_SAID) && !defined(ASIO_HAS_STD_ALIGNED_ALLOC)
#error "Asio may allocate in different ways in different files"
#endif
#include <mailquay/mailquay.hpp>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include <chrono>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <thread>

std::string second_unit();  // header_only/second.cpp; else below

#ifndef TWO_UNITS
std::string second_unit() { return mailquay::ip_address::parse("192.0.2.1")->to_string(); }
#endif

namespace {

// Says the lines to the server, each after the reply to the one before; true if every reply begins as expected.
bool talk(std::string const& port) {
    struct step {
        char const* say;
        char const* expected;
    };
    asio::ip::tcp::iostream wire("127.0.0.1", port);
    wire.expires_after(std::chrono::seconds(20));
    for (step const& now :
         {step{"", "220"}, step{"EHLO client.example.org\r\n", "250"}, step{"MAIL FROM:<bob@example.net>\r\n", "250"},
          step{"RCPT TO:<alice@example.org>\r\n", "250"}, step{"DATA\r\n", "354"},
          step{"Subject: hello\r\n\r\n..dots\r\n.\r\n", "250"}, step{"QUIT\r\n", "221"}}) {
        wire << now.say << std::flush;
        std::string line;
        do {
            if (!std::getline(wire, line)) return false;
        } while (line.size() > 3 && line[3] == '-');
        if (line.rfind(now.expected, 0) != 0) {
            std::printf("to %s came %s\n", now.say, line.c_str());
            return false;
        }
    }
    return true;
}

}  // namespace

int main() {
    asio::io_context io;
    std::string arrived;
    mailquay::server server{io, {.hostname = "mx.example.org"}};
    server.recipients(mailquay::recipient_table{"alice@example.org"});
    server.sink(mailquay::sinks::to([&](mailquay::received_message const& mail) { arrived = mail.octets; }));
    std::string const bound = server.listen("127.0.0.1:0").to_string();

    std::thread host{[&] { io.run(); }};
    bool const polite = talk(bound.substr(bound.rfind(':') + 1));
    server.shutdown(std::chrono::seconds(1));
    host.join();

    if (!polite) return 1;
    if (arrived.find("Subject: hello\r\n\r\n.dots\r\n") == std::string::npos) return 2;
    if (second_unit() != "192.0.2.1") return 3;
    std::puts("server: a message arrived");
}
