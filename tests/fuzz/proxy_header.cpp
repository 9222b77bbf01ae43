// A PROXY header is the same whether its octets come whole, one by one, or as many as are missing, and what follows is not touched.

#include <mailquay/protocol/proxy_header.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <tuple>

namespace fuzz_proxy_header {

using namespace mailquay;
using kind = proxy_scan::kind;

void require(bool holds) {
    if (!holds) std::abort();
}

bool same(proxy_header const& a, proxy_header const& b) {
    auto const plain = [](proxy_header const& one) {
        return std::tie(one.subject, one.version, one.source, one.destination, one.source_path, one.destination_path, one.facts.alpn,
                        one.facts.authority, one.facts.unique_id, one.facts.netns);
    };
    if (plain(a) != plain(b) || a.facts.tls.has_value() != b.facts.tls.has_value()) return false;
    if (!a.facts.tls) return true;
    proxied_tls const &x = *a.facts.tls, &y = *b.facts.tls;
    return std::tie(x.protocol, x.cipher, x.client_name, x.signature_algorithm, x.key_algorithm, x.secure, x.certificate, x.verified) ==
           std::tie(y.protocol, y.cipher, y.client_name, y.signature_algorithm, y.key_algorithm, y.secure, y.certificate, y.verified);
}

void run(std::string_view octets) {
    proxy_header whole;
    auto const wanted = read_proxy_header(octets, whole);
    require(wanted.what != kind::need_more || wanted.missing > 0);
    require(wanted.what != kind::header || (wanted.consumed <= octets.size() && wanted.consumed <= max_proxy_header_octets));
    require((wanted.what == kind::bad) == (wanted.why != proxy_fault::none));
    require(!to_string(wanted.why).empty());

    // One octet more each time, and as many as are missing: what is found is found at the same place.
    for (bool const greedy : {false, true}) {
        std::size_t have = 0;
        for (;;) {
            proxy_header piece;
            auto const scan = read_proxy_header(octets.substr(0, have), piece);
            if (scan.what != kind::need_more) {
                require(scan.what == wanted.what && scan.why == wanted.why && scan.consumed == wanted.consumed);
                if (scan.what == kind::header) require(same(piece, whole) && scan.consumed == have);
                break;
            }
            if (have == octets.size()) {
                require(wanted.what == kind::need_more && wanted.missing == scan.missing);
                break;
            }
            have = greedy ? std::min(have + scan.missing, octets.size()) : have + 1;
        }
    }
}

}  // namespace fuzz_proxy_header

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz_proxy_header::run({reinterpret_cast<char const*>(data), size});
    return 0;
}
