#include <mailquay/message/field_filter.hpp>

#include <mailquay/message/header_scanner.hpp>
#include <mailquay/message/header_walker.hpp>

#include "support/catch.hpp"

#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace test_field_filter {

using namespace mailquay;

struct outcome {
    std::string kept;
    std::vector<std::string> values;
    friend bool operator==(outcome const&, outcome const&) = default;
};

outcome run(std::vector<std::string_view> const& parts) {
    outcome got;
    field_filter filter;
    filter.remove("Return-Path").watch("Delivered-To", [&](std::string_view value) { got.values.emplace_back(value); });
    for (std::string_view part : parts) filter.feed(part, got.kept);
    filter.message_ended(got.kept);
    return got;
}

// The outcome, after it was seen to be the same octet by octet and at each cut.
outcome filtered(std::string_view message) {
    outcome const whole = run({message});
    std::vector<std::string_view> octets;
    for (std::size_t i = 0; i < message.size(); ++i) octets.push_back(message.substr(i, 1));
    CHECK(run(octets) == whole);
    for (std::size_t cut = 0; cut <= message.size(); ++cut) CHECK(run({message.substr(0, cut), message.substr(cut)}) == whole);
    return whole;
}

// The same by the walker, which has the whole section at hand.
outcome expected(std::string_view message) {
    outcome want;
    header_scanner scan;
    scan.feed(message);
    scan.message_ended();
    if (scan.no_header()) return {std::string(message), {}};
    header_walker walk{message};
    while (auto field = walk.next()) {
        if (field->is("Return-Path")) continue;
        want.kept += field->whole;
        if (field->is("Delivered-To")) want.values.push_back(unfold(field->value));
    }
    if (walk.blank_line()) want.kept += "\r\n";
    want.kept += message.substr(walk.position());
    return want;
}

}  // namespace test_field_filter

TEST_CASE("a removed field goes with its continuations and line end, all else stays as it is", "[message][field_filter]") {
    auto const got = test_field_filter::filtered(
        "Received: from a\r\n\tby b\r\nReturn-Path: <x@example.org>\r\n (and more)\r\n\tyet more\r\nSubject: s\r\n"
        "return-PATH \t: <y>\r\nReturn-Path-Not: kept\r\nReturn: kept\r\n\r\nReturn-Path: <in the body>\r\n");

    CHECK(got.kept == "Received: from a\r\n\tby b\r\nSubject: s\r\nReturn-Path-Not: kept\r\nReturn: kept\r\n\r\n"
                      "Return-Path: <in the body>\r\n");
    CHECK(got.values.empty());
}

TEST_CASE("the value of a watched field is told unfolded and the field stays", "[message][field_filter]") {
    std::string const message = "Delivered-To: a@example.org\r\nDELIVERED-TO:\r\n  b@example.org \r\nX: y\r\nDelivered-To:\r\n\r\n";

    auto const got = test_field_filter::filtered(message);

    CHECK(got.kept == message);
    CHECK(got.values == std::vector<std::string>{"a@example.org", "b@example.org", ""});
}

TEST_CASE("a value above the bound is not told and the field still stays", "[message][field_filter]") {
    std::string const message = "Delivered-To: " + std::string(5000, 'a') + "\r\nDelivered-To: b\r\n\r\n";

    auto const got = test_field_filter::run({message});

    CHECK(got.kept == message);
    CHECK(got.values == std::vector<std::string>{"b"});
}

TEST_CASE("a message without header section or without end keeps all octets", "[message][field_filter]") {
    for (std::string_view message : {"", "\r\n", "\r", "\n", "no header\r\nReturn-Path: <x>\r\n", "Return-Path\r\nReturn-Path: <x>\r\n",
                                     "Return-Pa", "Return-Path ", "\r\nReturn-Path: <x>\r\n", " first\r\nReturn-Path: <x>\r\n"})
        CHECK(test_field_filter::filtered(message).kept == message);
    CHECK(test_field_filter::filtered("Return-Path: <cut").kept.empty());
    CHECK(test_field_filter::filtered("Return-Path: <cut>\r").kept.empty());
    CHECK(test_field_filter::filtered("A: b\r\nReturn-Path: <x>\r\n").kept == "A: b\r\n");
}

TEST_CASE("a bare CR or LF ends no line", "[message][field_filter]") {
    CHECK(test_field_filter::filtered("A: b\nReturn-Path: <x>\r\n\r\n").kept == "A: b\nReturn-Path: <x>\r\n\r\n");
    CHECK(test_field_filter::filtered("Return-Path: <x>\nB: c\r\rD\r\nE: f\r\n\r\n").kept == "E: f\r\n\r\n");
    CHECK(test_field_filter::filtered("A: b\r\n\rReturn-Path: <x>\r\n\r\n").kept == "A: b\r\n\rReturn-Path: <x>\r\n\r\n");
}

TEST_CASE("white space before the colon is held back in bounded memory", "[message][field_filter]") {
    std::string const near = "Return-Path" + std::string(900, ' ') + ": <x>\r\n\r\n";
    std::string const far = "Return-Path" + std::string(100'000, ' ') + ": <x>\r\n\r\n";

    CHECK(test_field_filter::run({near}).kept == "\r\n");
    CHECK(test_field_filter::run({far}).kept == far);
}

TEST_CASE("filter and walker agree on any octets in any split", "[message][field_filter]") {
    std::mt19937 random{20250101};
    std::vector<std::string_view> const pieces{"Return-Path", "Delivered-To", ":", " ", "\t", "\r\n", "\r\n", "\r", "\n", "A: b\r\n", "x",
                                               "return-path: <z>\r\n", "Delivered-To: q\r\n", "\r\n\r\n"};
    for (int round = 0; round < 20'000; ++round) {
        std::string message = round % 3 == 0 ? "" : "A: b\r\n";
        for (auto n = random() % 12; n > 0; --n) message += pieces[random() % pieces.size()];
        std::vector<std::string_view> parts;
        for (std::string_view rest = message; !rest.empty();) {
            std::size_t const octets = std::min<std::size_t>(1 + random() % 9, rest.size());
            parts.push_back(rest.substr(0, octets));
            rest.remove_prefix(octets);
        }
        auto const want = test_field_filter::expected(message);
        auto const whole = test_field_filter::run({message});
        CAPTURE(message);
        REQUIRE(whole.kept == want.kept);
        REQUIRE(whole.values == want.values);
        REQUIRE(test_field_filter::run(parts) == whole);
    }
}

TEST_CASE("names without end or without text are refused", "[message][field_filter]") {
    mailquay::field_filter filter;
    CHECK_THROWS_AS(filter.remove(""), std::invalid_argument);
    for (int i = 0; i < 16; ++i) filter.remove("A" + std::to_string(i));
    CHECK_THROWS_AS(filter.remove("B"), std::invalid_argument);
}

TEST_CASE("a field cannot be watched by nobody: it would be removed instead", "[message][field_filter]") {
    mailquay::field_filter filter;
    CHECK_THROWS_AS(filter.watch("X", nullptr), std::invalid_argument);
    CHECK_THROWS_AS(filter.watch("X", mailquay::field_filter::value_seen{}), std::invalid_argument);

    std::string kept;
    filter.feed("X: 1\r\n\r\n", kept);

    CHECK(kept == "X: 1\r\n\r\n");
}
