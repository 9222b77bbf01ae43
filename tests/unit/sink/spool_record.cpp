#include <mailquay/sink/spool_record.hpp>

#include "support/catch.hpp"

#include <string>

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

TEST_CASE("what is final of a recipient stays", "[sink][spool]") {
    spool_state state;
    state.set_outcome({0, outcome_kind::deferred, "later"});
    state.set_outcome({0, outcome_kind::delivered, "done"});
    state.set_outcome({0, outcome_kind::failed, "no"});

    CHECK(state.outcome_of(0)->kind == outcome_kind::delivered);
    CHECK(to_string(state.outcome_of(0)->kind) == "delivered");
}

}  // namespace test_spool_record
