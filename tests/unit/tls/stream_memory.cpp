// What a stream keeps in memory, and what it does not.

#include <mailquay/tls/context.hpp>

#include "support/catch.hpp"
#include "support/connected_pair.hpp"
#include "support/tls_client.hpp"

#include <dlfcn.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

namespace test_stream_memory {

/// How buffers were released.
struct releases_seen {
    int in_all = 0;
    int inside_records = 0;
};
releases_seen& releases() {
    static releases_seen seen;
    return seen;
}

}  // namespace test_stream_memory

// In place of the function of a shared OpenSSL; weak, so that a static one keeps its own.
extern "C" __attribute__((weak)) int SSL_free_buffers(SSL* of) {
    using function = int (*)(SSL*);
    static auto const real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "SSL_free_buffers"));
    auto& seen = test_stream_memory::releases();
    ++seen.in_all;
    if (SSL_has_pending(of) == 1 || std::string_view{SSL_rstate_string(of)} != "RH") ++seen.inside_records;
    return real != nullptr ? real(of) : 1;
}

namespace test_stream_memory {

using namespace mailquay;
using namespace mailquay_test;

TEST_CASE("an idle stream keeps no cipher text", "[tls][stream]") {
    connected_pair pair;
    REQUIRE(pair.server->write(std::string(10'000, 'x')));
    output_of(*pair.server);
    CHECK_FALSE(pair.server->has_output());
    CHECK(pair.server->wants_input());
}

/// The heap in use, without what lies in the allocator's caches.
std::size_t heap_in_use() { return ::mallinfo2().uordblks; }

TEST_CASE("a stream that has read and written much holds no more than an idle one", "[tls][stream]") {
    if (heap_in_use() == 0) return;  // a sanitizer's allocator does not say
    connected_pair pair;
    auto const exchange = [&](std::size_t octets) {
        REQUIRE(pair.server->write(std::string(octets, 'x')));
        output_of(*pair.server);
    };
    exchange(20'000);  // what a thread keeps is kept once
    connected_pair other;
    std::size_t const before = heap_in_use();
    REQUIRE(other.server->write(std::string(20'000, 'x')));
    output_of(*other.server);
    CHECK(heap_in_use() < before + 1000);
}

TEST_CASE("a stream that has read a whole record gives the buffer back that a part of one keeps", "[tls][stream]") {
    if (heap_in_use() == 0) return;  // a sanitizer's allocator does not say
    connected_pair pair{GENERATE(TLS1_2_VERSION, TLS1_3_VERSION)};
    std::string const cipher = pair.client.encrypt(std::string(1000, 'x'));
    std::array<char, 1000> room;
    std::size_t const idle = heap_in_use();
    pair.server->lend(std::string_view{cipher}.substr(0, 500));
    REQUIRE(*pair.server->read(room) == 0);
    CHECK(heap_in_use() > idle + 16'000);

    pair.server->lend(std::string_view{cipher}.substr(500));
    REQUIRE(*pair.server->read(room) == room.size());
    CHECK(heap_in_use() < idle + 1000);
}

TEST_CASE("buffers are released between records only: OpenSSL before 3.0.14 frees those in use, too (CVE-2024-4741)", "[tls][stream]") {
    connected_pair pair{GENERATE(TLS1_2_VERSION, TLS1_3_VERSION)};
    std::string const cipher = pair.client.encrypt(std::string(1000, 'x'));
    std::array<char, 600> room;
    auto const reads = [&](std::size_t from, std::size_t octets) {
        pair.server->lend(std::string_view{cipher}.substr(from, octets));
        return *pair.server->read(room);
    };
    releases() = {};
    CHECK(reads(0, 3) == 0);    // of the header
    CHECK(reads(3, 2) == 0);    // the header
    CHECK(reads(5, 500) == 0);  // of the body
    CHECK(releases().inside_records == 0);
    CHECK(reads(505, cipher.size()) == 600);  // not all of it
    CHECK(releases().inside_records == 0);
    CHECK(releases().in_all == 0);
    CHECK(reads(cipher.size(), 0) == 400);
    CHECK(releases().inside_records == 0);
}

/// How often a text is in the heap. It is given with each character raised by one, so that the question does not hold the answer.
int found_in_heap(std::string_view raised) {
    int found = 0;
    std::ifstream maps{"/proc/self/maps"};
    for (std::string line; std::getline(maps, line);) {
        unsigned long begin = 0, end = 0;
        if (line.find("[heap]") == line.npos || std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) != 2) continue;
        auto const* const last = reinterpret_cast<char const volatile*>(end) - raised.size();
        for (auto const* at = reinterpret_cast<char const volatile*>(begin); at < last; ++at)
            if (std::equal(raised.begin(), raised.end(), at, [](char asked, char there) { return there == static_cast<char>(asked - 1); })) ++found;
    }
    return found;
}

TEST_CASE("plain text that was read is nowhere in memory, nor is what a stream that ends had not given out", "[tls][stream]") {
    if (heap_in_use() == 0) return;  // a sanitizer's heap lies elsewhere
    constexpr std::string_view raised = "TfdsfuQbttxpseYz{{z";
    std::size_t const piece = GENERATE(std::size_t{10'000}, std::size_t{9});
    connected_pair pair{GENERATE(TLS1_2_VERSION, TLS1_3_VERSION)};
    std::array<char, 400> plain;
    std::array<char, 100> room;
    auto const encrypted = [&] {
        plain.fill('x');
        std::transform(raised.begin(), raised.end(), plain.begin() + 200, [](char one) { return static_cast<char>(one - 1); });
        std::string const cipher = pair.client.encrypt({plain.data(), plain.size()});
        plain.fill('\0');
        return cipher;
    };
    auto const read = [&] {
        std::size_t const got = *pair.server->read(room);
        room.fill('\0');
        return got;
    };
    REQUIRE(found_in_heap(raised) == 0);

    for (int round = 0; round < 2; ++round) {
        std::string const cipher = encrypted();
        bool was_there = false;
        for (std::size_t at = 0; at < cipher.size(); at += piece) {
            pair.server->lend(std::string_view{cipher}.substr(at, piece));
            while (read() != 0) was_there = was_there || found_in_heap(raised) == 1;
        }
        CHECK(was_there);
        CHECK(found_in_heap(raised) == 0);
    }

    std::string const cipher = encrypted();
    pair.server->lend(cipher);
    REQUIRE(read() == room.size());
    CHECK(found_in_heap(raised) == 1);
    pair.server.reset();
    CHECK(found_in_heap(raised) == 0);
}

}  // namespace test_stream_memory
