#include <mailquay/handler/workers.hpp>

#include "support/catch.hpp"

#include <exception>
#include <string>

TEST_CASE("busy workers are told by an exception of their own", "[workers]") {
    try {
        throw mailquay::workers_busy{};
    } catch (std::exception const& told) {
        CHECK(std::string(told.what()).find("workers") != std::string::npos);
    }
}
