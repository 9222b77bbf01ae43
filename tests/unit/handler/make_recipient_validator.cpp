#include <mailquay/handler/make_recipient_validator.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"
#include "support/run_eventual.hpp"

namespace test_make_validator {
using namespace mailquay;
using namespace mailquay_test;

struct derived final : recipient_validator {
    eventual<verdict> validate(transaction const&, recipient const&) override { return ++asked, accept(); }
    int asked = 0;
};
struct plain {
    verdict validate(transaction const&, recipient const&) { return ++asked, accept(); }
    int asked = 0;
};
struct move_only {
    std::unique_ptr<int> held = std::make_unique<int>(1);
    asio::awaitable<verdict> operator()(transaction const&, recipient const&) {
        auto const executor = co_await asio::this_coro::executor;
        co_await asio::post(executor, asio::use_awaitable);
        co_return accept().mailbox(std::to_string(*held));
    }
};
static_assert(recipient_validator_like<derived>);
static_assert(recipient_validator_like<std::shared_ptr<plain>>);
static_assert(recipient_validator_like<move_only>);
static_assert(!recipient_validator_like<int>);
static_assert(!recipient_validator_like<void (*)(transaction const&, recipient const&)>);

inline verdict a_function(transaction const&, recipient const&) { return accept(); }

inline verdict ask(std::shared_ptr<recipient_validator> const& asked) {
    asio::io_context io;
    made_transaction made;
    made.to("bob@example.org");
    return run(io, asked->validate(made.mail, made.last()));
}

TEST_CASE("an object that validates is taken as value, shared or borrowed", "[make]") {
    CHECK(ask(make_recipient_validator(derived{})).accepts());
    CHECK(ask(make_recipient_validator(plain{})).accepts());
    auto const shared = std::make_shared<derived>();
    CHECK(make_recipient_validator(shared) == shared);
    CHECK(ask(make_recipient_validator(std::make_unique<plain>())).accepts());
    derived mine;
    plain yours;
    CHECK(ask(make_recipient_validator(std::ref(mine))).accepts());
    CHECK(ask(make_recipient_validator(std::ref(yours))).accepts());
    CHECK(mine.asked == 1);
    CHECK(yours.asked == 1);
}

TEST_CASE("a callable validates, at once or as a coroutine", "[make]") {
    CHECK(ask(make_recipient_validator(a_function)).accepts());
    CHECK(ask(make_recipient_validator([](auto const&, recipient const& to) {
              return to.local_part() == "bob" ? accept() : pass();
          })).accepts());
    CHECK(ask(make_recipient_validator([](recipient const& to) { return to.domain() == "example.org" ? accept() : pass(); })).accepts());
    CHECK(ask(make_recipient_validator(move_only{})).resolved_mailbox() == "1");
}

}  // namespace test_make_validator
