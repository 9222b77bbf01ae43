#include <mailquay/sink/spool_record.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace test_spool_record {

using namespace mailquay;

transaction_id const some_id = *transaction_id::parse("0123456789AB");

TEST_CASE("a record's header comes back as it was written, under its own salt alone", "[sink][spool]") {
    spool_record_header header;
    header.salt = 0x1122334455667788u;
    header.id = some_id;
    header.meta_octets = 77;
    header.body_octets = 1234;
    header.meta_checksum = 5;
    header.body_checksum = 6;
    std::string octets(spool_record_header::octets, '\xff');
    header.write(octets.data());

    auto const read = spool_record_header::read(octets, header.salt);
    REQUIRE(read);
    CHECK(read->id == some_id);
    CHECK(read->meta_octets == 77);
    CHECK(read->body_octets == 1234);
    CHECK(read->record_octets() == 1360);
    CHECK_FALSE(spool_record_header::read(octets, header.salt + 1));
    CHECK_FALSE(spool_record_header::read(octets.substr(1), header.salt));
    for (std::size_t at = 0; at < octets.size(); ++at) {
        std::string changed = octets;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        CHECK_FALSE(spool_record_header::read(changed, header.salt));
    }
}

TEST_CASE("an envelope comes back as it was, with fields of later versions", "[sink][spool]") {
    envelope mail;
    mail.id = some_id.view();
    mail.reverse_path = "a@example.net";
    mail.recipients.push_back({"b@example.org", "b", {}});
    mail.recipients.push_back({"list@example.org", {}, {"c@example.org", "d@example.org"}});
    mail.hello_name = "client.example.net";
    mail.client = *ip_endpoint::parse("192.0.2.1:4711");
    mail.user = "alice";
    mail.secure = mail.smtputf8 = true;
    mail.body = body_type::binary_mime;
    mail.declared_size = 4096;
    spool_state state;
    state.accepted_ms = state.released_ms = 1'800'000'000'000;
    state.due_ms = state.accepted_ms + 60'000;
    state.wait_ms = 60'000;
    state.attempts = 3;
    state.held = true;
    state.set_outcome({1, outcome_kind::failed, "550 5.1.1 no"});
    state.set_outcome({0, outcome_kind::deferred, "450 4.2.1 busy"});
    state.dsns.push_back(*transaction_id::parse("ZZZZZZZZZZZZ"));
    state.large = large_body{99, 0xdeadbeef};
    std::string fields;
    append_spool_envelope(fields, mail);
    state.append_to(fields);
    append_spool_field(fields, static_cast<spool_tag>(999), "of tomorrow");

    auto const read = read_spool_envelope(fields, some_id);
    REQUIRE(read);
    CHECK(read->envelope.id == some_id.view());
    CHECK(read->envelope.reverse_path == "a@example.net");
    REQUIRE(read->envelope.recipients.size() == 2);
    CHECK(read->envelope.recipients[0].mailbox == "b");
    CHECK(read->envelope.recipients[1].deliver_to == std::vector<std::string>{"c@example.org", "d@example.org"});
    CHECK(read->envelope.hello_name == "client.example.net");
    CHECK(read->envelope.client.to_string() == "192.0.2.1:4711");
    CHECK(read->envelope.user == "alice");
    CHECK(read->envelope.secure);
    CHECK(read->envelope.smtputf8);
    CHECK(read->envelope.body == body_type::binary_mime);
    CHECK(read->envelope.declared_size == 4096u);
    CHECK(read->state.due_ms == state.due_ms);
    CHECK(read->state.attempts == 3);
    CHECK(read->state.held);
    REQUIRE(read->state.outcomes.size() == 2);
    CHECK(read->state.outcome_of(0)->reply == "450 4.2.1 busy");
    CHECK(read->state.outcome_of(1)->kind == outcome_kind::failed);
    CHECK(read->state.final_outcomes() == 1);
    CHECK(read->state.dsns.size() == 1);
    CHECK(read->state.large->checksum == 0xdeadbeef);
    std::string again;
    append_spool_field(again, static_cast<spool_tag>(999), "of tomorrow");
    CHECK(read->unknown == again);

    for (std::size_t cut = 1; cut < 6; ++cut) CHECK_FALSE(read_spool_envelope(std::string_view{fields}.substr(0, fields.size() - cut), some_id));
}

envelope whole_envelope() {
    envelope mail;
    mail.id = some_id.view();
    mail.reverse_path = "a@example.net";
    mail.auth = "first@example.net";
    mail.requests.ret = dsn_return::headers;
    mail.requests.envid = "id+ 1";
    mail.requests.requiretls = true;
    mail.requests.by = deliver_by{-3600, by_mode::return_to_sender, true};
    mail.requests.hold = hold_request{std::chrono::sys_seconds{std::chrono::seconds{1'800'003'600}}, std::chrono::seconds{3600}};
    mail.requests.priority = priority_request{-4, 9};
    mail.unknown_parameters = {"X-KEY=value", "X-BARE"};
    mail.forwarded = forwarded_client{"up.example.net", "2001:db8::1", 25, "ESMTP", "hello.example.net", "ABC123", forwarded_client::origin::remote};
    envelope_recipient one{"b@example.org", {}, {}, {}};
    one.requests.notify = dsn_notify::success | dsn_notify::delay;
    one.requests.original = {"utf-8", "\xc3\xa4@example.org"};
    one.requests.valid_since = valid_since{std::chrono::sys_seconds{std::chrono::seconds{1'700'000'000}}, rrvs_action::refuse};
    one.requests.unknown = {"X-TO=1"};
    mail.recipients = {one, {"c@example.org", {}, {}, {}}};
    return mail;
}

TEST_CASE("what extensions ask of delivery comes back as it was", "[sink][spool]") {
    std::string fields;
    append_spool_envelope(fields, whole_envelope());

    auto const read = read_spool_envelope(fields, some_id);
    REQUIRE(read);
    envelope const& mail = read->envelope;
    CHECK(mail.auth == "first@example.net");
    CHECK(mail.requests.ret == dsn_return::headers);
    CHECK(mail.requests.envid == "id+ 1");
    CHECK(mail.requests.requiretls);
    CHECK(mail.requests.by == deliver_by{-3600, by_mode::return_to_sender, true});
    REQUIRE(mail.requests.hold);
    CHECK(mail.requests.hold->release.time_since_epoch().count() == 1'800'003'600);
    CHECK(mail.requests.hold->interval == std::chrono::seconds{3600});
    REQUIRE(mail.requests.priority);
    CHECK(+mail.requests.priority->value == -4);
    CHECK(+mail.requests.priority->asked == 9);
    CHECK(mail.unknown_parameters == std::vector<std::string>{"X-KEY=value", "X-BARE"});
    CHECK(mail.forwarded == whole_envelope().forwarded);
    REQUIRE(mail.recipients.size() == 2);
    recipient_request const& first = mail.recipients[0].requests;
    CHECK(first.notify == (dsn_notify::success | dsn_notify::delay));
    CHECK(first.original == original_recipient{"utf-8", "\xc3\xa4@example.org"});
    CHECK(first.valid_since == whole_envelope().recipients[0].requests.valid_since);
    CHECK(first.unknown == std::vector<std::string>{"X-TO=1"});
    recipient_request const& second = mail.recipients[1].requests;
    CHECK(second.notify == dsn_notify::unsaid);
    CHECK(second.original.empty());
    CHECK_FALSE(second.valid_since);
    CHECK(read->unknown.empty());
    std::string again;
    append_spool_envelope(again, mail);
    CHECK(again == fields);
}

TEST_CASE("AUTH=<> is not the same as no AUTH, nor HOLDUNTIL the same as HOLDFOR", "[sink][spool]") {
    envelope mail = whole_envelope();
    mail.auth = "";
    mail.requests.hold->interval.reset();
    std::string fields;
    append_spool_envelope(fields, mail);

    auto const read = read_spool_envelope(fields, some_id);
    REQUIRE(read);
    CHECK(read->envelope.auth == "");
    REQUIRE(read->envelope.requests.hold);
    CHECK_FALSE(read->envelope.requests.hold->interval);
}

TEST_CASE("what a message does not ask for takes no octet of its record", "[sink][spool]") {
    envelope mail;
    mail.reverse_path = "a@example.net";
    mail.recipients.push_back({"b@example.org", {}, {}, {}});
    std::string fields;
    append_spool_envelope(fields, mail);

    CHECK(fields.size() == (6 + 13) + 6 + (6 + 13));
    auto const read = read_spool_envelope(fields, some_id);
    REQUIRE(read);
    CHECK_FALSE(read->envelope.auth);
    CHECK_FALSE(read->envelope.forwarded);
    CHECK_FALSE(read->envelope.requests.by);
    CHECK_FALSE(read->envelope.requests.hold);
    CHECK_FALSE(read->envelope.requests.priority);
}

TEST_CASE("a value that a field cannot have is damage", "[sink][spool]") {
    auto const with = [](spool_tag tag, std::string_view value) {
        std::string fields;
        append_spool_field(fields, tag, value);
        return read_spool_envelope(fields, some_id).has_value();
    };
    auto const to = [&](spool_tag tag, std::string_view value) {
        std::string inside;
        append_spool_field(inside, tag, value);
        return with(spool_tag::recipient, inside);
    };
    using namespace std::string_view_literals;

    CHECK(with(spool_tag::return_content, "\2"));
    CHECK_FALSE(with(spool_tag::return_content, "\3"));
    CHECK(with(spool_tag::deliver_by, "\1\0\0\0\1\0"sv));
    CHECK_FALSE(with(spool_tag::deliver_by, "\1\0\0\0\2\0"sv));
    CHECK_FALSE(with(spool_tag::deliver_by, "\1"));
    CHECK_FALSE(with(spool_tag::release, "\1"));
    CHECK_FALSE(with(spool_tag::hold_for, "\1"));
    CHECK_FALSE(with(spool_tag::priority, "\1"));
    CHECK(to(spool_tag::recipient_notify, "\10"));
    CHECK_FALSE(to(spool_tag::recipient_notify, "\11"));
    CHECK_FALSE(to(spool_tag::recipient_valid_since, "12345678\3"));
    CHECK_FALSE(with(spool_tag::forwarded, "cut"));
}

TEST_CASE("a record that is moved keeps what another version wrote, inside of recipients too", "[sink][spool]") {
    std::string inside;
    append_spool_field(inside, spool_tag::recipient_address, "b@example.org");
    append_spool_field(inside, static_cast<spool_tag>(998), "of tomorrow");
    std::string written;
    append_spool_field(written, spool_tag::reverse_path, "a@example.net");
    append_spool_field(written, spool_tag::recipient, inside);
    append_spool_field(written, static_cast<spool_tag>(999), "likewise");
    std::string fields = written;
    append_spool_number(fields, spool_tag::attempts, 3);

    std::string moved;
    copy_spool_envelope(moved, fields);

    CHECK(moved == written);
}

TEST_CASE("what is final of a recipient stays", "[sink][spool]") {
    spool_state state;
    state.set_outcome({0, outcome_kind::deferred, "later"});
    state.set_outcome({0, outcome_kind::delivered, "done"});
    state.set_outcome({0, outcome_kind::failed, "no"});

    CHECK(state.outcome_of(0)->kind == outcome_kind::delivered);
    CHECK(to_string(state.outcome_of(0)->kind) == "delivered");
}

}  // namespace test_spool_record
