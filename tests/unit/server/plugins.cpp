#include <mailquay/server/plugins.hpp>

#include <mailquay/protocol/replies.hpp>

#include "support/catch.hpp"
#include "support/inline_workers.hpp"
#include "support/made_transaction.hpp"
#include "support/server_plugins.hpp"

#include <functional>
#include <memory>

namespace test_plugins {

using namespace mailquay;
using namespace mailquay_test;

inline verdict yes(transaction const&, recipient const&) { return accept(); }
inline verdict no(transaction const&, recipient const&) { return reject(); }

struct counting_policy {
    int asked = 0;
    verdict on_mail(transaction const&) { return ++asked, pass(); }
};

struct edits_nothing {
    verdict operator()(message_edit&) const { return pass(); }
};

TEST_CASE("nothing is set before it is given", "[server][plugins]") {
    plugins const none;
    CHECK(none.all().recipients.empty());
    CHECK(none.all().policies.empty());
    CHECK(none.all().filters.empty());
    CHECK(none.all().observers.empty());
    CHECK(none.all().sink == nullptr);
    CHECK(none.all().authenticator == nullptr);
    CHECK(none.all().workers == nullptr);
}

TEST_CASE("a list is kept in the order given, and a further call replaces it", "[server][plugins]") {
    made_transaction given;
    given.to("bob@example.org");
    plugins made;
    made.recipients(no, yes);
    REQUIRE(made.all().recipients.size() == 2);
    CHECK(waited(made.all().recipients[0]->validate(given.mail, given.last())).refuses());
    CHECK(waited(made.all().recipients[1]->validate(given.mail, given.last())).accepts());
    made.recipients(yes);
    REQUIRE(made.all().recipients.size() == 1);
    CHECK(waited(made.all().recipients[0]->validate(given.mail, given.last())).accepts());
    made.recipients();
    CHECK(made.all().recipients.empty());
}

TEST_CASE("a value is moved in, a shared_ptr shared, std::ref borrowed", "[server][plugins]") {
    made_transaction given;
    counting_policy borrowed;
    auto const shared = std::make_shared<counting_policy>();
    counting_policy value;
    plugins made;
    made.policies(value, shared, std::ref(borrowed));
    REQUIRE(made.all().policies.size() == 3);
    for (auto const& one : made.all().policies) waited(one->on_mail(given.mail));
    CHECK(value.asked == 0);
    CHECK(shared->asked == 1);
    CHECK(borrowed.asked == 1);
    CHECK(shared.use_count() == 2);
}

TEST_CASE("calls chain, each sets its own and nothing else", "[server][plugins]") {
    auto const record = std::make_shared<sink_record>();
    auto const sink = std::make_shared<recording_sink>(record);
    auto const pool = std::make_shared<inline_workers>();
    int seen = 0;
    plugins made;
    made.recipients(yes).filters(edits_nothing{}).observers([&](observation const&) { ++seen; }).sink(sink).use_workers(pool);
    CHECK(made.all().recipients.size() == 1);
    CHECK(made.all().policies.empty());
    CHECK(made.all().filters.size() == 1);
    CHECK(made.all().observers.size() == 1);
    CHECK(made.all().sink == sink);
    CHECK(made.all().workers == pool);
    made_transaction given;
    made.all().observers[0]->on_event(observation{observation_kind::opened, given.client});
    CHECK(seen == 1);
}

TEST_CASE("extensions and who answers VRFY and EXPN are plug-ins too", "[server][plugins]") {
    auto const shared = std::make_shared<host_extension const>("Y");
    plugins made;
    made.extensions(host_extension{"X"}, shared)
        .verify([](session_info const&, std::string_view) { return reply{250, "2.1.5", "Known"}; })
        .expand([](session_info const&, std::string_view) { return replies::cannot_verify; }, asked_by::everybody);
    REQUIRE(made.all().extensions.size() == 2);
    CHECK(made.all().extensions[0]->keyword() == "X");
    CHECK(made.all().extensions[1] == shared);
    CHECK(made.all().verify_for == asked_by::users);
    CHECK(made.all().expand_for == asked_by::everybody);
    made_transaction given;
    CHECK(made.all().verify(given.client, "a").value().text == "Known");
    CHECK(made.all().expand(given.client, "a").value().code == 252);
    CHECK_THROWS_AS(made.extensions(std::shared_ptr<host_extension const>{}), std::invalid_argument);
}

TEST_CASE("a copy shares the plug-ins but is changed by itself", "[server][plugins]") {
    plugins one;
    one.recipients(yes);
    plugins two = one;
    CHECK(two.all().recipients == one.all().recipients);
    two.recipients();
    CHECK(one.all().recipients.size() == 1);
}

}  // namespace test_plugins
