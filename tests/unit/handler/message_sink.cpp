#include <mailquay/handler/message_sink.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

TEST_CASE("a sink promises the defaults and takes any recipients together", "[sink]") {
    using namespace mailquay;
    struct plain final : message_sink {
        eventual<opened> open(transaction const&) override { return opened{defer()}; }
    };
    plain sink;
    CHECK(sink.promised().eight_bit);
    CHECK_FALSE(sink.promised().dsn);
    mailquay_test::made_transaction made;
    made.to("a@example.org");
    recipient const one = made.last();
    made.to("b@example.net");
    CHECK(sink.group(one) == sink.group(made.last()));
    CHECK_FALSE(std::move(sink.open(made.mail)).value().has_value());
}
