// What clients put into a stream of commands to have more obeyed than one side sees: the vectors `command_stream`.

#include <mailquay/session/session.hpp>

#include <mailquay/session/extensions/starttls.hpp>

#include "support/catch.hpp"
#include "support/json_lite.hpp"
#include "support/session_host.hpp"
#include "support/test_data.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace test_command_stream {

using namespace mailquay_test;

/// A session up to EHLO, or with a transaction that DATA may follow.
struct stream {
    session_config config;
    host_hooks hooks;
    std::unique_ptr<session_host> host;
    std::size_t seen = 0;

    explicit stream(line_ending_policy policy = line_ending_policy::refuse) {
        config.hostname = "mx.example.org";
        config.extensions = extension_registry::standard();
        config.extensions.add(std::make_shared<extensions::starttls>());
        config.line_endings = policy;
    }
    stream& connected() {
        host = std::make_unique<session_host>(config, hooks, manner{});
        host->connect();
        static_cast<void>(replies());
        return *this;
    }
    stream& greeted() {
        connected();
        static_cast<void>(said("EHLO c\r\n"));
        return *this;
    }
    stream& with_recipient() {
        greeted();
        static_cast<void>(said("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"));
        return *this;
    }
    /// The last lines of the replies that came since this was asked last.
    std::vector<std::string> replies() {
        std::vector<std::string> found;
        std::string_view rest = std::string_view{host->output()}.substr(seen);
        seen = host->output().size();
        while (!rest.empty()) {
            std::string_view const line = rest.substr(0, rest.find("\r\n"));
            rest.remove_prefix(line.size() + 2);
            if (line.size() > 3 && line[3] == ' ') found.emplace_back(line);
        }
        return found;
    }
    std::vector<std::string> said(std::string_view octets) {
        host->send(octets);
        return replies();
    }
};

std::vector<std::string> lines_of(json_object const& one) {
    std::string text = one.string("lines");
    std::vector<std::string> lines;
    if (text.size() < 2) return lines;
    std::string_view rest = std::string_view{text}.substr(1, text.size() - 2);
    while (!rest.empty()) {
        lines.emplace_back(rest.substr(0, rest.find(',')));
        rest.remove_prefix(std::min(rest.size(), lines.back().size() + 1));
    }
    return lines;
}

void play(std::string const& name, std::string const& octets, std::vector<std::string> const& lines) {
    if (name == "STARTTLS injection") {
        stream with;
        auto const before = with.greeted().said(octets);
        REQUIRE(before.size() == 1);
        CHECK(before[0].starts_with("220 2.0.0"));
        with.host->handshake_done({.protocol = "TLSv1.3", .cipher = "C"});
        CHECK(with.replies().empty());  // RSET in clear was forgotten
        auto const inside = with.said("NOOP\r\n");
        REQUIRE(inside.size() == 1);
        CHECK(inside[0].starts_with("250 2.0.0"));
    } else if (name == "bare LF command line") {
        for (auto const policy : {line_ending_policy::refuse, line_ending_policy::normalise, line_ending_policy::keep}) {
            stream with{policy};
            auto const answered = with.greeted().said(octets + "RSET\r\n");
            REQUIRE(answered.size() == 1);
            CHECK(answered[0].starts_with("501 5.5.2"));
        }
    } else if (name == "bare CR inside command") {
        stream with;
        auto const answered = with.greeted().said(octets);
        REQUIRE(answered.size() == 1);
        CHECK(answered[0].starts_with("501 5.5.2"));
    } else if (name == "NUL in command") {
        stream with;
        auto const answered = with.connected().said(octets);
        REQUIRE(answered.size() == 1);
        CHECK(answered[0].starts_with("50"));
    } else if (name == "BDAT size with sign/space/hex/overflow") {
        REQUIRE(lines.size() == 7);
        for (std::string const& line : lines) {
            INFO(line);
            stream with;
            bool const counted = line == "BDAT 5 LAST x";  // so many octets are to be skipped
            auto const answered = with.with_recipient().said(line + "\r\n" + (counted ? "QUIT\r" : ""));
            REQUIRE(answered.size() == 1);
            CHECK(answered[0].starts_with("501 5.5.4"));
            CHECK(with.host->over() == !counted);
            CHECK(with.host->messages().empty());
        }
    } else if (name == "BDAT then DATA in one transaction") {
        REQUIRE(lines.size() == 2);
        stream with;
        CHECK(with.with_recipient().said(lines[0] + "\r\n").at(0).starts_with("250"));
        CHECK(with.said(lines[1] + "\r\n").at(0).starts_with("503 5.5.1"));
    } else if (name == "HTTP request line") {
        REQUIRE(lines.size() == 3);
        for (std::string const& line : lines) {
            INFO(line);
            stream with;
            auto const answered = with.connected().said(line + "\r\nHost: x\r\n\r\nMAIL FROM:<a@example.org>\r\n");
            REQUIRE(answered.size() == 1);
            CHECK((answered[0].starts_with("421") || answered[0].starts_with("500")));
            CHECK(with.host->over());
        }
    } else if (name == "early talker") {
        stream with;
        with.config.timeouts.greeting_delay = std::chrono::seconds{5};
        auto const answered = with.connected().said("EHLO early\r\n");  // the host is asked, and says no
        REQUIRE(answered.size() == 1);
        CHECK(answered[0].starts_with("55"));
        CHECK(with.host->over());
    } else if (name == "pipelined after DATA before 354") {
        stream with;
        auto const answered = with.with_recipient().said(octets);
        REQUIRE(answered.size() == 1);
        CHECK(answered[0].starts_with("354"));
        CHECK(with.said(".\r\n").at(0).starts_with("250 2.0.0"));
        REQUIRE(with.host->messages().size() == 1);
        CHECK(with.host->messages()[0].octets.ends_with("RSET\r\n"));
        stream without;
        auto const refused = without.greeted().said("MAIL FROM:<a@example.org>\r\n" + octets);
        REQUIRE(refused.size() == 2);
        CHECK(refused[1].starts_with("503 5.5.1"));
        CHECK(without.host->over());
    } else {
        FAIL("no dialogue for the vector \"" << name << '"');
    }
}

TEST_CASE("no vector of a stream of commands has more obeyed than was said", "[session][smuggling][vectors]") {
    auto const text = read_data("smuggling/vectors.json");
    if (!text) {
        WARN("no smuggling vectors: set MAILQUAY_TEST_DATA");
        return;
    }
    std::size_t seen = 0;
    for (auto const& one : json_objects(*text, "command_stream")) {
        INFO(one.string("name"));
        ++seen;
        play(one.string("name"), from_hex(one.string("bytes_hex")), lines_of(one));
    }
    CHECK(seen == 9);
}

}  // namespace test_command_stream
