#include <mailquay/protocol/params.hpp>

#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace mailquay;

namespace test_params {

/// The parameters as "K=v" or "K", a refusal as "!" and its fault.
std::vector<std::string> all(std::string_view text, address_options options = {}) {
    std::vector<std::string> found;
    cursor in{text};
    for (;;) {
        auto const next = next_parameter(in, options);
        if (!next) {
            found.push_back("!" + std::string{to_string(next.error().code)});
            return found;
        }
        if (!*next) return found;
        found.push_back(std::string{(*next)->keyword} + ((*next)->has_value ? "=" + std::string{(*next)->value} : ""));
    }
}

std::string refused(protocol_errc code) { return "!" + std::string{to_string(code)}; }

}  // namespace test_params

namespace test_params {
using list = std::vector<std::string>;

TEST_CASE("Parameters are keywords, with or without a value", "[protocol][params]") {
    CHECK(all("").empty());
    CHECK(all(" SIZE=1000 smtputf8 X-1=<>") == list{"SIZE=1000", "smtputf8", "X-1=<>"});
    CHECK(all("   A   B=c  ") == list{"A", "B=c"});
    CHECK(all(" A=!\"#$%&'()*+,-./:;<>?@[\\]^_`{|}~") == list{"A=!\"#$%&'()*+,-./:;<>?@[\\]^_`{|}~"});
}

TEST_CASE("What is no parameter is refused", "[protocol][params]") {
    CHECK(all("SIZE=1") == list{refused(protocol_errc::junk_after_path)});
    CHECK(all("\tSIZE=1") == list{refused(protocol_errc::junk_after_path)});
    CHECK(all(" =1") == list{refused(protocol_errc::bad_parameter)});
    CHECK(all(" -A") == list{refused(protocol_errc::bad_parameter)});
    CHECK(all(" A_B=1") == list{refused(protocol_errc::bad_parameter)});
    CHECK(all(" A\tB") == list{refused(protocol_errc::bad_parameter)});
    CHECK(all(" A=") == list{refused(protocol_errc::bad_parameter_value)});
    CHECK(all(" A= B=1") == list{refused(protocol_errc::bad_parameter_value)});
    CHECK(all(" A=b=c") == list{refused(protocol_errc::bad_parameter_value)});
    CHECK(all(" A=b\tc") == list{refused(protocol_errc::bad_parameter_value)});
    CHECK(all(std::string_view{" A=b\0c", 6}) == list{refused(protocol_errc::bad_parameter_value)});
    CHECK(all(" OK \xc3\xa9=1") == list{"OK", refused(protocol_errc::bad_parameter)});
}

TEST_CASE("UTF-8 in a value needs SMTPUTF8", "[protocol][params][smtputf8]") {
    address_options const utf8{.utf8 = true};
    CHECK(all(" A=caf\xc3\xa9 B", utf8) == list{"A=caf\xc3\xa9", "B"});
    CHECK(all(" A=caf\xc3\xa9") == list{refused(protocol_errc::utf8_not_allowed)});
    CHECK(all(" A=\xff", utf8) == list{refused(protocol_errc::bad_parameter_value)});
    CHECK(all(" A=\xe2\x80\xae", utf8) == list{refused(protocol_errc::bad_parameter_value)});
}

TEST_CASE("A parameter that takes no value is checked for that", "[protocol][params]") {
    CHECK(expect_no_value({"SMTPUTF8", "", false}));
    CHECK_FALSE(expect_no_value({"SMTPUTF8", "1", true}));
}

}  // namespace test_params
