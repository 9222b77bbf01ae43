#include <mailquay/handler/host_extension.hpp>

#include "support/catch.hpp"

#include <stdexcept>

namespace test_host_extension {

using namespace mailquay;

reply done(session_info const&, std::string_view argument) { return reply{250, "2.0.0", std::string(argument)}; }

TEST_CASE("a host's extension has keyword, value, parameters and verbs", "[handler][host_extension]") {
    auto const made = host_extension{"X-OWN", "one two"}.mail_parameter("SOLICIT").recipient_parameter("X-TO").verb("ETRN", done);

    CHECK(made.keyword() == "X-OWN");
    CHECK(made.announcement({}, {}) == "one two");
    CHECK_FALSE(made.opt_in());
    CHECK(made.kept_by(promises{}));
    REQUIRE(made.mail_keywords().size() == 1);
    CHECK(made.mail_keywords()[0] == "SOLICIT");
    REQUIRE(made.recipient_keywords().size() == 1);
    CHECK(made.recipient_keywords()[0] == "X-TO");
    REQUIRE(made.verbs().size() == 1);
    CHECK(made.verbs()[0] == "ETRN");
    command_handler const* const answers = made.handler_of("etrn");
    REQUIRE(answers != nullptr);
    CHECK((*answers)({}, "node").value().text == "node");
    CHECK(made.handler_of("ATRN") == nullptr);
}

TEST_CASE("names stay where the registry looks for them when it is moved", "[handler][host_extension]") {
    host_extension first{"X"};
    for (char const* name : {"A", "B", "C", "D", "E", "F", "G", "H"}) first.mail_parameter(name);
    std::string_view const before = first.mail_keywords()[0];
    host_extension const second{std::move(first)};
    CHECK(second.mail_keywords().size() == 8);
    CHECK(second.mail_keywords()[0].data() == before.data());
    CHECK(second.mail_keywords()[7] == "H");
}

TEST_CASE("values reach the transaction unless a check refuses them", "[handler][host_extension]") {
    auto const no_empty = [](parameter const& given) -> std::optional<reply> {
        if (given.has_value) return std::nullopt;
        return reply{501, "5.5.4", "A value is missing"};
    };
    auto const made = host_extension{"X"}.mail_parameter("ONE", no_empty).recipient_parameter("TWO", no_empty);
    transaction mail;
    recipient to;

    CHECK(made.mail_parameter({"ONE", {}, false}, transaction_editor{mail}, {})->code == 501);
    CHECK_FALSE(mail.parameter("ONE"));
    std::string const text = "one=a=b two";
    std::string_view const view = text;
    CHECK_FALSE(made.mail_parameter({view.substr(0, 3), view.substr(4, 3), true}, transaction_editor{mail}, {}));
    CHECK(mail.parameter("One") == "a=b");
    CHECK(made.recipient_parameter({"TWO", {}, false}, transaction_editor{mail}, to)->code == 501);
    CHECK_FALSE(to.parameter("TWO"));
    host_extension const any = host_extension{"Y"}.recipient_parameter("TWO");
    CHECK_FALSE(any.recipient_parameter({view.substr(8), {}, false}, transaction_editor{mail}, to));
    CHECK(to.parameter("TWO") == "");
}

TEST_CASE("a verb is legal between transactions unless it says otherwise", "[handler][host_extension]") {
    auto const made = host_extension{"X"}
                          .verb("X-A", done)
                          .verb("X-B", done, verb_rule::after_hello)
                          .verb("X-C", done, verb_rule::anywhere);
    auto const where = [&](std::string_view name) {
        std::string legal;
        for (auto const at : {session_state::start, session_state::ready, session_state::mail_given, session_state::recipients_given})
            legal += made.verb_allowed(name, at) ? 'y' : 'n';
        return legal;
    };
    CHECK(where("x-a") == "nynn");
    CHECK(where("X-B") == "nyyy");
    CHECK(where("X-C") == "yyyy");
    CHECK(where("X-D") == "nnnn");
}

TEST_CASE("what cannot be sent or is there already is refused when it is made", "[handler][host_extension]") {
    CHECK_THROWS_AS(host_extension{""}, std::invalid_argument);
    CHECK_THROWS_AS(host_extension{"X Y"}, std::invalid_argument);
    CHECK_THROWS_AS((host_extension{"X", "a\r\n250 Y"}), std::invalid_argument);
    CHECK_THROWS_AS((host_extension{"X", std::string(600, 'a')}), std::invalid_argument);
    host_extension made{"X"};
    made.mail_parameter("ONE").verb("X-A", done);
    CHECK_THROWS_AS(made.mail_parameter("one"), std::invalid_argument);
    CHECK_THROWS_AS(made.mail_parameter("a=b"), std::invalid_argument);
    CHECK_THROWS_AS(made.verb("x-a", done), std::invalid_argument);
    CHECK_THROWS_AS(made.verb("X-B", {}), std::invalid_argument);
    CHECK_THROWS_AS(made.verb("DATA", done), std::invalid_argument);
    CHECK_THROWS_AS(made.verb("vrfy", done), std::invalid_argument);
    for (char const* name : {"BDAT", "AUTH", "StartTLS", "XCLIENT", "XFORWARD"}) {
        INFO(name);
        CHECK_THROWS_AS(made.verb(name, done), std::invalid_argument);
    }
}

}  // namespace test_host_extension
