#include <mailquay/handler/collecting_sink.hpp>

#include "support/catch.hpp"
#include "support/inline_workers.hpp"
#include "support/made_transaction.hpp"

#include <memory>
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

TEST_CASE("messages under way hold no more memory than is allowed for all: 451 4.3.2 above it", "[collecting_sink]") {
    unsigned calls = 0;
    collecting_sink sink{[&](received_message) { ++calls; }, 100'000, 300'000};
    mailquay_test::made_transaction given;
    std::string const most(90'000, 'x');
    std::vector<std::unique_ptr<message_writer>> open;
    for (int i = 0; i < 3; ++i) {
        open.push_back(std::move(*waited(sink.open(given.mail))));
        CHECK(waited(open.back()->write(most)).accepts());
    }
    auto const held = sink.octets_held();
    CHECK(held >= 270'000);
    CHECK(held <= 300'000);

    auto refused = std::move(*waited(sink.open(given.mail)));
    verdict const said = waited(refused->write(most));
    CHECK(said.code() == 451);
    CHECK(said.enhanced() == "4.3.2");
    CHECK(waited(refused->write(std::string{"1"})).code() == 451);
    CHECK(sink.octets_held() == held);

    CHECK(waited(open.front()->finish(commit::each)).combined().accepts());
    open.erase(open.begin());
    CHECK(deliver(sink, given.mail, {most}).combined().accepts());
    open.clear();
    CHECK(sink.octets_held() == 0);
    CHECK(calls == 2);
}

TEST_CASE("what is announced counts from the start: no memory, no 354", "[collecting_sink]") {
    collecting_sink sink{[](received_message) {}, 10'000, 40'000};
    mailquay_test::made_transaction given;
    auto edit = given.edit();
    edit.parameters().size = 9'000;
    std::vector<std::unique_ptr<message_writer>> open;
    for (int i = 0; i < 4; ++i) open.push_back(std::move(*waited(sink.open(given.mail))));
    auto const fifth = waited(sink.open(given.mail));
    REQUIRE_FALSE(fifth);
    CHECK(fifth.error().code() == 451);
    open.clear();
    CHECK(waited(sink.open(given.mail)));
    CHECK(sink.octets_held() == 0);
}

TEST_CASE("one message of the largest size fits whatever is allowed for all", "[collecting_sink]") {
    collecting_sink sink{[](received_message) {}, 100'000, 1};
    mailquay_test::made_transaction given;
    CHECK(deliver(sink, given.mail, std::vector<std::string>(100, std::string(1'000, 'x'))).combined().accepts());
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
