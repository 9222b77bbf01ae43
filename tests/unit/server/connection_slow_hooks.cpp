#include <mailquay/server/connection.hpp>

#include "support/catch.hpp"
#include "support/manual_reactor.hpp"
#include "support/server_plugins.hpp"
#include "support/stubborn.hpp"

#include <string>

// What happens while a hook takes its time: to the clock, to the client's octets, and to a client that goes away.

namespace test_connection_slow_hooks {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

/// Hooks that wait until a test opens their gate.
struct gates {
    gate recipient, data, headers, write, finish;
    bool at_recipient = false, at_data = false, at_headers = false, at_write = false, at_finish = false;
    verdict for_recipient = accept(), for_data = pass();
    unsigned kept = 0;
};

asio::awaitable<verdict> behind(gate* waits, verdict answer) {
    co_await waits->wait();
    co_return answer;
}

asio::awaitable<delivery> kept_behind(gates* all) {
    co_await all->finish.wait();
    ++all->kept;
    co_return delivery{accept()};
}

struct gated_policy final : policy {
    explicit gated_policy(std::shared_ptr<gates> by) : all(std::move(by)) {}
    policy_stage stages() const override { return policy_stage::data | policy_stage::headers; }
    message_needs needs() const override { return all->at_headers ? message_needs::headers : message_needs::none; }
    eventual<verdict> on_data(transaction const&) override {
        if (all->at_data) return behind(&all->data, all->for_data);
        return all->for_data;
    }
    eventual<verdict> on_headers(transaction const&, std::string_view) override {
        if (all->at_headers) return behind(&all->headers, pass());
        return pass();
    }
    std::shared_ptr<gates> all;
};

struct gated_writer final : message_writer {
    explicit gated_writer(std::shared_ptr<gates> by) : all(std::move(by)) {}
    eventual<verdict> write(std::span<char const>) override {
        if (all->at_write) return behind(&all->write, accept());
        return accept();
    }
    eventual<delivery> finish(commit) override {
        if (all->at_finish) return kept_behind(all.get());
        ++all->kept;
        return delivery{accept()};
    }
    std::shared_ptr<gates> all;
};

struct gated_sink final : message_sink {
    explicit gated_sink(std::shared_ptr<gates> by) : all(std::move(by)) {}
    eventual<opened> open(transaction const&) override {
        std::unique_ptr<message_writer> made = std::make_unique<gated_writer>(all);
        return opened{std::move(made)};
    }
    std::shared_ptr<gates> all;
};

struct fixture {
    explicit fixture(std::shared_ptr<gates> with = std::make_shared<gates>(), server_config config = {}) : by(std::move(with)) {
        config.log = log_into(log);
        plugins plugged;
        plugged.recipients([all = by](transaction const&, recipient const&) -> eventual<verdict> {
            if (all->at_recipient) return behind(&all->recipient, all->for_recipient);
            return all->for_recipient;
        });
        plugged.policies(std::make_shared<gated_policy>(by));
        plugged.sink(std::make_shared<gated_sink>(by));
        setup = make_test_setup(plugged, std::move(config));
    }
    played_client greeted() {
        auto client = shards.connect(setup);
        client.send("EHLO client.example\r\n").take();
        return client;
    }
    played_client receiving() {
        auto client = greeted();
        client.send(whole_transaction).take();
        return client;
    }
    void open(gate& one) {
        one.open();
        shards.loop.settle();
    }

    std::shared_ptr<gates> by;
    std::shared_ptr<log_record> log = std::make_shared<log_record>();
    std::shared_ptr<listener_setup> setup;
    manual_shard shards{{}, log_into(log)};
};

TEST_CASE("a commit may take all of its five minutes, and its 250 arrives", "[server][connection][time]") {
    fixture at;
    at.by->at_finish = true;
    auto client = at.receiving();
    client.send("\r\nx\r\n.\r\n");

    at.shards.loop.pass(299'500ms);
    at.open(at.by->finish);

    CHECK(client.take().starts_with("250 2.0.0 Ok"));
    CHECK_FALSE(at.log->has("reply=unsent"));
    at.shards.loop.pass(10s);
    CHECK_FALSE(client.closed());
    client.send("NOOP\r\n");
    CHECK(client.take() == "250 2.0.0 OK\r\n");
}

TEST_CASE("the time that a writer takes is not held against the client", "[server][connection][time]") {
    fixture at;
    at.by->at_write = true;
    auto client = at.receiving();
    client.send("\r\nx\r\n");

    at.shards.loop.pass(119s);
    at.by->at_write = false;
    at.open(at.by->write);
    at.shards.loop.pass(50s);
    client.send(".\r\n");

    CHECK(client.take().starts_with("250 2.0.0 Ok"));
}

TEST_CASE("a stop while a hook works is said, however long the hook has worked", "[server][connection][time]") {
    fixture at;
    at.by->at_write = true;
    at.setup->session.timeouts.write = 10min;
    auto client = at.receiving();
    client.send("\r\nx\r\n");
    at.shards.loop.pass(180s);

    client.on_wire().room = 0;
    at.shards.home->stop_now();
    at.shards.loop.settle();
    client.take_again();

    CHECK(client.take().starts_with("421 4.3.2 "));
    at.open(at.by->write);
}

}  // namespace test_connection_slow_hooks
