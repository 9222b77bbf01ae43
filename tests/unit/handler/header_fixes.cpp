#include <mailquay/handler/header_fixes.hpp>

#include "support/catch.hpp"
#include "support/pipeline_bench.hpp"

namespace test_pipeline {

/// What becomes of a header section, without the Received field.
inline std::string fixed(std::string_view header) {
    bench b;
    b.set.filters = {std::make_shared<header_fixes>("mail.example.org")};
    REQUIRE(b.send(header, "body\r\n", 7).combined().accepts());
    std::string_view octets{b.kept.octets};
    octets.remove_prefix(b.made.mail.received_field().size());
    REQUIRE(octets.ends_with("\r\nbody\r\n"));
    octets.remove_suffix(8);
    std::string text{octets};
    auto const id = std::string(b.made.mail.id());
    if (auto const at = text.find(id); at != std::string::npos) text.replace(at, id.size(), "ID");
    return text;
}

TEST_CASE("a message that lacks nothing stays as it is", "[filter][submission]") {
    std::string_view const header = "From: a@b\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <x@y>\r\n\r\n";
    CHECK(fixed(header) + "\r\n" == header);
}

TEST_CASE("Date and Message-ID are added below, each where it is missing (RFC 6409 8)", "[filter][submission]") {
    CHECK(fixed("From: a@b\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\n") ==
          "From: a@b\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <ID@mail.example.org>\r\n");
    auto const dated = fixed("From: a@b\r\nmessage-id: <x@y>\r\n\r\n");
    CHECK(dated.starts_with("From: a@b\r\nmessage-id: <x@y>\r\nDate: "));
    CHECK(dated.size() == std::string_view("From: a@b\r\nmessage-id: <x@y>\r\nDate: \r\n").size() + 31);
}

TEST_CASE("Bcc and Return-Path go, every one of them, folded ones too", "[filter][submission]") {
    auto const text = fixed("Return-Path: <a@b>\r\nbcc: secret@example.org,\r\n another@example.org\r\nTo: c@d\r\nBCC:\r\nMessage-ID: <x@y>\r\n"
                            "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\n");
    CHECK(text == "To: c@d\r\nMessage-ID: <x@y>\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n");
}

TEST_CASE("what is signed by a domain of ours stays as it is; another's signature changes nothing", "[filter][submission]") {
    std::string_view const ours = "DKIM-Signature: v=1; a=rsa-sha256; d=exam\r\n ple.org; s=x\r\nBcc: x@y\r\n\r\n";
    CHECK(fixed(ours) + "\r\n" == ours);
    CHECK(fixed("DKIM-Signature: v=1; d=example.net; s=x\r\nBcc: x@y\r\n\r\n").find("Bcc") == std::string::npos);
    CHECK(fixed("DKIM-Signature: v=1; d=ple.org; s=x\r\nBcc: x@y\r\n\r\n").find("Bcc") == std::string::npos);
    CHECK(fixed("DKIM-Signature: v=1; s=x\r\nBcc: x@y\r\n\r\n").find("Bcc") == std::string::npos);
}

TEST_CASE("a message without a header gets one", "[filter][submission]") {
    CHECK(fixed("\r\n").starts_with("Message-ID: <ID@mail.example.org>\r\nDate: "));
}

}  // namespace test_pipeline
