#include <mailquay/session/session.hpp>

#include <mailquay/base/base64.hpp>
#include <mailquay/session/extensions/auth.hpp>
#include <mailquay/session/extensions/starttls.hpp>

#include "support/catch.hpp"
#include "support/json_lite.hpp"
#include "support/script.hpp"
#include "support/test_data.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace test_session_auth {

using namespace mailquay_test;

constexpr std::string_view right = "AGFsaWNlAHNlY3JldA==";  // NUL alice NUL secret

script inside_tls() {
    script talk;
    talk.config.extensions.add(std::make_shared<extensions::auth>([](session_info const&) { return mechanisms{"PLAIN", "LOGIN"}; }));
    talk.make_info = [] {
        session_info made{ip_endpoint{*ip_address::parse("192.0.2.1"), 40000}, ip_endpoint{*ip_address::parse("192.0.2.25"), 587}};
        made.set_tls(tls_info{"TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519"});
        return made;
    };
    talk.client("EHLO c").server("250");
    return talk;
}

TEST_CASE("AUTH asks with the mechanism in upper case and the response decoded", "[session][auth]") {
    auto talk = inside_tls();
    std::vector<std::string> seen;
    talk.hooks.on_auth = [&](std::string_view mechanism, std::optional<std::string_view> response) {
        seen.push_back(std::string(mechanism) + (response ? ":" + std::string(*response) : ""));
        return response == "secret" ? succeed("alice") : continue_with("more");
    };
    talk.client("auth login").expect<auth_started>().server_line("334 bW9yZQ==");
    talk.client("YWxpY2U=").expect<auth_response>().server_line("334 bW9yZQ==");
    talk.client("c2VjcmV0").expect<auth_response>().server("235 2.7.0");
    talk.client("AUTH PLAIN =").server("503 5.5.1");

    talk.run_whole();
    CHECK(seen == std::vector<std::string>{"LOGIN", "LOGIN:alice", "LOGIN:secret"});
    talk.run_every_way();
}

TEST_CASE("the user is in the session and the transaction, and Received says ESMTPSA (RFC 3848)", "[session][auth]") {
    auto talk = inside_tls();
    talk.client("AUTH PLAIN " + std::string(right)).server("235 2.7.0");
    talk.client("MAIL FROM:<alice@example.org> AUTH=alice@example.org").server("250");
    talk.client("RCPT TO:<b@example.org>").server("250");
    talk.client("DATA").server("354");
    talk.client(".").server("250").check([](session_host const& host) {
        auto const& message = host.messages().back();
        expect_that(message.mail.user == "alice" && message.mail.secure, "the envelope has no user");
        expect_that(message.mail.auth == "alice@example.org", "the envelope has no AUTH=");
        expect_that(message.received.find(" with ESMTPSA id ") != std::string::npos, "Received says " + message.received);
        expect_that(message.received.find("alice") == std::string::npos, "Received names the user");
    });
    talk.run_every_way();
}

TEST_CASE("without TLS Received says ESMTPA", "[session][auth]") {
    script talk;
    talk.config.extensions.add(std::make_shared<extensions::auth>([](session_info const&) { return mechanisms{"PLAIN"}; }, true));
    talk.client("EHLO c").server("250");
    talk.client("AUTH PLAIN " + std::string(right)).server("235 2.7.0");
    talk.client("MAIL FROM:<a@example.org>").server("250");
    talk.client("RCPT TO:<b@example.org>").server("250");
    talk.client("DATA").server("354");
    talk.client(".").server("250").check([](session_host const& host) {
        auto const& received = host.messages().back().received;
        expect_that(received.find(" with ESMTPA id ") != std::string::npos, "Received says " + received);
    });
    talk.run_whole();
}

TEST_CASE("a mechanism that is too weak is answered 534, an unknown one 504", "[session][auth]") {
    script talk;
    auto const plain = [](session_info const&) { return mechanisms{"PLAIN"}; };
    auto const weak = [](session_info const&) { return mechanisms{"CRAM-MD5"}; };
    talk.config.extensions.add(std::make_shared<extensions::auth>(plain, true, extensions::auth::trust{}, weak));
    talk.client("EHLO c").server("250");
    talk.client("AUTH CRAM-MD5").server("534 5.7.9");
    talk.client("AUTH GSSAPI").server("504 5.5.4");
    talk.client("AUTH PLAIN " + std::string(right)).server("235 2.7.0");
    talk.run_whole_bytewise_and_at_every_split();
}

TEST_CASE("each exchange ends with one auth_finished that says how", "[session][auth]") {
    auto talk = inside_tls();
    talk.hooks.on_auth = [](std::string_view, std::optional<std::string_view> response) {
        if (!response) return continue_with("");
        return response == "later" ? fail(auth_problem::unavailable) : response == "weak" ? fail(auth_problem::too_weak) : fail();
    };
    talk.client("AUTH PLAIN").server("334");
    talk.client("*").server("501 5.0.0");
    talk.client("AUTH PLAIN").server("334");
    talk.client("!").server("501 5.5.2");
    talk.client("AUTH PLAIN " + base64_encode("later")).server("454");
    talk.client("AUTH PLAIN " + base64_encode("weak")).server("534");
    talk.client("AUTH PLAIN " + base64_encode("wrong")).server("535");
    talk.client("AUTH PLAIN").server("334");
    talk.client("").server("535");
    talk.client("AUTH PLAIN").server("334");
    talk.connection_lost().check([](session_host const& host) {
        std::vector<std::string> ends;
        for (auto const& one : host.events())
            if (one.starts_with("auth_finished")) ends.push_back(one.substr(14));
        expect_that(ends == std::vector<std::string>{"cancelled 501", "malformed 501", "unavailable 454", "refused 534", "failed 535",
                                                     "failed 535", "aborted "},
                    "the ends differ");
        expect_that(host.events().back() == "closed peer-gone", "closed is not the last event");
        expect_that(std::count_if(host.events().begin(), host.events().end(),
                                  [](auto const& one) { return one.starts_with("command_refused"); }) == 0,
                    "what ended an exchange is told twice");
    });
    talk.run_whole_bytewise_and_at_every_split();
}

TEST_CASE("failures wait 0, 1, 2, 4 and 4 s, then AUTH is no more", "[session][auth]") {
    auto talk = inside_tls();
    talk.hooks.on_auth = [](std::string_view, std::optional<std::string_view>) { return fail(); };
    std::vector<std::chrono::seconds> waited;
    session_host::time_point before{};
    for (int i = 0; i < 5; ++i) {
        talk.client("AUTH PLAIN " + std::string(right)).first_do([&](session_host& host) { before = host.now(); }).server("535").check(
            [&](session_host const& host) { waited.push_back(std::chrono::duration_cast<std::chrono::seconds>(host.now() - before)); });
    }
    talk.client("AUTH PLAIN " + std::string(right)).server("421 4.7.0").closed(close_reason::too_many_errors);

    talk.run_whole();

    using std::chrono::seconds;
    CHECK(waited == std::vector<seconds>{seconds{0}, seconds{1}, seconds{2}, seconds{4}, seconds{4}});
}

TEST_CASE("a step that is put off waits the same whether it is right or wrong", "[session][auth]") {
    using std::chrono::seconds;
    auto talk = inside_tls();
    talk.hooks.on_auth = [](std::string_view, std::optional<std::string_view> response) {
        return put_off(response == "wrong" ? fail() : succeed("alice", "proof"), seconds{3});
    };
    std::vector<seconds> waited;
    session_host::time_point before{};
    auto const remember = [&](session_host& host) { before = host.now(); };
    auto const measure = [&](session_host const& host) { waited.push_back(std::chrono::duration_cast<seconds>(host.now() - before)); };
    for (int i = 0; i < 4; ++i) talk.client("AUTH PLAIN " + base64_encode("wrong")).first_do(remember).server("535").check(measure);
    talk.client("AUTH PLAIN " + std::string(right)).first_do(remember).server("334").check(measure);
    talk.client("").server("235 2.7.0");

    talk.run_whole();

    CHECK(waited == std::vector<seconds>{seconds{3}, seconds{3}, seconds{3}, seconds{4}, seconds{4}});
}

TEST_CASE("a refusal that comes as a challenge is counted at once and ends as failed, whatever answers it", "[session][auth]") {
    auto talk = inside_tls();
    talk.config.budgets.auth = 4;
    int asked = 0;
    talk.hooks.on_auth = [&](std::string_view, std::optional<std::string_view> response) {
        ++asked;
        return response == "bad" ? refuse_with("{}") : succeed("alice");
    };
    std::string const bad = "AUTH PLAIN " + base64_encode("bad");
    std::vector<std::chrono::seconds> waited;
    session_host::time_point before{};
    auto const attempt = [&] {
        talk.client(bad).first_do([&](session_host& host) { before = host.now(); }).server_line("334 e30=").check(
            [&](session_host const& host) { waited.push_back(std::chrono::duration_cast<std::chrono::seconds>(host.now() - before)); });
    };
    attempt();
    talk.client("*").server("501 5.0.0");
    attempt();
    talk.client("AQ==").server("535 5.7.8");
    attempt();
    talk.client("!").server("501 5.5.2");
    attempt();
    talk.client("Z29vZA==").server("535 5.7.8").check([](session_host const& host) {
        std::vector<std::string> ends;
        for (auto const& one : host.events())
            if (one.starts_with("auth_finished")) ends.push_back(one.substr(14));
        expect_that(ends == std::vector<std::string>{"failed 501", "failed 535", "failed 501", "failed 535"}, "the ends differ");
    });
    talk.client(bad).server("421 4.7.0").closed(close_reason::too_many_errors);

    talk.run_whole();

    using std::chrono::seconds;
    CHECK(asked == 4);
    CHECK(waited == std::vector<seconds>{seconds{0}, seconds{1}, seconds{2}, seconds{4}});
}

/// Whether any four octets of what must be forgotten are there; how the octets are cut does not matter then.
bool shows(std::string_view octets, std::string_view secret) {
    for (std::size_t i = 0; i + 4 <= secret.size(); ++i)
        if (octets.find(secret.substr(i, 4)) != std::string_view::npos) return true;
    return false;
}

/// Without a copy that is freed: the test looks for what others left in memory.
std::string joined(std::initializer_list<std::string_view> parts) {
    std::size_t octets = 0;
    for (auto const part : parts) octets += part.size();
    std::string whole;
    whole.reserve(octets);
    for (auto const part : parts) whole.append(part);
    return whole;
}

TEST_CASE("what stands unread behind an end, and the begin of a line, are overwritten", "[session][auth]") {
    std::string const secret = base64_encode(joined({"correct horse battery staple/", std::string(200, 'q')}));
    std::string const behind = joined({"AUTH PLAIN ", secret, "\r\n"});
    struct way {
        std::string input;
        bool keeps;  // the host takes its buffer back before it answers
    };
    std::vector<way> ways;
    ways.reserve(4);
    ways.push_back({joined({"QUIT\r\n", behind}), false});
    ways.push_back({joined({"STARTTLS\r\n", behind}), false});
    ways.push_back({joined({"STARTTLS\r\n", behind}), true});
    ways.push_back({joined({"NOOP\r\nA", std::string_view{behind}.substr(1, 100)}), false});
    for (auto& [input, keeps] : ways) {
        INFO(input.substr(0, 20) << (keeps ? " kept" : ""));
        session_config config = inside_tls().config;
        config.extensions.add(std::make_shared<extensions::starttls>());
        session_memory memory;
        session_info client{ip_endpoint{*ip_address::parse("192.0.2.1"), 40000}, {}};
        auto talk = std::make_unique<session>(config, std::move(client), memory);
        talk->time_is(session::time_point{std::chrono::hours{1}});
        auto const take = [&, kept = keeps] {
            while (auto what = talk->next_event()) {
                if (auto const* one = std::get_if<connected>(&*what)) talk->answer(one->ticket, accept());
                if (auto const* one = std::get_if<greeted>(&*what)) talk->answer(one->ticket, accept());
                if (auto const* one = std::get_if<tls_requested>(&*what)) {
                    if (kept) talk->keep_rest();
                    talk->answer(one->ticket, accept());
                }
            }
            talk->output_sent(talk->output().size());
        };
        take();
        std::string hello = "EHLO c\r\n";
        talk->feed(hello);
        take();
        talk->feed(input);
        take();
        CHECK_FALSE(shows(input, secret.substr(20, 40)));
        talk.reset();
        for (int i = 0; i < 4; ++i) {
            auto const used = memory.take_buffer();
            CHECK_FALSE(shows({used->data(), used->capacity()}, secret.substr(20, 40)));
        }
    }
}

TEST_CASE("an accepted message does not forgive failures", "[session][auth]") {
    auto talk = inside_tls();
    talk.config.budgets.auth = 1;
    talk.hooks.on_auth = [](std::string_view, std::optional<std::string_view>) { return fail(); };
    talk.client("AUTH PLAIN " + std::string(right)).server("535");
    talk.client("MAIL FROM:<a@b>").server("250");
    talk.client("RCPT TO:<c@d>").server("250");
    talk.client("DATA").server("354");
    talk.client(".").server("250");
    talk.client("AUTH PLAIN " + std::string(right)).server("421 4.7.0").closed();
    talk.run_whole();
}

TEST_CASE("what is no guess is bounded all the same", "[session][auth]") {
    auto talk = inside_tls();
    talk.config.budgets.junk = 3;
    talk.config.budgets.syntax = 2;
    for (int i = 0; i < 5; ++i) {
        talk.client("AUTH PLAIN").server("334");
        talk.client("*").server("501 5.0.0");
    }
    talk.client("AUTH PLAIN").server("334");
    talk.client("*").server("421 4.7.0").closed(close_reason::too_many_errors);
    talk.run_whole();
}

TEST_CASE("a mechanism that never ends is ended", "[session][auth]") {
    auto talk = inside_tls();
    talk.hooks.on_auth = [](std::string_view, std::optional<std::string_view>) { return continue_with("again"); };
    talk.client("AUTH PLAIN").server("334");
    for (int i = 0; i < 15; ++i) talk.client("AAAA").server("334");
    talk.client("AAAA").server("454 4.7.0");
    talk.client("NOOP").server("250");
    talk.run_whole();
}

TEST_CASE("a challenge that no line can hold is the host's mistake", "[session][auth]") {
    auto talk = inside_tls();
    talk.hooks.on_auth = [](std::string_view, std::optional<std::string_view>) { return continue_with(std::string(10'000, 'x')); };
    talk.client("AUTH PLAIN").server("454 4.7.0");
    talk.run_whole();
}

TEST_CASE("a host that does not answer in time costs 454, and its late answer nothing", "[session][auth]") {
    session_config config = inside_tls().config;
    session_memory memory;
    session talk{config, inside_tls().make_info(), memory};
    auto now = session::time_point{std::chrono::hours{1}};
    talk.time_is(now);
    std::optional<ticket> asked;
    std::vector<std::string> told;
    auto const take = [&] {
        while (auto what = talk.next_event()) {
            if (auto const* one = std::get_if<connected>(&*what)) talk.answer(one->ticket, accept());
            if (auto const* one = std::get_if<greeted>(&*what)) talk.answer(one->ticket, accept());
            if (auto const* one = std::get_if<auth_started>(&*what)) asked = one->ticket;
            if (std::holds_alternative<withdrawn>(*what)) told.emplace_back("withdrawn");
            if (auto const* one = std::get_if<auth_finished>(&*what)) told.emplace_back(one->reply);
        }
    };
    take();
    std::string hello = "EHLO c\r\n", auth = "AUTH PLAIN " + std::string(right) + "\r\n", noop = "NOOP\r\n";
    talk.feed(hello);
    take();
    talk.feed(auth);
    take();
    REQUIRE(asked);
    talk.output_sent(talk.output().size());

    for (int i = 0; i < 61; ++i) talk.time_is(now += std::chrono::seconds{1});
    take();
    CHECK(told == std::vector<std::string>{"withdrawn", "454 4.7.0 Authentication not available now"});
    talk.answer(*asked, succeed("alice"));
    take();
    CHECK_FALSE(talk.info().authenticated());
    talk.output_sent(talk.output().size());
    talk.feed(noop);
    take();
    CHECK(talk.output().starts_with("250 "));
}

TEST_CASE("what the session keeps of a lent buffer does not stay there, wherever AUTH may stand in it", "[session][auth]") {
    session_config const config = inside_tls().config;
    session_memory memory;
    session talk{config, inside_tls().make_info(), memory};
    talk.time_is(session::time_point{std::chrono::hours{1}});
    std::string lent;
    auto const answer_until = [&](auto const* kind) {
        while (auto what = talk.next_event()) {
            if (std::get_if<std::remove_cvref_t<decltype(*kind)>>(&*what) != nullptr) return true;
            if (auto const* one = std::get_if<connected>(&*what)) talk.answer(one->ticket, accept());
            if (auto const* one = std::get_if<greeted>(&*what)) talk.answer(one->ticket, accept());
            if (auto const* one = std::get_if<mail_offered>(&*what)) talk.answer(one->ticket, accept());
        }
        return false;
    };
    CHECK_FALSE(answer_until(static_cast<closed const*>(nullptr)));
    lent = "EHLO c\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n";
    talk.feed(lent);
    REQUIRE(answer_until(static_cast<recipient_offered const*>(nullptr)));
    talk.keep_rest();
    CHECK_FALSE(shows(lent, "AGFsaWNlAHNlY3JldA=="));
}

TEST_CASE("no octet of a secret stays in a buffer, lent or our own", "[session][auth]") {
    std::string const secret = joined({"correct horse battery staple/", std::string(6000, 'q'), "!"});
    std::string const encoded = base64_encode(secret);
    struct way {
        std::string input;
        bool answered;
    };
    std::vector<way> ways;
    ways.reserve(7);
    ways.push_back({joined({"AUTH PLAIN ", encoded, "\r\n"}), true});           // initial response
    ways.push_back({joined({"AUTH PLAIN\r\n", encoded, "\r\n"}), true});        // response
    ways.push_back({joined({"NOOP\r\nauth plain ", encoded, "\r\n"}), true});   // behind another command
    ways.push_back({joined({"AUTH OTHER ", encoded, "\r\n"}), false});          // refused before it was decoded
    ways.push_back({joined({"AUTH PLAIN !", encoded, "\r\n"}), false});         // no base64
    ways.push_back({joined({"AUTH PLAIN ", encoded}), false});                  // never ended
    ways.push_back({joined({"AUTH PLAIN ", encoded, encoded, encoded, "\r\n"}), false});  // too long
    for (auto const& [input, answered] : ways)
        for (std::size_t const piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, std::size_t{4000}, std::size_t{100'000}}) {
            INFO(input.substr(0, 20) << " in pieces of " << piece);
            session_config const config = inside_tls().config;
            session_memory memory;
            auto talk = std::make_unique<session>(config, inside_tls().make_info(), memory);
            talk->time_is(session::time_point{std::chrono::hours{1}});
            std::string lent;
            bool right_one = false;
            auto const take = [&] {
                while (auto what = talk->next_event()) {
                    auto const judge = [&](ticket to, std::optional<secret_view> response) {
                        if (!talk->views_buffer()) talk->keep_rest();
                        CHECK_FALSE(shows(lent, encoded.substr(0, 40)));
                        right_one = response && response->reveal() == secret;
                        talk->answer(to, response ? succeed("alice") : continue_with(""));
                    };
                    if (auto const* one = std::get_if<connected>(&*what)) talk->answer(one->ticket, accept());
                    if (auto const* one = std::get_if<greeted>(&*what)) talk->answer(one->ticket, accept());
                    if (auto const* one = std::get_if<auth_started>(&*what)) judge(one->ticket, one->initial);
                    if (auto const* one = std::get_if<auth_response>(&*what)) judge(one->ticket, one->octets);
                }
            };
            take();
            std::string hello = "EHLO c\r\n";
            talk->feed(hello);
            take();
            for (std::size_t at = 0; at < input.size() && talk->wants_input(); at += piece) {
                lent = input.substr(at, piece);
                talk->feed(lent);
                take();
                talk->output_sent(talk->output().size());
                CHECK_FALSE(shows(lent, encoded.substr(20, 20)));
                CHECK_FALSE(shows(lent, secret.substr(0, 29)));
            }
            CHECK(right_one == answered);
            talk.reset();
            for (int i = 0; i < 4; ++i) {  // what the pool kept for others
                auto const used = memory.take_buffer();
                std::string_view const all{used->data(), used->capacity()};
                CHECK_FALSE(shows(all, encoded.substr(20, 20)));
                CHECK_FALSE(shows(all, secret.substr(0, 29)));
            }
        }
}

TEST_CASE("the vectors of AUTH's framing are answered as they say", "[session][auth][vectors]") {
    auto const text = read_data("sasl/vectors.json");
    if (!text) {
        WARN("no SASL vectors: set MAILQUAY_TEST_DATA");
        return;
    }
    using lines = std::vector<std::string>;
    std::string const in = "AUTH PLAIN cmlnaHQ=";  // "right"
    std::map<std::string, lines> const dialogues{
        {"initial response empty", {"AUTH PLAIN ="}},
        {"no initial response", {"AUTH PLAIN"}},
        {"cancel", {"AUTH PLAIN", "*"}},
        {"second AUTH after success", {in, in}},
        {"AUTH inside a transaction", {"MAIL FROM:<a@b.example>", in}},
        {"unknown mechanism", {"AUTH FOOBAR"}},
        {"response line over 12288 octets", {"AUTH PLAIN", std::string(12'288, 'A')}},  // with CRLF
        {"plaintext mechanism before TLS when policy forbids", {"AUTH PLAIN"}},
        {"authentication required", {"MAIL FROM:<a@b.example>"}},
        {"mechanism too weak", {"AUTH PLAIN " + base64_encode("weak")}},
        {"password transition needed", {"AUTH PLAIN " + base64_encode("expired")}},
        {"temporary failure", {"AUTH PLAIN " + base64_encode("later")}},
        {"credentials wrong", {"AUTH PLAIN " + base64_encode("wrong")}},
        {"initial response with a mechanism where the server speaks first (CRAM-MD5)", {"AUTH CRAM-MD5 " + base64_encode("alice 0")}},
        {"no EHLO before AUTH", {in}},
    };
    std::vector<std::optional<std::string>> responses;
    host_hooks hooks;
    hooks.on_auth = [&](std::string_view mechanism, std::optional<std::string_view> response) {
        responses.emplace_back(response ? std::optional<std::string>{*response} : std::nullopt);
        if (!response) return continue_with("");
        if (mechanism == "CRAM-MD5") return fail(auth_problem::initial_response);
        if (*response == "weak") return fail(auth_problem::too_weak);
        if (*response == "expired") return fail(auth_problem::expired);
        if (*response == "later") return fail(auth_problem::unavailable);
        return *response == "right" ? succeed("alice") : fail();
    };
    std::size_t seen = 0;
    for (auto const& one : json_objects(*text, "smtp_auth_framing")) {
        std::string const name = one.string("name");
        INFO(name);
        ++seen;
        REQUIRE(dialogues.count(name) == 1);
        session_config config;
        config.hostname = "mx.example.org";
        config.extensions = extension_registry::standard();
        config.extensions.add(std::make_shared<extensions::auth>([](session_info const& client) {
            return client.secure() ? mechanisms{"PLAIN", "CRAM-MD5"} : mechanisms{"CRAM-MD5"};
        }));
        config.require_authentication = name == "authentication required";
        session_info info{ip_endpoint{*ip_address::parse("192.0.2.1"), 40000}, ip_endpoint{*ip_address::parse("192.0.2.25"), 587}};
        if (name.find("before TLS") == std::string::npos) info.set_tls(tls_info{"TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519"});
        session_host host{config, hooks, manner{}, std::move(info)};
        host.connect();
        if (name != "no EHLO before AUTH") host.send("EHLO c\r\n");
        responses.clear();
        std::string answered;
        for (std::string const& line : dialogues.at(name)) {
            std::size_t const before = host.output().size();
            host.send(line + "\r\n");
            answered = host.output().substr(before);
        }
        if (name == "initial response empty") {
            REQUIRE(responses.size() == 1);
            CHECK(responses[0] == "");
        } else if (name == "no initial response") {
            CHECK(answered == "334 \r\n");
        } else {
            std::string const wanted = one.string("server");
            REQUIRE(wanted.size() >= 9);
            INFO(answered);
            CHECK(answered.starts_with(wanted.substr(0, wanted.find(" ("))));
        }
    }
    CHECK(seen == dialogues.size());
}

}  // namespace test_session_auth
