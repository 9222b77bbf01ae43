#include <mailquay/session/session_config.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace test_session_config {

using namespace mailquay;

session_config good() {
    session_config config;
    config.hostname = "mx.example.org";
    return config;
}

TEST_CASE("the defaults with a host name are well", "[session_config]") {
    CHECK(problems(good()).empty());
}

TEST_CASE("each bad setting is named, with its value and the cure", "[session_config]") {
    auto const only = [](auto change, std::string_view name) {
        auto config = good();
        change(config);
        auto const found = problems(config);
        REQUIRE(found.size() == 1);
        INFO(found[0]);
        CHECK(found[0].find(name) != std::string::npos);
        CHECK(found[0].find_first_of(";,") != std::string::npos);  // what is wrong; the cure
    };
    only([](auto& c) { c.hostname.clear(); }, "hostname");
    only([](auto& c) { c.hostname = "not a name"; }, "\"not a name\"");
    only([](auto& c) { c.hostname = "mx.example.org\r\n250 x"; }, "hostname");
    only([](auto& c) { c.banner = "two\nlines"; }, "banner");
    only([](auto& c) { c.limits.recipients = 99; }, "99");
    only([](auto& c) { c.limits.command_line_octets = 511; }, "511");
    only([](auto& c) { c.limits.command_line_octets = 65'537; }, "65537");
    only([](auto& c) { c.limits.recipients_in_flight = 0; }, "recipients_in_flight");
    only([](auto& c) { c.limits.hops = 0; }, "hops");
    only([](auto& c) { c.limits.output_octets = 100; }, "output_octets");
    only([](auto& c) { c.limits.header_octets = 1023; }, "header_octets");
    only([](auto& c) { c.limits.header_fields = 0; }, "header_fields");
    only([](auto& c) { c.limits.message_octets = ~std::uint64_t{0}; }, "message_octets");
    only([](auto& c) { c.limits.text_line_octets = 10; }, "text_line_octets is 10");
    only([](auto& c) { c.limits.text_line_octets = 997; }, "998");
    only([](auto& c) { c.timeouts.greeting_delay = std::chrono::seconds{31}; }, "greeting_delay");
    only([](auto& c) { c.timeouts.greeting_delay = std::chrono::seconds{-1}; }, "greeting_delay is -1 s");
    only([](auto& c) { c.budgets.auth = 0; }, "budgets.auth");
}

TEST_CASE("each time-out is at least a tick and at most a week", "[session_config]") {
    std::pair<std::chrono::seconds session_timeouts::*, std::string> const each[] = {
        {&session_timeouts::command, "command"}, {&session_timeouts::message_silence, "message_silence"},
        {&session_timeouts::handshake, "handshake"}, {&session_timeouts::hook, "hook"}, {&session_timeouts::write, "write"},
        {&session_timeouts::finish, "finish"}, {&session_timeouts::without_message, "without_message"},
        {&session_timeouts::output_stall, "output_stall"}, {&session_timeouts::drain, "drain"},
        {&session_timeouts::rate_window, "rate_window"}, {&session_timeouts::command_hurried, "command_hurried"},
        {&session_timeouts::hello_hurried, "hello_hurried"}, {&session_timeouts::handshake_hurried, "handshake_hurried"}};
    for (auto const& [member, name] : each) {
        for (int const seconds : {0, -5, 604'801}) {
            auto config = good();
            config.timeouts.*member = std::chrono::seconds{seconds};
            auto const found = problems(config);
            REQUIRE(found.size() == 1);
            CHECK(found[0] == "timeouts." + name + " is " + std::to_string(seconds) + " s; use 1 to 604800 s");
        }
        for (int const seconds : {1, 604'800}) {
            auto config = good();
            config.timeouts.*member = std::chrono::seconds{seconds};
            CHECK(problems(config).empty());
        }
    }
}

TEST_CASE("the bounds themselves are allowed", "[session_config]") {
    auto config = good();
    config.limits.recipients = 100;
    config.limits.command_line_octets = 512;
    config.limits.header_octets = 1024;
    config.limits.text_line_octets = 998;
    config.limits.message_octets = 0;
    config.timeouts.greeting_delay = std::chrono::seconds{30};
    CHECK(problems(config).empty());
    config.limits.command_line_octets = 65'536;
    CHECK(problems(config).empty());
}

TEST_CASE("all problems are told at once", "[session_config]") {
    session_config config;
    config.limits.recipients = 1;
    config.limits.hops = 0;
    CHECK(problems(config).size() == 3);
}

TEST_CASE("safe by default: every leniency is off, unknown parameters are refused", "[session_config]") {
    session_config const config;
    CHECK_FALSE(config.leniency.space_after_colon);
    CHECK_FALSE(config.leniency.missing_brackets);
    CHECK_FALSE(config.leniency.bare_lf_in_commands);
    CHECK(config.line_endings == line_ending_policy::refuse);
    CHECK(config.unknown == unknown_parameters::refuse);
    CHECK(config.dialect == dialect::smtp);
    CHECK_FALSE(config.answer_verify);
    CHECK_FALSE(config.answer_expand);
}

}  // namespace test_session_config
