#include <mailquay/server/connection.hpp>

#include <mailquay/protocol/replies.hpp>

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
    bool wants_headers = false, talked_ahead = false;
    bool cannot_say = false;
    unsigned kept = 0;
};

asio::awaitable<verdict> behind(gate* waits, verdict answer) {
    co_await waits->wait();
    co_return answer;
}

asio::awaitable<delivery> kept_behind(gates* all) {
    co_await all->finish.wait();
    ++all->kept;
    if (all->cannot_say) co_return delivery::unanswered(defer(replies::local_error));
    co_return delivery{accept()};
}

struct gated_policy final : policy {
    explicit gated_policy(std::shared_ptr<gates> by) : all(std::move(by)) {}
    policy_stage stages() const override { return policy_stage::data | policy_stage::headers; }
    message_needs needs() const override { return all->at_headers || all->wants_headers ? message_needs::headers : message_needs::none; }
    eventual<verdict> on_data(transaction const&) override {
        if (all->at_data) return behind(&all->data, all->for_data);
        return all->for_data;
    }
    eventual<verdict> on_headers(transaction const& mail, std::string_view) override {
        all->talked_ahead = mail.session().talked_ahead();
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
    explicit fixture(std::shared_ptr<gates> with = std::make_shared<gates>(), server_config config = {}, shard_limits limits = {})
        : by(std::move(with)), shards{limits, log_into(log)} {
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
    /// A transaction up to DATA; what can be said of it by now is taken.
    void begin(played_client& client) {
        client.send(whole_transaction);
        shards.loop.pass(10ms);
        client.take();
    }
    void open(gate& one) {
        one.open();
        shards.loop.settle();
    }

    std::shared_ptr<gates> by;
    std::shared_ptr<log_record> log = std::make_shared<log_record>();
    std::shared_ptr<listener_setup> setup;
    manual_shard shards;
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

TEST_CASE("a sink that cannot say what became of a message: no reply, and a line that says so", "[server][connection]") {
    fixture at;
    at.by->at_finish = at.by->cannot_say = true;
    auto client = at.receiving();
    client.send("\r\nx\r\n.\r\n");
    at.open(at.by->finish);

    at.shards.loop.pass(10s);  // what the client still sends is dropped for a while
    CHECK(client.take().empty());
    CHECK(client.closed());
    CHECK(at.log->has("why=unanswered outcome=unknown"));
    CHECK(at.log->of("accepted").empty());
    CHECK(at.log->has("closed id="));
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

TEST_CASE("a commit goes on for its own time though the client reads no replies", "[server][connection][time]") {
    fixture at;
    at.by->at_finish = true;
    auto client = at.greeted();
    client.on_wire().room = 0;
    client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nBDAT 3 LAST\r\n\r\nx");
    REQUIRE(at.by->finish.waiting == 1);

    at.shards.loop.pass(125s);

    CHECK(client.closed());
    REQUIRE(at.log->of("closed").size() == 1);
    CHECK(at.log->has("why=output-stalled"));
    CHECK(at.shards.home->hooks_running() == 1);
    at.shards.loop.pass(170s);
    at.open(at.by->finish);
    CHECK(at.by->kept == 1);
    auto const accepted = at.log->of("accepted");
    REQUIRE(accepted.size() == 2);
    CHECK(accepted[1].ends_with(" reply=unsent"));
    CHECK(at.shards.home->connections() == 0);
}

TEST_CASE("a message that came whole is taken though its client sends no more", "[server][connection]") {
    auto const by = std::make_shared<gates>();
    bool const chunked = GENERATE(false, true);
    bool const in_headers = GENERATE(false, true);
    (in_headers ? by->at_headers : by->at_write) = true;
    fixture at{by};
    auto client = at.greeted();
    client.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n").take();
    if (chunked) {
        client.send("BDAT 12 LAST\r\nA: b\r\n\r\nx\r\n.");
    } else {
        client.send("DATA\r\n").take();
        client.send("A: b\r\n\r\nx\r\n.\r\n");
    }
    client.end();
    at.shards.loop.pass(3s);
    CHECK_FALSE(client.closed());

    by->at_write = by->at_headers = false;
    at.open(in_headers ? by->headers : by->write);

    CHECK(by->kept == 1);
    CHECK(client.take().starts_with("250 2.0.0 Ok"));
    at.shards.loop.pass(3s);
    CHECK(client.closed());
}

TEST_CASE("a message that came in a read that was full is taken as soon as a late hook has answered", "[server][connection]") {
    constexpr std::size_t read_octets = 64 * 1024;
    auto const by = std::make_shared<gates>();
    by->wants_headers = by->at_write = true;  // what is written first is held back octets, not a buffer that is lent
    fixture at{by};
    auto client = at.greeted();
    std::string const header = "A: b\r\n\r\n";
    if (GENERATE(false, true)) {
        std::string const envelope = "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n";
        std::string const command = "BDAT 65400 LAST\r\n";
        std::string message = header + std::string(65'400 - header.size(), 'x');
        std::string const before = std::string("NOOP ") + std::string(read_octets - 65'400 - command.size() - envelope.size() - 7, 'x') + "\r\n";
        client.send(before + envelope + command + message);
        at.shards.loop.pass(10ms);
    } else {
        at.begin(client);
        std::string const end = "\r\n.\r\n";
        client.send(header + std::string(read_octets - header.size() - end.size(), 'x') + end);
    }
    client.take();

    by->at_write = false;
    at.open(by->write);

    CHECK(client.take().starts_with("250 2.0.0 Ok"));
    CHECK(by->kept == 1);
}

TEST_CASE("a message that came whole waits for no buffer that another connection holds", "[server][connection]") {
    auto const by = std::make_shared<gates>();
    auto const slow = std::make_shared<gates>();
    by->wants_headers = by->at_write = slow->at_write = true;
    shard_limits limits;
    limits.parked_octets = 100 * 1024;  // one buffer
    fixture at{by, {}, limits};
    auto client = at.greeted();
    at.begin(client);
    client.send("A: b\r\n\r\nx\r\n.\r\n");
    fixture others{slow};
    auto holder = at.shards.connect(others.setup);
    holder.send("EHLO c\r\n").take();
    at.begin(holder);
    holder.send("A: b\r\n\r\n" + std::string(60'000, 'x') + "\r\n");
    client.send("QUIT\r\n");

    by->at_write = false;
    at.open(by->write);

    std::string const said = client.take();
    CHECK(said.starts_with("250 2.0.0 Ok"));
    CHECK(said.ends_with("221 2.0.0 Bye\r\n"));
    slow->at_write = false;
    at.open(slow->write);
}

TEST_CASE("a message whose end has not come is nobody's once its client sends no more", "[server][connection]") {
    fixture at;
    at.by->at_write = true;
    auto client = at.receiving();
    client.send("A: b\r\n\r\nx\r\n").end();

    at.by->at_write = false;
    at.open(at.by->write);

    CHECK(at.by->kept == 0);
    CHECK(client.closed());
    CHECK(at.shards.home->connections() == 0);
}

constexpr std::string_view not_commands = "Subject: x\r\n\r\nx\r\n.\r\nNOOP\r\nMAIL FROM:<evil@example.org>\r\n";

TEST_CASE("octets that came before DATA was refused are never commands, also where they were not read yet", "[server][connection][data]") {
    fixture at;
    std::string refusal = "550 5.7.1 Not wanted\r\n";
    played_client client = at.greeted();
    auto const reject_data = [&] { at.by->for_data = reject(550, "5.7.1", "Not wanted"); };
    SECTION("a policy that answers later") {
        reject_data();
        at.by->at_data = true;
        at.begin(client);
        client.send(not_commands);
        at.open(at.by->data);
    }
    SECTION("a policy that is overdue") {
        at.by->at_data = true;
        at.begin(client);
        client.send(not_commands);
        at.shards.loop.pass(61s);
        at.open(at.by->data);
        refusal = "451 4.3.0 Took too long here, try again later\r\n";
    }
    SECTION("a policy that answers at once") {
        reject_data();
        client.on_wire().read_at_most = whole_transaction.size();
        client.send(std::string{whole_transaction} + std::string{not_commands});
        refusal = "250 2.1.0 OK\r\n250 2.1.5 OK\r\n" + refusal;
    }
    SECTION("recipients refused later, so that there is none for DATA") {
        at.by->at_recipient = true;
        at.by->for_recipient = reject(550, "5.1.1", "Unknown");
        at.begin(client);
        client.send(not_commands);
        at.open(at.by->recipient);
        refusal = "550 5.1.1 Unknown\r\n503 5.5.1 No valid recipients\r\n";
    }

    CHECK(client.take() == refusal);
    CHECK(client.on_wire().half_closed);
    CHECK(at.log->has("why=lost-framing"));
    CHECK(at.by->kept == 0);
}

TEST_CASE("after a refused DATA behind which nothing came the session goes on", "[server][connection][data]") {
    fixture at;
    at.by->at_data = GENERATE(false, true);
    at.by->for_data = reject(550, "5.7.1", "Not wanted");
    auto client = at.greeted();
    client.send(whole_transaction);
    at.open(at.by->data);
    CHECK(client.take().ends_with("550 5.7.1 Not wanted\r\n"));

    client.send("NOOP\r\n");

    CHECK(client.take() == "250 2.0.0 OK\r\n");
}

TEST_CASE("what came while a policy was asked about DATA came before 354", "[server][connection][data]") {
    auto const by = std::make_shared<gates>();
    by->wants_headers = by->at_data = true;
    fixture at{by};
    auto client = at.greeted();
    at.begin(client);
    bool const ahead = GENERATE(false, true);
    std::string const message = "A: b\r\n\r\nx\r\n.\r\n";
    if (ahead) client.send(message);

    at.open(by->data);
    if (!ahead) client.send(message);

    CHECK(client.take().starts_with("354 "));
    CHECK(by->kept == 1);
    CHECK(by->talked_ahead == ahead);
}

TEST_CASE("who talks ahead of 354 is refused where that is set, also by octets that were not read yet", "[server][connection][data]") {
    server_config config;
    config.refuse_talking_ahead = true;
    fixture at{std::make_shared<gates>(), std::move(config)};
    at.by->at_data = true;
    auto client = at.greeted();
    at.begin(client);
    bool const ahead = GENERATE(false, true);
    if (ahead) client.send("x\r\n.\r\n");

    at.open(at.by->data);

    CHECK(client.take().starts_with(ahead ? "554 5.5.0 " : "354 "));
    CHECK(client.on_wire().half_closed == ahead);
}

}  // namespace test_connection_slow_hooks
