// The scanner gives the same in every split of its input, and agrees with the walker over the section it found.

#include <mailquay/message/header_scanner.hpp>

#include <mailquay/message/header_walker.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace fuzz_header_scanner {

using namespace mailquay;

void require(bool holds) {
    if (!holds) std::abort();
}

void require_same(header_scanner const& a, header_scanner const& b) {
    require(a.finished() == b.finished());
    require(a.no_header() == b.no_header());
    require(a.blank_line() == b.blank_line());
    require(a.octets() == b.octets());
    require(a.fields() == b.fields());
    require(a.hops() == b.hops());
}

/// Pieces whose lengths are given by `lengths`, over and over, each in memory of its own.
header_scanner split(std::string_view message, std::string_view lengths) {
    header_scanner scan;
    for (std::size_t i = 0; !message.empty(); ++i) {
        auto const length = lengths.empty() ? 1 : 1 + static_cast<unsigned char>(lengths[i % lengths.size()]) % 16u;
        std::string const piece{message.substr(0, length)};
        scan.feed(piece);
        message.remove_prefix(piece.size());
    }
    return scan;
}

}  // namespace fuzz_header_scanner

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_header_scanner;
    // The first octet says how many of the next ones are lengths of pieces.
    std::string_view input{reinterpret_cast<char const*>(data), size};
    auto const count = input.empty() ? 0 : std::min<std::size_t>(static_cast<unsigned char>(input[0]) % 8u, size - 1);
    auto const lengths = input.substr(std::min<std::size_t>(1, size), count);
    auto const message = input.substr(std::min<std::size_t>(1 + count, size));

    header_scanner whole;
    whole.feed(message);
    auto pieces = split(message, lengths);
    auto octets = split(message, {});
    require_same(whole, pieces);
    require_same(whole, octets);
    whole.message_ended();
    pieces.message_ended();
    octets.message_ended();
    require_same(whole, pieces);
    require_same(whole, octets);

    require(whole.finished());
    require(whole.octets() <= message.size());
    if (whole.no_header()) {
        require(whole.octets() == 0 && whole.fields() == 0 && whole.hops() == 0);
        return 0;
    }
    header_walker walker{message};
    std::size_t walked = 0;
    unsigned fields = 0, hops = 0;
    while (auto const field = walker.next()) {
        require(field->whole.data() == message.data() + walked);
        walked += field->whole.size();
        ++fields;
        if (field->is("Received")) ++hops;
        require(field->is_malformed() || !field->name.empty());
    }
    require(walker.position() == whole.octets());
    require(walker.blank_line() == whole.blank_line());
    require(walked + (whole.blank_line() ? 2u : 0u) == whole.octets());
    require(fields == whole.fields());
    require(hops == whole.hops());
    return 0;
}
