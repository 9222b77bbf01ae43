#include <mailquay/session/transitions.hpp>

#include "support/catch.hpp"

#include <string>

namespace test_transitions {

using namespace mailquay;

constexpr session_state states[] = {session_state::start, session_state::ready, session_state::mail_given,
                                    session_state::recipients_given, session_state::chunks_given, session_state::chunks_failed};

TEST_CASE("the order of commands is RFC 5321's", "[transitions]") {
    for (session_state const from : states) {
        for (verb const v : {verb::ehlo, verb::helo, verb::lhlo, verb::rset, verb::noop, verb::quit, verb::help, verb::vrfy, verb::expn})
            CHECK(legal(from, v));
        CHECK(legal(from, verb::mail) == (from == session_state::ready || from == session_state::chunks_failed));
        CHECK(legal(from, verb::bdat) == (from >= session_state::recipients_given));
        bool const in_transaction = from == session_state::mail_given || from == session_state::recipients_given;
        CHECK(legal(from, verb::rcpt) == in_transaction);
        CHECK(legal(from, verb::data) == in_transaction);
        CHECK_FALSE(legal(from, verb::unknown));
        CHECK_FALSE(legal(from, verb::turn));
    }
}

TEST_CASE("what is asked says what the table says", "[transitions]") {
    for (session_state const from : states)
        for (unsigned number = 0; number < verb_count; ++number) {
            auto const v = static_cast<verb>(number);
            bool listed = legal_anywhere(v);
            for (transition const& row : transitions) listed = listed || (row.from == from && row.verb == v);
            CHECK(legal(from, v) == listed);
        }
}

TEST_CASE("AUTH is legal between transactions, behind EHLO (RFC 4954 4)", "[transitions]") {
    for (session_state const from : states) CHECK(legal(from, verb::auth) == (from == session_state::ready));
}

TEST_CASE("every state says what it expects", "[transitions]") {
    CHECK(expected(session_state::start, false) == "EHLO");
    CHECK(expected(session_state::start, true) == "LHLO");
    for (session_state const from : states) CHECK_FALSE(expected(from, false).empty());
}

TEST_CASE("the verbs that end a pipelined group", "[transitions]") {
    for (verb const v : {verb::ehlo, verb::helo, verb::lhlo, verb::data, verb::vrfy, verb::expn, verb::noop, verb::quit, verb::starttls,
                         verb::auth, verb::xclient})
        CHECK(ends_group(v));
    for (verb const v : {verb::mail, verb::rcpt, verb::rset, verb::bdat, verb::unknown}) CHECK_FALSE(ends_group(v));
}

}  // namespace test_transitions
