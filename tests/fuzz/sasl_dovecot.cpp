// Dovecot's lines mean the same whole and in pieces.

#include <mailquay/sasl/detail/dovecot_protocol.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace fuzz_sasl_dovecot {

using mailquay::sasl::detail::dovecot_protocol;

std::string told(std::string_view text, std::size_t piece) {
    dovecot_protocol protocol;
    bool good = true;
    while (good && !text.empty()) {
        std::size_t const count = std::min(piece, text.size());
        good = protocol.feed(text.substr(0, count));
        text.remove_prefix(count);
    }
    if (!good) return "bad";
    std::string all = protocol.greeted() ? "greeted" : "";
    for (auto const& one : protocol.mechanisms()) all += "|" + one.name;
    while (auto const reply = protocol.take_reply()) {
        if (reply->kind == dovecot_protocol::reply_kind::ok && reply->user.empty()) std::abort();
        all += "|" + reply->user + "|" + reply->octets + "|" + std::to_string(reply->request);
    }
    return all;
}

}  // namespace fuzz_sasl_dovecot

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_sasl_dovecot;
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    std::string const whole = told(text, size == 0 ? 1 : size);
    for (std::size_t piece : {1u, 3u, 17u})
        if (told(text, piece) != whole) std::abort();
    return 0;
}
