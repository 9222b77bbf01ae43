#include <mailquay/session/delivery.hpp>

#include <mailquay/protocol/replies.hpp>

#include "support/catch.hpp"

#include <vector>

namespace test_delivery {

using namespace mailquay;

std::vector<verdict> list(verdict a, verdict b, verdict c) {
    std::vector<verdict> all;
    all.push_back(std::move(a));
    all.push_back(std::move(b));
    all.push_back(std::move(c));
    return all;
}

TEST_CASE("one verdict stands for all recipients", "[delivery]") {
    delivery const all{accept()};
    CHECK(all.is_single());
    CHECK(all.accepted_for(0));
    CHECK(all.accepted_for(99));
    CHECK(all.each().empty());
    CHECK(all.combined().accepts());
}

TEST_CASE("a default delivery decides nothing", "[delivery]") {
    delivery const none;
    CHECK(none.is_single());
    CHECK(none.combined().passes());
    CHECK_FALSE(none.accepted_for(0));
}

TEST_CASE("a delivery that cannot be told refuses, for those who ask no more", "[delivery]") {
    delivery const unknown = delivery::unanswered(defer(replies::local_error));
    CHECK(unknown.is_unanswered());
    CHECK(unknown.combined().kind() == verdict_kind::defer);
    CHECK_FALSE(unknown.accepted_for(0));
    CHECK_FALSE(delivery{defer()}.is_unanswered());
}

TEST_CASE("one verdict each: success if any was accepted", "[delivery]") {
    delivery const mixed{list(reject(), accept(), defer())};
    CHECK_FALSE(mixed.is_single());
    CHECK(mixed.each().size() == 3);
    CHECK(mixed.combined().accepts());
    CHECK_FALSE(mixed.accepted_for(0));
    CHECK(mixed.accepted_for(1));
    CHECK_FALSE(mixed.accepted_for(2));
    CHECK_FALSE(mixed.accepted_for(3));
}

TEST_CASE("none accepted: the first temporary refusal, else the first refusal", "[delivery]") {
    delivery const temporary{list(reject(550, "5.1.1", "a"), defer(451, "4.3.0", "b"), defer(452, "4.2.2", "c"))};
    CHECK(temporary.combined().code() == 451);
    delivery const final_one{list(reject(550, "5.1.1", "a"), reject(552, "5.2.2", "b"), reject())};
    CHECK(final_one.combined().code() == 550);
}

TEST_CASE("an empty list is undecided", "[delivery]") {
    delivery const empty{std::vector<verdict>{}};
    CHECK_FALSE(empty.is_single());
    CHECK(empty.combined().passes());
    CHECK_FALSE(empty.accepted_for(0));
}

}  // namespace test_delivery
