#include <mailquay/client/mta_sts_policy.hpp>

#include "support/catch.hpp"

/// RFC 8461 §3.1, §3.2, §4.1.
namespace test_mta_sts_policy {
using namespace mailquay;
using std::chrono::seconds;

TEST_CASE("a policy is read, in whatever order and with either line end", "[mta_sts]") {
    for (std::string_view text : {"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n",
                                  "max_age:604800\nmx:MAIL.example.com.\nmode:enforce\nmx:   *.example.net   \nversion:STSv1",
                                  "version: STSv1 \nmode: enforce\nmode: none\nmax_age: 604800\nmax_age: 1\nversion: STSv2\nmx: mail.example.com\nmx: "
                                  "*.example.net\nfuture: thing\nno colon here\n\n"}) {
        auto const policy = parse_mta_sts_policy(text);
        REQUIRE(policy);
        CHECK(policy->mode == mta_sts_mode::enforce);
        CHECK(policy->mx == std::vector<std::string>{"mail.example.com", "*.example.net"});
        CHECK(policy->max_age == seconds{604800});
    }
    CHECK(parse_mta_sts_policy("version: STSv1\nmode: testing\nmx: a.b\nmax_age: 1\n")->mode == mta_sts_mode::testing);
    CHECK(parse_mta_sts_policy("version: STSv1\nmode: none\nmax_age: 1\n")->mode == mta_sts_mode::none);
    CHECK(parse_mta_sts_policy("version: STSv1\nmode: none\nmax_age: 9999999999\n")->max_age == max_mta_sts_age);
}

TEST_CASE("what is no policy says why", "[mta_sts]") {
    auto const why = [](std::string_view text) {
        auto const policy = parse_mta_sts_policy(text);
        REQUIRE_FALSE(policy);
        CHECK_FALSE(to_string(policy.error()).empty());
        return policy.error();
    };
    CHECK(why("") == mta_sts_errc::bad_version);
    CHECK(why("<html>: not found</html>") == mta_sts_errc::bad_version);
    CHECK(why("version: STSv2\nmode: none\nmax_age: 1\n") == mta_sts_errc::bad_version);
    CHECK(why("version: STSv1\nmode: strict\nmax_age: 1\n") == mta_sts_errc::bad_mode);
    CHECK(why("version: STSv1\nmax_age: 1\n") == mta_sts_errc::bad_mode);
    CHECK(why("version: STSv1\nmode: none\n") == mta_sts_errc::bad_max_age);
    CHECK(why("version: STSv1\nmode: none\nmax_age: -1\n") == mta_sts_errc::bad_max_age);
    CHECK(why("version: STSv1\nmode: none\nmax_age: 99999999999\n") == mta_sts_errc::bad_max_age);
    CHECK(why("version: STSv1\nmode: enforce\nmax_age: 1\n") == mta_sts_errc::no_mx);
    for (std::string bad : {"", "*", "*.", "a..b", "a.*.b", "*.*.b", "[192.0.2.1]", "m\xc3\xbcller.example", "a b"})
        CHECK(why("version: STSv1\nmode: enforce\nmx: " + bad + "\nmax_age: 1\n") == mta_sts_errc::bad_mx);
    CHECK(why("version: STSv1\n" + std::string(max_mta_sts_octets, 'x')) == mta_sts_errc::too_long);
    std::string many = "version: STSv1\nmode: enforce\nmax_age: 1\n";
    for (std::size_t i = 0; i <= max_mta_sts_hosts; ++i) many += "mx: a.b\n";
    CHECK(why(many) == mta_sts_errc::too_many_mx);
}

TEST_CASE("a pattern stands for one label", "[mta_sts]") {
    mta_sts_policy policy;
    policy.mx = {"mail.example.com", "*.example.net"};
    CHECK(policy.matches("mail.example.com"));
    CHECK(policy.matches("MAIL.Example.COM."));
    CHECK(policy.matches("mx1.example.net"));
    CHECK_FALSE(policy.matches("a.mx1.example.net"));
    CHECK_FALSE(policy.matches("example.net"));
    CHECK_FALSE(policy.matches(".example.net"));
    CHECK_FALSE(policy.matches("mail.example.org"));
    CHECK_FALSE(policy.matches("amail.example.com"));
    CHECK_FALSE(policy.matches(""));
    CHECK_FALSE(mta_sts_policy{}.matches("mail.example.com"));
}

TEST_CASE("the TXT record tells the id, if there is exactly one", "[mta_sts]") {
    CHECK(mta_sts_id({"v=STSv1; id=20160831085700Z;"}) == "20160831085700Z");
    CHECK(mta_sts_id({"unrelated", "v=STSv1;id=a1"}) == "a1");
    CHECK(mta_sts_id({"v=STSv1 ; future=x ; id = 7 ; id=8"}) == "7");
    CHECK(mta_sts_id({"v=STSv1;id=" + std::string(32, 'a')}));
    CHECK_FALSE(mta_sts_id({"v=STSv1;id=" + std::string(33, 'a')}));
    CHECK_FALSE(mta_sts_id({}));
    CHECK_FALSE(mta_sts_id({"v=STSv1; id=1;", "v=STSv1; id=2;"}));
    CHECK_FALSE(mta_sts_id({"v=STSv1;"}));
    CHECK_FALSE(mta_sts_id({"v=STSv1; id=;"}));
    CHECK_FALSE(mta_sts_id({"v=STSv1; id=a-b;"}));
    CHECK_FALSE(mta_sts_id({"v=STSv2; id=1;"}));
    CHECK_FALSE(mta_sts_id({"id=1; v=STSv1;"}));
    CHECK_FALSE(mta_sts_id({" v=STSv1; id=1;"}));
}

TEST_CASE("modes have the names of the RFC", "[mta_sts]") {
    CHECK(to_string(mta_sts_mode::none) == "none");
    CHECK(to_string(mta_sts_mode::testing) == "testing");
    CHECK(to_string(mta_sts_mode::enforce) == "enforce");
}

}  // namespace test_mta_sts_policy
