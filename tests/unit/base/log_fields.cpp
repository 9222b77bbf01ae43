#include <mailquay/base/log_fields.hpp>

#include <mailquay/base/log.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

using mailquay::ip_address;
using mailquay::ip_endpoint;
using mailquay::log_line;

namespace test_log_fields {

/// The field as written for a text value.
std::string written(std::string_view value) {
    log_line line{"e"};
    line.add("k", value);
    return std::string{line.view().substr(std::string_view{"e k="}.size())};
}

template <class Value>
concept addable = requires(log_line& line, Value const& value) { line.add("key", value); };
template <class Value>
concept addable_in_chain = requires(Value const& value) { log_line{"e"}.add("key", value); };

}  // namespace test_log_fields

using test_log_fields::written;

TEST_CASE("fields follow the event in the order they were added", "[base][log_fields]") {
    log_line line{"accepted"};
    line.add("from", "alice@example.org").add("size", 1024u).add("tls", true);
    line.add("client", ip_endpoint{*ip_address::parse("2001:db8::1"), 25}).add("peer", *ip_address::parse("192.0.2.1"));

    CHECK(line.view() == "accepted from=alice@example.org size=1024 tls=yes client=[2001:db8::1]:25 peer=192.0.2.1");
    CHECK(log_line{"closed"}.view() == "closed");
}

TEST_CASE("numbers of every kind are written in decimal without quotes", "[base][log_fields]") {
    log_line line{"e"};
    line.add("a", 0)
        .add("b", -1)
        .add("c", std::numeric_limits<std::int64_t>::min())
        .add("d", std::numeric_limits<std::uint64_t>::max())
        .add("e", std::uint8_t{200})
        .add("f", static_cast<short>(-5))
        .add("g", false);

    CHECK(line.view() == "e a=0 b=-1 c=-9223372036854775808 d=18446744073709551615 e=200 f=-5 g=no");
}

TEST_CASE("durations are seconds with three decimals", "[base][log_fields]") {
    using namespace std::chrono_literals;
    log_line line{"e"};
    line.add("a", 1250ms).add("b", 3s).add("c", 0ms).add("d", -7ms).add("e", 1h);

    CHECK(line.view() == "e a=1.250 b=3.000 c=0.000 d=-0.007 e=3600.000");
}

TEST_CASE("a text value is quoted only when it must be", "[base][log_fields]") {
    CHECK(written("plain-text_1.2:3,4/5;<>@[]'") == "plain-text_1.2:3,4/5;<>@[]'");
    CHECK(written("") == "\"\"");
    CHECK(written("two words") == "\"two words\"");
    CHECK(written("a=b") == "\"a=b\"");
    CHECK(written("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
}

TEST_CASE("what could end a value, a line or deceive the reader is escaped octet by octet", "[base][log_fields]") {
    CHECK(written("a\"b") == "\"a\\x22b\"");
    CHECK(written("a\\b") == "\"a\\x5Cb\"");
    CHECK(written("\\x41") == "\"\\x5Cx41\"");
    CHECK(written("a\r\nb") == "\"a\\x0D\\x0Ab\"");
    CHECK(written("\t") == "\"\\x09\"");
    CHECK(written(std::string_view{"\0", 1}) == "\"\\x00\"");
    CHECK(written("\x7f") == "\"\\x7F\"");
    CHECK(written("\x1b[31m") == "\"\\x1B[31m\"");
    CHECK(written("\xff\xfe") == "\"\\xFF\\xFE\"");
    CHECK(written("\xc3") == "\"\\xC3\"");
    CHECK(written("a\xc2\x9b"
                  "b") == "\"a\\xC2\\x9Bb\"");                // C1 CSI
    CHECK(written("\xe2\x80\xa8") == "\"\\xE2\\x80\\xA8\"");  // line separator
    CHECK(written("\xe2\x80\xae"
                  "gpj") == "\"\\xE2\\x80\\xAEgpj\"");  // right-to-left override
}

TEST_CASE("no value can forge a field or a line", "[base][log_fields]") {
    for (int a = 0; a < 256; ++a) {
        for (int b = 0; b < 256; ++b) {
            char const two[] = {static_cast<char>(a), static_cast<char>(b)};
            std::string const field = written({two, 2});
            bool const quoted = field.starts_with('"');
            std::string_view inner = field;
            if (quoted) inner = inner.substr(1, inner.size() - 2);
            bool const harmless = inner.find_first_of("\"\r\n") == std::string_view::npos &&
                                  (quoted || inner.find_first_of(" =\\") == std::string_view::npos) &&
                                  (!quoted || field.ends_with('"'));
            if (!harmless) FAIL("octets " << a << ' ' << b);
        }
    }
}

TEST_CASE("a line can be built in one expression and logged", "[base][log_fields]") {
    std::string heard;
    mailquay::logger const log{mailquay::log_level::info,
                               [&heard](mailquay::log_level, std::string_view line) { heard = line; }};

    log.info([] { return log_line{"refused"}.add("stage", "rcpt").add("reply", 550).add("to", std::string{"b c"}); });

    CHECK(heard == "refused stage=rcpt reply=550 to=\"b c\"");
}

TEST_CASE("a secret cannot be added to a line", "[base][log_fields]") {
    STATIC_REQUIRE(test_log_fields::addable<std::string>);
    STATIC_REQUIRE(test_log_fields::addable_in_chain<std::string>);
    STATIC_REQUIRE_FALSE(test_log_fields::addable<mailquay::secret_view>);
    STATIC_REQUIRE_FALSE(test_log_fields::addable<mailquay::secret>);
    STATIC_REQUIRE_FALSE(test_log_fields::addable_in_chain<mailquay::secret_view>);
    STATIC_REQUIRE_FALSE(test_log_fields::addable_in_chain<mailquay::secret>);
}
