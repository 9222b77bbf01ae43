// Lines are the same whether the stream comes whole, in pieces, or is read octet by octet by the rule.

#include <mailquay/protocol/line_reader.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace fuzz_line_reader {

using namespace mailquay;

struct line {
    std::string text{};
    bool bad = false;
    bool too_long = false;

    bool operator==(line const&) const = default;
};

void require(bool holds) {
    if (!holds) std::abort();
}

std::vector<line> by_the_rule(std::string_view stream, std::size_t limit, bool bare_lf) {
    std::vector<line> lines;
    std::string octets;
    for (char c : stream) {
        octets += c;
        bool const crlf = octets.ends_with("\r\n");
        if (!crlf && !(bare_lf && c == '\n')) continue;
        line found;
        found.too_long = octets.size() > limit;
        if (!found.too_long) {
            found.text = octets.substr(0, octets.size() - (crlf ? 2 : 1));
            found.bad = found.text.find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos;
        }
        lines.push_back(found);
        octets.clear();
    }
    return lines;
}

/// Pieces of the given lengths, over and over; none: all at once.
std::vector<line> read(std::string_view stream, std::string_view lengths, std::size_t limit, bool bare_lf) {
    std::vector<line> lines;
    line_reader reader{bare_lf};
    std::string held;
    for (std::size_t i = 0; !stream.empty(); ++i) {
        auto const length =
            lengths.empty() ? stream.size() : 1 + static_cast<unsigned char>(lengths[i % lengths.size()]) % 32u;
        auto const piece = stream.substr(0, length);
        stream.remove_prefix(piece.size());
        std::vector<char> octets(held.begin(), held.end());
        octets.insert(octets.end(), piece.begin(), piece.end());
        std::string_view rest{octets.data(), octets.size()};
        for (auto found = reader.next(rest, limit);; found = reader.next(rest, limit)) {
            require(found.consumed <= rest.size());
            if (found.what == line_scan::kind::line) lines.push_back({std::string{found.text}, found.bad, false});
            if (found.what == line_scan::kind::too_long) lines.push_back({{}, false, true});
            rest.remove_prefix(found.consumed);
            if (found.what == line_scan::kind::need_more) break;
        }
        require(rest.size() < limit);
        held = rest;
    }
    return lines;
}

}  // namespace fuzz_line_reader

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_line_reader;
    // Octets: the limit, leniency and the number of lengths of pieces, these lengths, the stream.
    std::string_view input{reinterpret_cast<char const*>(data), size};
    if (input.size() < 2) return 0;
    std::size_t const limit = 3 + static_cast<unsigned char>(input[0]);
    bool const bare_lf = (input[1] & 0x10) != 0;
    auto const count = std::min<std::size_t>(static_cast<unsigned char>(input[1]) % 8u, input.size() - 2);
    auto const lengths = input.substr(2, count), stream = input.substr(2 + count);

    auto const wanted = by_the_rule(stream, limit, bare_lf);
    require(read(stream, {}, limit, bare_lf) == wanted);
    require(read(stream, std::string_view{"\0", 1}, limit, bare_lf) == wanted);
    if (!lengths.empty()) require(read(stream, lengths, limit, bare_lf) == wanted);
    return 0;
}
