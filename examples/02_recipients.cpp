// Who may receive: a table of addresses, a rule of your own, and clients that may relay anywhere.
//
//   ./02_recipients & swaks --server 127.0.0.1:2525 --to list-news@lists.example.org --quit-after RCPT
//
// Validators are asked in order. The first that does not `pass()` decides; if all pass, the recipient is refused with
// 550 5.7.1, so that this server relays for nobody whom it was not told of.
#include <mailquay/mailquay.hpp>

#include <asio/io_context.hpp>

#include <iostream>

using namespace mailquay;

// Any name that begins with "list-" is a mailing list, and all lists share one mailbox.
verdict mailing_lists(recipient const& to) {
    if (to.domain() != "lists.example.org") return pass();
    if (!to.local_part().starts_with("list-")) return reject(replies::no_such_user);
    return accept().mailbox("lists");
}

int main() {
    asio::io_context io;
    server server{io, {.hostname = "mx.example.org"}};

    recipient_table table{"alice@example.org", "bob@example.org"};
    table.alias("sales@example.org", {"alice@example.org", "bob@example.org"})
        .domain("shop.example.org")       // any user of this domain
        .postmaster("alice@example.org")  // for every domain of the table
        .extension_separator('+');        // alice+news@example.org is alice's
    for (std::string const& problem : table.problems()) std::cerr << problem << '\n';

    server.recipients(std::move(table), mailing_lists, relay_for{"192.0.2.0/24", "2001:db8::/32"})
        .sink(sinks::collect{[](received_message const& mail) {
            for (envelope_recipient const& to : mail.envelope.recipients) {
                std::cout << to.address << " -> mailbox \"" << to.mailbox << '"';
                for (std::string const& member : to.deliver_to) std::cout << ' ' << member;
                std::cout << std::endl;
            }
        }});

    server.listen("127.0.0.1:2525");
    io.run();
}
