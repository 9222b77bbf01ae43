#include <mailquay/server/listen_endpoint.hpp>

#include "support/catch.hpp"

using namespace mailquay;

TEST_CASE("endpoints are read and written alike", "[server][listen_endpoint]") {
    for (std::string_view text : {"192.0.2.1:25", "0.0.0.0:0", "[::1]:2525", "unix:/run/mail.sock", "unix:relative"}) {
        auto const read = listen_endpoint::parse(text);
        REQUIRE(read);
        CHECK(read->to_string() == text);
        CHECK(read->is_unix() == text.starts_with("unix:"));
    }
    CHECK(listen_endpoint::parse("192.0.2.1:25")->port() == 25);
    CHECK(listen_endpoint::parse("unix:/run/x")->path == "/run/x");
}

TEST_CASE("what is no endpoint is refused", "[server][listen_endpoint]") {
    for (std::string_view text : {"", "25", ":25", "localhost:25", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "::1:25", "[::1]", "unix:"})
        CHECK_FALSE(listen_endpoint::parse(text));
    CHECK(listen_endpoint::parse("unix:" + std::string(107, 'x')));
    CHECK(listen_endpoint::parse("unix:" + std::string(108, 'x')).error() == std::errc::filename_too_long);
    CHECK_FALSE(listen_endpoint::parse(std::string_view{"unix:a\0b", 8}));
}
