#include <mailquay/sink/discard.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

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
