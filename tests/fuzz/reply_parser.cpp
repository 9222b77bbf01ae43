// Replies of a server, whole and in pieces: what is read is the same, and what is read is bounded.

#include <mailquay/protocol/ehlo_reply.hpp>
#include <mailquay/protocol/reply_parser.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace fuzz_reply_parser {

using namespace mailquay;

void require(bool holds) {
    if (!holds) std::abort();
}

struct found {
    reply_parser::outcome how{};
    received_reply reply{};
    friend bool operator==(found const&, found const&) = default;
};

/// Pieces of the given lengths, over and over; none: all at once.
std::vector<found> read(std::string_view stream, std::string_view lengths, reply_limits limits) {
    std::vector<found> all;
    reply_parser parser{limits};
    for (std::size_t i = 0; !stream.empty(); ++i) {
        auto const length = lengths.empty() ? stream.size() : 1 + static_cast<unsigned char>(lengths[i % lengths.size()]) % 32u;
        auto part = stream.substr(0, length);
        stream.remove_prefix(part.size());
        while (!part.empty()) {
            auto const used = parser.feed(part);
            require(used != 0 && used <= part.size());
            part.remove_prefix(used);
            if (parser.state() == reply_parser::outcome::need_more) continue;
            auto const how = parser.state();
            all.push_back({how, parser.take()});
            received_reply const& got = all.back().reply;
            require(got.text.size() <= limits.text_octets);
            require(how == reply_parser::outcome::complete ? got.code >= 200 && got.code <= 599 : got.code == 0);
            require(got.enhanced.empty() || got.enhanced[0] - '0' == got.code / 100);
            require(got.positive() + got.intermediate() + got.temporary() + got.permanent() == 1);
            if (how == reply_parser::outcome::endless) return all;  // a client closes here
            (void)parse_ehlo_reply(got.text);
        }
    }
    return all;
}

}  // namespace fuzz_reply_parser

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_reply_parser;
    // Octets: the limits, the number of lengths of pieces, these lengths, the stream.
    std::string_view const input{reinterpret_cast<char const*>(data), size};
    if (input.size() < 2) return 0;
    reply_limits limits;
    limits.line_octets = 8 + static_cast<unsigned char>(input[0]);
    limits.text_octets = 4 * limits.line_octets;
    limits.octets = 16 * limits.line_octets;
    auto const count = std::min<std::size_t>(static_cast<unsigned char>(input[1]) % 8u, input.size() - 2);
    auto const lengths = input.substr(2, count), stream = input.substr(2 + count);

    auto const wanted = read(stream, {}, limits);
    require(read(stream, std::string_view{"\0", 1}, limits) == wanted);
    if (!lengths.empty()) require(read(stream, lengths, limits) == wanted);
    return 0;
}
