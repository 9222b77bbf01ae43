#include <mailquay/message/trace_fields.hpp>

#include "support/catch.hpp"

#include <string>

TEST_CASE("Return-Path holds the reverse-path in brackets, empty for the null sender", "[message][trace_fields]") {
    std::string out = "x";

    mailquay::append_return_path(out, "a@example.org");
    mailquay::append_return_path(out, "");

    CHECK(out == "xReturn-Path: <a@example.org>\r\nReturn-Path: <>\r\n");
}

TEST_CASE("Delivered-To holds the mailbox without brackets", "[message][trace_fields]") {
    std::string out;

    mailquay::append_delivered_to(out, "alice@example.org");

    CHECK(out == "Delivered-To: alice@example.org\r\n");
}

TEST_CASE("No address can add a line, and what stood before is left alone", "[message][trace_fields]") {
    std::string out = "A: b\r\n";

    mailquay::append_return_path(out, "a\r\nX: y\n\x7f@b");
    mailquay::append_delivered_to(out, std::string("c\0\rd", 4));

    CHECK(out == "A: b\r\nReturn-Path: <a??X: y??@b>\r\nDelivered-To: c??d\r\n");
}

TEST_CASE("UTF-8 and quoted addresses are kept as they are", "[message][trace_fields]") {
    std::string out;

    mailquay::append_return_path(out, "\"a b\"@j\xc3\xbcrgen.example");

    CHECK(out == "Return-Path: <\"a b\"@j\xc3\xbcrgen.example>\r\n");
}

TEST_CASE("A long address is never cut", "[message][trace_fields]") {
    std::string const address(2000, 'a');
    std::string out;

    mailquay::append_return_path(out, address);

    CHECK(out == "Return-Path: <" + address + ">\r\n");
}
