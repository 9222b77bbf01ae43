#include <mailquay/handler/per_shard.hpp>

#include <mailquay/handler/make_authenticator.hpp>
#include <mailquay/handler/make_message_filter.hpp>
#include <mailquay/handler/make_message_sink.hpp>
#include <mailquay/handler/make_observer.hpp>
#include <mailquay/handler/make_policy.hpp>
#include <mailquay/handler/make_recipient_validator.hpp>
#include <mailquay/handler/pipeline.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

#include <stdexcept>
#include <vector>

namespace test_per_shard {
using namespace mailquay;
struct a_sink {
    message_sink::opened open(transaction const&) { return defer(); }
};
struct an_authenticator {
    mechanisms offered(session_info const&) const { return {}; }
    std::unique_ptr<auth_exchange> begin(std::string_view, session_info const&) { return nullptr; }
};

TEST_CASE("each shard gets a handler of its own, the others are shared", "[shard]") {
    std::vector<unsigned> made_for;
    handlers set;
    set.policies = {make_policy([](session_info const&) { return pass(); }), make_policy(per_shard([&](unsigned shard) {
                        made_for.push_back(shard);
                        return [shard](session_info const&) { return shard == 0 ? pass() : defer(); };
                    }))};
    set.recipients = {make_recipient_validator(per_shard([] { return [](recipient const&) { return accept(); }; }))};
    set.filters = {make_message_filter(per_shard([] { return [](message_edit&) { return pass(); }; }))};
    set.observers = {make_observer(per_shard([] { return [](observation const&) {}; }))};
    set.sink = make_message_sink(per_shard([] { return a_sink{}; }));
    set.authenticator = make_authenticator(per_shard([] { return std::make_unique<an_authenticator>(); }));
    set.buffers = std::make_shared<memory_buffers>(1);

    handlers const first = handlers_for_shard(set, 0);
    handlers const second = handlers_for_shard(set, 1);

    CHECK(made_for == std::vector<unsigned>{0, 1});
    CHECK(first.policies[0] == second.policies[0]);
    CHECK(first.policies[1] != second.policies[1]);
    CHECK(first.sink != second.sink);
    session_info client;
    CHECK(std::move(first.policies[1]->on_connect(client)).value().passes());
    CHECK(std::move(second.policies[1]->on_connect(client)).value().refuses());
    CHECK_NOTHROW(std::make_shared<pipeline>(first, logger{}));
}

TEST_CASE("handlers that are yet to be made are no pipeline", "[shard]") {
    handlers set;
    set.sink = make_message_sink(a_sink{});
    set.policies = {make_policy(per_shard([] { return [](session_info const&) { return pass(); }; }))};
    CHECK_THROWS_WITH((pipeline{set, logger{}}), Catch::Contains("handlers_for_shard"));
    CHECK_THROWS_AS(set.policies[0]->stages(), std::logic_error);
}

}  // namespace test_per_shard
