// XCLIENT and XFORWARD: whatever is taken is fit for a log line and a header field, and a command in two parts says the same.

#include <mailquay/protocol/xclient.hpp>
#include <mailquay/protocol/xforward.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace fuzz_peer_attributes {

using namespace mailquay;

void require(bool holds) {
    if (!holds) std::abort();
}

void require_plain(std::string_view text) {
    require(text.size() <= 255);
    require(std::all_of(text.begin(), text.end(), [](char c) { return is_printable(c) && c != ' '; }));
}

void check_xforward(std::string_view argument) {
    forwarded_client whole;
    if (!parse_xforward(argument, whole)) return require(whole == forwarded_client{});
    for (auto const* text : {&whole.name, &whole.address, &whole.protocol, &whole.hello_name, &whole.ident}) require_plain(*text);
    // Attribute by attribute.
    forwarded_client parts;
    while (!argument.empty()) {
        auto const end = std::min(argument.find(' '), argument.size());
        if (end > 0) require(parse_xforward(argument.substr(0, end), parts).has_value());
        argument.remove_prefix(std::min(end + 1, argument.size()));
    }
    require(parts == whole);
}

void check_xclient(std::string_view argument) {
    auto const said = parse_xclient(argument);
    if (!said) return;
    for (auto const* text : {&said->name, &said->reverse_name, &said->hello_name})
        if (*text) require_plain(**text);
    if (said->login) require(said->login->size() <= 255 && allowed_in_address(*said->login));
    if (said->address) require(!said->address->is_v4_mapped() || said->address->is_v4());
}

}  // namespace fuzz_peer_attributes

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const argument{reinterpret_cast<char const*>(data), size};
    fuzz_peer_attributes::check_xclient(argument);
    fuzz_peer_attributes::check_xforward(argument);
    return 0;
}
