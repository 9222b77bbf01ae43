#include <mailquay/sink/spool_control.hpp>

#include "support/catch.hpp"
#include "support/spool_place.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

namespace test_spool_control {

using namespace mailquay;
using mailquay_test::spool_place;

TEST_CASE("messages are listed and shown, and what clients sent cannot steer a terminal", "[sink][spool][control]") {
    spool_place at;
    at.start();
    std::string id;
    CHECK(at.send("Subject: \x1b[31mred\r\n\r\nbody\r\n", &id, "b\x1b@example.org").accepts());

    auto const listed = answer_spool_command(*at.queue, "list");
    CHECK(listed.starts_with("ok\n" + id + " 27 octets"));
    CHECK(listed.find("from <sender@example.net> to <b?@example.org>\n") != listed.npos);
    auto const shown = answer_spool_command(*at.queue, "show " + id);
    CHECK(shown.find("state due\n") != shown.npos);
    CHECK(shown.find("\nSubject: ?[31mred\n\nbody\n") != shown.npos);
    CHECK(shown.find('\x1b') == shown.npos);
    CHECK(answer_spool_command(*at.queue, "list " + id) == "ok\n");
}

TEST_CASE("what a message asks of delivery is shown", "[sink][spool][control]") {
    spool_place at;
    at.start();
    mailquay_test::made_transaction given;
    given.to("b@example.org");
    auto& asked = given.edit().requests();
    asked.envid = "an \x1b id";
    asked.ret = dsn_return::headers;
    asked.by = deliver_by{60, by_mode::return_to_sender, true};
    asked.priority = priority_request{0, 3};
    asked.hold = hold_request{std::chrono::sys_seconds{std::chrono::seconds{1'800'000'060}}, std::nullopt};
    std::string id;
    CHECK(at.send(given, "body", &id).accepts());

    CHECK(answer_spool_command(*at.queue, "list").find("0 attempts, to be released in 60 s, from") != std::string::npos);
    auto const shown = answer_spool_command(*at.queue, "show " + id);
    for (char const* line : {"state to be released in 60 s\n", "lifetime from 1800000060\n", "bounce restrained\n", "\nret HDRS\n",
                             "\nenvid an ? id\n", "\nby 60;RT\n", "\nrelease 1800000060\n", "\npriority 0, asked for 3\n"})
        CHECK_THAT(shown, Catch::Contains(line));
}

TEST_CASE("messages are held, released, put in the queue anew and deleted by id, and all at once", "[sink][spool][control]") {
    spool_place at;
    at.start();
    std::string const a = at.keep("a");
    std::string const b = at.keep("b");

    CHECK(answer_spool_command(*at.queue, "hold " + a) == "ok\n1 messages\n");
    CHECK(at.queue->find(*transaction_id::parse(a))->held);
    CHECK(answer_spool_command(*at.queue, "flush " + a).starts_with("error"));
    CHECK(answer_spool_command(*at.queue, "hold all") == "ok\n2 messages\n");
    CHECK_FALSE(at.queue->claim());
    CHECK(answer_spool_command(*at.queue, "release all") == "ok\n2 messages\n");
    CHECK(answer_spool_command(*at.queue, "requeue " + b) == "ok\n1 messages\n");
    CHECK(answer_spool_command(*at.queue, "flush all") == "ok\n2 messages\n");
    CHECK(answer_spool_command(*at.queue, "delete " + a) == "ok\n1 messages\n");
    CHECK_FALSE(at.has(a));
    CHECK(answer_spool_command(*at.queue, "delete all") == "ok\n1 messages\n");
    CHECK(at.queue->size() == 0);
}

TEST_CASE("all messages are steered piece by piece, with few syncs", "[sink][spool][control]") {
    spool_place at;
    at.start();
    for (int i = 0; i < 1100; ++i) (void)at.keep("x");
    std::string const last{at.queue->list({}, 1000).back().id.view()};
    at.disk->sync_takes = std::chrono::milliseconds{5};  // meanwhile others are handed over
    int const before = at.disk->syncs;
    CHECK(answer_spool_command(*at.queue, "hold all") == "ok\n1000 messages\nafter " + last + "\n");
    CHECK(answer_spool_command(*at.queue, "hold all " + last) == "ok\n100 messages\n");
    CHECK(answer_spool_command(*at.queue, "requeue all " + last) == "ok\n100 messages\n");
    CHECK(answer_spool_command(*at.queue, "delete all") == "ok\n1000 messages\nafter " + last + "\n");
    CHECK(at.disk->syncs - before < 100);
    CHECK(at.queue->size() == 100);
    CHECK(answer_spool_command(*at.queue, "delete all NONSENSE").starts_with("error"));
}

TEST_CASE("what was flushed is due after a restart as well", "[sink][spool][control]") {
    spool_place at;
    at.start();
    std::string const id = at.keep("a");
    spool_change later;
    later.retry_after = std::chrono::hours{1};
    REQUIRE(change_and_wait(*at.queue, *transaction_id::parse(id), later) == std::error_code{});
    CHECK_FALSE(at.queue->claim());

    CHECK(answer_spool_command(*at.queue, "flush " + id) == "ok\n1 messages\n");

    at.restart();
    CHECK(at.queue->claim());
}

TEST_CASE("what was flushed is tried once, however soon that attempt ends", "[sink][spool][control]") {
    std::string const verb = GENERATE("flush", "requeue");
    spool_place at;
    at.start();
    std::string const id = at.keep("a");
    spool_change later;
    later.retry_after = std::chrono::hours{1};
    REQUIRE(change_and_wait(*at.queue, *transaction_id::parse(id), later) == std::error_code{});
    std::atomic<int> attempts{0}, flushed{0}, ended{0};
    at.queue->on_due([&] {
        auto const claimed = at.queue->claim();
        if (!claimed) return;
        ++attempts;
        if (claimed->flushed) ++flushed;
        at.queue->change(claimed->id, later, [&](std::error_code) { ++ended; });
    });

    CHECK(answer_spool_command(*at.queue, verb + " " + id) == "ok\n1 messages\n");
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while ((ended == 0 || ended != attempts) && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    spool_change nothing;  // behind whatever was begun
    REQUIRE(change_and_wait(*at.queue, *transaction_id::parse(id), nothing) == std::error_code{});
    at.queue->on_due({});
    CHECK(attempts == 1);
    CHECK(flushed == 1);
    CHECK_FALSE(at.queue->claim());
}

TEST_CASE("what cannot be done is told", "[sink][spool][control]") {
    spool_place at;
    at.start();

    CHECK(answer_spool_command(*at.queue, "explode").starts_with("error no such command"));
    CHECK(answer_spool_command(*at.queue, "delete nothing").starts_with("error \"nothing\" is not an id"));
    CHECK(answer_spool_command(*at.queue, "delete ZZZZZZZZZZZ0") == "error no such message\n");
    CHECK(answer_spool_command(*at.queue, "show ZZZZZZZZZZZ0") == "error no such message\n");
    CHECK(answer_spool_command(*at.queue, "clock-ok") == "ok\n");
    CHECK(answer_spool_command(*at.queue, "damaged") == "ok\n");
}

TEST_CASE("a server is asked through its socket, which goes with it", "[sink][spool][control]") {
    spool_place at;
    at.start();
    std::string const id = at.keep("a");
    std::string const path = at.folder.path("control.sock");
    {
        spool_control const control{at.queue, path};
        auto const listed = ask_spool(path, "list");
        REQUIRE(listed);
        CHECK(listed->find(id) != listed->npos);
        CHECK(ask_spool(path, std::string(1000, 'x'))->starts_with("error"));
        CHECK(*ask_spool(path, "delete " + id) == "ok\n1 messages\n");
    }
    CHECK(ask_spool(path, "list").error().value() == ENOENT);
    CHECK_THROWS_WITH(spool_control(at.queue, std::string(200, 'p')), Catch::Contains("too long"));
}

}  // namespace test_spool_control
