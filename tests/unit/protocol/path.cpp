#include <mailquay/protocol/path.hpp>

#include <mailquay/base/idna.hpp>
#include <mailquay/protocol/domain.hpp>

#include "support/catch.hpp"
#include "support/json_lite.hpp"
#include "support/test_data.hpp"

#include <array>
#include <cstdio>
#include <iterator>
#include <map>
#include <random>
#include <string>

using namespace mailquay;

namespace test_path {

parsed<path> reverse(std::string_view text, address_options options = {}) {
    cursor in{text};
    return parse_reverse_path(in, options);
}
parsed<path> forward(std::string_view text, address_options options = {}) {
    cursor in{text};
    return parse_forward_path(in, options);
}
protocol_errc fault(std::string_view text, address_options options = {}) {
    auto const found = forward(text, options);
    if (!found) CHECK(found.error().role == path_role::forward);
    return found ? protocol_errc{} : found.error().code;
}

/// Where the vectors of paths and the defaults here differ.
struct difference {
    std::string_view path;
    bool accepted_here;
    std::string_view reason;
};
inline constexpr difference differences[] = {
    {"<a@[x-tag:data]>", false, "no tag but IPv6 has been registered (RFC 5321 §4.1.3)"},
    {"<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b.example>", true,
     "64 octets are a minimum; address_options::strict_lengths refuses more"},
};

}  // namespace test_path

namespace test_path {

TEST_CASE("A path is a mailbox in angle brackets", "[protocol][path]") {
    cursor in{"<alice@example.org> SIZE=1"};
    auto const found = parse_reverse_path(in);
    REQUIRE(found);
    CHECK(found->text == "alice@example.org");
    CHECK(found->address.local_part == "alice");
    CHECK(found->address.domain == "example.org");
    CHECK_FALSE((found->null || found->postmaster));
    CHECK(in.rest() == " SIZE=1");
}

TEST_CASE("Only the sender may be null", "[protocol][path]") {
    auto const sender = reverse("<>");
    REQUIRE(sender);
    CHECK(sender->null);
    CHECK(sender->text.empty());
    CHECK(fault("<>") == protocol_errc::null_forward_path);
}

TEST_CASE("Postmaster needs no domain as a recipient, and does as a sender", "[protocol][path]") {
    for (auto text : {"<postmaster>", "<Postmaster>", "<POSTMASTER>"}) {
        auto const found = forward(text);
        REQUIRE(found);
        CHECK(found->postmaster);
        CHECK(found->text.size() == 10);
        CHECK(found->address.domain.empty());
        CHECK(reverse(text).error().code == protocol_errc::missing_domain);
        CHECK(reverse(text).error().role == path_role::reverse);
    }
    CHECK_FALSE(forward("<postmaster@example.org>")->postmaster);
    CHECK(fault("<postmasters>") == protocol_errc::missing_domain);
}

TEST_CASE("A source route is read and left out of account", "[protocol][path]") {
    auto const found = forward("<@relay.example,@r2.example:a@b.example>");
    REQUIRE(found);
    CHECK(found->text == "a@b.example");
    CHECK(found->address.local_part == "a");

    CHECK(fault("<@b.example>") == protocol_errc::empty_local_part);
    CHECK(fault("<@[192.0.2.1]:a@b.example>") == protocol_errc::bad_source_route);
    CHECK(fault("<@:a@b.example>") == protocol_errc::bad_source_route);
    CHECK(fault("<@a.example,:a@b.example>") == protocol_errc::bad_source_route);
    CHECK(fault("<@a.example;@c.example:a@b.example>") == protocol_errc::bad_source_route);
    CHECK(fault("<@a..example:a@b.example>") == protocol_errc::bad_source_route);
    CHECK(fault("<@a.example:>") == protocol_errc::empty_local_part);
}

TEST_CASE("What is no path is refused by its fault", "[protocol][path]") {
    CHECK(fault("") == protocol_errc::missing_open_bracket);
    CHECK(fault("a@b.example") == protocol_errc::missing_open_bracket);
    CHECK(fault("a@b.example>") == protocol_errc::missing_open_bracket);
    CHECK(fault(" <a@b.example>") == protocol_errc::space_before_path);
    CHECK(fault("<") == protocol_errc::empty_local_part);
    CHECK(fault("<a@b.example") == protocol_errc::missing_close_bracket);
    CHECK(fault("<a@b_c.example>") == protocol_errc::bad_domain);
    CHECK(fault("<a@b.example >") == protocol_errc::bad_domain);
    CHECK(fault("< a@b.example>") == protocol_errc::bad_local_part);
    CHECK(fault("<<a@b.example>>") == protocol_errc::bad_local_part);
    CHECK(fault("<a@b.example,c@d.example>") == protocol_errc::bad_domain);
    CHECK(fault("<a@[192.0.2.1]x>") == protocol_errc::missing_close_bracket);
    CHECK(fault("<a@b\r\n>") == protocol_errc::bad_domain);
}

TEST_CASE("UTF-8 is reported only for a path that is well-formed otherwise", "[protocol][path][smtputf8]") {
    CHECK(fault("<\xc3\xbc@b.example>") == protocol_errc::utf8_not_allowed);
    CHECK(fault("<\xc3\xbc@b.example") == protocol_errc::missing_close_bracket);
    CHECK(forward("<\xc3\xbc@b.example>", {.utf8 = true})->address.utf8);
    if (idna_built())
        CHECK(fault("<@b\xc3\xbc"
                    "cher.example:a@b.example>") == protocol_errc::utf8_not_allowed);
}

TEST_CASE("Each leniency accepts its own fault and no other", "[protocol][path][leniency]") {
    address_options const spaces{.space_after_colon = true};
    CHECK(forward("  <a@b.example>", spaces)->text == "a@b.example");
    CHECK(fault("a@b.example", spaces) == protocol_errc::missing_open_bracket);

    address_options const bare{.missing_brackets = true};
    CHECK(forward("a@b.example SIZE=1", bare)->text == "a@b.example");
    CHECK(forward("postmaster", bare)->postmaster);
    CHECK(fault(" <a@b.example>", bare) == protocol_errc::space_before_path);
    CHECK(fault("a@b.example>", bare) == protocol_errc::bad_domain);
    CHECK(fault("<a@b.example", bare) == protocol_errc::missing_close_bracket);
    CHECK(fault("", bare) == protocol_errc::missing_open_bracket);
    CHECK(forward("<a@b.example>", bare)->text == "a@b.example");
}

TEST_CASE("Paths above 256 octets are refused only where lengths are strict", "[protocol][path]") {
    std::string const domain = std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c');
    auto with = [&](std::size_t octets) {
        return "<" + std::string(octets - domain.size() - 3, 'x') + "@" + domain + ">";
    };
    CHECK(fault(with(256), {.strict_lengths = true}) == protocol_errc{});
    CHECK(fault("<@a.example:" + with(256).substr(1), {.strict_lengths = true}) == protocol_errc::path_too_long);
    CHECK(fault(with(257)) == protocol_errc{});
}

TEST_CASE("The vectors of paths agree but for the differences that are listed with their reasons", "[protocol][path]") {
    auto const text = mailquay_test::read_data("addresses/vectors.json");
    if (!text) {
        WARN("addresses/vectors.json is not at hand");
        return;
    }
    auto whole = [](std::string_view line, bool to, bool utf8) {
        cursor in{line};
        auto const found = to ? parse_forward_path(in, {.utf8 = utf8}) : parse_reverse_path(in, {.utf8 = utf8});
        return found && in.at_end();
    };
    std::size_t seen = 0, differing = 0;
    std::map<std::string, std::array<int, 3>> table;  // what the vectors say: how many, accepted, refused
    for (auto const& vector : mailquay_test::json_objects(*text, "paths")) {
        auto const line = vector.string("path"), ok = vector.string("ok");
        bool const needs_utf8 = vector.string("needs_smtputf8") == "true";
        if (needs_utf8 && !idna_built()) continue;
        ++seen;
        INFO(line << " " << vector.string("why"));
        bool const accepted = whole(line, true, needs_utf8) || whole(line, false, needs_utf8);
        if (needs_utf8 && line.find_first_not_of("<>.@-abcdefghijklmnopqrstuvwxyz") != std::string::npos) {
            CHECK_FALSE(whole(line, true, false));
        }
        auto& row = table[ok == "true" ? "to be accepted" : ok == "false" ? "to be refused" : "left to the server"];
        ++row[0];
        ++row[accepted ? 1 : 2];
        if (ok != "true" && ok != "false") continue;
        if (accepted == (ok == "true")) continue;
        bool listed = false;
        for (auto const& one : differences) listed |= line == one.path && accepted == one.accepted_here;
        CHECK(listed);
        ++differing;
    }
    CHECK(seen > 60);
    CHECK(differing == std::size(differences));
    std::printf("paths: vectors, accepted, refused\n");
    for (auto const& [kind, counts] : table) std::printf("  %-24s %4d %4d %4d\n", kind.c_str(), counts[0], counts[1], counts[2]);
    for (auto const& one : differences)
        std::printf("  %.*s %s: %.*s\n", static_cast<int>(one.path.size()), one.path.data(), one.accepted_here ? "accepted" : "refused",
                    static_cast<int>(one.reason.size()), one.reason.data());
}

TEST_CASE("A plain path is read as the full grammar reads it", "[protocol][path]") {
    // Behind a source route no path is plain.
    std::string_view const route = "@r.example:";
    std::mt19937 random{20261126};
    std::size_t well = 0;
    for (int round = 0; round < 60'000; ++round) {
        constexpr std::string_view alphabet = "ab..@@--AZ9_> \x80\"[";
        std::string text;
        if (random() % 2 == 0) text = std::string(random() % 70, 'a') + "@" + std::string(random() % 70, 'b') + "." + std::string(random() % 200, 'c');
        for (std::size_t i = random() % 12; i > 0; --i) text.insert(text.begin() + static_cast<std::ptrdiff_t>(random() % (text.size() + 1)), alphabet[random() % alphabet.size()]);
        if (text.empty() || text.front() == '@' || text.front() == '>') continue;
        std::string const plain = "<" + text + "> X=1";
        std::string const routed = "<" + std::string(route) + text + "> X=1";
        cursor short_in{plain};
        cursor long_in{routed};

        auto const one = parse_reverse_path(short_in);
        auto const other = parse_reverse_path(long_in);

        INFO(text);
        REQUIRE(one.has_value() == other.has_value());
        if (!one) {
            REQUIRE(one.error().code == other.error().code);
            continue;
        }
        ++well;
        REQUIRE(short_in.rest() == long_in.rest());
        REQUIRE(one->text == other->text);
        REQUIRE(one->address.local_part == other->address.local_part);
        REQUIRE(one->address.domain == other->address.domain);
        REQUIRE(one->address.quoted == other->address.quoted);
        REQUIRE(one->address.literal == other->address.literal);
        REQUIRE(one->address.utf8 == other->address.utf8);
        if (one->address.normal_domain) REQUIRE(is_normalised_domain(one->address.domain));
    }
    CHECK(well > 1000);
}

}  // namespace test_path
