// Power fails after any call that changes the disk, and of what was not synced any page may be there or not.
#include <mailquay/sink/spool.hpp>

#include "support/catch.hpp"
#include "support/spool_place.hpp"

#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace test_spool_power_cut {

using namespace mailquay;
using namespace std::chrono_literals;
using mailquay_test::spool_place;

// What three clients and a runner know of their mail.
struct known {
    std::mutex mutex{};
    std::map<std::string, std::string> sent{};  // all that may be there, by id
    std::map<std::string, std::string> kept{};  // what must be: its 250 came before the cut
    std::set<std::string> deleted{};            // what must not be: so was the answer to its deletion
    unsigned refused = 0;
};

void send_one(spool_place& at, known& all, std::mt19937& chance) {
    mailquay_test::made_transaction given;
    given.to("b@example.org");
    std::size_t const octets = chance() % 8 == 0 ? 5'000 + chance() % 15'000 : chance() % 3'000;
    std::string const id{given.mail.id()};
    std::string content = "message " + id + "\r\n";
    while (content.size() < octets) content += static_cast<char>('a' + chance() % 26);
    {
        std::lock_guard const lock{all.mutex};
        all.sent[id] = content;
    }
    bool const taken = at.send(given, content).accepts();
    bool const before_the_cut = !at.disk->is_cut();
    std::lock_guard const lock{all.mutex};
    if (!taken) ++all.refused;
    else if (before_the_cut) all.kept[id] = content;
}

void delete_one(spool_place& at, known& all, std::mt19937& chance) {
    std::string id;
    {
        std::lock_guard const lock{all.mutex};
        if (all.kept.empty()) return;
        auto which = all.kept.begin();
        std::advance(which, static_cast<std::ptrdiff_t>(chance() % all.kept.size()));
        id = which->first;
        all.kept.erase(which);
    }
    bool const gone = remove_and_wait(*at.queue, *transaction_id::parse(id)) == std::error_code{};
    if (!gone || at.disk->is_cut()) return;
    std::lock_guard const lock{all.mutex};
    all.deleted.insert(id);
}

void hold_one(spool_place& at, known& all, std::mt19937& chance) {
    std::string id;
    {
        std::lock_guard const lock{all.mutex};
        if (all.kept.empty()) return;
        auto which = all.kept.begin();
        std::advance(which, static_cast<std::ptrdiff_t>(chance() % all.kept.size()));
        id = which->first;
    }
    spool_change change;
    change.hold = chance() % 2 == 0;
    change.give_back = false;
    (void)change_and_wait(*at.queue, *transaction_id::parse(id), change);  // another may have deleted it
}

void work(spool_place& at, known& all, unsigned seed) {
    std::mt19937 chance{seed};
    for (int i = 0; i < 25; ++i) {
        auto const what = chance() % 10;
        if (what < 6) send_one(at, all, chance);
        else if (what < 9) delete_one(at, all, chance);
        else hold_one(at, all, chance);
        at.clock->pass(100ms);
    }
}

void check(spool_place& at, known const& all) {
    for (auto const& [id, content] : all.kept) {
        INFO("acknowledged: " << id);
        CHECK(at.content_of(id) == content);
    }
    for (auto const& id : all.deleted) {
        INFO("deleted: " << id);
        CHECK_FALSE(at.has(id));
    }
    for (auto const& one : at.queue->list({}, 10'000)) {
        INFO("in the queue: " << one.id.view());
        CHECK(at.content_of(one.id.view()) == all.sent.at(std::string{one.id.view()}));
    }
}

// The cut comes anywhere in what the clients do, at the start, which makes the folders, or at none of it.
TEST_CASE("whatever a loss of power leaves of what was not synced, all that was acknowledged is there, whole", "[sink][spool][damage]") {
    char const* const more = std::getenv("MAILQUAY_POWER_CUTS");
    unsigned const cuts = more != nullptr ? static_cast<unsigned>(std::strtoul(more, nullptr, 10)) : 60;
    unsigned acknowledged = 0;
    unsigned cut = 0;
    for (unsigned seed = 1; seed <= cuts; ++seed) {
        INFO("seed " << seed);
        std::mt19937 chance{seed};
        known all;
        spool_place at;
        for (unsigned life = 0; life < 3; ++life) {
            at.disk->cut_power_after(static_cast<unsigned>(1 + chance() % 250), static_cast<unsigned>(chance()));
            at.start();
            std::vector<std::thread> clients;
            for (unsigned i = 0; i < 3; ++i) clients.emplace_back(work, std::ref(at), std::ref(all), static_cast<unsigned>(chance()));
            for (auto& one : clients) one.join();
            CHECK(all.refused == 0);
            at.stop();
            auto const found = at.disk->found_after_cut();
            if (!found) break;
            ++cut;
            at.settings.files = at.disk = found;
            at.start();
            check(at, all);
            at.restart();
            check(at, all);
            at.stop();
        }
        acknowledged += static_cast<unsigned>(all.kept.size() + all.deleted.size());
    }
    CHECK(acknowledged > cuts);
    CHECK(cut > cuts / 2);
    WARN(cut << " losses of power, " << acknowledged << " messages acknowledged or deleted before them");
}

}  // namespace test_spool_power_cut
