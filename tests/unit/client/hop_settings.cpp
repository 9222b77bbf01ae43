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
