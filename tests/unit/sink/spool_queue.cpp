#include <mailquay/sink/spool_queue.hpp>

#include "support/catch.hpp"
#include "support/spool_place.hpp"

#include <cerrno>
#include <string>

namespace test_spool_queue {

using namespace mailquay;
using namespace std::chrono_literals;
using mailquay_test::spool_place;

transaction_id id_of(std::string const& text) { return *transaction_id::parse(text); }
std::error_code const fine{};

TEST_CASE("a message is claimed once, and again when its wait is over", "[sink][spool][queue]") {
    spool_place at;
    at.start();
    auto const id = at.keep("content");
    auto first = at.queue->claim();
    REQUIRE(first);
    CHECK(first->id == id_of(id));
    CHECK_FALSE(at.queue->claim());

    spool_change later;
    later.outcomes.push_back({0, outcome_kind::deferred, "450 4.2.1 busy"});
    later.attempted = true;
    later.retry_after = 5min;
    CHECK(change_and_wait(*at.queue, id_of(id), later) == fine);
    CHECK_FALSE(at.queue->claim());
    CHECK(at.queue->due_in() == 5min);

    at.clock->pass(5min);
    auto again = at.queue->claim();
    REQUIRE(again);
    CHECK(again->stored.state.attempts == 1);
    CHECK(again->stored.state.outcome_of(0)->reply == "450 4.2.1 busy");
}

TEST_CASE("a claim ends with the process, an outcome does not", "[sink][spool][queue]") {
    spool_place at;
    at.start();
    mailquay_test::made_transaction given;
    given.to("b@example.org").to("c@example.org");
    {
        auto opened = mailquay_test::waited(at.sink->open(given.mail));
        REQUIRE(opened);
        CHECK(mailquay_test::waited((*opened)->write(std::string_view{"x"})).accepts());
        CHECK(mailquay_test::waited((*opened)->finish(commit::all_or_none)).combined().accepts());
    }
    REQUIRE(at.queue->claim());
    spool_change one;
    one.outcomes.push_back({0, outcome_kind::delivered, "250 OK"});
    one.give_back = false;
    CHECK(change_and_wait(*at.queue, id_of(std::string(given.mail.id())), one) == fine);

    at.restart();
    auto again = at.queue->claim();
    REQUIRE(again);
    REQUIRE(again->stored.state.outcome_of(0) != nullptr);
    CHECK(again->stored.state.outcome_of(0)->kind == outcome_kind::delivered);
    CHECK(again->stored.state.outcome_of(1) == nullptr);

    spool_change other;
    other.outcomes.push_back({1, outcome_kind::relayed, "250 OK"});
    CHECK(change_and_wait(*at.queue, again->id, other) == fine);
    CHECK(at.queue->size() == 0);
    at.restart();
    CHECK(at.queue->size() == 0);
}

TEST_CASE("a notice that was ordered with a failure is asked for until it is in the queue", "[sink][spool][queue]") {
    spool_place at;
    at.start();
    auto const id = at.keep("content");
    REQUIRE(at.queue->claim());
    auto const notice = *transaction_id::parse("ZZZZZZZZZZZ0");
    spool_change failed;
    failed.outcomes.push_back({0, outcome_kind::failed, "550 5.1.1 no"});
    failed.dsn_ordered = notice;
    CHECK(change_and_wait(*at.queue, id_of(id), failed) == fine);
    CHECK(at.has(id));

    at.restart();
    REQUIRE(at.queue->ordered_notices().size() == 1);
    CHECK(at.queue->ordered_notices()[0].notice == notice);
    CHECK(at.queue->ordered_notices()[0].about == id_of(id));

    new_queued_message dsn;
    dsn.envelope.id = notice.view();
    dsn.envelope.recipients.push_back({"sender@example.net", {}, {}});
    dsn.octets = "Subject: failed\r\n\r\n";
    CHECK(add_and_wait(*at.queue, dsn) == fine);
    CHECK_FALSE(at.has(id));
    CHECK(at.content_of("ZZZZZZZZZZZ0") == dsn.octets);
    CHECK(at.queue->ordered_notices().empty());
    at.restart();
    CHECK(at.queue->ordered_notices().empty());
    CHECK(at.queue->size() == 1);
}

TEST_CASE("a held message is not due until it is released", "[sink][spool][queue]") {
    spool_place at;
    at.start();
    auto const id = at.keep("content");
    spool_change hold;
    hold.hold = true;
    CHECK(change_and_wait(*at.queue, id_of(id), hold) == fine);
    at.restart();
    CHECK_FALSE(at.queue->claim());
    CHECK(at.queue->find(id_of(id))->held);
    CHECK_FALSE(at.queue->flush(id_of(id)));

    spool_change release;
    release.hold = false;
    release.new_lifetime = true;
    at.clock->pass(1h);
    CHECK(change_and_wait(*at.queue, id_of(id), release) == fine);
    CHECK(at.queue->find(id_of(id))->released - at.queue->find(id_of(id))->accepted == 1h);
    CHECK(at.queue->claim());
}

std::string sent_to_be_released(spool_place& at, std::chrono::seconds later, std::string_view content = "later") {
    mailquay_test::made_transaction given;
    given.to("b@example.org");
    auto const now = std::chrono::floor<std::chrono::seconds>(at.clock->wall());
    given.edit().requests().hold = hold_request{now + later, later};
    std::string id;
    if (!at.send(given, content, &id).accepts()) throw std::runtime_error("not accepted");
    return id;
}

TEST_CASE("a message to be released later is due then, and its lifetime begins there", "[sink][spool][queue][hold]") {
    spool_place at;
    at.start();
    auto const accepted = at.clock->wall();
    // One in the journal, and one in a file of its own.
    std::string const small = sent_to_be_released(at, 1h);
    std::string const large = sent_to_be_released(at, 1h, std::string(50'000, 'x'));

    CHECK_FALSE(at.queue->claim());
    at.clock->pass(59min);
    CHECK_FALSE(at.queue->claim());
    at.restart();
    CHECK_FALSE(at.queue->claim());
    CHECK(at.queue->due_in() == std::chrono::milliseconds{1min});
    for (std::string const& id : {small, large}) {
        auto const seen = at.queue->find(*transaction_id::parse(id));
        REQUIRE(seen);
        CHECK(seen->accepted == accepted);
        CHECK(seen->released == accepted + 1h);
    }

    at.clock->pass(1min);
    auto const first = at.queue->claim();
    REQUIRE(first);
    CHECK(first->stored.envelope.requests.hold->interval == 3600s);
    CHECK(first->stored.state.released_ms == first->stored.state.accepted_ms + 3'600'000);
    CHECK(at.queue->claim());
}

TEST_CASE("a clock that goes back does not hold a message for longer than it was to be held", "[sink][spool][queue][hold][clock]") {
    spool_place at;
    at.start();
    (void)sent_to_be_released(at, 1h);

    at.clock->wall_ms -= 24 * 3'600'000;
    at.restart();
    CHECK(at.queue->due_in() == std::chrono::milliseconds{1h});
    at.clock->pass(1h);
    CHECK(at.queue->claim());
}

TEST_CASE("an operator's hold that ends does not release what its sender wants held", "[sink][spool][queue][hold]") {
    spool_place at;
    at.start();
    auto const id = *transaction_id::parse(sent_to_be_released(at, 1h));
    auto const release = at.queue->find(id)->released;
    spool_change hold, end;
    hold.hold = true;
    end.hold = false;
    end.new_lifetime = true;

    REQUIRE_FALSE(change_and_wait(*at.queue, id, hold));
    REQUIRE_FALSE(change_and_wait(*at.queue, id, end));
    CHECK_FALSE(at.queue->claim());
    CHECK(at.queue->find(id)->released == release);

    // Put in the queue anew it is due now.
    end.retry_after = 0ms;
    REQUIRE_FALSE(change_and_wait(*at.queue, id, end));
    CHECK(at.queue->find(id)->released == at.clock->wall());
    CHECK(at.queue->claim());
}

TEST_CASE("flush makes a waiting message due now", "[sink][spool][queue]") {
    spool_place at;
    at.start();
    auto const id = at.keep("content");
    REQUIRE(at.queue->claim());
    spool_change later;
    later.retry_after = 1h;
    CHECK(change_and_wait(*at.queue, id_of(id), later) == fine);
    int woken = 0;
    at.queue->on_due([&] { ++woken; });

    CHECK(at.queue->flush(id_of(id)));

    CHECK(woken == 1);
    CHECK(at.queue->claim());
}

TEST_CASE("a clock that goes back never lengthens a wait", "[sink][spool][queue][clock]") {
    spool_place at;
    at.start();
    auto const id = at.keep("content");
    REQUIRE(at.queue->claim());
    spool_change later;
    later.retry_after = 10min;
    CHECK(change_and_wait(*at.queue, id_of(id), later) == fine);

    at.clock->wall_ms -= std::chrono::milliseconds{48h}.count();
    CHECK(at.queue->due_in() == 10min);
    at.restart();
    CHECK(at.queue->due_in() <= 10min);
    at.clock->pass(10min);
    CHECK(at.queue->claim());
}

TEST_CASE("a clock that jumps forward expires nothing for a day, or until it is said to be right", "[sink][spool][queue][clock]") {
    spool_place at;
    at.start();
    (void)at.keep("content");
    CHECK(at.queue->may_expire());
    at.clock->pass(2s);

    bool const while_it_runs = GENERATE(true, false);
    bool const is_told = GENERATE(true, false);
    if (!while_it_runs) at.stop();
    at.clock->wall_ms += std::chrono::milliseconds{3h}.count();
    if (!while_it_runs) at.start();
    at.clock->pass(2s);
    for (int i = 0; i < 200 && at.queue->may_expire(); ++i) (void)at.keep("next"), std::this_thread::sleep_for(5ms);
    CHECK_FALSE(at.queue->may_expire());

    // A restart does not make it forget.
    at.restart();
    CHECK_FALSE(at.queue->may_expire());
    if (is_told)
        at.queue->clock_ok();
    else
        at.clock->pass(24h);
    CHECK(at.queue->may_expire());
    if (!is_told) return;
    at.restart();
    CHECK(at.queue->may_expire());
}

TEST_CASE("the queue is listed in order of acceptance, in pieces", "[sink][spool][queue]") {
    spool_place at;
    at.start();
    std::vector<std::string> ids;
    for (int i = 0; i < 10; ++i) ids.push_back(at.keep("content"));
    std::sort(ids.begin(), ids.end());

    auto const first = at.queue->list({}, 4);
    REQUIRE(first.size() == 4);
    auto const rest = at.queue->list(first.back().id, 100);
    REQUIRE(rest.size() == 6);
    CHECK(first[0].id.view() == ids[0]);
    CHECK(rest.back().id.view() == ids[9]);
    CHECK(rest.back().octets == 7);
}

TEST_CASE("what is done to a message that is not there is told", "[sink][spool][queue]") {
    spool_place at;
    at.start();

    CHECK(change_and_wait(*at.queue, id_of("ZZZZZZZZZZZ0"), {}).value() == ENOENT);
    CHECK(remove_and_wait(*at.queue, id_of("ZZZZZZZZZZZ0")).value() == ENOENT);
    CHECK_FALSE(at.queue->flush(id_of("ZZZZZZZZZZZ0")));
    CHECK_FALSE(at.queue->look_at(id_of("ZZZZZZZZZZZ0")));
}

TEST_CASE("content of a claimed message is read in pieces, also after it was deleted", "[sink][spool][queue]") {
    spool_place at;
    at.start();
    std::string const text(3000, 'k');
    auto const id = at.keep(text);
    auto const mine = at.queue->claim();
    REQUIRE(mine);
    CHECK(remove_and_wait(*at.queue, id_of(id)) == fine);

    std::string seen;
    char piece[700];
    for (;;) {
        auto const got = mine->read(seen.size(), piece);
        REQUIRE(got);
        if (*got == 0) break;
        seen.append(piece, *got);
    }
    CHECK(seen == text);
}

TEST_CASE("a message that cannot be read now is claimed later", "[sink][spool][queue]") {
    spool_place at;
    at.start();
    std::string const small = at.keep("small");
    std::string const large = at.keep(std::string(50'000, 'x'));
    at.disk->open_error = EMFILE;
    auto const first = at.queue->claim();
    REQUIRE(first);
    CHECK(first->id.view() == small);
    CHECK_FALSE(at.queue->claim());
    CHECK(at.queue->look_at(id_of(large)).error().value() == EMFILE);
    CHECK(at.has(large));

    at.disk->open_error = 0;
    CHECK_FALSE(at.queue->claim());
    at.clock->pass(61s);
    auto const again = at.queue->claim();
    REQUIRE(again);
    CHECK(again->id.view() == large);
}

}  // namespace test_spool_queue
