#include <mailquay/sink/discard.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

#include <memory>
#include <string>
#include <thread>
#include <vector>

TEST_CASE("discard accepts and counts what is finished, and nothing else", "[sink][discard]") {
    mailquay::sinks::discard sink;
    mailquay_test::made_transaction given;
    given.to("a@example.org");

    for (int i = 0; i < 3; ++i) {
        auto writer = std::move(*sink.open(given.mail).value());
        CHECK(writer->write(std::string("12345")).value().accepts());
        CHECK(writer->write(std::string("67")).value().accepts());
        if (i == 2) break;
        CHECK(writer->finish(mailquay::commit::each).value().combined().accepts());
    }

    CHECK(sink.messages() == 2);
    CHECK(sink.octets() == 14);
}

TEST_CASE("discard promises all but what needs a queue", "[sink][discard]") {
    auto const kept = mailquay::sinks::discard{}.promised();
    CHECK((kept.binary && kept.requiretls && kept.per_recipient && kept.deliver_by && kept.priority && kept.eight_bit && kept.utf8));
    CHECK_FALSE(kept.dsn);
    CHECK_FALSE(kept.hold);
    CHECK_FALSE(kept.max_size.has_value());
}

TEST_CASE("discard's writers may go on another thread, and after the one that made them", "[sink][discard]") {
    mailquay::sinks::discard sink;
    mailquay_test::made_transaction given;
    std::vector<std::unique_ptr<mailquay::message_writer>> left;
    for (int round = 0; round < 3; ++round) {
        std::thread([&] {
            left.clear();  // those of a thread that is over
            for (int i = 0; i < 3; ++i) left.push_back(std::move(*sink.open(given.mail).value()));
            left.pop_back();
            left.push_back(std::move(*sink.open(given.mail).value()));
        }).join();
        CHECK(left.back()->write(std::string("x")).value().accepts());
    }
    std::thread([&] {
        // The first goes when what is kept has gone, the last before there is anything.
        thread_local std::unique_ptr<mailquay::message_writer> first;
        first = std::move(*sink.open(given.mail).value());
        std::move(*sink.open(given.mail).value()).reset();
        thread_local std::unique_ptr<mailquay::message_writer> last;
        last = std::move(*sink.open(given.mail).value());
    }).join();
    std::thread([&] {
        thread_local std::unique_ptr<mailquay::message_writer> only;
        only = std::move(*sink.open(given.mail).value());
    }).join();
    left.clear();
    CHECK(sink.messages() == 0);
}

TEST_CASE("discard counts from all threads", "[sink][discard]") {
    mailquay::sinks::discard sink;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&sink] {
            mailquay_test::made_transaction given;
            for (int n = 0; n < 1000; ++n) {
                auto writer = std::move(*sink.open(given.mail).value());
                (void)writer->write(std::string("x"));
                (void)writer->finish(mailquay::commit::all_or_none);
            }
        });
    for (auto& one : threads) one.join();
    CHECK(sink.messages() == 4000);
    CHECK(sink.octets() == 4000);
}
