// Policies have a say at each stage. They can only say no: `reject()` for good, `defer()` for now. `pass()` is
// no opinion.
//
//   ./05_policy & swaks --server 127.0.0.1:2525 --helo mx.example.org --to alice@example.org
//
// A class is asked at the stages whose members it has. `accept()` spares the client the remaining policies of
// that stage; it never makes a recipient valid.
#include <mailquay/mailquay.hpp>

#include <asio/io_context.hpp>

#include <iostream>

using namespace mailquay;

namespace {

// What strangers claim, and how many messages they send.
class house_rules {
public:
    verdict on_hello(session_info const&, std::string_view name) {
        if (name != "mx.example.org") return pass();
        // `because()` names the rule for the log; the client never sees it.
        return reject(550, "5.7.1", "That is my name").because("helo-is-us");
    }

    verdict on_mail(transaction const& mail) {
        // State beside a connection lives in a slot: made on first use, gone with the connection.
        unsigned& messages = mail.session().connection_slot<unsigned>(this);
        if (++messages > 3)
            return defer(replies::rate_limited).after(std::chrono::seconds{1}).because("three-messages");
        return pass();
    }

    // After a validator accepted the recipient: the place for quotas and greylisting.
    verdict on_recipient_accepted(transaction const&, recipient const& to) {
        return to.local_part() == "bob" ? defer(replies::mailbox_full) : pass();
    }
};

// Lambdas are policies too: of `(session_info const&)` at connect, of `(transaction const&, recipient const&)` at RCPT.
verdict no_bulk(transaction const& mail, recipient const&) {
    return mail.recipients().size() >= 10 ? defer(replies::too_many_recipients) : pass();
}

}  // namespace

int main() {
    asio::io_context io;
    server server{io, {.hostname = "mx.example.org", .log = logger::to_stderr(log_level::info)}};

    server.policies(house_rules{}, no_bulk)
        .recipients(recipient_table{"alice@example.org", "bob@example.org"})
        .sink(sinks::discard{});
    server.listen("127.0.0.1:2525");
    io.run();
}
