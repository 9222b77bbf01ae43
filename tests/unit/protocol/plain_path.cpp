#include <mailquay/protocol/detail/low_octets.hpp>
#include <mailquay/protocol/detail/plain_command.hpp>
#include <mailquay/protocol/detail/plain_path.hpp>

#include <mailquay/protocol/path.hpp>


#include "support/catch.hpp"

#include <algorithm>
#include <random>
#include <string>
#include <string_view>

using namespace mailquay;

namespace {

/// What the grammar says of a path. Behind a source route the quick form is not tried.
parsed<path> by_the_grammar(std::string const& routed) {
    address_options strict;
    strict.strict_lengths = true;
    cursor in{routed};
    return parse_forward_path(in, strict);
}

/// What the quick form takes the grammar takes as well, and finds the same in it. @return whether it takes the text
bool takes_as_the_grammar_does(std::string_view text) {
    INFO(text);
    cursor quick{text};
    path found;
    if (!detail::plain_path(quick, found)) {
        CHECK(quick.position() == 0);
        return false;
    }
    std::string const routed = "<@r:" + std::string{text.substr(1)};
    auto const whole = by_the_grammar(routed);
    REQUIRE(whole);
    CHECK(whole->text == found.text);
    CHECK(whole->address.local_part == found.address.local_part);
    CHECK(whole->address.domain == found.address.domain);
    CHECK(text.substr(0, quick.position()) == "<" + std::string{whole->text} + ">");
    bool const small = std::none_of(found.address.domain.begin(), found.address.domain.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    CHECK(found.address.normal_domain == small);
    return true;
}

}  // namespace

TEST_CASE("paths: words are found by vectors as without", "[path]") {
    std::mt19937 chance{7};
    for (std::size_t size = 0; size <= 64; ++size)
        for (int i = 0; i < 200; ++i) {
            std::string text(size, '\0');
            for (char& octet : text) octet = static_cast<char>(chance() % (i % 2 == 0 ? 256 : 128));
            using detail::word_letters;
            CHECK(detail::no_words_of<word_letters::any>(text) == detail::no_words_portable<word_letters::any>(text));
            CHECK(detail::no_words_of<word_letters::small>(text) == detail::no_words_portable<word_letters::small>(text));
        }
}

TEST_CASE("paths: the quick form takes what most clients send", "[path]") {
    for (std::string_view const text : {"<a@b>", "<user@example.org>", "<user@Example.ORG>", "<first.last+tag@mx-1.example.org> SIZE=1..2", "<-user-@e--x.org>"})
        CHECK(takes_as_the_grammar_does(text));
    for (std::string_view const text : {"<a@b@example.org>", "<.user@example.org>", "<user.@example.org>", "<us..er@example.org>", "<user@.example.org>",
                                        "<user@example.org.>", "<user@example..org>", "<user@-example.org>", "<user@example-.org>",
                                        "<user@example.-org>", "<user@example.org-><", "<@example.org:a@b.org>", "<user@example.org", "<user@>a",
                                        "<user>@example.org", "<user@[192.0.2.1]>", "<\"a b\"@example.org>", "<>", "<", "", ">"})
        CHECK_FALSE(takes_as_the_grammar_does(text));
}

TEST_CASE("paths: the quick form agrees with the grammar on all lengths and on what chance brings", "[path]") {
    CHECK(takes_as_the_grammar_does("<" + std::string(50, 'a') + "@example.org>"));  // 64 octets
    CHECK_FALSE(takes_as_the_grammar_does("<" + std::string(51, 'a') + "@example.org>"));
    for (std::size_t size = 1; size < 300; ++size) {
        takes_as_the_grammar_does("<" + std::string(size, 'a') + "@example.org>");
        takes_as_the_grammar_does("<a@" + std::string(size, 'a') + ".org>");
        takes_as_the_grammar_does("<a@" + std::string(size / 2, 'a') + "." + std::string(size / 2, 'a') + ">");
    }
    std::mt19937 chance{20};
    constexpr std::string_view octets = "aaaabZ09-..@@>< +\"[";
    auto const one = [&] { return octets[chance() % octets.size()]; };
    unsigned taken = 0;
    for (int i = 0; i < 50'000; ++i) {
        std::string text{"<"};
        for (auto left = chance() % 12; left != 0; --left) text += one();
        if (chance() % 2 == 0) text += '@';
        for (auto left = chance() % 12; left != 0; --left) text += one();
        text += '>';
        if (chance() % 4 == 0) text += " SIZE=10";
        taken += takes_as_the_grammar_does(text) ? 1 : 0;
    }
    CHECK(taken > 100);
}

TEST_CASE("paths: an argument is plain where nothing else stands in it", "[path]") {
    detail::path_places found;
    CHECK(detail::is_plain_argument("TO:<user@example.org>", "TO:", found));
    CHECK(found.at == 5);
    CHECK(found.end == 17);
    CHECK(found.normal_domain);
    CHECK(detail::is_plain_argument("FROM:<user@Example.org>", "FROM:", found));
    CHECK_FALSE(found.normal_domain);
    for (std::string_view const other : {"TO:<user@example.org> ", "TO:<user@example.org> NOTIFY=NEVER", "to:<user@example.org>", "TO: <user@example.org>",
                                         "FROM:<user@example.org>", "TO:", "TO:<user@example.org", "TO:<>", "T"})
        CHECK_FALSE(detail::is_plain_argument(other, "TO:", found));
}

TEST_CASE("lines: the first octet below 32 is found wherever it is", "[verb]") {
    for (std::size_t size = 0; size < 80; ++size) {
        std::string text(size, ' ');
        CHECK(detail::first_low_octet(text.data(), text.data() + size) == text.data() + size);
        for (std::size_t at = 0; at < size; ++at)
            for (char const low : {'\0', '\r', '\n', '\x1f'}) {
                text[at] = low;
                if (at + 1 < size) text[size - 1] = '\t';
                CHECK(detail::first_low_octet(text.data(), text.data() + size) == text.data() + at);
                CHECK(detail::has_bare_octets(text) == (low != '\x1f'));
                text[at] = text[size - 1] = '\x7f';
            }
    }
}

TEST_CASE("lines: plain ones are MAIL, RCPT and DATA as nearly every client sends them", "[verb]") {
    auto const is_plain = [](std::string_view line) {
        verb const found = detail::plain_verb(line);
        if (found == verb::unknown) return false;
        auto const whole = parse_command_line(line);
        REQUIRE(whole);
        CHECK(whole->verb == found);
        CHECK(whole->argument == (found == verb::data ? std::string_view{} : line.substr(5)));
        CHECK(whole->has_argument == (found != verb::data));
        return true;
    };
    for (std::string_view const line : {"MAIL FROM:<>", "mail x", "RCPT TO:<a@b>", "rCpT TO:<a@b> NOTIFY=NEVER", "DATA", "data"}) CHECK(is_plain(line));
    for (std::string_view const line : {"", "MAI", "MAIL", "MAIL ", "MAIL  FROM:<>", "RCPT TO:<a@b> ", "RCPT\tTO:<a@b>", "DATA ", "DATA x", "DATAX", "MAILX y", "BDAT 1", "NOOP", "RCPT", "RCPT "})
        CHECK_FALSE(is_plain(line));
    for (std::string_view const octets : {"DATA\r\n", "data\r\n", "DaTa\r\n"}) CHECK(detail::is_data_line(octets));
    for (std::string_view const octets : {"", "DATA\r", "DATA\n\n", "DATA\n\r", "DATA \r", "DATE\r\n", "DATA\r\nM", "DATA x\r\n", "D\1TA\r\n", "BDAT\r\n"})
        CHECK_FALSE(detail::is_data_line(octets));
}
