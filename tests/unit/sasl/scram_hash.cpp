#include <mailquay/sasl/scram_hash.hpp>

#include "support/catch.hpp"

namespace test_sasl_scram_hash {

using namespace mailquay::sasl;

TEST_CASE("a SCRAM hash has its mechanism's name and its digest's length", "[sasl][scram]") {
    CHECK(scram_name(scram_hash::sha1) == "SCRAM-SHA-1");
    CHECK(scram_name(scram_hash::sha256) == "SCRAM-SHA-256");
    CHECK(scram_name(scram_hash::sha512) == "SCRAM-SHA-512");
    CHECK(digest_octets(scram_hash::sha1) == 20);
    CHECK(digest_octets(scram_hash::sha256) == 32);
    CHECK(digest_octets(scram_hash::sha512) == 64);
}

}  // namespace test_sasl_scram_hash
