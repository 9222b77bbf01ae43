#include <mailquay/server/listener_setup.hpp>

#include "support/catch.hpp"
#include "support/manual_reactor.hpp"
#include "support/server_plugins.hpp"

#include <memory>

namespace test_listener_setup {

using namespace mailquay;
using namespace mailquay_test;

TEST_CASE("a setup that nobody filled bounds connections of one address as the settings do", "[server][listener_setup]") {
    listener_setup const plain;
    CHECK(plain.per_address == connection_limits{}.per_address);
    CHECK(plain.asks == nullptr);
}

TEST_CASE("a connection keeps the setup it began with, plug-ins and all, until it ends", "[server][listener_setup]") {
    auto const record = std::make_shared<sink_record>();
    auto setup = make_test_setup(recording_plugins(record), {.hostname = "old.example.org"});
    std::weak_ptr<listener_setup const> const kept = setup;
    manual_shard shards;
    auto client = shards.connect(std::move(setup));
    setup = make_test_setup(recording_plugins(record), {.hostname = "new.example.org"});
    auto later = shards.connect(setup);

    CHECK(client.take().starts_with("220 old.example.org "));
    CHECK(later.take().starts_with("220 new.example.org "));
    client.send("EHLO c\r\n");
    CHECK(client.take().starts_with("250-old.example.org"));
    client.send(whole_transaction).send("\r\nx\r\n.\r\n");
    CHECK(record->kept.size() == 1);
    CHECK_FALSE(kept.expired());

    client.send("QUIT\r\n");

    CHECK(kept.expired());
}

}  // namespace test_listener_setup
