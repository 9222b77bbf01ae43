#include <mailquay/base/config.hpp>

#include "support/catch.hpp"

#include <string>

TEST_CASE("the version string is made of the version numbers", "[base][config]") {
    std::string const joined = std::to_string(MAILQUAY_VERSION_MAJOR) + "." + std::to_string(MAILQUAY_VERSION_MINOR) +
                               "." + std::to_string(MAILQUAY_VERSION_PATCH);

    CHECK(joined == MAILQUAY_VERSION);
}

#define MAILQUAY_TEST_STRINGIFY_2(x) #x
#define MAILQUAY_TEST_STRINGIFY(x) MAILQUAY_TEST_STRINGIFY_2(x)

TEST_CASE("header-only and compiled code live in different inline namespaces", "[base][config]") {
    std::string const abi = MAILQUAY_TEST_STRINGIFY(MAILQUAY_ABI);

#ifdef MAILQUAY_HEADER_ONLY
    CHECK(abi == "v0_1_h");
#else
    CHECK(abi == "v0_1_c");
#endif
}
