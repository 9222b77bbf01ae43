#include <mailquay/protocol/refusal.hpp>

#include <mailquay/protocol/replies.hpp>

#include "support/catch.hpp"

#include <set>
#include <string>

using namespace mailquay;

namespace test_refusal {
inline constexpr auto last = protocol_errc::bad_rrvs;
}

TEST_CASE("Every fault has a reply, a text of its own and a cure", "[protocol][refusal]") {
    std::set<std::string> texts;
    for (int value = 1; value <= static_cast<int>(test_refusal::last); ++value) {
        auto const code = static_cast<protocol_errc>(value);
        INFO(value << " " << to_string(code));
        CHECK(to_string(code) != "unknown protocol error");
        CHECK(texts.insert(std::string{to_string(code)}).second);
        CHECK(protocol_category().message(value).find("; ") != std::string::npos);
        for (auto role : {path_role::none, path_role::reverse, path_role::forward}) {
            auto const& reply = to_reply({code, 0, role});
            CHECK((reply.code() == 500 || reply.code() == 501 || reply.code() == 553));
            CHECK(reply.enhanced().starts_with("5."));
            CHECK(reply.text().find(to_string(code)) != std::string_view::npos);
        }
    }
    CHECK(to_string(static_cast<protocol_errc>(static_cast<int>(test_refusal::last) + 1)) == "unknown protocol error");
}

TEST_CASE("A fault in an address tells the sender's from the recipient's", "[protocol][refusal]") {
    auto wire = [](path_role role) { return to_reply({protocol_errc::misplaced_dot, 3, role}).wire(); };

    CHECK(wire(path_role::reverse) == "501 5.1.7 Bad sender address: misplaced dot before \"@\"");
    CHECK(wire(path_role::forward) == "501 5.1.3 Bad recipient address: misplaced dot before \"@\"");
    CHECK(wire(path_role::none) == "501 5.5.4 Bad address: misplaced dot before \"@\"");
}

TEST_CASE("Faults have the codes of rule 17", "[protocol][refusal]") {
    auto codes = [](protocol_errc code, path_role role = path_role::none) {
        auto const& reply = to_reply({code, 0, role});
        return std::to_string(reply.code()) + " " + std::string{reply.enhanced()};
    };
    CHECK(codes(protocol_errc::empty_line) == "500 5.5.2");
    CHECK(codes(protocol_errc::line_too_long) == "500 5.5.2");
    CHECK(codes(protocol_errc::bad_verb) == "500 5.5.2");
    CHECK(codes(protocol_errc::bad_characters) == "501 5.5.2");
    CHECK(codes(protocol_errc::argument_missing) == "501 5.5.4");
    CHECK(codes(protocol_errc::bad_size) == "501 5.5.4");
    CHECK(codes(protocol_errc::missing_from, path_role::reverse) == "501 5.5.4");
    CHECK(codes(protocol_errc::null_forward_path, path_role::forward) == "501 5.1.3");
    CHECK(codes(protocol_errc::utf8_not_allowed, path_role::reverse) == "553 5.6.7");
}

TEST_CASE("A fault converts to an error code", "[protocol][refusal]") {
    std::error_code const ec = protocol_errc::bad_domain;

    CHECK(ec);
    CHECK(std::string{ec.category().name()} == "mailquay.protocol");
    CHECK(ec.message() == "bad character in domain; write domains in letters, digits, \"-\" and \".\"");
    CHECK(protocol_category().message(0) == "unknown protocol error");
}

TEST_CASE("A position beyond what fits is the largest that does", "[protocol][refusal]") {
    CHECK(refusal(protocol_errc::bad_domain, 70'000).position == 0xffff);
    CHECK(refusal(protocol_errc::bad_domain, 7).position == 7);
}
