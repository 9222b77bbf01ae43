#include <mailquay/handler/profile.hpp>

#include "support/catch.hpp"

#include <string>

namespace test_profile {

bool has_line(std::string const& text, std::string const& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

mailquay::profile_surroundings everything() {
    return {.has_tls = true, .has_authenticator = true, .has_trusted_proxies = true, .port = 2525};
}

}  // namespace test_profile

using mailquay::profile;

TEST_CASE("the three ready profiles are as rule 15 has them", "[handler][profile]") {
    auto const mx = profile::mx();
    CHECK(mx.dialect == mailquay::dialect::smtp);
    CHECK(mx.auth == mailquay::auth_mode::off);
    CHECK_FALSE(mx.tls.has_value());
    CHECK_FALSE(mx.fix_header);
    CHECK(mx.policies_for == mailquay::policy_scope::everybody);

    auto const submission = profile::submission();
    CHECK(submission.auth == mailquay::auth_mode::required);
    CHECK(submission.tls == mailquay::tls_mode::required);
    CHECK(submission.limits.text_line_octets == 998);
    CHECK(submission.policies_for == mailquay::policy_scope::unauthenticated);

    auto const lmtp = profile::lmtp();
    CHECK(lmtp.dialect == mailquay::dialect::lmtp);
    CHECK(lmtp.tls == mailquay::tls_mode::none);
    CHECK(lmtp.auth == mailquay::auth_mode::off);
    CHECK(lmtp.limits.messages == 1000);
    CHECK(lmtp.limits.connections_per_address == 0);
    CHECK(lmtp.policies_for == mailquay::policy_scope::nobody);

    for (std::string name : {"mx", "submission", "lmtp"}) CHECK(mailquay::find_profile(name)->name == name);
    CHECK_FALSE(mailquay::find_profile("MX").has_value());
}

TEST_CASE("what is absent in a profile is the server's", "[handler][profile]") {
    mailquay::session_limits servers;
    servers.message_octets = 1000;
    servers.hops = 7;
    mailquay::limit_overrides own;
    own.hops = 9;
    own.text_line_octets = 998;
    own.recipient_domains = 3;

    auto const both = combined(servers, own);

    CHECK(both.message_octets == 1000);
    CHECK(both.hops == 9);
    CHECK(both.text_line_octets == 998);
    CHECK(both.recipients == servers.recipients);
    CHECK(both.recipient_domains == 3);
}

TEST_CASE("a setting that cannot be honoured is a problem naming setting, value and cure", "[handler][profile]") {
    mailquay::profile_surroundings const bare{.port = 2525};
    CHECK(problems(profile::mx(), bare).empty());
    CHECK(problems(profile::lmtp(), bare).empty());
    CHECK(problems(profile::submission(), test_profile::everything()).empty());

    auto const submission = problems(profile::submission(), bare);
    REQUIRE(submission.size() == 2);
    CHECK(submission[0] == "profile \"submission\": tls = required: there is no TLS provider; give the server a certificate, or set tls = none");
    CHECK(submission[1].find("auth = required: there is no authenticator") != std::string::npos);

    for (auto mode : {mailquay::tls_mode::starttls, mailquay::tls_mode::implicit}) {
        auto asked = profile::mx();
        asked.tls = mode;
        CHECK(problems(asked, bare).size() == 1);
        CHECK(problems(asked, test_profile::everything()).empty());
    }
    auto clear = profile::submission();
    clear.tls = mailquay::tls_mode::none;
    CHECK(problems(clear, test_profile::everything()).size() == 1);
    auto proxied = profile::mx();
    proxied.proxy = mailquay::proxy_mode::required;
    CHECK(problems(proxied, bare).size() == 1);
    CHECK(problems(proxied, test_profile::everything()).empty());
    proxied.proxy = mailquay::proxy_mode::accepted;
    CHECK(problems(proxied, bare).size() == 1);
    CHECK(describe(proxied).find("proxy: accepted\n") != std::string::npos);
    auto few = profile::mx();
    few.limits.recipients = 99;
    few.hostname = "";
    CHECK(problems(few, bare).size() == 2);
}

TEST_CASE("LMTP on TCP port 25 is a problem, on other ports and UNIX sockets it is not", "[handler][profile]") {
    CHECK(problems(profile::lmtp(), {.port = 25}).size() == 1);
    CHECK(problems(profile::lmtp(), {.port = 25})[0].find("RFC 2033") != std::string::npos);
    CHECK(problems(profile::lmtp(), {.port = 24}).empty());
    CHECK(problems(profile::lmtp(), {}).empty());
    CHECK(problems(profile::mx(), {.port = 25}).empty());
}

TEST_CASE("a profile is described line by line", "[handler][profile]") {
    auto shown = profile::submission();
    shown.recipients.emplace();

    std::string const text = describe(shown);

    CHECK(test_profile::has_line(text, "name: submission"));
    CHECK(test_profile::has_line(text, "dialect: smtp"));
    CHECK(test_profile::has_line(text, "tls: required"));
    CHECK(test_profile::has_line(text, "auth: required"));
    CHECK(test_profile::has_line(text, "hostname: the server's"));
    CHECK(test_profile::has_line(text, "limits.text_line_octets: 998"));
    CHECK(test_profile::has_line(text, "limits.message_octets: the server's"));
    CHECK(test_profile::has_line(text, "recipients: its own (0)"));
    CHECK(test_profile::has_line(text, "policies: the server's"));
    CHECK(test_profile::has_line(describe(profile::lmtp()), "dialect: lmtp"));
    CHECK(test_profile::has_line(describe(profile::mx()), "tls: the server's: starttls where it has a certificate, else none"));
}
