#include <mailquay/sink/offloaded.hpp>

#include "support/catch.hpp"
#include "support/inline_workers.hpp"
#include "support/made_transaction.hpp"

#include <mailquay/server/worker_pool.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

namespace test_offloaded {

using namespace mailquay;
using mailquay_test::waited;

delivery deliver(message_sink& sink, std::string const& octets) {
    mailquay_test::made_transaction given;
    given.to("a@example.org");
    auto writer = std::move(*waited(sink.open(given.mail)));
    (void)waited(writer->write(octets));
    return waited(writer->finish(commit::all_or_none));
}

}  // namespace test_offloaded

TEST_CASE("an offloaded function runs on a worker with the whole message", "[sink][offloaded]") {
    std::thread::id ran_on;
    std::string octets;
    auto sink = mailquay::offloaded([&](mailquay::received_message got) {
        ran_on = std::this_thread::get_id();
        octets = got.octets;
    });
    sink.lend(std::make_shared<mailquay::worker_pool>());

    CHECK(test_offloaded::deliver(sink, "x\r\n").combined().accepts());

    CHECK(ran_on != std::thread::id{});
    CHECK(ran_on != std::this_thread::get_id());
    CHECK(octets.ends_with("\r\nx\r\n"));
}

TEST_CASE("what an offloaded function says or throws is the answer", "[sink][offloaded]") {
    using namespace mailquay;
    auto const pool = std::make_shared<mailquay_test::inline_workers>();
    auto refuses = offloaded([](received_message) { return reject(550, "5.7.1", "no"); });
    auto throws = offloaded([](received_message) { throw std::runtime_error("full"); });
    auto each = offloaded([](received_message) { return delivery{defer()}; }, 5);
    refuses.lend(pool);
    throws.lend(pool);
    each.lend(pool);

    CHECK(test_offloaded::deliver(refuses, "x").combined().code() == 550);
    CHECK_THROWS_AS(test_offloaded::deliver(throws, "x"), std::runtime_error);
    CHECK(test_offloaded::deliver(each, "x").combined().kind() == verdict_kind::defer);
    CHECK(each.promised().max_size == 5u);
}

TEST_CASE("busy workers are a temporary refusal, no workers a mistake of the host", "[sink][offloaded]") {
    auto const pool = std::make_shared<mailquay_test::inline_workers>();
    pool->busy = true;
    unsigned calls = 0;
    auto sink = mailquay::offloaded([&](mailquay::received_message) { ++calls; });
    CHECK_THROWS_AS(test_offloaded::deliver(sink, "x"), std::logic_error);

    sink.lend(pool);
    auto const said = test_offloaded::deliver(sink, "x").combined();

    CHECK(said.code() == 451);
    CHECK(said.enhanced() == "4.3.2");
    CHECK(calls == 0);
}
