#include <mailquay/protocol/proxy_header.hpp>

#include <mailquay/protocol/detail/crc32c.hpp>

#include "support/catch.hpp"
#include "support/test_data.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace test_proxy_header {

using namespace mailquay;
using kind = proxy_scan::kind;

/// Version 2 from its parts.
std::string v2(unsigned version_command, unsigned family, std::string_view block) {
    std::string octets{"\r\n\r\n\0\r\nQUIT\n", 12};
    octets += static_cast<char>(version_command);
    octets += static_cast<char>(family);
    octets += static_cast<char>(block.size() >> 8);
    octets += static_cast<char>(block.size() & 0xff);
    return octets.append(block);
}
std::string tlv(unsigned type, std::string_view value) {
    std::string octets;
    octets += static_cast<char>(type);
    octets += static_cast<char>(value.size() >> 8);
    octets += static_cast<char>(value.size() & 0xff);
    return octets.append(value);
}
std::string const addresses{"\xc0\x00\x02\x07\xc0\x00\x02\x19\xc0\x00\x00\x19", 12};

/// With the CRC32C that fits behind `block`.
std::string summed(std::string block) {
    std::string octets = v2(0x21, 0x11, block += tlv(0x03, std::string(4, '\0')));
    detail::crc32c_sum sum;
    sum.add(octets);
    for (int i = 0; i < 4; ++i) octets[octets.size() - 4 + static_cast<std::size_t>(i)] = static_cast<char>(sum.value() >> (24 - 8 * i));
    return octets;
}

proxy_fault fault_of(std::string_view octets) {
    proxy_header ignored;
    auto const scan = read_proxy_header(octets, ignored);
    return scan.what == kind::bad ? scan.why : proxy_fault::none;
}
proxy_header header_of(std::string_view octets) {
    proxy_header found;
    auto const scan = read_proxy_header(octets, found);
    CHECK(scan.what == kind::header);
    CHECK(scan.consumed == octets.size());
    return found;
}
/// What a receiver finds that reads no more than is missing; the rest stays.
kind read_without_reading_over(std::string_view octets, std::size_t& consumed) {
    std::size_t have = 0;
    proxy_header found;
    for (;;) {
        auto const scan = read_proxy_header(octets.substr(0, have), found);
        consumed = have;
        if (scan.what != kind::need_more) return scan.what;
        if (have == octets.size()) return scan.what;
        have = std::min(have + scan.missing, octets.size());
    }
}

TEST_CASE("a line of version 1 names client and destination", "[protocol][proxy]") {
    auto const four = header_of("PROXY TCP4 192.0.2.7 192.0.2.25 49152 25\r\n");
    CHECK(four.subject == proxy_subject::client);
    CHECK(four.version == 1);
    CHECK(four.source == *ip_endpoint::parse("192.0.2.7:49152"));
    CHECK(four.destination == *ip_endpoint::parse("192.0.2.25:25"));
    CHECK(header_of("PROXY TCP6 2001:db8::7 2001:db8::25 1 65535\r\n").destination == *ip_endpoint::parse("[2001:db8::25]:65535"));
    CHECK(header_of("PROXY TCP6 ::ffff:192.0.2.7 2001:db8::25 1 25\r\n").source == *ip_endpoint::parse("192.0.2.7:1"));
    CHECK(header_of("PROXY UNKNOWN\r\n").subject == proxy_subject::unknown);
    CHECK(header_of("PROXY UNKNOWN anything at all\r\n").subject == proxy_subject::unknown);
}

TEST_CASE("a line of version 1 that is not exactly as defined is refused", "[protocol][proxy]") {
    CHECK(fault_of("EHLO c\r\n") == proxy_fault::no_signature);
    CHECK(fault_of("proxy TCP4") == proxy_fault::no_signature);
    CHECK(fault_of("PROXY TCP4 192.0.2.7 192.0.2.25 1 25\n") == proxy_fault::bad_line);
    CHECK(fault_of("PROXY TCP4 192.0.2.7 192.0.2.25 1 25\rX") == proxy_fault::bad_line);
    CHECK(fault_of("PROXY TCP4 192.0.2.7 192.0.2.25 1\r\n") == proxy_fault::bad_line);
    CHECK(fault_of("PROXY TCP4 192.0.2.7 192.0.2.25 1 25 \r\n") == proxy_fault::bad_line);
    CHECK(fault_of("PROXY TCP4  192.0.2.7 192.0.2.25 25\r\n") == proxy_fault::bad_line);
    CHECK(fault_of("PROXY UDP4 192.0.2.7 192.0.2.25 1 25\r\n") == proxy_fault::bad_protocol);
    CHECK(fault_of("PROXY TCP4 2001:db8::7 192.0.2.25 1 25\r\n") == proxy_fault::bad_address);
    CHECK(fault_of("PROXY TCP6 192.0.2.7 2001:db8::25 1 25\r\n") == proxy_fault::bad_address);
    CHECK(fault_of("PROXY TCP4 192.0.2.7 192.0.2.25 65536 25\r\n") == proxy_fault::bad_port);
    CHECK(fault_of("PROXY TCP4 192.0.2.7 192.0.2.25 025 25\r\n") == proxy_fault::bad_port);
    std::string const longest = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";
    REQUIRE(longest.size() == 107);
    CHECK(header_of(longest).subject == proxy_subject::unknown);
    CHECK(fault_of("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n") == proxy_fault::too_long);
    CHECK(fault_of("PROXY UNKNOWN " + std::string(93, 'x')) == proxy_fault::too_long);
}

TEST_CASE("version 2 names clients over TCP and UNIX sockets, or nobody", "[protocol][proxy]") {
    auto const four = header_of(v2(0x21, 0x11, addresses));
    CHECK(four.subject == proxy_subject::client);
    CHECK(four.version == 2);
    CHECK(four.source == *ip_endpoint::parse("192.0.2.7:49152"));
    CHECK(four.destination == *ip_endpoint::parse("192.0.2.25:25"));

    std::string six(36, '\0');
    six[0] = '\x20', six[1] = '\x01', six[15] = '\7', six[33] = '\1', six[35] = '\x19';
    auto const found = header_of(v2(0x21, 0x21, six));
    CHECK(found.source == *ip_endpoint::parse("[2001::7]:1"));
    CHECK(found.destination == *ip_endpoint::parse("[::]:25"));

    std::string paths(216, '\0');
    paths.replace(0, 8, "/run/src").replace(108, 9, std::string_view{"\0abstract", 9});
    auto const local = header_of(v2(0x21, 0x31, paths));
    CHECK(local.subject == proxy_subject::unix_client);
    CHECK(local.source_path == "/run/src");
    CHECK(local.destination_path == std::string_view{"\0abstract", 9});

    CHECK(header_of(v2(0x20, 0x00, "")).subject == proxy_subject::itself);
    CHECK(header_of(v2(0x20, 0x77, "whatever")).subject == proxy_subject::itself);
    CHECK(header_of(v2(0x21, 0x00, "abc")).subject == proxy_subject::unknown);
}

TEST_CASE("TLVs of version 2 are read, and those without a meaning here passed over", "[protocol][proxy]") {
    std::string tls{"\x07\0\0\0\0", 5};
    tls += tlv(0x21, "TLSv1.3") + tlv(0x22, "client.example.org") + tlv(0x23, "TLS_AES_128_GCM_SHA256") + tlv(0x24, "SHA256") +
           tlv(0x25, "RSA2048") + tlv(0x2f, "later");
    auto const all = header_of(v2(0x21, 0x11, addresses + tlv(0x01, "smtp") + tlv(0x02, "mx.example.org") + tlv(0x04, "padding") +
                                                  tlv(0x05, std::string_view{"\0\1\2", 3}) + tlv(0x20, tls) + tlv(0x30, "blue") +
                                                  tlv(0xea, "vendor")));
    CHECK(all.facts.alpn == "smtp");
    CHECK(all.facts.authority == "mx.example.org");
    CHECK(all.facts.unique_id == std::string_view{"\0\1\2", 3});
    CHECK(all.facts.netns == "blue");
    REQUIRE(all.facts.tls);
    CHECK(all.facts.tls->secure);
    CHECK(all.facts.tls->certificate);
    CHECK(all.facts.tls->verified);
    CHECK(all.facts.tls->protocol == "TLSv1.3");
    CHECK(all.facts.tls->client_name == "client.example.org");
    CHECK(all.facts.tls->cipher == "TLS_AES_128_GCM_SHA256");
    CHECK(all.facts.tls->signature_algorithm == "SHA256");
    CHECK(all.facts.tls->key_algorithm == "RSA2048");

    // Without a certificate nothing was verified, whatever the result says.
    auto const plain = header_of(v2(0x21, 0x11, addresses + tlv(0x20, std::string_view{"\x01\0\0\0\0", 5})));
    CHECK(plain.facts.tls->secure);
    CHECK_FALSE(plain.facts.tls->verified);
    CHECK_FALSE(header_of(v2(0x21, 0x11, addresses + tlv(0x20, std::string_view{"\x03\0\0\0\1", 5}))).facts.tls->verified);
    CHECK(header_of(v2(0x21, 0x11, addresses)).facts.empty());
}

TEST_CASE("a TLV that may come once is refused the second time, the first being empty too", "[protocol][proxy]") {
    auto const type = GENERATE(0x01u, 0x02u, 0x05u, 0x30u);
    std::string const once = addresses + tlv(type, "");
    CHECK(header_of(v2(0x21, 0x11, once)).facts.empty());
    CHECK(fault_of(v2(0x21, 0x11, once + tlv(type, "a"))) == proxy_fault::bad_tlv);
    CHECK(fault_of(v2(0x21, 0x11, addresses + tlv(type, "a") + tlv(type, ""))) == proxy_fault::bad_tlv);
    auto const inner = GENERATE(0x21u, 0x22u, 0x23u, 0x24u, 0x25u);
    std::string const tls{"\x01\0\0\0\0", 5};
    CHECK(fault_of(v2(0x21, 0x11, addresses + tlv(0x20, tls + tlv(inner, "") + tlv(inner, "a")))) == proxy_fault::bad_tlv);
    CHECK(header_of(v2(0x21, 0x11, addresses + tlv(0x04, "") + tlv(0x04, "") + tlv(0xea, "a") + tlv(0xea, "b"))).version == 2);
}

TEST_CASE("a CRC32C is checked over the whole header", "[protocol][proxy]") {
    detail::crc32c_sum known;
    known.add("123456789");
    CHECK(known.value() == 0xe3069283u);  // RFC 3720 appendix B.4, by common check value

    std::string octets = summed(addresses + tlv(0x02, "mx.example.org"));
    CHECK(header_of(octets).facts.authority == "mx.example.org");
    for (std::size_t at = 16; at < octets.size(); ++at) {
        std::string broken = octets;
        broken[at] = static_cast<char>(broken[at] ^ 1);
        CHECK(fault_of(broken) != proxy_fault::none);
    }
    CHECK(fault_of(v2(0x21, 0x11, addresses + tlv(0x03, "abc"))) == proxy_fault::bad_tlv);
}

TEST_CASE("version 2 that is not exactly as defined is refused", "[protocol][proxy]") {
    CHECK(fault_of("\r\n\r\nX") == proxy_fault::no_signature);
    CHECK(fault_of(v2(0x11, 0x11, addresses)) == proxy_fault::bad_version);
    CHECK(fault_of(v2(0x22, 0x11, addresses)) == proxy_fault::bad_command);
    for (unsigned const family : {0x01u, 0x10u, 0x12u, 0x13u, 0x22u, 0x32u, 0x41u})
        CHECK(fault_of(v2(0x21, family, std::string(216, '\0'))) == proxy_fault::bad_family);
    CHECK(fault_of(v2(0x21, 0x11, addresses.substr(1))) == proxy_fault::bad_length);
    CHECK(fault_of(v2(0x21, 0x21, addresses)) == proxy_fault::bad_length);
    CHECK(fault_of(v2(0x21, 0x31, addresses)) == proxy_fault::bad_length);
    CHECK(fault_of(v2(0x21, 0x11, addresses + "\1\0")) == proxy_fault::bad_tlv);
    CHECK(fault_of(v2(0x21, 0x11, addresses + std::string{"\2\0\2a", 4})) == proxy_fault::bad_tlv);
    CHECK(fault_of(v2(0x21, 0x11, addresses + tlv(0x02, "a") + tlv(0x02, "b"))) == proxy_fault::bad_tlv);
    CHECK(fault_of(v2(0x21, 0x11, addresses + tlv(0x02, "a\r\nb"))) == proxy_fault::bad_tlv);
    CHECK(fault_of(v2(0x21, 0x11, addresses + tlv(0x02, "\xff"))) == proxy_fault::bad_tlv);
    CHECK(fault_of(v2(0x21, 0x11, addresses + tlv(0x05, std::string(129, 'x')))) == proxy_fault::bad_tlv);
    CHECK(fault_of(v2(0x21, 0x11, addresses + tlv(0x20, "abcd"))) == proxy_fault::bad_tlv);
    CHECK(fault_of(v2(0x21, 0x11, addresses + tlv(0x20, std::string{"\1\0\0\0\0\x21\0\5a", 9}))) == proxy_fault::bad_tlv);

    std::string const padding(max_proxy_header_octets - 16 - addresses.size() - 3, 'x');
    CHECK(header_of(v2(0x21, 0x11, addresses + tlv(0x04, padding))).subject == proxy_subject::client);
    // Found with the length: nobody waits for the rest.
    CHECK(fault_of(v2(0x21, 0x11, addresses + tlv(0x04, padding + 'x')).substr(0, 16)) == proxy_fault::too_long);
}

TEST_CASE("who reads no more than is missing never reads what belongs to the client", "[protocol][proxy]") {
    for (std::string const& header :
         {std::string{"PROXY UNKNOWN\r\n"}, std::string{"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n"}, std::string{"PROXY TCP6 :: :: 0 0\r\n"},
          std::string{"PROXY UNKNOWN x\r\n"}, v2(0x20, 0, ""), v2(0x21, 0x11, addresses), summed(addresses)}) {
        std::size_t consumed = 0;
        CHECK(read_without_reading_over(header + "EHLO c\r\n", consumed) == kind::header);
        CHECK(consumed == header.size());
    }
}

TEST_CASE("the same is found at the same octet, however the header is cut", "[protocol][proxy]") {
    std::vector<std::string> const all{"PROXY TCP4 192.0.2.7 192.0.2.25 49152 25\r\nEHLO",
                                       "PROXY TCP4 192.0.2.7 192.0.2.25 1 25 x\r\n",
                                       "PROXY TCP4 192.0.2.7\r192.0.2.25",
                                       "PROXIES",
                                       "PROXY UNKNOWN " + std::string(200, 'x'),
                                       v2(0x21, 0x11, addresses + tlv(0x02, "mx.example.org")) + "EHLO",
                                       v2(0x22, 0x11, addresses),
                                       v2(0x21, 0x41, addresses),
                                       summed(addresses)};
    for (std::string const& octets : all) {
        proxy_header whole, piece;
        auto const wanted = read_proxy_header(octets, whole);
        for (std::size_t have = 0; have <= octets.size(); ++have) {
            auto const scan = read_proxy_header(std::string_view{octets}.substr(0, have), piece);
            if (scan.what == kind::need_more) continue;
            CHECK(scan.what == wanted.what);
            CHECK(scan.why == wanted.why);
            CHECK(scan.consumed == wanted.consumed);
            break;
        }
    }
}

/// Of the members of an object in the vectors: text in quotes, or what stands there.
std::string member(std::string_view object, std::string_view name) {
    auto at = object.find('"' + std::string(name) + "\":");
    if (at == std::string_view::npos) return {};
    at = object.find_first_not_of(" ", at + name.size() + 3);
    bool const quoted = object[at] == '"';
    auto const end = quoted ? object.find('"', at + 1) : object.find_first_of(",\n}", at);
    return std::string{object.substr(at + (quoted ? 1 : 0), end - at - (quoted ? 1 : 0))};
}

std::string from_hex(std::string const& hex) {
    std::string octets;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) octets += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    return octets;
}

TEST_CASE("the vectors of the PROXY protocol, haproxy's own headers among them, are judged as they say", "[protocol][proxy][data]") {
    auto const text = mailquay_test::read_data("proxy-protocol/vectors.json");
    if (!text) {
        WARN("no test data: proxy-protocol/vectors.json");
        return;
    }
    unsigned seen = 0;
    // Objects of one array are the only ones that begin with a name.
    for (auto at = text->find("{\n   \"name\""); at != std::string::npos; at = text->find("{\n   \"name\"", at + 1)) {
        auto const object = std::string_view{*text}.substr(at, text->find("\n  }", at) - at);
        std::string const octets = from_hex(member(object, "hex"));
        proxy_header found;
        auto const scan = read_proxy_header(octets, found);
        INFO(member(object, "name"));
        std::string const ok = member(object, "ok");
        if (octets.empty()) continue;
        ++seen;
        if (ok == "true") {
            CHECK(scan.what == kind::header);
            CHECK((found.subject == proxy_subject::itself) == (member(object, "local") == "true"));
            if (member(object, "unknown") == "true") CHECK(found.subject == proxy_subject::unknown);
        }
        if (ok == "false") CHECK(scan.what != kind::header);
    }
    CHECK(seen >= 50);

    unsigned recorded = 0;
    auto const begin = text->find("\"recorded_haproxy");
    for (auto at = text->find("\"hex\"", begin); at != std::string::npos; at = text->find("\"hex\"", at + 1)) {
        std::string const octets = from_hex(member(std::string_view{*text}.substr(at), "hex"));
        std::size_t consumed = 0;
        CHECK(read_without_reading_over(octets, consumed) == kind::header);
        CHECK((consumed == octets.size() || std::string_view{octets}.substr(consumed).starts_with("EHLO ")));
        ++recorded;
    }
    CHECK(recorded >= 4);
}

TEST_CASE("a PROXY header that is written is read again", "[protocol][proxy]") {
    auto const round = [](proxy_header const& written) {
        std::string octets;
        append_proxy_header(octets, written);
        proxy_header found;
        auto const scan = read_proxy_header(octets + "EHLO", found);
        REQUIRE(scan.what == kind::header);
        CHECK(scan.consumed == octets.size());
        return found;
    };
    proxy_header given;
    given.subject = proxy_subject::client;
    given.source = *ip_endpoint::parse("192.0.2.7:40000");
    given.destination = *ip_endpoint::parse("192.0.2.1:25");
    given.facts.authority = "mx.example.org";
    given.facts.unique_id = std::string("a\0b", 3);
    for (std::uint8_t const version : {std::uint8_t{1}, std::uint8_t{2}}) {
        given.version = version;
        auto const found = round(given);
        CHECK(found.version == version);
        CHECK(found.subject == proxy_subject::client);
        CHECK(found.source == given.source);
        CHECK(found.destination == given.destination);
        CHECK(found.facts.authority == (version == 2 ? given.facts.authority : ""));
        CHECK(found.facts.unique_id == (version == 2 ? given.facts.unique_id : ""));
    }

    given.source = *ip_endpoint::parse("[2001:db8::7]:40000");
    CHECK(round(given).source == given.source);
    CHECK(round(given).destination == given.destination);  // IPv4-mapped, which is read as IPv4
    given.version = 1;
    CHECK(round(given).subject == proxy_subject::unknown);
    given.destination = *ip_endpoint::parse("[2001:db8::1]:25");
    CHECK(round(given).source == given.source);

    proxy_header local;
    local.version = 2;
    local.subject = proxy_subject::itself;
    CHECK(round(local).subject == proxy_subject::itself);
    local.subject = proxy_subject::unknown;
    CHECK(round(local).subject == proxy_subject::unknown);
    local.subject = proxy_subject::unix_client;
    local.source_path = "/run/a";
    local.destination_path = "/run/b";
    CHECK(round(local).source_path == "/run/a");
    local.version = 1;
    CHECK(round(local).subject == proxy_subject::unknown);
}

}  // namespace test_proxy_header
