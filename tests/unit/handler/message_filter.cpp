#include <mailquay/handler/message_filter.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

TEST_CASE("a filter run has no opinion unless it says more", "[filter]") {
    using namespace mailquay;
    struct plain final : filter_run {};
    plain run;
    mailquay_test::made_transaction made;
    message_edit edit{made.mail, ""};
    CHECK(std::move(run.on_headers("")).value().passes());
    CHECK(std::move(run.on_chunk({})).value().passes());
    CHECK(std::move(run.on_end(edit)).value().passes());
}
