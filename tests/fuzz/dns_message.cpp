// DNS answers: whatever comes over the wire, reading it ends within its octets, and what is read makes sense.

#include <mailquay/dns/detail/dns_message.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace fuzz_dns_message {

using namespace mailquay;
using namespace mailquay::detail;

void require(bool holds) {
    if (!holds) std::abort();
}

void read(std::string octets, dns_type type) {
    auto const reply = read_dns_reply(std::move(octets), "a.example", type);
    if (!reply) return;
    require(reply->ttl.count() >= 0 && reply->ttl.count() <= 0x7fff'ffff);
    require(!reply->denied || reply->records.empty());
    require(!(reply->denied && reply->referral));
    for (auto const place : reply->records) {
        require(place.at + place.size <= reply->octets.size());
        ip_address address;
        if (read_dns_record(*reply, place, address)) require(!address.is_none());
        mx_record mx;
        if (read_dns_record(*reply, place, mx)) require(mx.exchange.size() <= 4 * 255);
        tlsa_record tlsa;
        if (read_dns_record(*reply, place, tlsa)) require(tlsa.data.size() + 3 == place.size);
        std::string text;
        if (read_dns_text(*reply, place, text)) require(text.size() < place.size);
        std::string name;
        if (read_dns_target(*reply, place, name)) require(name.find('\n') == std::string::npos && name.find(' ') == std::string::npos);
    }
}

}  // namespace fuzz_dns_message

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_dns_message;
    std::string const text(reinterpret_cast<char const*>(data), size);
    if (auto const name = dns_name(text)) {
        require(name->size() <= 253 && dns_name(*name) == name);
        std::string const query = dns_query(1, *name, dns_type::a, true);
        require(query.size() == 12 + name->size() + 2 + 4 + 11);
    }
    for (dns_type const type : {dns_type::a, dns_type::aaaa, dns_type::mx, dns_type::txt, dns_type::ptr, dns_type::tlsa}) {
        read(text, type);
        // As an answer to the question that was asked.
        std::string reply = dns_query(1, "a.example", type, false);
        reply[2] = '\x81';
        if (size > 8) {
            for (std::size_t i = 0; i < 6; ++i) reply[6 + i] = text[i];
            reply[6] = reply[8] = reply[10] = '\0';
            reply += text.substr(6);
        }
        read(std::move(reply), type);
    }
    return 0;
}
