// Mail arrives in your process. Try it:
//   ./01_hello & swaks --server 127.0.0.1:2525 --to you@example.org
#include <mailquay/mailquay.hpp>

#include <asio/io_context.hpp>

#include <iostream>

int main() {
    asio::io_context io;
    mailquay::server server{io, {.hostname = "mx.example.org"}};

    server.recipients([](mailquay::recipient const&) { return mailquay::accept(); })
        .sink(mailquay::sinks::collect{[](mailquay::received_message const& mail) {
            std::cout << "from " << mail.envelope.reverse_path << '\n';
            for (auto const& to : mail.envelope.recipients) std::cout << "to   " << to.address << '\n';
            std::cout << "size " << mail.octets.size() << " octets" << std::endl;
        }});

    server.listen("127.0.0.1:2525");
    io.run();
}
