#include <mailquay/session/session.hpp>

#include <mailquay/protocol/replies.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

namespace test_command_refused {

using namespace mailquay;

/// What the session says it refused by itself, each as "VERB reply", with a host that accepts everything.
std::vector<std::string> refused(std::string input, bool lmtp = false) {
    session_config config;
    config.hostname = "mx.example.org";
    config.extensions = extension_registry::standard();
    config.dialect = lmtp ? dialect::lmtp : dialect::smtp;
    config.limits.message_octets = 100;
    session_memory memory;
    session talk{config, session_info{}, memory};
    talk.time_is(session::time_point{std::chrono::hours{1}});

    std::vector<std::string> told;
    auto const take = [&] {
        while (auto what = talk.next_event()) {
            std::visit(
                [&](auto const& e) {
                    using kind = std::remove_cvref_t<decltype(e)>;
                    if constexpr (std::is_same_v<kind, command_refused>) {
                        told.push_back(std::string(to_string(e.verb)) + (e.of_message ? " message " : " ") + std::string(e.reply));
                        if (e.mail != nullptr) told.back().append(" from ").append(e.mail->reverse_path().wire);
                    } else if constexpr (std::is_same_v<kind, message_complete>) {
                        talk.answer(e.ticket, delivery{accept()});
                    } else if constexpr (std::is_same_v<kind, recipient_offered>) {
                        talk.answer(e.ticket, e.to->local_part() == "no" ? reject(replies::no_such_user) : accept());
                    } else if constexpr (requires { talk.answer(e.ticket, accept()); } && !std::is_same_v<kind, withdrawn>) {
                        talk.answer(e.ticket, accept());
                    }
                },
                *what);
        }
    };
    take();
    // Line by line, as a client that waits would send it.
    for (std::size_t at = 0; at < input.size() && talk.wants_input();) {
        std::size_t const end = input.find('\n', at) + 1;
        talk.feed({input.data() + at, end - at});
        take();
        talk.output_sent(talk.output().size());
        at = end;
    }
    return told;
}

TEST_CASE("the host is told what the session refuses by itself, with the reply", "[session][command_refused]") {
    CHECK(refused("NONSENSE\r\n") == std::vector<std::string>{"unknown 500 5.5.1 Command not recognized"});
    CHECK(refused("MAIL FROM:<a@b>\r\n") == std::vector<std::string>{"MAIL 503 5.5.1 Bad sequence of commands; expected EHLO"});
    CHECK(refused("EHLO c\r\nMAIL FROM:a@b\r\n").size() == 1);
    CHECK(refused(std::string(5000, 'x') + "\r\n") == std::vector<std::string>{"unknown 500 5.5.2 Command line too long"});
    CHECK(refused("EHLO c\r\nMAIL FROM:<a@b.example> SIZE=101\r\n") == std::vector<std::string>{"MAIL 552 5.3.4 Message too big"});
}

TEST_CASE("a refusal inside a transaction names it", "[session][command_refused]") {
    auto const told = refused("EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<>\r\n");
    REQUIRE(told.size() == 1);
    CHECK(told[0].ends_with(" from a@b.example"));
}

TEST_CASE("a message that breaks a limit is told with the reply at its end", "[session][command_refused]") {
    std::string const envelope = "MAIL FROM:<a@b.example>\r\nRCPT TO:<x@y.example>\r\nDATA\r\n";
    std::string const body = std::string(200, 'x') + "\r\n.\r\n";
    CHECK(refused("EHLO c\r\n" + envelope + body) == std::vector<std::string>{"DATA message 552 5.3.4 Message too big from a@b.example"});
    CHECK(refused("LHLO c\r\n" + envelope + body, true).size() == 1);
}

TEST_CASE("what the host refused itself is not told to it", "[session][command_refused]") {
    CHECK(refused("EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<no@y.example>\r\nRSET\r\nQUIT\r\n").empty());
}

}  // namespace test_command_refused
