// Filters look at the content of messages: they may edit header fields, put a message aside, or refuse it.
//
//   ./07_filter & swaks --server 127.0.0.1:2525 --to alice@example.org --header 'Subject: cheap pills'
//
// What a filter has a member for is what it is shown. One that edits makes the server keep each message until
// the end, in memory or in a file; one that only looks lets it flow past.
#include <mailquay/mailquay.hpp>

#include <asio/io_context.hpp>

#include <iostream>

using namespace mailquay;

namespace {

// Edits: called once for each message, at its end.
verdict mark_pills(message_edit& message) {
    message.remove_fields("X-Checked");  // what the sender says of itself is not to be trusted
    auto const subject = message.find("Subject");
    bool const pills = subject && unfold(subject->value).find("pills") != std::string::npos;
    if (pills) message.replace_field("Subject", 0, "[pills] " + unfold(subject->value));
    message.add_field("X-Checked", pills ? "yes, looks bad" : "yes");
    return pass();
}

// Looks only: each message gets an object of this class, which sees its chunks.
struct no_programs {
    struct run {
        bool first = true;
        verdict on_chunk(std::span<char const> body) {
            std::string_view const text{body.data(), body.size()};
            bool const program = first && text.starts_with("MZ");
            first = false;
            return program ? reject(550, "5.7.1", "Programs are not taken") : pass();
        }
    };
    run begin(transaction const&) { return {}; }
};

}  // namespace

int main() {
    asio::io_context io;
    server server{io, {.hostname = "mx.example.org"}};

    server.recipients(recipient_table{"alice@example.org"})
        .filters(no_programs{}, mark_pills)
        .sink(sinks::collect{[](received_message const& mail) { std::cout << mail.octets << std::endl; }});
    server.listen("127.0.0.1:2525");
    io.run();
}
