#include <mailquay/handler/make_policy.hpp>

#include "support/catch.hpp"
#include "support/made_transaction.hpp"

namespace test_make_policy {
using namespace mailquay;
using namespace mailquay_test;

struct some {
    verdict on_mail(transaction const&) { return defer(); }
    verdict on_headers(transaction const&, std::string_view) { return reject(); }
};
struct with_own {
    policy_stage stages() const { return policy_stage::hello; }
    verdict on_hello(session_info const&, std::string_view) { return reject(); }
    verdict on_mail(transaction const&) { return reject(); }
};
struct everything {
    verdict on_connect(session_info const&) { return defer(); }
    verdict on_early_talk(session_info const&) { return defer(); }
    verdict on_hello(session_info const&, std::string_view) { return defer(); }
    verdict on_mail(transaction const&) { return defer(); }
    verdict on_recipient(transaction const&, recipient const&) { return defer(); }
    verdict on_recipient_accepted(transaction const&, recipient const&) { return defer(); }
    verdict on_data(transaction const&) { return defer(); }
    verdict on_headers(transaction const&, std::string_view) { return defer(); }
    void on_close(session_info const&) {}
};
static_assert(policy_like<some>);
static_assert(policy_like<std::reference_wrapper<some>>);
static_assert(!policy_like<int>);
struct unrelated {};
static_assert(!policy_like<unrelated>);

TEST_CASE("the stages of a plain class are those whose members it has", "[make]") {
    auto const made = make_policy(some{});
    CHECK(made->stages() == (policy_stage::mail | policy_stage::headers));
    CHECK(made->needs() == message_needs::headers);
    made_transaction t;
    CHECK(std::move(made->on_mail(t.mail)).value().refuses());
    CHECK(std::move(made->on_data(t.mail)).value().passes());
    CHECK(make_policy(with_own{})->stages() == policy_stage::hello);
}

TEST_CASE("every stage reaches the member of its name", "[make]") {
    auto const made = make_policy(everything{});
    CHECK(made->stages() == policy_stage::all);
    made_transaction t;
    t.to("a@example.org");
    CHECK(std::move(made->on_connect(t.client)).value().refuses());
    CHECK(std::move(made->on_early_talk(t.client)).value().refuses());
    CHECK(std::move(made->on_hello(t.client, "")).value().refuses());
    CHECK(std::move(made->on_mail(t.mail)).value().refuses());
    CHECK(std::move(made->on_recipient(t.mail, t.last())).value().refuses());
    CHECK(std::move(made->on_recipient_accepted(t.mail, t.last())).value().refuses());
    CHECK(std::move(made->on_data(t.mail)).value().refuses());
    CHECK(std::move(made->on_headers(t.mail, "")).value().refuses());
}

TEST_CASE("a callable is a policy on recipients, or on connections", "[make]") {
    made_transaction t;
    t.to("a@example.org");
    auto const at_rcpt = make_policy([](transaction const&, recipient const&) { return defer(); });
    CHECK(at_rcpt->stages() == policy_stage::recipient);
    CHECK(std::move(at_rcpt->on_recipient(t.mail, t.last())).value().refuses());
    auto const at_connect = make_policy([](session_info const&) { return defer(); });
    CHECK(at_connect->stages() == policy_stage::connect);
    CHECK(std::move(at_connect->on_connect(t.client)).value().refuses());
}

TEST_CASE("a policy object is shared as it is", "[make]") {
    struct mine final : policy {};
    auto const shared = std::make_shared<mine>();
    CHECK(make_policy(shared) == shared);
}

}  // namespace test_make_policy
