// The message and its end are the same whether the stream comes whole, in pieces, or is read octet by octet by the
// rule; and so is its repair.

#include <mailquay/protocol/data_decoder.hpp>

#include <mailquay/protocol/line_ending_normaliser.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace fuzz_data_decoder {

using namespace mailquay;

struct outcome {
    std::string message{};
    std::string repaired{};
    std::size_t consumed = 0;
    bool end = false;
    bool bad = false;

    bool operator==(outcome const&) const = default;
};

void require(bool holds) {
    if (!holds) std::abort();
}

/// RFC 5321 §4.5.2
outcome by_the_rule(std::string_view stream) {
    outcome found;
    bool line_start = true;
    std::size_t i = 0;
    while (i < stream.size()) {
        auto const rest = stream.substr(i);
        if (line_start && rest.starts_with(".\r\n")) {
            found.end = true;
            found.consumed = i + 3;
            return found;
        }
        if (line_start && (rest == "." || rest == ".\r")) break;
        if (line_start && rest[0] == '.') {
            ++i;
            line_start = false;
            continue;
        }
        line_start = rest.starts_with("\r\n");
        if (line_start) {
            found.message += "\r\n";
            found.repaired += "\r\n";
            i += 2;
            continue;
        }
        found.message += rest[0];
        bool const cr = rest[0] == '\r', lf = rest[0] == '\n';
        if (cr && rest.size() == 1) {
            found.repaired += "\r\n";  // what finish() makes of it
        } else if (cr || lf) {
            found.repaired += "\r\n";
            found.bad = true;
        } else {
            found.repaired += rest[0];
        }
        ++i;
    }
    found.consumed = stream.size();
    return found;
}

outcome decode(std::string_view stream, std::string_view lengths) {
    outcome found;
    data_decoder decoder;
    line_ending_normaliser normaliser;
    for (std::size_t i = 0; !stream.empty() && !found.end; ++i) {
        auto const length =
            lengths.empty() ? stream.size() : 1 + static_cast<unsigned char>(lengths[i % lengths.size()]) % 130u;
        std::vector<char> piece(stream.begin(),
                                stream.begin() + static_cast<std::ptrdiff_t>(std::min(length, stream.size())));
        auto const step = decoder.decode(piece);
        require(step.prefix.empty() || step.bad);
        require(step.end || step.consumed == piece.size());
        require(step.octets.size() <= step.consumed);
        found.message += step.prefix;
        found.message.append(step.octets.begin(), step.octets.end());
        normaliser.append(found.repaired, step.prefix);
        normaliser.append(found.repaired, {step.octets.data(), step.octets.size()});
        found.consumed += step.consumed;
        found.end = step.end;
        found.bad |= step.bad;
        stream.remove_prefix(step.consumed);
    }
    if (found.end) require((normaliser.repaired() != 0) == found.bad);
    normaliser.finish(found.repaired);
    return found;
}

}  // namespace fuzz_data_decoder

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_data_decoder;
    // The first octet says how many of the next ones are lengths of pieces.
    std::string_view input{reinterpret_cast<char const*>(data), size};
    if (input.empty()) return 0;
    auto const count = std::min<std::size_t>(static_cast<unsigned char>(input[0]) % 8u, input.size() - 1);
    auto const lengths = input.substr(1, count), stream = input.substr(1 + count);

    auto const wanted = by_the_rule(stream);
    require(decode(stream, {}) == wanted);
    require(decode(stream, std::string_view{"\0", 1}) == wanted);
    if (!lengths.empty()) require(decode(stream, lengths) == wanted);
    return 0;
}
