#include <mailquay/handler/delivery_targets.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

#include <string>
#include <vector>

namespace test_delivery_targets {

using namespace mailquay;
using names = std::vector<std::string>;

template <class Recipient>
names targets_of(Recipient const& to, bool resolved) {
    names found;
    CHECK(for_each_target(to, [&](std::string_view name) { found.emplace_back(name); }) == resolved);
    return found;
}

TEST_CASE("mail for a recipient goes to the mailbox it was given and to every address it stands for", "[handler][sink]") {
    mailquay_test::made_transaction given;
    given.to("a@example.org", "alice").to("team@example.org", {}, {"b", "c"}).to("all@example.org", "a", {"b", "c"}).to("d@example.org");
    envelope const copy = given.mail.snapshot();
    std::vector<names> const wanted{{"alice"}, {"b", "c"}, {"a", "b", "c"}, {}};

    for (std::size_t i = 0; i < wanted.size(); ++i) {
        CHECK(targets_of(given.mail.recipients()[i], !wanted[i].empty()) == wanted[i]);
        CHECK(targets_of(copy.recipients[i], !wanted[i].empty()) == wanted[i]);
    }
}

}  // namespace test_delivery_targets
