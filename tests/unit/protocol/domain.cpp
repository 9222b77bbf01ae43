#include <mailquay/protocol/domain.hpp>

#include <mailquay/base/idna.hpp>

#include "support/catch.hpp"

#include <string>

using namespace mailquay;

namespace test_domain {

/// The domain that `text` begins with; nothing if it is refused.
std::string taken(std::string_view text, bool utf8 = false) {
    cursor in{text};
    auto const name = domain(in, {.utf8 = utf8});
    if (!name) return "refused";
    CHECK(in.position() == name->size());
    return std::string{*name};
}

protocol_errc fault(std::string_view text, bool utf8 = false) {
    cursor in{text};
    auto const name = domain(in, {.utf8 = utf8});
    return name ? protocol_errc{} : name.error().code;
}

std::string normal(std::string_view name) {
    std::string out = "x";
    append_normalised_domain(out, name);
    return out.substr(1);
}

}  // namespace test_domain

namespace test_domain {

TEST_CASE("A domain is labels of letters, digits and inner hyphens", "[protocol][domain]") {
    CHECK(taken("example.org") == "example.org");
    CHECK(taken("a") == "a");
    CHECK(taken("1.2-3.EXAMPLE") == "1.2-3.EXAMPLE");
    CHECK(taken("a--b.xn--bcher-kva.example") == "a--b.xn--bcher-kva.example");
    CHECK(taken("example.org>") == "example.org");
    CHECK(taken("b_c.example") == "b");
    CHECK(taken("a b") == "a");
}

TEST_CASE("What is no domain is refused by its fault", "[protocol][domain]") {
    CHECK(fault("") == protocol_errc::empty_domain);
    CHECK(fault(">") == protocol_errc::empty_domain);
    CHECK(fault("_a") == protocol_errc::empty_domain);
    CHECK(fault(".a") == protocol_errc::empty_label);
    CHECK(fault("a..b") == protocol_errc::empty_label);
    CHECK(fault("example.org.") == protocol_errc::empty_label);
    CHECK(fault("-a.b") == protocol_errc::misplaced_hyphen);
    CHECK(fault("a.b-") == protocol_errc::misplaced_hyphen);
    CHECK(fault("a.-") == protocol_errc::misplaced_hyphen);
    CHECK(fault("a.\xff") == protocol_errc::bad_utf8);
    CHECK(fault("a\xe2\x80\x8b.b") == protocol_errc::forbidden_character);
}

TEST_CASE("Lengths of labels and domains are exact", "[protocol][domain]") {
    std::string const longest_label(63, 'a');
    std::string const three = longest_label + "." + longest_label + "." + longest_label + ".";
    CHECK(taken(longest_label) == longest_label);
    CHECK(fault(longest_label + "a") == protocol_errc::label_too_long);
    CHECK(taken(three + longest_label).size() == 255);
    CHECK(fault(three + std::string(61, 'a') + ".ab") == protocol_errc::domain_too_long);
}

TEST_CASE("U-labels are read where UTF-8 is in force", "[protocol][domain][smtputf8]") {
    if (!idna_built()) return;
    CHECK(taken("b\xc3\xbc"
                "cher.example",
                true) ==
          "b\xc3\xbc"
          "cher.example");
    CHECK(taken("B\xc3\xbc"
                "cher.example",
                true) ==
          "B\xc3\xbc"
          "cher.example");
    CHECK(fault("b\xc3\xbc"
                "cher.example") == protocol_errc::utf8_not_allowed);
    CHECK(fault("b\xc3\xbc"
                "cher..example") == protocol_errc::empty_label);
    CHECK(fault("\xc2\xb9.example", true) == protocol_errc::bad_u_label);
    CHECK(fault("\xe2\x98\x83.example", true) == protocol_errc::bad_u_label);
    CHECK(fault("a\xe3\x80\x82"
                "b",
                true) == protocol_errc::bad_u_label);
    CHECK(fault("\xff.example", true) == protocol_errc::bad_utf8);
}

TEST_CASE("A domain that is refused leaves the cursor where it was", "[protocol][domain]") {
    for (auto text : {"b\xc3\xbc"
                      "cher.example",
                      "a..b", "-a"}) {
        cursor in{text};
        CHECK_FALSE(domain(in));
        CHECK(in.position() == 0);
    }
}

TEST_CASE("Domains are compared in lower case as A-labels", "[protocol][domain]") {
    CHECK(normal("EXAMPLE.Org") == "example.org");
    CHECK(is_normalised_domain("example.org"));
    CHECK_FALSE(is_normalised_domain("Example.org"));
    CHECK_FALSE(
        is_normalised_domain("b\xc3\xbc"
                             "cher.example"));
    if (idna_built())
        CHECK(normal("B\xc3\xbc"
                     "cher.EXAMPLE") == "xn--bcher-kva.example");
}

}  // namespace test_domain
