#include <mailquay/handler/uses_workers.hpp>

#include <mailquay/handler/message_sink.hpp>

#include "support/catch.hpp"
#include "support/inline_workers.hpp"

#include <memory>

namespace test_uses_workers {

using namespace mailquay;

/// A sink that does blocking work: it takes what it is lent, unless it has workers already.
struct blocking_sink final : message_sink, uses_workers {
    explicit blocking_sink(std::shared_ptr<workers> own = nullptr) : pool(std::move(own)) {}
    void lend(std::shared_ptr<workers> lent) override {
        if (!pool) pool = std::move(lent);
    }
    eventual<opened> open(transaction const&) override { return opened{defer()}; }

    std::shared_ptr<workers> pool;
};

struct plain_sink final : message_sink {
    eventual<opened> open(transaction const&) override { return opened{defer()}; }
};

/// As whoever sets a server up does it: by the plug-in's interface alone.
inline bool lend_to(message_sink& sink, std::shared_ptr<workers> const& pool) {
    auto* const asks = dynamic_cast<uses_workers*>(&sink);
    if (asks != nullptr) asks->lend(pool);
    return asks != nullptr;
}

TEST_CASE("a plug-in that blocks is found by its interface and gets the server's workers", "[workers]") {
    auto const lent = std::make_shared<mailquay_test::inline_workers>();
    blocking_sink takes;
    plain_sink other;
    CHECK(lend_to(takes, lent));
    CHECK_FALSE(lend_to(other, lent));
    REQUIRE(takes.pool == lent);
    CHECK(takes.pool->post([] {}));
    CHECK(lent->jobs == 1);
}

TEST_CASE("a plug-in with workers of its own keeps those", "[workers]") {
    auto const own = std::make_shared<mailquay_test::inline_workers>();
    auto const lent = std::make_shared<mailquay_test::inline_workers>();
    blocking_sink sink{own};
    CHECK(lend_to(sink, lent));
    CHECK(sink.pool == own);
}

TEST_CASE("what is lent lives as long as the plug-in needs it, and is let go with it", "[workers]") {
    auto lent = std::make_shared<mailquay_test::inline_workers>();
    std::weak_ptr<workers> const still = lent;
    {
        std::unique_ptr<uses_workers> takes = std::make_unique<blocking_sink>();
        takes->lend(std::move(lent));
        CHECK_FALSE(still.expired());
    }
    CHECK(still.expired());
}

}  // namespace test_uses_workers
