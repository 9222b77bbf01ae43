#include <mailquay/handler/mailbox_name.hpp>

#include <mailquay/handler/detail/sha256.hpp>

#include "support/catch.hpp"

#include <random>
#include <string>
#include <unordered_map>
#include <vector>

namespace test_mailbox_name {

std::string hex(std::string_view text) {
    std::string out;
    for (unsigned octet : mailquay::detail::sha256::of(text)) {
        out += "0123456789abcdef"[octet >> 4];
        out += "0123456789abcdef"[octet & 15];
    }
    return out;
}

}  // namespace test_mailbox_name

using mailquay::is_safe_mailbox_name;
using mailquay::safe_mailbox_name;

TEST_CASE("a safe id is its own name", "[handler][mailbox_name]") {
    for (std::string const& id : std::vector<std::string>{"a", "alice@example.org", "a.b_c+d=e-f", "0", "-", "a..b", "+", std::string(128, 'x')}) {
        CHECK(is_safe_mailbox_name(id));
        CHECK(safe_mailbox_name(id) == id);
    }
}

TEST_CASE("everything else is encoded octet by octet", "[handler][mailbox_name]") {
    std::vector<std::pair<std::string, std::string>> const table{
        {"Alice", "%41lice"}, {".", "%2E"}, {"..", "%2E."}, {"../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"}, {".hidden", "%2Ehidden"},
        {"", "%-"}, {std::string(1, '\0'), "%00"}, {"a/b", "a%2Fb"}, {"a%2Fb", "a%252%46b"}, {"j\u00f6rg", "j%C3%B6rg"}, {"%-", "%25-"},
        {"a b", "a%20b"}, {"a\\b:c", "a%5Cb%3Ac"}, {"a\r\nb", "a%0D%0Ab"}};
    for (auto const& [id, name] : table) {
        CAPTURE(id);
        CHECK_FALSE(is_safe_mailbox_name(id));
        CHECK(safe_mailbox_name(id) == name);
    }
}

TEST_CASE("long names are cut and end in a hash of the whole id", "[handler][mailbox_name]") {
    std::string const plain(129, 'x');
    std::string const upper(100, 'X');

    CHECK(safe_mailbox_name(plain) == std::string(94, 'x') + "%-" + test_mailbox_name::hex(plain).substr(0, 32));
    CHECK(safe_mailbox_name(upper) == [&] {
        std::string name;
        for (int i = 0; i < 31; ++i) name += "%58";
        return name + "%-" + test_mailbox_name::hex(upper).substr(0, 32);
    }());
    CHECK(safe_mailbox_name(plain + "y") != safe_mailbox_name(plain + "z"));
    CHECK(safe_mailbox_name(std::string(1'000'000, '\xff')).size() <= mailquay::max_mailbox_name);
}

TEST_CASE("names are harmless, bounded and different for different ids", "[handler][mailbox_name]") {
    std::mt19937 random{7};
    std::string const octets = "ab.%-/\\A@25eEfF";
    std::unordered_map<std::string, std::string> seen;
    for (int round = 0; round < 200'000; ++round) {
        std::string id;
        auto const size = round % 50 == 0 ? 120 + random() % 20 : random() % 6;
        while (id.size() < size) id += octets[random() % octets.size()];
        std::string const name = safe_mailbox_name(id);
        auto const [place, added] = seen.emplace(name, id);
        bool const harmless = !name.empty() && name.size() <= mailquay::max_mailbox_name && name.front() != '.' &&
                              name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._@+=-%ABCDEF") == std::string::npos;
        if (place->second != id || !harmless) FAIL("\"" << id << "\" and \"" << place->second << "\" give \"" << name << "\"");
    }
}

TEST_CASE("SHA-256 gives the digests of FIPS 180-4", "[handler][mailbox_name]") {
    CHECK(test_mailbox_name::hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(test_mailbox_name::hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(test_mailbox_name::hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(test_mailbox_name::hex(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
