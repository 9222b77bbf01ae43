// Sends a message: what it reads on standard input, header and body, goes to a mail server.
//
//   ./01_hello &
//   printf 'Subject: lunch\n\nAt noon?\n' | ./16_send 127.0.0.1:2525 alice@example.org bob@example.net
//
// With --lmtp first it speaks LMTP, where each recipient has an answer of its own. "unix:/run/lmtp.sock" is a UNIX socket.
#include <mailquay/client/client.hpp>

#include <asio/io_context.hpp>

#include <iostream>
#include <string>
#include <string_view>
#include <vector>

using namespace mailquay;

namespace {

// Lines on the wire end in CRLF.
std::string read_message() {
    std::string octets;
    for (std::string line; std::getline(std::cin, line);) octets += line + "\r\n";
    return octets;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    bool const lmtp = !words.empty() && words.front() == "--lmtp";
    if (lmtp) words.erase(words.begin());
    if (words.size() < 3) {
        std::cerr << "usage: 16_send [--lmtp] HOST:PORT FROM TO...\n";
        return 2;
    }
    auto to = next_hop::parse(words[0]);
    if (!to) {
        std::cerr << words[0] << " is no HOST:PORT and no unix:PATH\n";
        return 2;
    }
    if (lmtp) to->settings.protocol = dialect::lmtp;

    asio::io_context io;
    client mail{io, {.hello_name = "client.example.org"}};
    outgoing_message message{words[1], {words.begin() + 2, words.end()}, read_message()};
    bool delivered = false;
    mail.send(*to, message, [&](send_report report) {
        for (std::size_t i = 0; i < report.recipients.size(); ++i) {
            auto const& one = report.recipients[i];
            std::cout << message.recipients[i].address << ' ' << to_string(one.state) << ' ' << one.status << ' ' << one.problem << '\n';
        }
        std::cout << report.summary() << std::endl;
        delivered = report.delivered();
        mail.close();  // else the connection is kept for the next message
    });
    io.run();
    return delivered ? 0 : 1;
}
