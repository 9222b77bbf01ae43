#include <mailquay/message/field_capture.hpp>

#include "support/catch.hpp"

#include <string>

namespace test_field_capture {

using namespace mailquay;

/// The value found in `message`, fed whole and in every split into two pieces and octet by octet.
std::string found(std::string_view name, std::string_view message) {
    field_capture whole{name};
    whole.feed(message);
    std::string const value{whole.value()};
    for (std::size_t cut = 0; cut <= message.size(); ++cut) {
        field_capture split{name};
        split.feed(message.substr(0, cut));
        split.feed(message.substr(cut));
        CHECK(split.value() == value);
    }
    field_capture bytewise{name};
    for (char const& c : message) bytewise.feed({&c, 1});
    CHECK(bytewise.value() == value);
    return value;
}

TEST_CASE("the value of the wanted field is found, whatever the split", "[message][field_capture]") {
    CHECK(found("Message-ID", "From: a\r\nMessage-ID: <1@x>\r\nTo: b\r\n\r\nbody") == "<1@x>");
    CHECK(found("Message-ID", "message-id:<1@x>\r\n\r\n") == "<1@x>");
    CHECK(found("Message-ID", "Message-ID : <1@x>\r\n\r\n") == "<1@x>");
}

TEST_CASE("a folded value is unfolded", "[message][field_capture]") {
    CHECK(found("Message-ID", "Message-ID:\r\n <1@x>\r\nTo: b\r\n\r\n") == "<1@x>");
    CHECK(found("Subject", "Subject: a\r\n\tb\r\n c\r\n\r\n") == "a\tb c");
}

TEST_CASE("fields whose name only begins alike are not taken", "[message][field_capture]") {
    CHECK(found("Message-ID", "Message-ID2: no\r\nMessage-I: no\r\nX-Message-ID: no\r\n\r\n").empty());
}

TEST_CASE("what looks like the field in the body is not taken", "[message][field_capture]") {
    CHECK(found("Message-ID", "From: a\r\n\r\nMessage-ID: <1@x>\r\n").empty());
    CHECK(found("Message-ID", "From: a\r\n Message-ID: <1@x>\r\n\r\n").empty());
}

TEST_CASE("the first of two counts", "[message][field_capture]") {
    CHECK(found("Message-ID", "Message-ID: <1@x>\r\nMessage-ID: <2@x>\r\n\r\n") == "<1@x>");
}

TEST_CASE("nothing is looked at once the field was passed", "[message][field_capture]") {
    field_capture id{"Message-ID"};
    id.feed("Message-ID: <1@x>\r\n");
    CHECK_FALSE(id.over());  // it may be folded
    id.feed("T");
    CHECK(id.over());
    CHECK(id.value() == "<1@x>");
}

TEST_CASE("a value of any length is kept up to its bound", "[message][field_capture]") {
    field_capture id{"Message-ID"};
    id.feed("Message-ID:" + std::string(10'000, 'x'));
    id.feed(std::string(10'000, 'x') + "\r\n\r\n");
    CHECK(id.value() == std::string(field_capture::most_octets, 'x'));
}

}  // namespace test_field_capture
