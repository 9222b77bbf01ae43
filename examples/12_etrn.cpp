// A verb of the host's own: ETRN (RFC 1985), by which a machine that was away asks for the mail that waits for it. The library
// does not know it; the host registers keyword and verb.
//
//   ./12_etrn & swaks --server 127.0.0.1:2525 --to bob@example.org
//   printf 'EHLO me\r\nETRN example.org\r\nQUIT\r\n' | nc -N 127.0.0.1 2525
#include <mailquay/mailquay.hpp>

#include <asio/io_context.hpp>

#include <iostream>
#include <map>
#include <string>
#include <utility>

using namespace mailquay;

namespace {

// What waits, by domain. One shard: calls come one at a time.
class queue {
public:
    void add(received_message const& mail) {
        for (envelope_recipient const& to : mail.envelope.recipients)
            ++waiting_[to.address.substr(to.address.rfind('@') + 1)];
    }

    // RFC 1985 §5.3: the replies. "@" before a domain asks for its subdomains too, "#" for a queue of that name.
    reply start(std::string_view node) {
        if (node.empty()) return reply{501, "5.5.4", "Name the node"};
        if (node.front() == '#') return reply{458, "4.3.0", "No queues by name here"};
        bool const subdomains = node.front() == '@';
        if (subdomains) node.remove_prefix(1);

        unsigned count = 0;
        bool ours = false;
        for (auto& [domain, number] : waiting_) {
            bool const below = subdomains && domain.ends_with('.' + std::string(node));
            if (domain != node && !below) continue;
            ours = true;
            count += std::exchange(number, 0u);
        }
        if (!ours) return reply{459, "4.7.1", "Node not allowed"};
        if (count == 0) return reply{251, "2.0.0", "OK, no messages waiting for node " + std::string(node)};
        std::cout << "sending " << count << " messages to " << node << std::endl;
        return reply{253, "2.0.0", "OK, " + std::to_string(count) + " pending messages for node " + std::string(node) + " started"};
    }

private:
    std::map<std::string, unsigned, std::less<>> waiting_;
};

}  // namespace

int main() {
    asio::io_context io;
    server server{io, {.hostname = "mx.example.org"}};
    queue waiting;
    server.recipients([](recipient const&) { return accept(); })
        .sink(sinks::collect([&](received_message const& mail) { waiting.add(mail); }))
        .extensions(host_extension{"ETRN"}.verb(
            "ETRN", [&](session_info const&, std::string_view node) { return waiting.start(node); }));
    server.listen("127.0.0.1:2525");
    io.run();
}
