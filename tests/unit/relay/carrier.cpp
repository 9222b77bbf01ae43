#include <mailquay/relay/carrier.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"
#include "support/scripted_carrier.hpp"

namespace test_carrier {

using namespace mailquay;

asio::awaitable<void> keep(std::vector<carried>* into, std::vector<carried> known) {
    into->insert(into->end(), known.begin(), known.end());
    co_return;
}

TEST_CASE("a carrier tells outcomes before it reports", "[relay][carrier]") {
    asio::io_context io;
    mailquay_test::scripted_carrier by;
    auto what = std::make_shared<consignment>();
    what->message = std::make_shared<claimed_message>();
    what->recipients = {{0, "a@example.org"}, {2, "b@example.org"}};
    std::vector<carried> seen;
    std::size_t seen_at_end = 0;
    by.recorded = [&](consignment const&) { seen_at_end = seen.size(); };

    carrier& some = by;
    auto const report = mailquay_test::run(io, some.carry(what, [&](std::vector<carried> known) { return keep(&seen, std::move(known)); }));

    CHECK(report.end == carry_end::done);
    CHECK(seen_at_end == 2);
    CHECK(seen[1].number == 2);
}

}  // namespace test_carrier
