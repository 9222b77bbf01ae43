#include <mailquay/sasl/scram_verifier.hpp>

#include "support/catch.hpp"

#include <mailquay/base/base64.hpp>

#include <string>

namespace test_sasl_scram_verifier {

using namespace mailquay::sasl;
using mailquay::base64_encode;
using mailquay::secret_view;

TEST_CASE("a verifier of the example of RFC 7677 has its keys, and is written and read again", "[sasl][scram]") {
    auto const made = make_scram_verifier(scram_hash::sha256, secret_view{"pencil"}, *mailquay::base64_decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
    CHECK(base64_encode(made.stored_key.reveal()) == "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=");
    CHECK(base64_encode(made.server_key.reveal()) == "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");

    std::string const text = to_string(made);
    CHECK(text == "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
                  "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
    for (std::string const& form : {text, std::string{"{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,"
                                                      "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="}}) {
        auto const read = parse_scram_verifier(form);
        REQUIRE(read);
        CHECK(to_string(*read) == text);
    }
}

TEST_CASE("what is no verifier is refused", "[sasl][scram]") {
    std::string const keys = "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    CHECK(parse_scram_verifier("SCRAM-SHA-256$4096:AAAA" + keys));
    for (std::string const& bad :
         {std::string{}, "SCRAM-SHA-256$4095:AAAA" + keys, "SCRAM-SHA-256$10000001:AAAA" + keys, "SCRAM-SHA-256$x:AAAA" + keys,
          "SCRAM-SHA-256$4096:" + keys, "SCRAM-SHA-256$4096:AA" + keys, "SCRAM-SHA-1$4096:AAAA" + keys, "SCRAM-MD5$4096:AAAA" + keys,
          "SCRAM-SHA-256$4096:AAAA" + keys + "=", std::string{"SCRAM-SHA-256$4096:AAAA$"}})
        CHECK_FALSE(parse_scram_verifier(bad));
}

}  // namespace test_sasl_scram_verifier
