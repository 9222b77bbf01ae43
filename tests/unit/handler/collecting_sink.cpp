#include <mailquay/handler/collecting_sink.hpp>

#include "support/catch.hpp"
#include "support/inline_workers.hpp"
#include "support/made_transaction.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace test_collecting_sink {

using namespace mailquay;
using mailquay_test::waited;

inline delivery deliver(message_sink& sink, transaction const& mail, std::vector<std::string> const& chunks) {
    auto writer = std::move(*waited(sink.open(mail)));
    for (std::string const& chunk : chunks)
        if (verdict said = waited(writer->write(chunk)); said.refuses()) return said;
    return waited(writer->finish(commit::all_or_none));
}

TEST_CASE("a message is handed over whole, once, at its end, with our Received field on top", "[collecting_sink]") {
    std::vector<received_message> got;
    collecting_sink sink{[&](received_message message) { got.push_back(std::move(message)); }};
    mailquay_test::made_transaction given;
    given.to("bob@example.org");
    auto writer = std::move(*waited(sink.open(given.mail)));
    {
        std::string const gone = "Subject: x\r\n\r\n";  // the octets need not stay after the answer
        CHECK(waited(writer->write(gone)).accepts());
    }
    CHECK(waited(writer->write(std::string{"body\r\n"})).accepts());
    CHECK(got.empty());

    CHECK(waited(writer->finish(commit::each)).combined().accepts());

    REQUIRE(got.size() == 1);
    CHECK(got[0].octets == std::string{given.mail.received_field()} + "Subject: x\r\n\r\nbody\r\n");
    CHECK(got[0].envelope.reverse_path == given.mail.reverse_path().wire);
    REQUIRE(got[0].envelope.recipients.size() == 1);
}

TEST_CASE("messages under way at the same time do not mix", "[collecting_sink]") {
    std::vector<std::string> got;
    collecting_sink sink{[&](received_message message) { got.push_back(std::move(message.octets)); }};
    mailquay_test::made_transaction given;
    given.received("").to("bob@example.org");
    auto one = std::move(*waited(sink.open(given.mail)));
    auto two = std::move(*waited(sink.open(given.mail)));
    waited(one->write(std::string{"1"}));
    waited(two->write(std::string{"2"}));
    waited(one->write(std::string{"1"}));
    waited(two->finish(commit::each));
    waited(one->finish(commit::each));
    CHECK(got == std::vector<std::string>{"2", "11"});
}

TEST_CASE("the bound does not count our Received field; one octet above it is 552 5.3.4", "[collecting_sink]") {
    unsigned calls = 0;
    collecting_sink sink{[&](received_message) { ++calls; }, 4};
    mailquay_test::made_transaction given;
    REQUIRE(given.mail.received_field().size() > 4);
    CHECK(deliver(sink, given.mail, {"1234"}).combined().accepts());
    CHECK(deliver(sink, given.mail, {}).combined().accepts());
    auto const refused = deliver(sink, given.mail, {"12345"}).combined();
    CHECK(refused.code() == 552);
    CHECK(refused.enhanced() == "5.3.4");
    CHECK(deliver(sink, given.mail, {"1", "2", "3", "4", "5"}).combined().code() == 552);
    CHECK(calls == 2);
}

TEST_CASE("octets after the refusal are refused too", "[collecting_sink]") {
    collecting_sink sink{[](received_message) {}, 4};
    mailquay_test::made_transaction given;
    auto writer = std::move(*waited(sink.open(given.mail)));
    CHECK(waited(writer->write(std::string{"12345"})).refuses());
    CHECK(waited(writer->write(std::string{"1"})).refuses());
}

TEST_CASE("a client that announces more than it sends costs no memory in advance", "[collecting_sink]") {
    std::size_t reserved = 0;
    collecting_sink sink{[&](received_message const& got) { reserved = got.octets.capacity(); }};
    mailquay_test::made_transaction given;
    given.edit().parameters().size = collecting_sink::default_max_octets;
    CHECK(deliver(sink, given.mail, {"x"}).combined().accepts());
    CHECK(reserved < 2 * 1024 * 1024);
}

TEST_CASE("its promises are the usual ones and its bound; others may be made, the bound stays unless it is named", "[collecting_sink]") {
    collecting_sink sink{[](received_message) {}};
    CHECK(sink.promised().max_size == collecting_sink::default_max_octets);
    CHECK(sink.promised().binary == promises{}.binary);
    promises more;
    more.binary = true;
    CHECK(sink.promising(more).promised().binary);
    CHECK(sink.promised().max_size == collecting_sink::default_max_octets);
    more.max_size = 17;
    collecting_sink other = collecting_sink{[](received_message) {}}.promising(more);
    CHECK(other.promised().max_size == 17u);
}

}  // namespace test_collecting_sink
