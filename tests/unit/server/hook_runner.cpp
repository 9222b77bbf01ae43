#include <mailquay/server/hook_runner.hpp>

#include "support/catch.hpp"
#include "support/manual_reactor.hpp"
#include "support/server_plugins.hpp"
#include "support/stubborn.hpp"

#include <string>

namespace test_hook_runner {

using namespace mailquay;
using namespace mailquay_test;
using namespace std::chrono_literals;

/// Where the hook that ignores its cancellation is asked.
enum class place { recipient, chunk, finish };

/// What a stubborn sink saw.
struct stubborn_record {
    place where = place::recipient;
    mailquay_test::gate gate;
    std::string octets;
    int writers = 0;
    int finished = 0;
};

class stubborn_writer final : public message_writer {
public:
    explicit stubborn_writer(std::shared_ptr<stubborn_record> into) : record_(std::move(into)) { ++record_->writers; }
    ~stubborn_writer() override { --record_->writers; }
    eventual<verdict> write(std::span<char const> octets) override {
        if (record_->where == place::chunk) return write_later(octets);
        record_->octets.append(octets.data(), octets.size());
        return accept();
    }
    eventual<delivery> finish(commit) override {
        if (record_->where == place::finish) return finish_later();
        ++record_->finished;
        return delivery{accept()};
    }

private:
    asio::awaitable<verdict> write_later(std::span<char const> octets) {
        co_await record_->gate.wait();
        record_->octets.append(octets.data(), octets.size());
        co_return accept();
    }
    asio::awaitable<delivery> finish_later() {
        co_await record_->gate.wait();
        ++record_->finished;
        co_return delivery{accept()};
    }
    std::shared_ptr<stubborn_record> record_;
};

struct stubborn_sink final : message_sink {
    explicit stubborn_sink(std::shared_ptr<stubborn_record> into) : record(std::move(into)) {}
    eventual<opened> open(transaction const&) override {
        std::unique_ptr<message_writer> made = std::make_unique<stubborn_writer>(record);
        return opened{std::move(made)};
    }
    std::shared_ptr<stubborn_record> record;
};

inline asio::awaitable<verdict> accept_behind(stubborn_record* record) {
    co_await record->gate.wait();
    co_return accept();
}

struct fixture {
    fixture() : shards(shard_limits{}, log_into(log)) {
        server_config config;
        config.log = log_into(log);
        plugins plugged;
        plugged.recipients([held = record](transaction const&, recipient const&) -> eventual<verdict> {
            if (held->where == place::recipient) return accept_behind(held.get());
            return accept();
        });
        plugged.sink(std::make_shared<stubborn_sink>(record));
        setup = make_test_setup(plugged, std::move(config));
    }
    played_client client_at(place where) {
        record->where = where;
        auto client = shards.connect(setup);
        client.send("EHLO c\r\n");
        client.send(where == place::recipient ? std::string_view{"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"} : whole_transaction);
        if (where != place::recipient) client.send("\r\nhello\r\n").take();
        if (where == place::finish) client.send(".\r\n");
        REQUIRE(record->gate.waiting == 1);
        shards.loop.pass(10ms);
        client.take();
        return client;
    }
    void open_gate() {
        record->gate.open();
        shards.loop.settle();
    }

    std::shared_ptr<stubborn_record> record = std::make_shared<stubborn_record>();
    std::shared_ptr<log_record> log = std::make_shared<log_record>();
    std::shared_ptr<listener_setup> setup;
    manual_shard shards;
};

TEST_CASE("a hook that ignores its cancellation for ten seconds costs its connection", "[server][hooks]") {
    fixture at;
    auto client = at.client_at(place::recipient);
    at.shards.loop.pass(61s);
    CHECK(client.take() == "451 4.3.0 Took too long here, try again later\r\n");
    CHECK(at.record->gate.waiting == 1);

    SECTION("if it does not end") {
        client.send("MAIL FROM:<c@example.org>\r\n");
        at.shards.loop.pass(8s);
        CHECK(client.take().empty());  // nothing goes on while the old hook looks at the transaction
        CHECK_FALSE(client.on_wire().half_closed);
        at.shards.loop.pass(5s);
        CHECK(client.take().ends_with("421 4.3.2 Service stopping\r\n"));
        CHECK(client.closed());
        CHECK(at.shards.home->hooks_running() == 1);
        CHECK(at.shards.home->connections() == 1);  // what the hook was given is still there
        at.open_gate();
    }
    SECTION("but not if it ends within them") {
        client.send("NOOP\r\n");
        at.shards.loop.pass(5s);
        at.open_gate();
        CHECK(client.take() == "250 2.0.0 OK\r\n");
        at.shards.loop.pass(20s);
        CHECK_FALSE(client.closed());
        client.send("QUIT\r\n");
    }
    CHECK(at.shards.home->hooks_running() == 0);
    CHECK(at.shards.home->connections() == 0);
    CHECK(at.shards.door->total() == 0);
}

TEST_CASE("a sink's last word that comes too late is logged as accepted and unsent", "[server][hooks]") {
    fixture at;
    auto client = at.client_at(place::finish);
    at.shards.loop.pass(302s);
    CHECK(client.take().starts_with("451 4.3.0 "));
    at.shards.loop.pass(15s);
    CHECK(client.closed());
    CHECK(at.record->writers == 1);
    REQUIRE(at.shards.home->hooks_running() == 1);

    at.open_gate();

    CHECK(at.record->finished == 1);
    CHECK(at.record->writers == 0);
    CHECK(at.shards.home->connections() == 0);
    CHECK(at.shards.home->counts().messages_accepted == 1);
    auto const accepted = at.log->of("accepted");
    REQUIRE(accepted.size() == 2);
    CHECK(accepted[1].ends_with(" reply=unsent"));
}

TEST_CASE("octets that a hook looks at stay until it ends, however long its client is gone", "[server][hooks]") {
    fixture at;
    auto gone = at.client_at(place::chunk);
    std::string const before = at.record->octets;
    gone.vanish();
    CHECK(gone.closed());
    at.record->where = place::recipient;
    for (int i = 0; i < 3; ++i) {  // others read over what is free
        auto other = at.shards.connect(at.setup);
        other.send("EHLO " + std::string(400, 'x') + "\r\n");
    }
    at.shards.loop.pass(30s);
    REQUIRE(at.record->writers == 1);

    at.open_gate();

    CHECK(at.record->octets.starts_with(before + "Received: "));
    CHECK(at.record->octets.size() > before.size());
    CHECK(at.record->writers == 0);
    CHECK(at.shards.home->connections() == 3);
}

TEST_CASE("a shard, its loop and its context may go while hooks ignore their cancellation", "[server][hooks]") {
    auto const where = GENERATE(place::recipient, place::chunk, place::finish);
    auto record = std::make_shared<stubborn_record>();
    bool const stopped_first = GENERATE(false, true);
    {
        fixture at;
        auto client = at.client_at(where);
        record = at.record;
        if (stopped_first) {
            at.shards.home->stop_now();
            at.shards.loop.pass(3s);
            CHECK(client.take().ends_with("421 4.3.2 Service stopping\r\n"));
        }
        CHECK(at.shards.home->hooks_running() == 1);
        at.shards.home->detach();
        CHECK(client.closed());
        CHECK(at.shards.door->total() == 0);
        CHECK(at.record->gate.waiting == 1);
    }
    CHECK(record->writers == 0);
    CHECK(record->finished == 0);
    CHECK(record.use_count() == 1);  // the frames of the hooks are gone as well
}

TEST_CASE("a detached shard takes the late answer of a hook and tells nobody", "[server][hooks]") {
    fixture at;
    auto client = at.client_at(place::finish);
    at.shards.home->detach();
    auto const lines = at.log->lines.size();
    at.open_gate();
    CHECK(at.record->finished == 1);
    CHECK(at.record->writers == 0);
    CHECK(at.log->lines.size() == lines);
}

}  // namespace test_hook_runner
