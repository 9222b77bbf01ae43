#include <mailquay/protocol/replies.hpp>

#include "support/catch.hpp"

#include <string_view>

using namespace mailquay;

namespace test_replies {
struct expected {
    reply_text const* reply;
    int code;
    std::string_view enhanced;
};
// mail rule 17 and what design and rules name elsewhere.
inline constexpr expected table[] = {
    {&replies::ready_to_start_tls, 220, "2.0.0"},
    {&replies::bye, 221, "2.0.0"},
    {&replies::ok, 250, "2.0.0"},
    {&replies::sender_ok, 250, "2.1.0"},
    {&replies::recipient_ok, 250, "2.1.5"},
    {&replies::reset_ok, 250, "2.0.0"},
    {&replies::accepted, 250, "2.0.0"},
    {&replies::cannot_verify, 252, "2.0.0"},
    {&replies::per_recipient_follows, 353, ""},
    {&replies::start_mail_input, 354, ""},
    {&replies::service_stopping, 421, "4.3.2"},
    {&replies::overloaded, 421, "4.3.2"},
    {&replies::idle_timeout, 421, "4.4.2"},
    {&replies::too_many_errors, 421, "4.7.0"},
    {&replies::too_slow, 421, "4.4.2"},
    {&replies::local_error, 451, "4.3.0"},
    {&replies::lookup_failed, 451, "4.4.3"},
    {&replies::greylisted, 451, "4.7.1"},
    {&replies::rate_limited, 451, "4.7.1"},
    {&replies::no_storage, 452, "4.3.1"},
    {&replies::mailbox_full, 452, "4.2.2"},
    {&replies::too_many_recipients, 452, "4.5.3"},
    {&replies::one_destination, 452, "4.5.3"},
    {&replies::unknown_command, 500, "5.5.1"},
    {&replies::not_smtp, 500, "5.5.1"},
    {&replies::empty_line, 500, "5.5.2"},
    {&replies::line_too_long, 500, "5.5.2"},
    {&replies::bad_verb, 500, "5.5.2"},
    {&replies::bad_argument, 501, "5.5.4"},
    {&replies::bad_characters, 501, "5.5.2"},
    {&replies::bad_reverse_path, 501, "5.1.7"},
    {&replies::bad_forward_path, 501, "5.1.3"},
    {&replies::expn_disabled, 502, "5.5.1"},
    {&replies::bad_sequence, 503, "5.5.1"},
    {&replies::no_valid_recipients, 503, "5.5.1"},
    {&replies::host_takes_no_mail, 521, "5.3.2"},
    {&replies::password_expired, 432, "4.7.12"},
    {&replies::auth_unavailable, 454, "4.7.0"},
    {&replies::auth_line_too_long, 500, "5.5.6"},
    {&replies::bad_auth_response, 501, "5.5.2"},
    {&replies::auth_cancelled, 501, "5.0.0"},
    {&replies::no_initial_response, 501, "5.7.0"},
    {&replies::unknown_mechanism, 504, "5.5.4"},
    {&replies::auth_required, 530, "5.7.0"},
    {&replies::mechanism_too_weak, 534, "5.7.9"},
    {&replies::bad_credentials, 535, "5.7.8"},
    {&replies::tls_required_for_auth, 538, "5.7.11"},
    {&replies::tls_required, 530, "5.7.0"},
    {&replies::no_such_user, 550, "5.1.1"},
    {&replies::mailbox_owner_changed, 550, "5.7.17"},
    {&replies::domain_owner_changed, 550, "5.7.18"},
    {&replies::peer_not_trusted, 550, "5.7.0"},
    {&replies::no_mail_from_proxy, 550, "5.7.1"},
    {&replies::relay_denied, 550, "5.7.1"},
    {&replies::rejected, 550, "5.7.1"},
    {&replies::bare_line_ending, 550, "5.6.11"},
    {&replies::mailbox_disabled, 550, "5.2.1"},
    {&replies::null_mx_sender, 550, "5.7.27"},
    {&replies::sender_domain_unresolved, 450, "4.1.8"},
    {&replies::message_too_big, 552, "5.3.4"},
    {&replies::header_too_big, 552, "5.3.4"},
    {&replies::utf8_address_needs_smtputf8, 553, "5.6.7"},
    {&replies::sender_not_owned, 553, "5.7.1"},
    {&replies::connection_refused, 554, "5.7.1"},
    {&replies::transaction_failed, 554, "5.6.0"},
    {&replies::line_too_long_in_message, 554, "5.6.0"},
    {&replies::hold_too_long, 554, "5.5.4"},
    {&replies::deliver_by_too_short, 554, "5.5.4"},
    {&replies::hop_limit, 554, "5.4.6"},
    {&replies::talked_ahead, 554, "5.5.0"},
    {&replies::unknown_parameter, 555, "5.5.4"},
};
}  // namespace test_replies

TEST_CASE("Each cause has the code and enhanced status that the rules give it", "[protocol][reply]") {
    for (auto const& [reply, code, enhanced] : test_replies::table) {
        INFO(reply->wire());
        CHECK(reply->code() == code);
        CHECK(reply->enhanced() == enhanced);
        CHECK(!reply->text().empty());
        CHECK((reply->text().back() != '.' || reply->code() == 354));
        CHECK(reply->line().size() < 60);
    }
}
