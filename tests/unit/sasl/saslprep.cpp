#include <mailquay/sasl/saslprep.hpp>

#include "support/catch.hpp"
#include "support/json_lite.hpp"
#include "support/test_data.hpp"

#include <algorithm>
#include <string>

namespace test_sasl_saslprep {

using mailquay::sasl::saslprep;
using mailquay::sasl::saslprep_built;
using mailquay::sasl::saslprep_use;

TEST_CASE("SASLprep leaves printable ASCII as it is", "[sasl][saslprep]") {
    CHECK(saslprep("user") == "user");
    CHECK(saslprep("USER") == "USER");
    CHECK(saslprep(" a ~") == " a ~");
}

TEST_CASE("SASLprep refuses what is empty, too long or has control characters", "[sasl][saslprep]") {
    CHECK_FALSE(saslprep(""));
    CHECK_FALSE(saslprep("\x07"));
    CHECK_FALSE(saslprep("a\x7f"));
    CHECK_FALSE(saslprep(std::string("a\0b", 3)));
    CHECK(saslprep(std::string(12'288, 'a')));
    CHECK_FALSE(saslprep(std::string(12'289, 'a')));
}

TEST_CASE("SASLprep does as the examples of RFC 4013 say, or takes ASCII only without ICU", "[sasl][saslprep]") {
    if (!saslprep_built()) {
        CHECK_FALSE(saslprep("I\xc2\xadX"));
        CHECK_FALSE(saslprep("\xc2\xaa"));
        CHECK_FALSE(saslprep("b\xc3\xbc" "cher"));
        return;
    }
    CHECK(saslprep("I\xc2\xadX") == "IX");       // soft hyphen mapped to nothing
    CHECK(saslprep("\xc2\xaa") == "a");          // NFKC
    CHECK(saslprep("\xe2\x85\xa8") == "IX");     // NFKC
    CHECK_FALSE(saslprep("\xd8\xa7" "1"));       // bidirectional rule
    CHECK_FALSE(saslprep("\xc2\xad"));           // nothing is left
    CHECK(saslprep("a\xc2\xa0" "b") == "a b");   // no-break space
    CHECK(saslprep("b\xc3\xbc" "cher") == "b\xc3\xbc" "cher");
    CHECK(saslprep("bu\xcc\x88" "cher") == "b\xc3\xbc" "cher");
    CHECK(saslprep("\xef\xb7\xba"));             // U+FDFA: the longest decomposition
}

TEST_CASE("SASLprep refuses what is not UTF-8", "[sasl][saslprep]") {
    CHECK_FALSE(saslprep("\xc3\x28"));
    CHECK_FALSE(saslprep("\xed\xa0\x80"));
    CHECK_FALSE(saslprep("a\xff"));
}

TEST_CASE("code points that Unicode 3.2 does not know may be asked with, not kept", "[sasl][saslprep]") {
    if (!saslprep_built()) return;
    std::string const unassigned = "\xc8\xa1";  // U+0221
    CHECK(saslprep(unassigned, saslprep_use::query) == unassigned);
    CHECK_FALSE(saslprep(unassigned, saslprep_use::stored));
}

TEST_CASE("the vectors of SASLprep come out as they say", "[sasl][saslprep][vectors]") {
    auto const text = mailquay_test::read_data("sasl/vectors.json");
    if (!text) {
        WARN("no SASL vectors: set MAILQUAY_TEST_DATA");
        return;
    }
    std::size_t seen = 0;
    for (auto const& one : mailquay_test::json_objects(*text, "saslprep_rfc4013")) {
        ++seen;
        std::string const input = one.string("input");
        INFO(input << ": " << one.string("note"));
        bool const ascii = std::all_of(input.begin(), input.end(), [](char c) { return c >= ' ' && c <= '~'; });
        bool const refused = one.string("output") == "null" || (!saslprep_built() && !ascii);
        auto const prepared = saslprep(input);
        REQUIRE(prepared.has_value() != refused);
        if (prepared) CHECK(*prepared == one.string("output"));
    }
    CHECK(seen == 7);
}

}  // namespace test_sasl_saslprep
