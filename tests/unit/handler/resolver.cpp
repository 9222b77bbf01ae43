#include <mailquay/handler/resolver.hpp>

#include "support/catch.hpp"

TEST_CASE("only what may be cured by asking again is temporary", "[resolver]") {
    using mailquay::dns_errc;
    CHECK_FALSE(is_temporary(dns_errc::no_such_name));
    CHECK_FALSE(is_temporary(dns_errc::no_data));
    CHECK_FALSE(is_temporary(dns_errc::bad_name));
    CHECK(is_temporary(dns_errc::temporary));
    CHECK(is_temporary(dns_errc::timed_out));
    CHECK(is_temporary(dns_errc::cancelled));
    CHECK(to_string(dns_errc::timed_out) == "look-up timed out");
    CHECK(to_string(dns_errc::no_data) != to_string(dns_errc::no_such_name));
}

TEST_CASE("a resolver answers records or a reason", "[resolver]") {
    using namespace mailquay;
    struct fixed final : resolver {
        answer<ip_address> a(std::string) override { return dns_errc::no_data; }
        answer<ip_address> aaaa(std::string) override { return dns_errc::no_data; }
        answer<mx_record> mx(std::string name) override {
            dns_records<mx_record> found;
            found.records.push_back({10, "mx." + name});
            found.ttl = std::chrono::seconds{60};
            return found;
        }
        answer<std::string> txt(std::string) override { return dns_errc::timed_out; }
        answer<std::string> ptr(ip_address) override { return dns_errc::no_such_name; }
        answer<tlsa_record> tlsa(std::string) override { return dns_errc::bad_name; }
    };
    fixed dns;
    auto const found = std::move(dns.mx("example.org")).value();
    REQUIRE(found);
    CHECK(found->records.at(0).exchange == "mx.example.org");
    CHECK_FALSE(found->authenticated);
    CHECK(std::move(dns.txt("x")).value().error() == dns_errc::timed_out);
    auto const none = std::move(dns.ptr({})).value();
    CHECK(none.error() == dns_errc::no_such_name);
    CHECK_FALSE(is_temporary(none.error()));
    CHECK(to_string(none.error()) == "no such name");
    CHECK(none.error().ttl == std::chrono::seconds{0});
    CHECK_FALSE(none.error().authenticated);
}
