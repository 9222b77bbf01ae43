#include <mailquay/handler/make_message_filter.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

namespace test_make_filter {
using namespace mailquay;
using namespace mailquay_test;

struct header_run {
    verdict on_headers(std::string_view) { return reject(); }
};
struct body_run {
    verdict on_chunk(std::span<char const>) { return reject(); }
    verdict on_end() { return defer(); }
};
struct edit_run {
    verdict on_end(message_edit&) { return defer(); }
};
template <class Run>
struct starts {
    Run begin(transaction const&) { return {}; }
};
static_assert(message_filter_like<starts<header_run>>);
static_assert(message_filter_like<starts<edit_run>>);
static_assert(!message_filter_like<int>);
static_assert(!message_filter_like<starts<int>>);

TEST_CASE("the needs of a filter are told by the members of its run", "[make]") {
    made_transaction t;
    message_edit edit{t.mail, ""};

    auto const headers = make_message_filter(starts<header_run>{});
    CHECK(headers->needs() == message_needs::headers);
    CHECK(std::move(headers->begin(t.mail)->on_headers("")).value().refuses());
    CHECK(std::move(headers->begin(t.mail)->on_end(edit)).value().passes());

    auto const body = make_message_filter(starts<body_run>{});
    CHECK(body->needs() == message_needs::body);
    CHECK(std::move(body->begin(t.mail)->on_chunk({})).value().refuses());
    CHECK(std::move(body->begin(t.mail)->on_end(edit)).value().refuses());

    auto const edits = make_message_filter(starts<edit_run>{});
    CHECK(edits->needs() == message_needs::edits);
    CHECK(std::move(edits->begin(t.mail)->on_end(edit)).value().refuses());
}

TEST_CASE("a callable filters at the end of the message", "[make]") {
    made_transaction t;
    message_edit edit{t.mail, "A: b\r\n\r\n"};
    auto const one = make_message_filter([](transaction const& mail, message_edit& message) {
        message.add_field("X-Id", mail.id());
        return accept();
    });
    CHECK(one->needs() == message_needs::edits);
    CHECK(std::move(one->begin(t.mail)->on_end(edit)).value().accepts());
    CHECK(edit.find("X-Id"));
    auto const other = make_message_filter([](message_edit& message) { return message.find("A") ? defer() : pass(); });
    CHECK(std::move(other->begin(t.mail)->on_end(edit)).value().refuses());
}

}  // namespace test_make_filter
