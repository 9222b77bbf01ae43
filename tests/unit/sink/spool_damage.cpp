// What damage costs: beside spool.cpp, which has damaged octets in small messages.
#include <mailquay/sink/spool.hpp>

#include "support/catch.hpp"
#include "support/spool_place.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <thread>

namespace test_spool_damage {

using namespace mailquay;
using namespace std::chrono_literals;
using mailquay_test::spool_place;

std::string large_content() {
    std::string content = "Subject: large\r\n\r\n";
    while (content.size() < 50'000) content += "line of a large message\r\n";
    return content;
}

// Where the record of a message begins.
std::uint64_t record_of(spool_place& at, std::string const& segment, std::string const& id) { return at.disk->content(segment).find(id) - 24; }

// The oldest file becomes empty, and goes.
void reclaim(spool_place& at) {
    for (int i = 0; i < 300; ++i) {
        std::string const id = at.keep(std::string(1000, 'q'));
        REQUIRE(remove_and_wait(*at.queue, *transaction_id::parse(id)) == std::error_code{});
        if (i % 20 == 0) at.clock->pass(2s);
    }
    for (int i = 0; i < 20; ++i) {
        at.clock->pass(2s);
        (void)at.keep("tick");
        std::this_thread::sleep_for(5ms);
    }
}

TEST_CASE("a damaged record does not cost the content of a large message", "[sink][spool][damage]") {
    // In the fields, in the checked part of the header, and in the id itself.
    auto const where = GENERATE(60, 13, 27);
    spool_place at;
    at.start();
    std::string const content = large_content();
    std::string const id = at.keep(content);
    std::string const other = at.keep("another");
    at.stop();
    std::string const segment = at.segments().front();
    at.disk->damage(segment, record_of(at, segment, id) + static_cast<unsigned>(where));

    at.start();

    CHECK_FALSE(at.has(id));
    CHECK(at.content_of(other) == "another");
    CHECK(at.files_in("large/").empty());
    REQUIRE(at.files_in("damaged/large-").size() == 1);
    CHECK(at.disk->content(at.path("damaged/large-" + id)) == content);
    auto const damaged = at.queue->damaged();
    CHECK(std::count_if(damaged.begin(), damaged.end(), [&](spool_damage const& one) { return one.id == id; }) >= 1);
    at.restart();
    CHECK(at.disk->content(at.path("damaged/large-" + id)) == content);
}

TEST_CASE("a record that is damaged while the spool runs does not cost the content of a large message either", "[sink][spool][damage]") {
    spool_place at;
    at.start();
    std::string const content = large_content();
    std::string const id = at.keep(content);
    std::string const segment = at.segments().front();
    at.disk->damage(segment, record_of(at, segment, id) + 60);

    reclaim(at);

    CHECK_FALSE(at.has(id));
    REQUIRE(at.files_in("damaged/large-").size() == 1);
    CHECK(at.disk->content(at.path("damaged/large-" + id)) == content);
}

TEST_CASE("a large message whose file is gone leaves its record", "[sink][spool][damage]") {
    spool_place at;
    at.start();
    std::string const id = at.keep(large_content());
    at.stop();
    REQUIRE(at.disk->remove(at.path("large/" + id)));

    at.start();

    CHECK_FALSE(at.has(id));
    auto const damaged = at.queue->damaged();
    REQUIRE(damaged.size() == 1);
    CHECK(at.disk->content(at.path(damaged[0].file)).find("sender@example.net") != std::string::npos);
}

TEST_CASE("damage that a claim finds is copied with its octets, and stays when the space is reclaimed", "[sink][spool][damage]") {
    spool_place at;
    at.start();
    std::string const id = at.keep("Subject: salvage me\r\n\r\n" + std::string(500, 's'));
    std::string const segment = at.segments().front();
    at.disk->damage(segment, at.disk->content(segment).find("salvage me"));

    CHECK_FALSE(at.queue->claim());

    auto const damaged = at.queue->damaged();
    REQUIRE(damaged.size() == 1);
    CHECK(damaged[0].id == id);
    std::string const copy = at.path(damaged[0].file);
    CHECK(at.disk->content(copy).find(std::string(500, 's')) != std::string::npos);
    reclaim(at);
    CHECK(at.segments().front() != segment);
    CHECK(at.disk->content(copy).find(std::string(500, 's')) != std::string::npos);
}

TEST_CASE("an empty copy of damaged octets is replaced", "[sink][spool][damage]") {
    spool_place at;
    at.start();
    (void)at.keep("first " + std::string(500, 's'));
    (void)at.keep("second");
    at.stop();
    std::string const segment = at.segments().front();
    at.disk->damage(segment, at.disk->content(segment).find("first"));
    at.start();
    REQUIRE(at.queue->damaged().size() == 1);
    std::string const copy = at.path(at.queue->damaged()[0].file);
    at.stop();
    REQUIRE(at.disk->remove(copy));
    REQUIRE(at.disk->create(copy));

    at.start();

    CHECK(at.disk->content(copy).find(std::string(500, 's')) != std::string::npos);
}

TEST_CASE("a page that cannot be read costs the messages in it, and the spool starts", "[sink][spool][damage]") {
    auto const page = GENERATE(0u, 1u, 2u, 3u);
    spool_place at;
    at.start();
    std::map<std::string, std::string> kept;
    for (int i = 0; i < 24; ++i) {
        std::string const content = "content " + std::to_string(i) + std::string(400, 'c');
        kept[at.keep(content)] = content;
    }
    at.stop();
    std::string const segment = at.segments().front();
    std::string const octets = at.disk->content(segment);
    std::size_t touched = 0;
    for (auto const& [id, content] : kept) {
        auto const found = octets.find(id);
        if (found == octets.npos) continue;
        auto const from = found - 24, to = octets.find(content, found) + content.size();
        if (from / 4096 <= page && (to - 1) / 4096 >= page) ++touched;
    }
    at.disk->lose_page(segment, page * 4096);

    at.start();

    CHECK(at.queue->size() == kept.size() - touched);
    for (auto const& [id, content] : kept)
        if (at.has(id)) CHECK(at.content_of(id) == content);
    auto const damaged = at.queue->damaged();
    CHECK_FALSE(damaged.empty());
    for (spool_damage const& one : damaged) CHECK_FALSE(one.unfinished);
}

TEST_CASE("a journal of which nothing can be read stops the start", "[sink][spool][damage]") {
    spool_place at;
    at.start();
    (void)at.keep("one");
    at.stop();
    for (std::uint64_t page = 0; page * 4096 < at.settings.segment_octets; ++page) at.disk->lose_page(at.segments().front(), page * 4096);

    CHECK_THROWS_WITH(at.start(), Catch::Contains("see whether the disk is well"));
}

TEST_CASE("the last group, damaged, is copied like all damage, though it may never have been finished", "[sink][spool][damage]") {
    spool_place at;
    at.start();
    std::string const early = at.keep("early");
    std::string const content = large_content();
    std::string const id = at.keep(content);
    at.stop();
    std::string const segment = at.segments().front();
    std::string const octets = at.disk->content(segment);
    // The record of the message and the mark behind it: each loses an octet of its salt.
    std::string const salt = octets.substr(0, 8);
    for (auto at_record = record_of(at, segment, id); at_record != std::string::npos; at_record = octets.find(salt, at_record + 1))
        at.disk->damage(segment, at_record);

    at.start();

    CHECK(at.content_of(early) == "early");
    CHECK_FALSE(at.has(id));
    auto const damaged = at.queue->damaged();
    REQUIRE(damaged.size() == 2);
    for (spool_damage const& one : damaged) CHECK(one.unfinished);
    CHECK(at.disk->content(at.path("damaged/unfinished-" + id)) == content);
    CHECK(at.disk->content(at.path(damaged[0].file)).find("sender@example.net") != std::string::npos);
}

}  // namespace test_spool_damage
