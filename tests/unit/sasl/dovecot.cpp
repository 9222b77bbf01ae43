#include <mailquay/sasl/dovecot.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"
#include "support/sasl_client.hpp"

#include <mailquay/sasl/mechanisms.hpp>

#include <asio/buffer.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace test_dovecot {
using namespace mailquay;
using namespace mailquay_test;

/// One connection as a scripted server sees it.
class peer {
public:
    explicit peer(asio::local::stream_protocol::socket& socket) : socket_(socket) {}
    void say(std::string const& text) {
        std::error_code ignored;
        asio::write(socket_, asio::buffer(text), ignored);
    }
    std::string hear() {
        std::error_code failed;
        auto const count = asio::read_until(socket_, asio::dynamic_buffer(read_), '\n', failed);
        if (failed) return "(closed)";
        std::string line = read_.substr(0, count - 1);
        read_.erase(0, count);
        return line;
    }
    /// As Dovecot does.
    void greet() {
        say("VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nMECH\tSCRAM-SHA-256\tdictionary\tactive\n"
            "MECH\tANONYMOUS\tanonymous\nMECH\tEXTERNAL\tprivate\nSPID\t7\nCUID\t3\nCOOKIE\tabc\nDONE\n");
        (void)hear();
        (void)hear();
    }

private:
    asio::local::stream_protocol::socket& socket_;
    std::string read_{};
};

/// Plays the given scripts, one for each connection, in order.
class fake_dovecot {
public:
    using script = std::function<void(peer&)>;
    explicit fake_dovecot(std::vector<script> scripts) : path_(place()), acceptor_(io_, asio::local::stream_protocol::endpoint{path_}) {
        thread_ = std::thread{[this, all = std::move(scripts)] {
            for (script const& one : all) {
                asio::local::stream_protocol::socket socket{io_};
                acceptor_.accept(socket);
                peer there{socket};
                one(there);
            }
        }};
    }
    ~fake_dovecot() {
        thread_.join();
        std::filesystem::remove(path_);
    }
    std::string const& path() const { return path_; }

private:
    static std::string place() {
        static int count = 0;
        auto const file = std::filesystem::temp_directory_path() / ("mailquay-auth-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
        std::filesystem::remove(file);
        return file.string();
    }
    std::string path_;
    asio::io_context io_{};
    asio::local::stream_protocol::acceptor acceptor_;
    std::thread thread_{};
};

struct bench {
    asio::io_context io{};
    std::shared_ptr<std::vector<std::string>> lines = std::make_shared<std::vector<std::string>>();
    sasl::dovecot_settings settings(std::vector<std::string> names = {"PLAIN", "LOGIN"}) {
        sasl::dovecot_settings made;
        made.mechanisms = std::move(names);
        made.answer_timeout = std::chrono::seconds{60};  // the machine may be busy
        made.connect_timeout = std::chrono::seconds{60};
        made.log = logger{log_level::info, [kept = lines](log_level, std::string_view line) { kept->emplace_back(line); }};
        return made;
    }
    answer say(auth_exchange& to, std::string const& response) { return told(run(io, to.next(secret_view{std::string_view{response}}))); }
    answer say_nothing(auth_exchange& to) { return told(run(io, to.next(secret_view{}))); }
};

std::string line_of_auth(peer& there) {
    there.greet();
    return there.hear();
}


TEST_CASE("Dovecot is asked with what is known of the client, the response last", "[sasl][dovecot]") {
    std::string asked;
    fake_dovecot server{{[&](peer& there) {
        asked = line_of_auth(there);
        there.say("OK\t1\tuser=alice@example.org\tresp=ZmluYWw=\n");
    }}};
    bench b;
    sasl::dovecot all{server.path(), b.settings()};
    auto const client = tls_client();

    CHECK(b.say(*all.begin("plain", client), plain("alice", "wonderland")) == success("alice@example.org", "final"));
    CHECK(asked == "AUTH\t1\tPLAIN\tservice=smtp\tsecured\tlip=192.0.2.1\tlport=40000\trip=192.0.2.7\trport=40000\tresp=" +
                       base64_encode(plain("alice", "wonderland")));
    CHECK(b.lines->empty());
}

TEST_CASE("an exchange of several steps keeps its connection", "[sasl][dovecot]") {
    std::vector<std::string> heard;
    fake_dovecot server{{[&](peer& there) {
        heard.push_back(line_of_auth(there));
        there.say("CONT\t1\tPDEuMk");  // in pieces
        there.say("BteD4=\n");
        heard.push_back(there.hear());
        there.say("FAIL\t1\tuser=alice\n");
    }}};
    bench b;
    sasl::dovecot all{server.path(), b.settings({"CRAM-MD5"})};
    auto const client = tls_client();
    auto const exchange = all.begin("CRAM-MD5", client);

    CHECK(b.say_nothing(*exchange) == challenge("<1.2@mx>"));
    CHECK(b.say(*exchange, "alice") == denied);
    CHECK(b.say(*exchange, "again") == denied);
    REQUIRE(heard.size() == 2);
    CHECK(heard[0].ends_with("rport=40000"));  // no response at all
    CHECK(heard[1] == "CONT\t1\tYWxpY2U=");
}

TEST_CASE("who is silent takes no connection: Dovecot is asked once the client has said something", "[sasl][dovecot]") {
    std::vector<std::string> heard;
    auto const asks_more = [&](peer& there) {
        heard.push_back(line_of_auth(there));
        there.say("CONT\t1\tUGFzc3dvcmQ6\n");
        heard.push_back(there.hear());
        there.say("OK\t1\tuser=alice\n");
    };
    auto const no = [&](peer& there) { heard.push_back(line_of_auth(there)), there.say("FAIL\t1\n"); };
    fake_dovecot server{{asks_more, no}};
    bench b;
    auto settings = b.settings({"PLAIN", "LOGIN", "SCRAM-SHA-256", "XOAUTH2"});
    settings.connections = 1;
    sasl::dovecot all{server.path(), settings};
    auto const client = tls_client();
    std::vector<std::unique_ptr<auth_exchange>> silent;
    for (char const* name : {"PLAIN", "LOGIN", "SCRAM-SHA-256", "XOAUTH2"}) {
        silent.push_back(all.begin(name, client));
        CHECK(b.say_nothing(*silent.back()) == challenge(std::string_view{name} == "LOGIN" ? "Username:" : ""));
    }
    CHECK(heard.empty());

    CHECK(b.say(*silent[1], "alice") == challenge("Password:"));
    CHECK(b.say(*silent[0], plain("alice", "wonderland")) == temporary);  // the one connection is in use
    CHECK(b.say(*silent[1], "wonderland") == success("alice"));
    silent.clear();
    auto const empty = all.begin("PLAIN", client);
    b.say_nothing(*empty);
    CHECK(told(run(b.io, empty->next(secret_view{}))) == denied);  // an empty response is one
    REQUIRE(heard.size() == 3);
    CHECK(heard[0].ends_with("\tresp=YWxpY2U="));
    CHECK(heard[1] == "CONT\t1\td29uZGVybGFuZA==");
    CHECK(heard[2].ends_with("\tresp="));
}

TEST_CASE("LOGIN without a name fails here: Dovecot would ask for it again", "[sasl][dovecot]") {
    bench b;
    sasl::dovecot all{"/nonexistent/auth-client", b.settings()};
    auto const client = tls_client();
    auto const exchange = all.begin("LOGIN", client);
    CHECK(b.say_nothing(*exchange) == challenge("Username:"));
    CHECK(b.say(*exchange, "") == denied);
    CHECK(b.say(*exchange, "alice") == denied);
    CHECK(b.lines->empty());
}

TEST_CASE("after success both identities are known", "[sasl][dovecot][authorisation]") {
    auto const yes = [](std::string user) {
        return [user](peer& there) { line_of_auth(there), there.say("OK\t1\tuser=" + user + "\n"); };
    };
    fake_dovecot server{{yes("alice@example.org"), yes("bob"), yes("bob"), [](peer& there) { line_of_auth(there), there.say("FAIL\t1\n"); }}};
    bench b;
    sasl::dovecot all{server.path(), b.settings({"PLAIN", "SCRAM-SHA-256"})};
    auto const identities_by = [&](std::string const& mechanism, std::string const& response) {
        auto const client = tls_client();
        b.say(*all.begin(mechanism, client), response);
        auto const& found = sasl::identities_of(client);
        return std::vector<std::string>{found.user, found.authorisation, found.mechanism};
    };
    using three = std::vector<std::string>;
    CHECK(identities_by("PLAIN", plain("alice", "x")) == three{"alice@example.org", "", "PLAIN"});
    CHECK(identities_by("PLAIN", plain("alice", "x", "bob")) == three{"alice", "bob", "PLAIN"});
    CHECK(identities_by("SCRAM-SHA-256", "n,a=bob,n=alice,r=abc") == three{"alice", "bob", "SCRAM-SHA-256"});
    CHECK(identities_by("PLAIN", plain("alice", "x", "bob")) == three{"", "", ""});
}

TEST_CASE("Dovecot that cannot tell now, is silent, closes or speaks something else is a temporary failure", "[sasl][dovecot]") {
    std::vector<std::pair<std::string, fake_dovecot::script>> const faults{
        {"", [](peer& there) { line_of_auth(there), there.say("FAIL\t1\tuser=alice\ttemp\n"); }},
        {"", [](peer& there) { line_of_auth(there), there.say("FAIL\t1\tcode=temp_fail\n"); }},
        {"in time", [](peer& there) { line_of_auth(there), there.hear(); }},
        {"could not", [](peer& there) { line_of_auth(there); }},
        {"could not", [](peer&) {}},
        {"does not speak", [](peer& there) { there.say("220 mx.example.org ESMTP\nDONE\n"), there.hear(); }},
        {"does not speak", [](peer& there) { there.say("VERSION\t2\t0\n"), there.hear(); }},
        {"does not speak", [](peer& there) { there.say(std::string(20'000, 'x')), there.hear(); }},
        {"does not speak", [](peer& there) { line_of_auth(there), there.say("OK\t1\n"), there.hear(); }},
        {"does not speak", [](peer& there) { line_of_auth(there), there.say("CONT\t1\t!!!!\n"), there.hear(); }},
        {"not asked", [](peer& there) { line_of_auth(there), there.say("OK\t2\tuser=mallory\n"), there.hear(); }},
    };
    for (auto const& [said, fault] : faults) {
        fake_dovecot server{{fault, [](peer& there) { line_of_auth(there), there.say("OK\t1\tuser=alice\n"); }}};
        bench b;
        auto impatient = b.settings();
        if (said == "in time") impatient.answer_timeout = std::chrono::milliseconds{100};
        sasl::dovecot first{server.path(), impatient};
        sasl::dovecot all{server.path(), b.settings()};
        auto const client = tls_client();
        CHECK(b.say(*first.begin("PLAIN", client), plain("alice", "wonderland")) == temporary);
        INFO((b.lines->empty() ? std::string{} : b.lines->front()));
        CHECK(b.lines->size() == (said.empty() ? 0u : 1u));
        if (!said.empty()) CHECK(b.lines->front().find(said) != std::string::npos);
        for (std::string const& line : *b.lines) CHECK(line.find("wonderland") == std::string::npos);
        // The next one finds it well again.
        CHECK(b.say(*all.begin("PLAIN", client), plain("alice", "wonderland")) == success("alice"));
    }
}

TEST_CASE("no Dovecot at all is a temporary failure, or an error at start when it must name its mechanisms", "[sasl][dovecot]") {
    bench b;
    sasl::dovecot all{"/nonexistent/auth-client", b.settings()};
    auto const client = tls_client();
    CHECK(b.say(*all.begin("PLAIN", client), plain("alice", "wonderland")) == temporary);
    CHECK(b.lines->size() == 1);
    try {
        sasl::dovecot{"/nonexistent/auth-client"};
        FAIL("nobody was asked");
    } catch (std::runtime_error const& why) {
        CHECK(std::string{why.what()}.find("/nonexistent/auth-client") != std::string::npos);
    }
    CHECK_THROWS_AS(sasl::dovecot{std::string(300, 'x')}, std::runtime_error);  // longer than any socket's path
}

TEST_CASE("what Dovecot names is offered, but nothing private or anonymous, and no secret in clear", "[sasl][dovecot]") {
    fake_dovecot server{{[](peer& there) { there.greet(); }}};
    bench b;
    sasl::dovecot all{server.path(), b.settings({})};
    CHECK(all.offered(tls_client()) == mailquay::mechanisms{"PLAIN", "LOGIN", "SCRAM-SHA-256"});
    CHECK(all.offered(clear_client()) == mailquay::mechanisms{"SCRAM-SHA-256"});
    auto const clear = clear_client();
    CHECK_FALSE(all.begin("PLAIN", clear));
    CHECK_FALSE(all.begin("ANONYMOUS", clear));
}

TEST_CASE("a certificate is told to Dovecot where it is the client's, not after XCLIENT", "[sasl][dovecot][external]") {
    std::vector<std::string> asked;
    auto const no = [&](peer& there) { asked.push_back(line_of_auth(there)), there.say("FAIL\t1\n"); };
    fake_dovecot server{{no, no}};
    bench b;
    sasl::dovecot all{server.path(), b.settings({"EXTERNAL", "PLAIN"})};
    tls_info facts;
    facts.client_verified = true;
    facts.client_identity = "filter";
    auto const filter = tls_client(facts);
    auto const named = filter.begun_anew();

    CHECK(all.offered(filter) == mailquay::mechanisms{"EXTERNAL", "PLAIN"});
    CHECK(all.offered(named) == mailquay::mechanisms{"PLAIN"});
    CHECK_FALSE(all.begin("EXTERNAL", named));
    CHECK(b.say(*all.begin("PLAIN", filter), plain("a", "b")) == denied);
    CHECK(b.say(*all.begin("PLAIN", named), plain("a", "b")) == denied);
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].find("\tvalid-client-cert\tcert_username=filter") != std::string::npos);
    CHECK(asked[1].find("cert") == std::string::npos);
}

TEST_CASE("EXTERNAL sends the name that the host finds in the certificate", "[sasl][dovecot][external]") {
    std::vector<std::string> asked;
    auto const yes = [&](peer& there) { asked.push_back(line_of_auth(there)), there.say("OK\t1\tuser=alice\n"); };
    auto const no = [&](peer& there) { asked.push_back(line_of_auth(there)), there.say("FAIL\t1\n"); };
    fake_dovecot server{{yes, no}};
    bench b;
    auto settings = b.settings({"EXTERNAL", "PLAIN"});
    settings.certificate = [](tls_info const& tls) -> std::optional<std::string> {
        if (tls.client_identity == "CN=nobody") return std::nullopt;
        return tls.client_identity.substr(3);
    };
    sasl::dovecot all{server.path(), settings};
    tls_info facts;
    facts.client_verified = true;
    facts.client_identity = "CN=alice";
    auto const alice = tls_client(facts);
    facts.client_identity = "CN=nobody";
    auto const nobody = tls_client(facts);

    auto const exchange = all.begin("EXTERNAL", alice);
    CHECK(b.say_nothing(*exchange) == challenge(""));
    CHECK(b.say(*exchange, "") == success("alice"));
    CHECK(sasl::identities_of(alice).user == "alice");
    CHECK(b.say(*all.begin("EXTERNAL", nobody), "") == denied);  // not asked
    CHECK(b.say(*all.begin("PLAIN", nobody), plain("a", "b")) == denied);
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].find("\tvalid-client-cert\tcert_username=alice\t") != std::string::npos);
    CHECK(asked[0].ends_with("\tresp="));
    CHECK(asked[1].find("cert") == std::string::npos);
}

TEST_CASE("what Dovecot says to a bearer token is a refusal; to none, the question for it", "[sasl][dovecot][oauth]") {
    auto const why = base64_encode(R"({"status":"invalid_token"})");
    fake_dovecot server{{[&](peer& there) {
        line_of_auth(there);
        there.say("CONT\t1\t" + why + "\n");
    }}};
    bench b;
    sasl::dovecot all{server.path(), b.settings({"OAUTHBEARER"})};
    auto const client = tls_client();
    auto const exchange = all.begin("OAUTHBEARER", client);
    auto const refused = [&](secret_view response) { return std::get<auth_continue>(run(b.io, exchange->next(response))).refused; };
    CHECK_FALSE(refused(secret_view{}));
    CHECK(refused(secret_view{std::string_view{"n,,\1auth=Bearer bad\1\1"}}));
}

TEST_CASE("no more connections than set, and they come back", "[sasl][dovecot]") {
    auto const asks = [](peer& there) { line_of_auth(there), there.say("CONT\t1\tUGFzc3dvcmQ6\n"), there.hear(); };
    fake_dovecot server{{asks, asks}};
    bench b;
    auto settings = b.settings();
    settings.connections = 1;
    sasl::dovecot all{server.path(), settings};
    auto const client = tls_client();
    auto first = all.begin("LOGIN", client);
    CHECK(b.say(*first, "alice") == challenge("Password:"));
    CHECK(b.say(*all.begin("LOGIN", client), "alice") == temporary);
    first.reset();
    auto const second = all.begin("LOGIN", client);
    CHECK(b.say(*second, "alice") == challenge("Password:"));
    CHECK(b.say(*second, "x") == temporary);  // the script ends here
}

}  // namespace test_dovecot
