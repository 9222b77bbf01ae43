// A keyword with a value and a parameter of the host's own: NO-SOLICITING (RFC 3865). The server says in EHLO which kinds of
// solicitation it does not want; a client says with SOLICIT= of what kind its message is.
//
//   ./13_no_soliciting & swaks --server 127.0.0.1:2525 --to bob@example.org
//   printf 'EHLO me\r\nMAIL FROM:<a@b.example> SOLICIT=net.example:ADV\r\nQUIT\r\n' | nc -N 127.0.0.1 2525
#include <mailquay/mailquay.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

using namespace mailquay;

namespace {

std::vector<std::string_view> words(std::string_view list) {
    std::vector<std::string_view> all;
    while (true) {
        auto const end = std::min(list.find(','), list.size());
        all.push_back(list.substr(0, end));
        if (end == list.size()) return all;
        list.remove_prefix(end + 1);
    }
}

// RFC 3865 §2.1: a solicitation class is a domain turned around with a keyword behind ":", at most 1000 characters for all.
std::optional<reply> well_formed(parameter const& given) {
    for (std::string_view const kind : words(given.value)) {
        auto const colon = kind.find(':');
        if (colon == kind.npos || colon == 0 || colon + 1 == kind.size() || given.value.size() > 1000)
            return reply{501, "5.5.4", "SOLICIT needs classes such as net.example:ADV"};
    }
    return std::nullopt;
}

struct refuse_solicitation {
    std::vector<std::string> unwanted;

    verdict on_mail(transaction const& mail) const {
        auto const kinds = mail.parameter("SOLICIT");
        if (!kinds) return pass();
        for (std::string_view const kind : words(*kinds))
            if (std::find(unwanted.begin(), unwanted.end(), kind) != unwanted.end())
                return reject(550, "5.7.1", "No solicitation of that kind here").because("no-soliciting");
        return pass();
    }
};

}  // namespace

int main() {
    asio::io_context io;
    server server{io, {.hostname = "mx.example.org"}};
    server.recipients(recipient_table{"bob@example.org"})
        .sink(sinks::collect([](received_message const& mail) {
            // Classes that are wanted go along: a parameter of ours is in the envelope, too.
            for (std::string const& one : mail.envelope.unknown_parameters) std::cout << "kept " << one << std::endl;
        }))
        .policies(refuse_solicitation{{"net.example:ADV", "org.example:ADV:ADLT"}})
        .extensions(host_extension{"NO-SOLICITING", "net.example:ADV,org.example:ADV:ADLT"}.mail_parameter("SOLICIT", well_formed));
    server.listen("127.0.0.1:2525");
    io.run();
}
