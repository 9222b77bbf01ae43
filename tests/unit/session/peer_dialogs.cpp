#include <mailquay/session/session.hpp>

#include "support/catch.hpp"
#include "support/session_host.hpp"
#include "support/test_data.hpp"

#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

// What other servers' tests say, and what real clients said, replayed. Texts and the last digits of codes are each server's own:
// the class of each reply is what must agree.

namespace test_peer_dialogs {

using namespace mailquay;
using mailquay_test::host_hooks;
using mailquay_test::manner;
using mailquay_test::session_host;

struct peer {
    session_config config;
    host_hooks hooks;
    std::unique_ptr<session_host> host;
    std::size_t seen = 0;

    peer() {
        config.hostname = "mx.example.test";
        config.extensions = extension_registry::standard();
        for (auto const& one : extension_registry::opt_in().all()) config.extensions.add(one);
        config.leniency.space_after_colon = config.leniency.missing_brackets = true;
    }
    void connect() {
        host = std::make_unique<session_host>(config, hooks, manner{});
        host->connect();
        seen = 0;
    }
    /// The next whole reply.
    std::string reply() {
        std::string_view const rest = std::string_view{host->output()}.substr(seen);
        std::size_t end = 0;
        for (;;) {
            auto const line_end = rest.find("\r\n", end);
            if (line_end == std::string_view::npos) return {};
            bool const more = line_end - end >= 4 && rest[end + 3] == '-';
            end = line_end + 2;
            if (!more) break;
        }
        seen += end;
        return std::string(rest.substr(0, end));
    }
};

std::string unquoted(std::string_view quoted) {
    std::string out;
    for (std::size_t i = 0; i < quoted.size(); ++i) {
        if (quoted[i] != '\\' || i + 1 == quoted.size()) {
            out += quoted[i];
            continue;
        }
        switch (quoted[++i]) {
            case 'r': out += '\r'; break;
            case 'n': out += '\n'; break;
            case 't': out += '\t'; break;
            case 'x': out += static_cast<char>(std::stoi(std::string(quoted.substr(i + 1, 2)), nullptr, 16)), i += 2; break;
            default: out += quoted[i];
        }
    }
    return out;
}

TEST_CASE("chasquid's dialogues: the same class of reply at each step", "[session][peers][data]") {
    // Not replayed: auth_* (no AUTH here), message_too_big and bad_data_dot_on_message_too_big (text made by expressions; the
    // conversations data/size-* cover them), line_too_long (its 1 KiB line is within our limit).
    std::vector<std::string> const files{"bad_data",   "bad_data_dot",       "bad_data_dot_2",        "bad_mail_from", "bad_rcpt_to",
                                         "data_dot_stuffing", "empty_helo",  "helo",                  "null_address_sendmail",
                                         "sendmail",   "unknown_command",    "wrong_proto"};
    // Where we differ on purpose: lines of a header without a colon pass (a filter's affair), and domains that are A-labels in form
    // only, and long local parts, are the validator's to refuse.
    auto const differs = [](std::string const& file, std::string const& wanted) {
        if (file == "bad_data" && wanted.starts_with("554")) return true;
        return (file == "bad_mail_from" || file == "bad_rcpt_to") &&
               (wanted.find("IDNA") != std::string::npos || wanted.find("too long") != std::string::npos);
    };
    for (auto const& file : files) {
        auto const text = mailquay_test::read_data("dialogs-chasquid/" + file + ".cmy");
        if (!text) {
            WARN("no dialogues of chasquid: set MAILQUAY_TEST_DATA");
            return;
        }
        peer with;
        std::istringstream lines{*text};
        std::string sent;
        for (std::string line; std::getline(lines, line);) {
            INFO(file << ": " << line);
            if (!line.starts_with("c ")) continue;
            std::string const rest = line.substr(2);
            if (rest.starts_with("tcp_connect")) {
                with.connect();
            } else if (rest.starts_with("-> ") || rest == "->") {
                sent += (rest.size() > 3 ? rest.substr(3) : "") + "\r\n";
            } else if (rest.starts_with("~> '")) {
                sent += unquoted(std::string_view{rest}.substr(4, rest.size() - 5));
            } else if (rest.starts_with("<")) {
                if (!sent.empty()) with.host->send(sent);
                sent.clear();
                auto const wanted = rest.substr(rest.find(' ') + 1);
                auto const got = with.reply();
                INFO("got " << got);
                if (differs(file, wanted)) {
                    if (got.starts_with("250 2.1.0")) {  // accepted here: make room for the next sender
                        with.host->send("RSET\r\n");
                        with.reply();
                    }
                    continue;
                }
                REQUIRE_FALSE(got.empty());
                if (rest.starts_with("<... ")) CHECK(got[0] == '2');
                else CHECK(got[0] == wanted[0]);
            }
        }
    }
}

TEST_CASE("real clients are answered as the recording server answered them", "[session][peers][data]") {
    auto const text = mailquay_test::read_data("client-transcripts/port-25-style.log");
    if (!text) {
        WARN("no client transcripts: set MAILQUAY_TEST_DATA");
        return;
    }
    struct recorded {
        std::string name;
        std::vector<std::pair<char, std::string>> lines;
        std::string skipped;
    };
    std::vector<recorded> sessions;
    std::string name;
    std::istringstream lines{*text};
    for (std::string line; std::getline(lines, line);) {
        if (line == "== 'session'") {
            // The sessions of smtp-source and Postfix ran at the same time, and their lines are mixed; a terminal made CR CR LF for ossl.
            sessions.push_back({name, {}, name == "smtp-source" || name == "postfix-client" ? "mixed lines" : name == "ossl" ? "CR CR LF" : ""});
        } else if (line.starts_with("== ")) {
            name = line.substr(3);
        } else if (!sessions.empty() && (line.starts_with("C: ") || line.starts_with("S: "))) {
            auto& now = sessions.back();
            auto const octets = unquoted(std::string_view{line}.substr(4, line.size() - 5));
            now.lines.emplace_back(line[0], octets);
            if (line[0] == 'S') continue;
            for (char const* other : {"BDAT ", "XCLIENT ", "XFORWARD ", "PROXY "})
                if (octets.starts_with(other)) now.skipped = other;
            if (octets.starts_with("MAIL ") || octets.starts_with("RCPT "))
                for (char const* parameter : {" AUTH=", " REQUIRETLS", "BINARYMIME"})
                    if (octets.find(parameter) != std::string::npos) now.skipped = parameter;
        } else if (!sessions.empty() && line.starts_with("C[")) {
            sessions.back().skipped = "BDAT ";
        }
    }
    // What this session does not speak itself is left out: STARTTLS with all before it, and exchanges of AUTH.
    for (auto& one : sessions) {
        std::vector<std::pair<char, std::string>> kept;
        bool in_auth = false;
        bool in_starttls = false;
        for (auto& line : one.lines) {
            if (line.first == 'C' && line.second.starts_with("AUTH ")) in_auth = true;
            if (line.first == 'C' && line.second.starts_with("STARTTLS")) in_starttls = true;
            bool const left_out = in_auth;
            if (in_auth && line.first == 'S' && !line.second.starts_with("334")) in_auth = false;
            if (in_starttls && line.first == 'S') {
                in_starttls = false;
                kept.clear();
            }
            if (!left_out) kept.push_back(std::move(line));
        }
        one.lines = std::move(kept);
    }
    std::size_t replayed = 0;
    std::map<std::string, int> skipped;
    for (auto const& one : sessions) {
        if (!one.skipped.empty()) {
            ++skipped[one.skipped];
            continue;
        }
        ++replayed;
        peer with;
        with.connect();
        std::string sent;
        for (auto const& [side, octets] : one.lines) {
            INFO(one.name << ' ' << side << ' ' << octets);
            if (side == 'C') {
                sent += octets;
                continue;
            }
            if (!sent.empty()) with.host->send(sent);
            sent.clear();
            auto const got = with.reply();
            INFO("got " << got);
            REQUIRE_FALSE(got.empty());
            CHECK(got[0] == octets[0]);
        }
        with.host->check_end();
    }
    CHECK(replayed >= 8);
    for (auto const& [why, count] : skipped) UNSCOPED_INFO(count << " sessions not replayed because of " << why);
    CHECK(skipped.size() < 20);
}

}  // namespace test_peer_dialogs
