#include <mailquay/client/hop_settings.hpp>

#include "support/catch.hpp"

using namespace mailquay;
using namespace std::chrono_literals;

TEST_CASE("the time-outs are at least those of RFC 5321 §4.5.3.2", "[client][settings]") {
    client_timeouts const times;
    CHECK(times.greeting >= 5min);
    CHECK(times.mail >= 5min);
    CHECK(times.recipient >= 5min);
    CHECK(times.data >= 2min);
    CHECK(times.content >= 3min);
    CHECK(times.final_reply >= 10min);
    CHECK(times.connect <= 30s);
    CHECK(times.attempt >= times.greeting + times.mail + times.final_reply);
}

TEST_CASE("without a word mail is encrypted where it can be, and credentials never go in clear", "[client][settings]") {
    hop_settings const with;
    CHECK(with.tls == tls_use::opportunistic);
    CHECK(with.verify == tls_verification::none);
    CHECK_FALSE(with.credentials_in_clear);
    CHECK(with.eight_bit == eight_bit_use::fail);
    CHECK(with.limits.recipients == 100);
}

TEST_CASE("time-outs and limits that cannot be are named with their cure", "[client][settings]") {
    CHECK(fault_of(hop_settings{}).empty());
    auto const fault = [](auto change) {
        hop_settings with;
        change(with);
        return fault_of(with);
    };
    CHECK(fault([](hop_settings& with) { with.timeouts.mail = 0ms; }) == "client_timeouts::mail is 0 ms: choose from 1 ms to a day (86400000 ms)");
    CHECK(fault([](hop_settings& with) { with.timeouts.greeting = -5ms; }).starts_with("client_timeouts::greeting is -5 ms: choose"));
    CHECK(fault([](hop_settings& with) { with.timeouts.attempt = std::chrono::milliseconds::max(); }).starts_with("client_timeouts::attempt is "));
    for (auto const member : {&client_timeouts::connect, &client_timeouts::tls, &client_timeouts::greeting, &client_timeouts::mail,
                              &client_timeouts::recipient, &client_timeouts::data, &client_timeouts::content, &client_timeouts::final_reply,
                              &client_timeouts::quit, &client_timeouts::attempt}) {
        CHECK_FALSE(fault([member](hop_settings& with) { with.timeouts.*member = 0ms; }).empty());
        CHECK_FALSE(fault([member](hop_settings& with) { with.timeouts.*member = 25h; }).empty());
        CHECK(fault([member](hop_settings& with) { with.timeouts.*member = 24h; }).empty());
        CHECK(fault([member](hop_settings& with) { with.timeouts.*member = 1ms; }).empty());
    }
    CHECK(fault([](hop_settings& with) { with.limits.recipients = 0; }).starts_with("client_limits::recipients is 0"));
    CHECK(fault([](hop_settings& with) { with.limits.transactions = 0; }).starts_with("client_limits::transactions is 0"));
    CHECK(fault([](hop_settings& with) { with.limits.window_octets = 0; }).starts_with("client_limits::window_octets is 0"));
    CHECK(fault([](hop_settings& with) { with.limits.least_rate = 0; }).starts_with("client_limits::least_rate is 0"));
}
