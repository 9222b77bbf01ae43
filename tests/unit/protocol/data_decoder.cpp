#include <mailquay/protocol/data_decoder.hpp>

#include <mailquay/protocol/detail/dot_finder_avx2.hpp>
#include <mailquay/protocol/detail/octet_remover.hpp>

#include "support/catch.hpp"
#include "support/json_lite.hpp"
#include "support/test_data.hpp"

#include <random>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::detail {
struct data_decoder_probe {
    static data_decoder::step decode(data_decoder& decoder, dot_finder find, std::span<char> input) {
        return decoder.decode_by(find, input);
    }
};
}  // namespace mailquay::inline MAILQUAY_ABI::detail

using namespace mailquay;

namespace test_data_decoder {

struct outcome {
    std::string message;
    std::size_t consumed = 0;
    bool end = false;
    bool bad = false;  // meaningful only with an end: without one a CR at the end is still open

    bool operator==(outcome const&) const = default;
};

/// RFC 5321 §4.5.2 octet by octet, on the whole stream.
outcome reference(std::string const& stream) {
    outcome found;
    std::size_t i = 0;
    bool line_start = true;
    while (i < stream.size()) {
        if (line_start && stream[i] == '.') {
            if (stream.compare(i, 3, ".\r\n") == 0) {
                found.consumed = i + 3;
                found.end = true;
                return found;
            }
            if (i + 1 == stream.size() || (stream[i + 1] == '\r' && i + 2 == stream.size())) break;  // not decided yet
            ++i;
            line_start = false;
            continue;
        }
        line_start = false;
        if (stream.compare(i, 2, "\r\n") == 0) {
            found.message += "\r\n";
            i += 2;
            line_start = true;
            continue;
        }
        bool const open_cr = stream[i] == '\r' && i + 1 == stream.size();
        if ((stream[i] == '\r' && !open_cr) || stream[i] == '\n') found.bad = true;
        found.message += stream[i++];
    }
    found.consumed = stream.size();
    return found;
}

struct finder {
    char const* name;
    detail::dot_finder find;
};

std::vector<finder> finders() {
    std::vector<finder> all{{"portable", detail::find_dots_portable}};
#if MAILQUAY_SSE2
    all.push_back({"SSE2", detail::find_dots_sse2});
#endif
#if MAILQUAY_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")) all.push_back({"AVX2", detail::find_dots_avx2});
#endif
    return all;
}

/// Feeds the stream in the pieces that `cuts` (ascending) make of it; each piece lies alone in memory.
outcome decode(std::string const& stream, std::vector<std::size_t> cuts, detail::dot_finder find) {
    outcome found;
    data_decoder decoder;
    cuts.push_back(stream.size());
    std::size_t from = 0;
    for (std::size_t cut : cuts) {
        if (cut < from) continue;
        std::vector<char> piece(stream.begin() + static_cast<std::ptrdiff_t>(from),
                                stream.begin() + static_cast<std::ptrdiff_t>(cut));
        auto const step = detail::data_decoder_probe::decode(decoder, find, piece);
        found.message += step.prefix;
        found.message.append(step.octets.begin(), step.octets.end());
        found.consumed += step.consumed;
        found.bad |= step.bad;
        if (!step.octets.empty()) {
            REQUIRE(step.octets.data() >= piece.data());
            REQUIRE(step.octets.data() + step.octets.size() <= piece.data() + piece.size());
        }
        if (!step.prefix.empty()) REQUIRE(step.bad);
        if (step.end) {
            found.end = true;
            CHECK(decoder.ended());
            return found;
        }
        REQUIRE(step.consumed == piece.size());
        from = cut;
    }
    CHECK_FALSE(decoder.ended());
    return found;
}

/// Whole, octet by octet, at every single cut, and by each form of the search: always what the reference says.
void agrees_at_every_split(std::string const& stream) {
    auto const wanted = reference(stream);
    for (auto const& [name, find] : finders()) {
        INFO(name << " " << Catch::Detail::stringify(stream));
        bool same = decode(stream, {}, find) == wanted;
        std::vector<std::size_t> bytewise;
        for (std::size_t i = 1; i < stream.size(); ++i) {
            bytewise.push_back(i);
            same = same && decode(stream, {i}, find) == wanted;
        }
        same = same && decode(stream, bytewise, find) == wanted;
        REQUIRE(same);
    }
}

/// Every pair of cuts too.
void agrees_at_every_two_splits(std::string const& stream) {
    auto const wanted = reference(stream);
    for (auto const& [name, find] : finders()) {
        bool same = true;
        for (std::size_t i = 0; i <= stream.size(); ++i) {
            for (std::size_t j = i; j <= stream.size(); ++j) same = same && decode(stream, {i, j}, find) == wanted;
        }
        INFO(name << " " << Catch::Detail::stringify(stream));
        REQUIRE(same);
    }
}

}  // namespace test_data_decoder

namespace test_data_decoder {

TEST_CASE("Data ends at CRLF dot CRLF, or at dot CRLF as its first octets", "[protocol][data]") {
    std::string data = "a\r\n.\r\nMAIL";
    data_decoder decoder;
    auto const step = decoder.decode(data);
    CHECK(std::string(step.octets.begin(), step.octets.end()) == "a\r\n");
    CHECK(step.end);
    CHECK_FALSE(step.bad);
    CHECK(step.consumed == 6);
    CHECK(decoder.decode(data).consumed == 0);
    CHECK(decoder.decode(data).end);

    decoder.reset();
    std::string empty = ".\r\n";
    auto const nothing = decoder.decode(empty);
    CHECK(nothing.end);
    CHECK(nothing.octets.empty());
    CHECK(nothing.consumed == 3);
}

TEST_CASE("One leading dot of a line is taken out, whatever follows", "[protocol][data]") {
    CHECK(reference("..\r\n.\r\n").message == ".\r\n");
    CHECK(reference(".a\r\n...\r\n.\r\n").message == "a\r\n..\r\n");
    CHECK(reference("\r\n.\rx\r\n.\r\n").message == "\r\n\rx\r\n");
    for (std::string stream : {"..\r\n.\r\n", ".a\r\n...\r\n.\r\n", "\r\n.\rx\r\n.\r\n", "\r\n.\r\r\n.\r\n"}) {
        agrees_at_every_two_splits(stream);
    }
}

TEST_CASE("Every stream of up to seven octets of CR, LF, dot and a letter is decoded as the rule says, at every split",
          "[protocol][data]") {
    constexpr char alphabet[] = {'\r', '\n', '.', 'a'};
    for (std::size_t length = 0; length <= 7; ++length) {
        std::size_t const count = std::size_t{1} << 2 * length;
        for (std::size_t number = 0; number < count; ++number) {
            std::string stream;
            for (std::size_t i = 0; i < length; ++i) stream += alphabet[number >> 2 * i & 3];
            auto const wanted = reference(stream);
            for (auto const& [name, find] : finders()) {
                bool same = decode(stream, {}, find) == wanted;
                for (std::size_t cut = 1; cut < length; ++cut) same = same && decode(stream, {cut}, find) == wanted;
                if (!same) FAIL(name << " " << Catch::Detail::stringify(stream));
            }
        }
    }
}

TEST_CASE("What stands at the border of two blocks is decoded alike", "[protocol][data]") {
    std::vector<std::string> const cases = {"\r\n.\r\n", "\r\n..\r\n", "\r\n.\rx",    "\r\n.x",      "\n.\r\n",
                                            "\r.\r\n",   "\r\n.\n",    "\r\n\r\n.",   "\r\r\n.\r\n", "\n\r\n",
                                            "\rx",       "\nx",        "\r\n.\r\r\n", ".\r\n.\r\n.", "\r\n.",
                                            "\r\n.\r",   "\r",         "\r\n"};
    for (std::size_t before :
         {0u, 1u, 30u, 57u, 58u, 59u, 60u, 61u, 62u, 63u, 64u, 65u, 66u, 123u, 124u, 125u, 126u, 127u, 128u, 190u}) {
        for (auto const& part : cases) {
            agrees_at_every_split(std::string(before, 'a') + part);
            agrees_at_every_split(std::string(before, 'a') + part + std::string(70, 'b') + "\r\n.\r\n");
        }
    }
}

TEST_CASE("Lines that begin with dots are drawn together alike, however long they are and wherever they are cut", "[protocol][data]") {
    std::mt19937 random{20261126};
    char const* const begins[] = {"..", "..", "..", "..", ".x", "x", ".\n", "\n.", "...", ".\rx"};
    for (std::size_t length = 0; length < 220; ++length) {
        for (int mixed = 0; mixed < 3; ++mixed) {
            std::string stream;
            for (int line = 0; line < 24; ++line) {
                stream += mixed == 0 ? ".." : begins[random() % std::size(begins)];
                std::size_t const octets = mixed == 2 ? random() % (length + 1) : length;
                for (std::size_t i = 0; i < octets; ++i) stream += static_cast<char>('a' + (stream.size() % 26));
                stream += random() % 50 == 0 ? "\n" : "\r\n";
            }
            stream += ".\r\nrest";
            auto const wanted = reference(stream);
            for (auto const& [name, find] : finders()) {
                INFO(name << " " << length << " " << mixed);
                REQUIRE(decode(stream, {}, find) == wanted);
                std::vector<std::size_t> cuts{random() % stream.size(), random() % stream.size()};
                std::sort(cuts.begin(), cuts.end());
                REQUIRE(decode(stream, cuts, find) == wanted);
            }
        }
    }
}

TEST_CASE("Random streams rich in CR, LF and dots are decoded alike by all forms", "[protocol][data]") {
    std::mt19937 random{20261123};
    for (int round = 0; round < 3000; ++round) {
        std::string stream;
        std::size_t const parts = random() % 120;
        for (std::size_t i = 0; i < parts; ++i) {
            switch (random() % 10) {
                case 0: stream += "\r"; break;
                case 1: stream += "\n"; break;
                case 2: stream += "."; break;
                case 3: stream += "\r\n."; break;
                case 4: stream += "\r\n"; break;
                case 5: stream += std::string(random() % 80, 'x'); break;
                case 6: stream += '\0'; break;
                default: stream += "ab"; break;
            }
        }
        auto const wanted = reference(stream);
        std::vector<std::size_t> cuts;
        for (std::size_t at = random() % 100; at < stream.size(); at += 1 + random() % 100) cuts.push_back(at);
        for (auto const& [name, find] : finders()) {
            if (decode(stream, {}, find) != wanted) FAIL(name << " " << Catch::Detail::stringify(stream));
            if (decode(stream, cuts, find) != wanted) FAIL(name << " split " << Catch::Detail::stringify(stream));
        }
    }
}

TEST_CASE("A block with many dots and the end is decoded alike behind one dot, wherever it begins", "[protocol][data]") {
    std::string const ends[] = {"\r\n..\r\n..\r\n..\r\n.\r\nNOOP\r\n", "\r\n..\r\n..\r\n..\r\n.\rx\r\n.\r\n",
                                "\r\n..\r\n..\r\n..\n.\r\n.\r\n"};
    for (std::size_t before = 0; before < 200; ++before) {
        for (auto const& end : ends) {
            std::string const stream = "ab\r\n..c" + std::string(before, 'd') + end + std::string(100, 'e') + "\r\n.\r\n";
            auto const wanted = reference(stream);
            for (auto const& [name, find] : finders())
                if (decode(stream, {}, find) != wanted) FAIL(name << " " << Catch::Detail::stringify(stream));
        }
    }
}

TEST_CASE("What is bare at the end of a block is seen though blocks full of dots follow", "[protocol][data]") {
    std::string const bare[] = {"\r\x0b", "\r\x0b\x0b", "\x0b", "\x0b\n", "\r", "\n", "\r\r", "\r*", "\n*", "\r\n*", "\r\n\x0e", "\r\n\x0b"};
    for (std::size_t before = 0; before < 200; ++before) {
        for (auto const& octets : bare) {
            std::string const stream = "\r\n..c" + std::string(before, 'd') + octets + "\r\n..\r\n..\r\n..\r\n..\r\n..\r\n" + std::string(130, 'e') + "\r\n.\r\n";
            auto const wanted = reference(stream);
            for (auto const& [name, find] : finders())
                if (decode(stream, {}, find) != wanted) FAIL(name << " " << Catch::Detail::stringify(stream));
        }
    }
}

TEST_CASE("Every two octets, behind a letter and behind CRLF, are decoded alike wherever in a block they stand", "[protocol][data]") {
    // Those whose meaning depends on the other, and those that the AVX2 form's table could mistake for one of these.
    std::string const special{"\r\n.\x0b\x0e*\0\t\x0f\x08\x1a\x2a\x8a\x8d\xaa\xff", 16};
    auto const decodes = [](std::string const& stream) {
        auto const wanted = reference(stream);
        for (auto const& [name, find] : finders())
            if (decode(stream, {}, find) != wanted) FAIL(name << " " << Catch::Detail::stringify(stream));
    };
    for (std::size_t before : {0u, 1u, 31u, 32u, 33u, 63u, 64u, 65u, 66u, 130u}) {
        for (char const one : special) {
            for (int other = 0; other < 256; ++other) {
                char const octet = static_cast<char>(other);
                std::string const begin(before, 'a'), end = std::string(70 + other % 64u, 'b') + "\r\n.\r\n";
                decodes(begin + one + octet + end);
                decodes(begin + octet + one + end);
                decodes(begin + "\r\n" + one + octet + end);
            }
        }
    }
}

TEST_CASE("Long streams of dotted and of plain lines by turns are decoded alike, with rare octets among them", "[protocol][data]") {
    std::mt19937 random{20261127};
    char const* const rare[] = {"\r", "\n", "\x0b", "\r\x0b", "\x0b\r", "\x0b\n", "*", "\r\n*", "\n.", "\r\n.\r", "\r\n.\n", "\x0e", "\r\r\n", "\x8a"};
    for (int round = 0; round < 3000; ++round) {
        std::string stream(random() % 140, 'x');
        auto const one_in = 1 + random() % 200;
        for (std::size_t section = random() % 12; section != 0; --section) {
            std::size_t const longest = random() % 3 == 0 ? 110 : 1 + random() % 12;
            bool const dotted = random() % 3 != 0;
            for (std::size_t line = random() % 60; line != 0; --line) {
                stream += dotted ? "\r\n.." : "\r\n";
                if (random() % one_in == 0) stream += rare[random() % std::size(rare)];
                for (std::size_t i = random() % longest; i != 0; --i) stream += static_cast<char>('a' + stream.size() % 26);
            }
        }
        if (random() % 2 == 0) stream += "\r\n.\r\nNOOP\r\n";
        auto const wanted = reference(stream);
        std::vector<std::size_t> cuts{random() % (stream.size() + 1), random() % (stream.size() + 1)};
        std::sort(cuts.begin(), cuts.end());
        for (auto const& [name, find] : finders()) {
            if (decode(stream, {}, find) != wanted) FAIL(name << " " << Catch::Detail::stringify(stream));
            if (decode(stream, cuts, find) != wanted) FAIL(name << " split " << Catch::Detail::stringify(stream));
        }
    }
}

TEST_CASE("Blocks full of stuffed dots are decoded alike by all forms, wherever they begin and end", "[protocol][data]") {
    std::mt19937 random{20261126};
    for (int round = 0; round < 2000; ++round) {
        std::string stream(random() % 70, 'x');
        std::size_t const lines = random() % 60;
        for (std::size_t i = 0; i < lines; ++i) {
            stream += "\r\n.";
            switch (random() % 12) {
                case 0: stream += "\r"; break;
                case 1: stream += "\n"; break;
                case 2: stream += std::string(random() % 20, 'y'); break;
                case 3: stream += ".\r"; break;
                default: stream += "."; break;
            }
        }
        if (random() % 2 == 0) stream += "\r\n.\r\nNOOP\r\n";
        auto const wanted = reference(stream);
        std::size_t const cut = random() % (stream.size() + 1);
        for (auto const& [name, find] : finders()) {
            if (decode(stream, {}, find) != wanted) FAIL(name << " " << Catch::Detail::stringify(stream));
            if (decode(stream, {cut}, find) != wanted) FAIL(name << " split " << Catch::Detail::stringify(stream));
        }
    }
}

TEST_CASE("Octets are taken out alike by all forms, and only what lies before the last two octets is written", "[protocol][data]") {
    std::mt19937_64 random{20261126};
    std::vector<detail::octet_remover> forms{detail::remove_octets_portable};
#if MAILQUAY_AVX2
    if (__builtin_cpu_supports("avx2")) forms.push_back(detail::remove_octets_avx2);
#endif
    for (int round = 0; round < 40'000; ++round) {
        std::size_t const below = random() % 20;  // how far the copy lies below
        std::size_t const spread = 1 + random() % 18;
        std::uint64_t gone = 0;
        for (std::size_t i = random() % 30; i < 64; i += 4 + random() % spread) gone |= std::uint64_t{1} << i;
        if (!detail::are_many(gone)) continue;
        std::string text(below + 64 + 8, '.');
        for (char& c : text) c = static_cast<char>('a' + random() % 26);
        std::string wanted;
        for (std::size_t i = 0; i < 64; ++i)
            if ((gone >> i & 1) == 0) wanted += text[below + i];
        for (auto const form : forms) {
            std::string work = text;
            char* const end = form(work.data(), work.data() + below, gone);
            char const before_last = work[below + 62];
            bool const same = std::string(work.data(), end) == wanted && work.substr(below + 63) == text.substr(below + 63) &&
                              (before_last == text[below + 62] || before_last == 0);
            if (!same) FAIL(below << " below, without " << gone);
        }
    }
}

TEST_CASE("Octets without dots at line starts stay where they are", "[protocol][data]") {
    std::string text;
    while (text.size() < 5000) text += "A line of text. It has dots.\r\n";
    std::string lent = text;
    data_decoder decoder;

    auto const step = decoder.decode(lent);

    CHECK(step.octets.data() == lent.data());
    CHECK(step.octets.size() == lent.size());
    CHECK(lent == text);
}

TEST_CASE("No published smuggling sequence ends the data or hides the end", "[protocol][data][smuggling]") {
    auto const text = mailquay_test::read_data("smuggling/vectors.json");
    if (!text) {
        WARN("smuggling/vectors.json is not at hand");
        return;
    }
    std::size_t seen = 0;
    for (auto const& object : mailquay_test::json_objects(*text, "end_of_data")) {
        auto const name = object.string("name");
        auto const data = mailquay_test::from_hex(object.string("data_hex"));
        auto const sequence = mailquay_test::from_hex(object.string("sequence_hex"));
        INFO(name);
        agrees_at_every_split(data);
        auto const found = decode(data, {}, finders().back().find);
        CHECK(found.end);
        if (sequence == "\r\n.\r\n") {
            CHECK(found.message.find("MAIL FROM") == std::string::npos);
        } else if (sequence == "\r\n..\r\n") {
            CHECK(found.message.find("\r\n.\r\n") != std::string::npos);
        } else {
            CHECK(found.message.find("MAIL FROM") != std::string::npos);
            bool const bare = reference(sequence + "\r\n.\r\n").bad;
            CHECK(found.bad == bare);
        }
        ++seen;
    }
    CHECK(seen >= 18);
}

}  // namespace test_data_decoder
