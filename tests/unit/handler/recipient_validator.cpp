#include <mailquay/handler/recipient_validator.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

TEST_CASE("a validator answers through the interface, and is destroyed through it", "[validator]") {
    using namespace mailquay;
    static int destroyed = 0;
    struct all final : recipient_validator {
        ~all() override { ++destroyed; }
        eventual<verdict> validate(transaction const&, recipient const& to) override {
            return to.local_part() == "bob" ? accept() : pass();
        }
    };
    mailquay_test::made_transaction made;
    made.to("bob@example.org");
    {
        std::unique_ptr<recipient_validator> asked = std::make_unique<all>();
        CHECK(std::move(asked->validate(made.mail, made.last())).value().accepts());
    }
    CHECK(destroyed == 1);
}
