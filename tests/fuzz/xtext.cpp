// xtext: what is decoded is the same once encoded and decoded again, and whatever is encoded can be sent and decoded.

#include <mailquay/protocol/xtext.hpp>

#include <mailquay/base/ascii.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace fuzz_xtext {

using namespace mailquay;

void require(bool holds) {
    if (!holds) std::abort();
}

std::string encoded(std::string_view octets) {
    std::string text;
    append_xtext(text, octets);
    require(std::all_of(text.begin(), text.end(), [](char c) { return is_printable(c) && c != ' ' && c != '='; }));
    require(text.size() <= octets.size() * 3);
    return text;
}

}  // namespace fuzz_xtext

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_xtext;
    // Memory of its own, so that a read beyond the text is seen.
    std::string const text(reinterpret_cast<char const*>(data), size);
    auto const all = decode_xtext(encoded(text));
    require(all && *all == text);
    if (auto const octets = decode_xtext(text)) {
        require(octets->size() <= text.size());
        require(*decode_xtext(encoded(*octets)) == *octets);
    } else {
        require(octets.error().code == protocol_errc::bad_xtext && octets.error().position < text.size());
    }
    return 0;
}
