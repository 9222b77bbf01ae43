#include <mailquay/sink/collect.hpp>

#include "support/catch.hpp"
#include "support/inline_workers.hpp"
#include "support/made_transaction.hpp"

#include <stdexcept>
#include <string>
#include <vector>

namespace test_collect {

using namespace mailquay;
using mailquay_test::waited;

delivery deliver(message_sink& sink, transaction const& mail, std::vector<std::string> const& chunks) {
    auto writer = std::move(*waited(sink.open(mail)));
    for (std::string const& chunk : chunks)
        if (verdict said = waited(writer->write(chunk)); said.refuses()) return said;
    return waited(writer->finish(commit::all_or_none));
}

asio::awaitable<verdict> later(received_message got) {
    co_return got.octets.empty() ? reject() : accept();
}
asio::awaitable<void> later_nothing(received_message) { co_return; }
asio::awaitable<delivery> later_each(received_message) {
    std::vector<verdict> both;
    both.push_back(accept());
    both.push_back(reject());
    co_return delivery{std::move(both)};
}

static_assert(message_function<void (*)(received_message)>);
static_assert(message_function<verdict (*)(received_message const&)>);
static_assert(message_function<decltype(&later)>);
static_assert(!message_function<int (*)(received_message)>);
static_assert(!message_function<void (*)(int)>);
static_assert(!message_function<int>);

}  // namespace test_collect

using test_collect::deliver;

TEST_CASE("a function gets envelope and octets, Received on top, and returning means accepted", "[sink][collect]") {
    mailquay::received_message got;
    mailquay::sinks::collect sink{[&](mailquay::received_message message) { got = std::move(message); }};
    mailquay_test::made_transaction given;
    given.to("alice@example.org", "a17").to("team@example.org", {}, {"b", "c"});
    given.client.set_user("user");

    auto const said = deliver(sink, given.mail, {"Subject: x\r\n", "\r\nbo", "dy\r\n"});

    CHECK(said.combined().accepts());
    CHECK(got.octets == std::string(given.mail.received_field()) + "Subject: x\r\n\r\nbody\r\n");
    CHECK(got.envelope.id == given.mail.id());
    CHECK(got.envelope.reverse_path == "sender@example.net");
    CHECK(got.envelope.user == "user");
    REQUIRE(got.envelope.recipients.size() == 2);
    CHECK(got.envelope.recipients[0].mailbox == "a17");
    CHECK(got.envelope.recipients[1].deliver_to == std::vector<std::string>{"b", "c"});
}

TEST_CASE("a function may answer with verdict, delivery, eventual or a coroutine", "[sink][collect]") {
    using namespace mailquay;
    mailquay_test::made_transaction given;
    given.to("a@example.org").to("b@example.org");
    auto const answer = [&](sinks::collect sink) { return deliver(sink, given.mail, {"x\r\n"}); };

    CHECK(answer(sinks::collect{[](received_message const&) { return reject(550, "5.7.1", "no"); }}).combined().code() == 550);
    CHECK(answer(sinks::to([](received_message) { return eventual<verdict>{defer()}; })).combined().kind() == verdict_kind::defer);
    CHECK(answer(sinks::to([](received_message m) { return eventual<verdict>{test_collect::later(std::move(m))}; })).combined().accepts());
    CHECK(answer(sinks::to(test_collect::later)).combined().accepts());
    CHECK(answer(sinks::to(test_collect::later_nothing)).combined().accepts());
    auto const each = answer(sinks::to(test_collect::later_each));
    REQUIRE(each.each().size() == 2);
    CHECK(each.each()[1].refuses());
    CHECK(answer(sinks::to([](received_message) { return delivery{reject()}; })).combined().refuses());
    CHECK(answer(sinks::to([](received_message) { return eventual<delivery>{delivery{accept()}}; })).combined().accepts());
    CHECK_THROWS_AS(answer(sinks::to([](received_message) { throw std::runtime_error("full"); })), std::runtime_error);
}

TEST_CASE("a message above the bound is answered 552 and its octets let go", "[sink][collect]") {
    unsigned calls = 0;
    mailquay::sinks::collect sink{[&](mailquay::received_message) { ++calls; }, 10};
    mailquay_test::made_transaction given;
    given.to("a@example.org");

    CHECK(deliver(sink, given.mail, {"12345", "67890"}).combined().accepts());
    auto const said = deliver(sink, given.mail, {"12345", "678901"}).combined();

    CHECK(said.code() == 552);
    CHECK(said.enhanced() == "5.3.4");
    CHECK(calls == 1);
    CHECK(sink.promised().max_size == 10u);
    CHECK_FALSE(sink.promised().binary);
    mailquay::promises more;
    more.binary = true;
    sink.promising(more);
    CHECK(sink.promised().binary);
    CHECK(sink.promised().max_size == 10u);
}

TEST_CASE("an abandoned message never reaches the function", "[sink][collect]") {
    unsigned calls = 0;
    mailquay::sinks::collect sink{[&](mailquay::received_message) { ++calls; }};
    mailquay_test::made_transaction given;
    given.to("a@example.org");
    {
        auto writer = std::move(*mailquay_test::waited(sink.open(given.mail)));
        CHECK(mailquay_test::waited(writer->write(std::string("x"))).accepts());
    }
    CHECK(calls == 0);
}
