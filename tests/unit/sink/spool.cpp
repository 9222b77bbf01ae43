#include <mailquay/sink/spool.hpp>

#include "support/catch.hpp"
#include "support/spool_place.hpp"

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace test_spool {

using namespace mailquay;
using namespace std::chrono_literals;
using mailquay_test::spool_place;
using mailquay_test::waited;

bool holds_after_a_while(spool_place& at, auto const& what) {
    for (int i = 0; i < 100 && !what(); ++i) {
        at.clock->pass(2s);
        std::this_thread::sleep_for(50ms);
    }
    return what();
}

TEST_CASE("a message that was accepted is there after a restart, with its envelope", "[sink][spool]") {
    spool_place at;
    at.start();
    std::string const id = at.keep("Subject: one\r\n\r\nbody\r\n");

    at.restart();

    REQUIRE(at.queue->size() == 1);
    CHECK(at.content_of(id) == "Subject: one\r\n\r\nbody\r\n");
    auto const found = at.queue->look_at(*transaction_id::parse(id));
    CHECK(found->stored.envelope.reverse_path == "sender@example.net");
    REQUIRE(found->stored.envelope.recipients.size() == 1);
    CHECK(found->stored.envelope.recipients[0].address == "b@example.org");
}

TEST_CASE("a message that was accepted is there after the power failed", "[sink][spool]") {
    spool_place at;
    at.start();
    std::map<std::string, std::string> kept;
    for (int i = 0; i < 60; ++i) {
        std::string const content = "message " + std::to_string(i) + std::string(static_cast<std::size_t>(i) * 37, 'x');
        kept[at.keep(content)] = content;
    }

    at.lose_power();

    CHECK(at.queue->size() == kept.size());
    for (auto const& [id, content] : kept) CHECK(at.content_of(id) == content);
    CHECK(at.queue->damaged().empty());
}

TEST_CASE("a large message is in a file of its own, under the same promise", "[sink][spool]") {
    spool_place at;
    at.start();
    std::string content;
    while (content.size() < 100'000) content += "line of a large message\r\n";
    std::string const id = at.keep(content);
    CHECK(at.files_in("large/").size() == 1);

    at.lose_power();

    CHECK(at.content_of(id) == content);
    REQUIRE(remove_and_wait(*at.queue, *transaction_id::parse(id)) == std::error_code{});
    at.restart();
    CHECK(at.files_in("large/").empty());
    CHECK(at.queue->size() == 0);
}

TEST_CASE("a large message that was abandoned leaves nothing, and recovery removes files that no record names", "[sink][spool]") {
    spool_place at;
    at.start();
    {
        mailquay_test::made_transaction given;
        given.to("b@example.org");
        auto opened = waited(at.sink->open(given.mail));
        REQUIRE(opened);
        CHECK(waited((*opened)->write(std::string(50'000, 'x'))).accepts());
        CHECK(at.files_in("large/").size() == 1);
    }
    CHECK(at.files_in("large/").empty());

    (void)at.disk->create(at.path("large/0123456789AB"));
    at.restart();
    CHECK(at.files_in("large/").empty());
}

TEST_CASE("a second server is refused, naming the first", "[sink][spool]") {
    spool_place at;
    at.start();

    CHECK_THROWS_WITH(sinks::spool(at.folder.path("spool"), at.settings),
                      Catch::Contains("process " + std::to_string(::getpid()) + " has it"));
    at.stop();
    CHECK_NOTHROW(sinks::spool(at.folder.path("spool"), at.settings));
}

TEST_CASE("one sync serves every message that waits for it", "[sink][spool]") {
    spool_place at;
    at.start();
    (void)at.keep("first");
    at.disk->sync_takes = 20ms;
    int const before = at.disk->syncs;
    std::vector<std::thread> clients;
    std::atomic<int> accepted{0};

    for (int i = 0; i < 20; ++i)
        clients.emplace_back([&] {
            if (at.send("one of many").accepts()) ++accepted;
        });
    for (auto& one : clients) one.join();

    CHECK(accepted == 20);
    CHECK(at.disk->syncs - before <= 10);
}

TEST_CASE("a sync that fails is 451, and its messages are nowhere afterwards", "[sink][spool]") {
    spool_place at;
    at.start();
    std::string const early = at.keep("before the failure");
    std::string lost;
    at.disk->fail_sync = 1;

    auto const said = at.send("never acknowledged", &lost);
    CHECK(said.code() == 451);

    // The next sync succeeds, and says nothing of what the failed one gave up.
    std::string const late = at.keep("after the failure");
    at.lose_power();
    CHECK(at.content_of(early) == "before the failure");
    CHECK(at.content_of(late) == "after the failure");
    CHECK_FALSE(at.has(lost));
}

TEST_CASE("two failed syncs in a row stop accepting with 452 until the disk is well", "[sink][spool]") {
    spool_place at;
    at.start();
    std::string const early = at.keep("before");
    std::string lost;
    at.disk->read_only = true;
    CHECK(at.send("never", &lost).refuses());
    CHECK(at.send("never").code() == 452);

    at.disk->read_only = false;
    auto said = at.send("again");
    for (int i = 0; i < 100 && said.refuses(); ++i) {
        at.clock->pass(2s);
        std::this_thread::sleep_for(50ms);
        said = at.send("again");
    }
    CHECK(said.accepts());
    at.lose_power();
    CHECK(at.content_of(early) == "before");
    CHECK_FALSE(at.has(lost));
}

TEST_CASE("a write that fails is answered, wherever it fails, and never with a false 250", "[sink][spool]") {
    auto const nth = GENERATE(range(1, 12));
    auto const of_syncs = GENERATE(true, false);
    spool_place at;
    at.start();
    std::map<std::string, std::string> kept;
    std::vector<std::string> refused;
    (of_syncs ? at.disk->fail_sync : at.disk->fail_write) = nth;

    for (int i = 0; i < 20; ++i) {
        std::string const content = "number " + std::to_string(i) + std::string(1500, 'y');
        std::string id;
        if (at.send(content, &id).accepts())
            kept[id] = content;
        else
            refused.push_back(id);
        CHECK(holds_after_a_while(at, [&] { return at.sink->has_room(0); }));  // it looks once a second whether it can go on
    }
    at.lose_power();

    CHECK(kept.size() >= 18);
    for (auto const& [id, content] : kept) CHECK(at.content_of(id) == content);
    for (auto const& id : refused) CHECK_FALSE(at.has(id));
}

TEST_CASE("a full disk is 452 and recovers by itself", "[sink][spool]") {
    spool_place at;
    at.start();
    (void)at.keep("first");
    std::uint64_t const room = at.disk->room;
    at.disk->room = 1000;
    int accepted = 0;
    verdict said = accept();
    for (int i = 0; i < 100 && !said.refuses(); ++i) {
        said = at.send(std::string(1000, 'z'));
        accepted += said.accepts() ? 1 : 0;
    }
    CHECK(said.code() == 452);
    CHECK(at.queue->size() == 1u + static_cast<unsigned>(accepted));

    at.disk->room = room;
    for (int i = 0; i < 100 && said.refuses(); ++i) {
        at.clock->pass(2s);
        std::this_thread::sleep_for(50ms);
        said = at.send("again");
    }
    CHECK(said.accepts());
}

TEST_CASE("outcomes can be written to a full disk", "[sink][spool]") {
    spool_place at;
    at.start();
    std::vector<std::string> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(at.keep(std::string(1000, 'z')));
    at.disk->room = 0;
    verdict said = accept();
    while (!said.refuses()) said = at.send(std::string(3000, 'z'));

    for (auto const& id : ids) {
        spool_change done;
        done.outcomes.push_back({0, outcome_kind::delivered, "250 2.0.0 OK"});
        CHECK(change_and_wait(*at.queue, *transaction_id::parse(id), done) == std::error_code{});
    }
    for (auto const& id : ids) CHECK_FALSE(at.has(id));
}

TEST_CASE("all outcomes can be written to a full disk, however many recipients the messages have", "[sink][spool]") {
    spool_place at;
    at.settings.segment_octets = 64 * 1024;
    at.settings.memory_octets = 64 * 1024;
    at.start();
    constexpr unsigned recipients = 100;
    std::vector<std::string> ids;
    verdict said = accept();
    for (int i = 0; i < 40 && !said.refuses(); ++i) {
        mailquay_test::made_transaction given;
        for (unsigned r = 0; r < recipients; ++r) given.to("r" + std::to_string(r) + "@example.org");
        std::string id;
        said = at.send(given, "x", &id);
        if (said.accepts()) ids.push_back(id);
        if (i == 3) at.disk->room = 0;
    }
    CHECK(said.code() == 452);
    REQUIRE(ids.size() >= 4);

    for (auto const& id : ids)
        for (unsigned r = 0; r < recipients; ++r) {
            spool_change done;
            done.give_back = false;
            done.outcomes.push_back({r, outcome_kind::failed, std::string(400, 'r')});
            REQUIRE(change_and_wait(*at.queue, *transaction_id::parse(id), done) == std::error_code{});
        }
    CHECK(at.queue->size() == 0);
}

TEST_CASE("a message whose id is in the queue already is 451, and replaces nothing", "[sink][spool]") {
    spool_place at;
    at.start();
    mailquay_test::made_transaction given;
    given.to("b@example.org");
    std::string id;
    REQUIRE(at.send(given, "the first", &id).accepts());

    CHECK(at.send(given, "another").code() == 451);
    CHECK(at.send(given, std::string(50'000, 'l')).code() == 451);

    CHECK(at.content_of(id) == "the first");
    CHECK(at.files_in("large/").empty());
    at.restart();
    CHECK(at.queue->size() == 1);
    CHECK(at.content_of(id) == "the first");
}

TEST_CASE("large messages under way count in what the spool may take of the disk", "[sink][spool]") {
    spool_place at;
    at.settings.max_octets = 1024 * 1024;
    at.start();
    std::vector<std::unique_ptr<message_writer>> writers;
    std::size_t taken = 0;
    verdict said = accept();
    for (int i = 0; i < 20 && !said.refuses(); ++i) {
        mailquay_test::made_transaction given;
        given.to("b@example.org");
        auto opened = waited(at.sink->open(given.mail));
        REQUIRE(opened);
        said = waited((*opened)->write(std::string(100'000, 'x')));
        if (said.accepts()) taken += 100'000;
        writers.push_back(*std::move(opened));
    }
    CHECK(said.code() == 452);
    CHECK(taken <= at.settings.max_octets);

    writers.clear();
    CHECK(at.send(std::string(100'000, 'x')).accepts());
}

TEST_CASE("space is reclaimed, also where one old message stays among many new ones", "[sink][spool]") {
    spool_place at;
    at.start();
    std::string const stays = at.keep("stays for long");
    for (int i = 0; i < 300; ++i) {
        std::string const id = at.keep(std::string(1000, 'q'));
        REQUIRE(remove_and_wait(*at.queue, *transaction_id::parse(id)) == std::error_code{});
        if (i % 20 == 0) at.clock->pass(2s);
    }
    at.clock->pass(2s);
    (void)at.keep("last");
    std::this_thread::sleep_for(20ms);

    CHECK(at.segments().size() < 8);
    CHECK(at.content_of(stays) == "stays for long");
    at.lose_power();
    CHECK(at.queue->size() == 2);
    CHECK(at.content_of(stays) == "stays for long");
}

TEST_CASE("damaged octets cost the messages they touch and no other", "[sink][spool][damage]") {
    auto const seed = GENERATE(range(1, 30));
    std::mt19937 random{static_cast<unsigned>(seed)};
    spool_place at;
    at.start();
    std::map<std::string, std::string> kept;
    for (int i = 0; i < 40; ++i) {
        std::string const content = "content " + std::to_string(i) + " " + std::string(random() % 900, 'c');
        kept[at.keep(content)] = content;
    }
    at.stop();

    // Where each message's record lies.
    std::set<std::string> touched;
    for (int k = 0; k < 3; ++k) {
        auto const all = at.segments();
        std::string const file = all[random() % all.size()];
        std::string const octets = at.disk->content(file);
        auto const end = octets.find_last_not_of('\0') + 1;
        std::uint64_t const where = random() % end;
        for (auto const& [id, content] : kept) {
            auto const found = octets.find(id);
            if (found == octets.npos) continue;
            std::uint64_t const from = found - 24;
            auto const last = octets.find(content, found);
            if (last != octets.npos && where >= from && where < last + content.size() + 8) touched.insert(id);
        }
        at.disk->damage(file, where);
    }
    at.start();

    for (auto const& [id, content] : kept) {
        INFO(id);
        if (!touched.contains(id))
            CHECK(at.content_of(id) == content);
        else if (at.has(id))
            CHECK(at.content_of(id) == content);  // padding was hit
    }
    for (auto const& id : touched) {
        if (at.has(id)) continue;
        auto const all = at.queue->damaged();
        CHECK_FALSE(all.empty());
    }
}

TEST_CASE("a torn tail is dropped, whatever its length, and nothing before it", "[sink][spool][damage]") {
    spool_place at;
    at.start();
    std::map<std::string, std::string> kept;
    for (int i = 0; i < 5; ++i) {
        std::string const content = "content " + std::to_string(i);
        kept[at.keep(content)] = content;
    }
    std::string const last = at.keep("the one that is torn");
    at.stop();
    std::string const file = at.segments().back();
    std::string const octets = at.disk->content(file);
    auto const start = octets.find(last) - 24;

    for (std::size_t cut = start; cut < octets.find_last_not_of('\0'); cut += 7) {
        // The process was killed while it wrote: the rest is as it was before.
        int const written = at.disk->open(file).value();
        std::string const rest = octets.substr(start, cut - start) + std::string(octets.size() - cut, '\0');
        std::string_view const piece{rest};
        REQUIRE(at.disk->write_at(written, start, {&piece, 1}));
        at.start();
        for (auto const& [id, content] : kept) CHECK(at.content_of(id) == content);
        for (spool_damage const& one : at.queue->damaged()) CHECK(one.unfinished);
        at.stop();
    }
}

TEST_CASE("a record that a client sends as content is no record", "[sink][spool][damage]") {
    spool_place at;
    at.start();
    std::string forged(200, '\0');
    spool_record_header header;
    header.id = *transaction_id::parse("ZZZZZZZZZZZZ");
    header.write(forged.data());
    std::string const id = at.keep(forged + std::string(300, 'f'));
    at.stop();
    std::string const file = at.segments().back();
    at.disk->damage(file, at.disk->content(file).find(id));

    at.start();

    CHECK_FALSE(at.has(id));
    CHECK_FALSE(at.has("ZZZZZZZZZZZZ"));
    CHECK(at.queue->damaged().size() == 1);
}

TEST_CASE("the spool promises what its next hop is said to keep", "[sink][spool]") {
    spool_place at;
    at.settings.next_hop_keeps.utf8 = false;
    at.settings.next_hop_keeps.dsn = true;
    at.start();

    CHECK(at.sink->promised().dsn);
    CHECK_FALSE(at.sink->promised().utf8);
    CHECK(at.sink->promised().hold);
    CHECK(at.sink->promised().relays);
}

TEST_CASE("what a message asks of delivery is there after a restart", "[sink][spool]") {
    spool_place at;
    at.start();
    mailquay_test::made_transaction given;
    given.to("b@example.org");
    given.edit().requests().envid = "envelope 1";
    given.edit().requests().requiretls = true;
    given.edit().requests().by = deliver_by{60, by_mode::notify, false};
    std::string id;
    REQUIRE(at.send(given, "body", &id).accepts());

    at.restart();

    auto const found = at.queue->look_at(*transaction_id::parse(id));
    REQUIRE(found);
    CHECK(found->stored.envelope.requests.envid == "envelope 1");
    CHECK(found->stored.envelope.requests.requiretls);
    CHECK(found->stored.envelope.requests.by == deliver_by{60, by_mode::notify, false});
}

TEST_CASE("failed mail is returned to senders that are known", "[sink][spool][bounce]") {
    spool_place at;
    at.settings.known_clients.emplace(relay_for{"192.0.2.0/24"});
    at.start();
    auto const kept = [&](char const* from, char const* address, bool logged_in) {
        mailquay_test::made_transaction given{from};
        given.client.set_client(*ip_endpoint::parse(address), address_source::socket);
        if (logged_in) given.client.set_user("alice");
        given.to("b@example.org");
        std::string id;
        if (!at.send(given, "body", &id).accepts()) throw std::runtime_error("not accepted");
        return id;
    };
    std::string const user = kept("a@example.net", "198.51.100.1:2525", true);
    std::string const neighbour = kept("a@example.net", "192.0.2.1:2525", false);
    std::string const stranger = kept("a@example.net", "198.51.100.1:2525", false);
    std::string const nobody = kept("", "192.0.2.1:2525", true);

    at.restart();

    auto const bounce_of = [&](std::string const& id) { return at.queue->look_at(*transaction_id::parse(id))->stored.state.bounce; };
    CHECK(bounce_of(user) == bounce::always);
    CHECK(bounce_of(neighbour) == bounce::always);
    CHECK(bounce_of(stranger) == bounce::restrained);
    CHECK(bounce_of(nobody) == bounce::never);
}

TEST_CASE("whether there is room is known at MAIL already", "[sink][spool]") {
    spool_place at;
    at.settings.max_octets = 1024 * 1024;
    at.start();
    CHECK(at.sink->has_room(0));
    CHECK(at.sink->has_room(500'000));
    CHECK_FALSE(at.sink->has_room(1024 * 1024 + 1));
    auto const after_a_while = [&](auto holds) { return holds_after_a_while(at, holds); };
    (void)at.keep("what is there already counts");
    CHECK(after_a_while([&] { return !at.sink->has_room(1024 * 1024); }));
    auto const room = at.disk->room.load();
    at.disk->room = at.settings.free_octets + 10'000;
    CHECK(after_a_while([&] { return !at.sink->has_room(10'001); }));
    CHECK(at.sink->has_room(1000));
    at.disk->room = at.settings.free_octets - 1;
    CHECK(after_a_while([&] { return !at.sink->has_room(0); }));
    at.disk->room = room;
    CHECK(after_a_while([&] { return at.sink->has_room(500'000); }));
}

// Hands a message over and goes while it is on its way. @return its id
std::string abandon_one(spool_place& at, std::string_view content) {
    mailquay_test::made_transaction given;
    given.to("b@example.org");
    asio::io_context io;
    std::optional<delivery> got;
    {
        auto opened = waited(at.sink->open(given.mail));
        REQUIRE(opened);
        CHECK(waited((*opened)->write(content)).accepts());
        auto finishing = (*opened)->finish(commit::all_or_none);
        asio::co_spawn(io, mailquay_test::keep_awaited<delivery>(std::move(finishing).wait(), &got), [](std::exception_ptr) {});
        io.poll();
    }
    io.restart();
    io.run();
    return std::string{given.mail.id()};
}

TEST_CASE("what the client was told failed is cancelled when it is kept after all", "[sink][spool]") {
    spool_place at;
    at.start();
    at.disk->sync_takes = 50ms;
    std::string const id = abandon_one(at, "late");
    // Whoever looks for mail to deliver meanwhile does not find it.
    bool delivered = false;
    for (int i = 0; i < 100 && (i < 10 || at.has(id)); ++i) {
        delivered = delivered || at.queue->claim();
        std::this_thread::sleep_for(10ms);
    }

    CHECK_FALSE(delivered);
    CHECK_FALSE(at.has(id));
    at.restart();
    CHECK_FALSE(at.has(id));
}

TEST_CASE("what the client was told failed is cancelled also when the spool ends at once, or the disk fails meanwhile", "[sink][spool]") {
    spool_place at;
    at.start();
    at.disk->sync_takes = 50ms;
    int const failing = GENERATE(0, 1, 2);
    CAPTURE(failing);
    at.disk->fail_sync = failing;  // the message's own, or that of its cancel
    std::string const id = abandon_one(at, "late");
    if (failing == 2) std::this_thread::sleep_for(60ms);
    at.restart();
    CHECK_FALSE(at.has(id));
    at.lose_power();
    CHECK_FALSE(at.has(id));
}

TEST_CASE("a large message that nobody waits for leaves no file, kept or not", "[sink][spool]") {
    spool_place at;
    at.start();
    at.disk->sync_takes = 20ms;
    int const failing = GENERATE(0, 3);  // the third sync is the journal's: file and folder come first
    CAPTURE(failing);
    at.disk->fail_sync = failing;
    std::string const id = abandon_one(at, std::string(50'000, 'x'));
    CHECK(holds_after_a_while(at, [&] { return at.files_in("large/").empty(); }));
    CHECK_FALSE(at.has(id));
}

TEST_CASE("where it cannot be said whether a message is kept, nothing is said", "[sink][spool]") {
    spool_place at;
    at.start();
    std::string const early = at.keep("before");
    mailquay_test::made_transaction given;
    given.to("b@example.org");
    auto opened = waited(at.sink->open(given.mail));
    REQUIRE(opened);
    CHECK(waited((*opened)->write(std::string_view{"perhaps"})).accepts());
    at.disk->fail_sync = 1;
    at.disk->fail_write = 2;  // its own goes well, that of its cancel does not

    delivery const said = waited((*opened)->finish(commit::all_or_none));
    opened->reset();
    CHECK(said.is_unanswered());
    CHECK(said.combined().kind() == verdict_kind::defer);

    // The disk is well again: what was not answered is gone, as the client will send it once more.
    at.clock->pass(2s);
    CHECK(holds_after_a_while(at, [&] { return at.send("after").accepts(); }));
    at.lose_power();
    CHECK(at.content_of(early) == "before");
    CHECK_FALSE(at.has(std::string{given.mail.id()}));
}

TEST_CASE("bounds that leave room for no message are refused at start", "[sink][spool]") {
    spool_place at;
    at.settings.max_octets = at.settings.segment_octets;
    CHECK_THROWS_WITH(at.start(), Catch::Contains("max_octets is 16384") && Catch::Contains("raise max_octets"));
}

TEST_CASE("a slow disk is waited for by all together", "[sink][spool]") {
    spool_place at;
    at.start();
    at.disk->sync_takes = 100ms;
    int const before = at.disk->syncs;
    std::atomic<int> accepted{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 16; ++i) clients.emplace_back([&] { accepted += at.send("x").accepts() ? 1 : 0; });
    for (auto& one : clients) one.join();
    CHECK(accepted == 16);
    CHECK(at.disk->syncs - before < 10);
}

TEST_CASE("an outcome is on the disk within seconds, also when messages are moved meanwhile", "[sink][spool]") {
    spool_place at;
    at.settings.memory_octets = at.settings.segment_octets;
    at.start();
    int const failing = GENERATE(0, 1, 2);  // of the syncs when messages are moved
    CAPTURE(failing);
    std::string const stays = at.keep(std::string(12'000, 's'));
    std::vector<std::string> gone;
    for (int i = 0; i < 40; ++i) gone.push_back(at.keep(std::string(3000, 'q')));
    std::string const last = at.keep("its outcome is what counts");
    std::string const beside = at.keep("so that their segment stays");
    for (std::string const& one : gone) REQUIRE(remove_and_wait(*at.queue, *transaction_id::parse(one)) == std::error_code{});
    // What is moved does not fit into the active segment, so it goes to another one.
    std::string filling;
    while (true) {
        auto const before = at.segments().size();
        filling = at.keep(std::string(1000, 'f'));
        if (at.segments().size() > before) break;
        REQUIRE(remove_and_wait(*at.queue, *transaction_id::parse(filling)) == std::error_code{});
    }
    for (int i = 0; i < 5; ++i) REQUIRE(remove_and_wait(*at.queue, *transaction_id::parse(at.keep(std::string(1000, 'f')))) == std::error_code{});
    at.clock->pass(500ms);
    spool_change delivered;
    delivered.outcomes.push_back({0, outcome_kind::delivered, "250 2.0.0 Ok", {}});
    REQUIRE(change_and_wait(*at.queue, *transaction_id::parse(last), delivered) == std::error_code{});
    std::string const oldest = at.segments().front();
    at.disk->fail_sync = failing;
    at.clock->pass(600ms);  // it is time to give back space, and not yet time to sync
    for (int i = 0; i < 300 && at.segments().front() == oldest && (failing == 0 || at.disk->fail_sync != 0); ++i) std::this_thread::sleep_for(10ms);
    if (failing == 0) CHECK(at.segments().front() != oldest);
    // The next group is synced in another file, which says nothing of the one that failed.
    (void)at.send("meanwhile");
    for (int i = 0; i < 10; ++i) {  // it looks after the house once a second of the machine's, whatever this clock says
        at.clock->pass(3s);
        std::this_thread::sleep_for(250ms);
    }

    at.lose_power();
    CHECK(at.has(stays));
    CHECK(at.has(beside));
    CHECK_FALSE(at.has(last));
}

}  // namespace test_spool
