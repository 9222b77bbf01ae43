// LMTP (RFC 2033) is how a mail server hands mail to local delivery: the same session, with a reply for each recipient.
//
//   ./10_lmtp /tmp/lmtp.sock & swaks --socket /tmp/lmtp.sock --protocol LMTP --to alice@example.org,bob@example.org
//
// A sink may answer with one verdict for all recipients or with one for each, in the order of the RCPT commands.
#include <mailquay/mailquay.hpp>

#include <asio/io_context.hpp>

#include <iostream>
#include <string>
#include <vector>

using namespace mailquay;

namespace {

delivery deliver(received_message const& mail) {
    std::vector<verdict> each;
    for (envelope_recipient const& to : mail.envelope.recipients) {
        bool const full = to.mailbox == "bob@example.org";
        std::cout << to.mailbox << (full ? ": full" : ": delivered") << std::endl;
        each.push_back(full ? defer(replies::mailbox_full) : accept());
    }
    return each;
}

}  // namespace

int main(int argc, char** argv) {
    asio::io_context io;
    server server{io, {.hostname = "mx.example.org"}};
    server.recipients(recipient_table{"alice@example.org", "bob@example.org"}).sink(sinks::collect{deliver});

    std::string const path = argc > 1 ? argv[1] : "lmtp.sock";
    server.listen("unix:" + path, profile::lmtp());
    io.run();
}
