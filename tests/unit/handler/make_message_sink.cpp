#include <mailquay/handler/make_message_sink.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

namespace test_make_sink {
using namespace mailquay;
using namespace mailquay_test;

struct no_writer final : message_writer {
    eventual<verdict> write(std::span<char const>) override { return accept(); }
    eventual<delivery> finish(commit) override { return accept(); }
};
struct plain {
    std::unique_ptr<no_writer> open(transaction const&) { return std::make_unique<no_writer>(); }
};
struct fuller {
    message_sink::opened open(transaction const&) { return defer(); }
    promises promised() const { return {.dsn = true}; }
    recipient_group group(recipient const& to) const { return {std::string(to.domain())}; }
    bool has_room(std::uint64_t octets) const { return octets <= 1000; }
};
struct picky : plain {
    bool takes_another(transaction const&, recipient const&) const { return false; }
};
struct generous : picky {
    bool takes_any_recipients() const { return true; }
};
static_assert(message_sink_like<plain>);
static_assert(message_sink_like<fuller>);
static_assert(!message_sink_like<int>);

TEST_CASE("a class that opens writers is a sink with the default promises", "[make]") {
    made_transaction t;
    t.to("a@example.org");
    auto const made = make_message_sink(plain{});
    CHECK(std::move(made->open(t.mail)).value().has_value());
    CHECK(made->promised().eight_bit);
    CHECK(made->group(t.last()).name.empty());
    CHECK(made->takes_any_recipients());
    CHECK(made->has_room(~std::uint64_t{0}));
}

TEST_CASE("promises and groups are taken where a class has them", "[make]") {
    made_transaction t;
    t.to("a@example.org");
    fuller mine;
    auto const made = make_message_sink(std::ref(mine));
    CHECK_FALSE(std::move(made->open(t.mail)).value().has_value());
    CHECK(made->promised().dsn);
    CHECK(made->group(t.last()).name == "example.org");
    CHECK_FALSE(made->takes_any_recipients());  // or its groups would not be asked for
    CHECK(made->has_room(1000));
    CHECK_FALSE(made->has_room(1001));
}

TEST_CASE("a class that says which recipients it takes is asked, unless it says that it takes any", "[make]") {
    CHECK_FALSE(make_message_sink(picky{})->takes_any_recipients());
    CHECK(make_message_sink(generous{})->takes_any_recipients());
}

}  // namespace test_make_sink
