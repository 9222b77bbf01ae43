#include <mailquay/handler/relay_for.hpp>

#include <stdexcept>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL relay_for::~relay_for() = default;

MAILQUAY_DECL relay_for::relay_for(std::initializer_list<std::string_view> networks) {
    for (std::string_view text : networks) {
        auto const network = ip_network::parse(text);
        if (!network) throw std::invalid_argument("relay_for: \"" + std::string(text) + "\": " + network.error().message());
        add(*network);
    }
}

MAILQUAY_DECL relay_for::relay_for(std::vector<ip_network> const& networks) {
    for (ip_network const& one : networks) add(one);
}

MAILQUAY_DECL void relay_for::add(ip_network const& network) {
    ip_network const plain = network.unmapped();
    unsigned const loopback_bits = plain.address.is_v4() ? 8 : 128;
    networks_.add(plain);
    if (plain.address.is_loopback() && plain.prefix >= loopback_bits) loopback_.add(plain);
}

MAILQUAY_DECL bool relay_for::relays(session_info const& client) const noexcept {
    if (authenticated_) return client.authenticated();
    bool const known = client.source() == address_source::socket || client.source() == address_source::proxy ||
                       client.source() == address_source::xclient;
    if (!known) return false;
    ip_address const& address = client.client().address;
    return address.is_loopback() ? loopback_.contains(address) : networks_.contains(address);
}

MAILQUAY_DECL eventual<verdict> relay_for::validate(transaction const& mail, recipient const&) {
    return relays(mail.session()) ? accept() : pass();
}

MAILQUAY_DECL std::vector<std::string> problems(relay_for const& relay, network_set const& trusted_proxies,
                                                network_set const& trusted_xclient) {
    std::vector<std::string> found;
    auto check = [&](network_set const& trusted, std::string const& setting) {
        if (relay.networks().intersects(trusted))
            found.push_back("relay_for: a network in it is also in " + setting +
                            ", so that what a proxy says of itself would relay; take the proxies' addresses out of relay_for");
    };
    check(trusted_proxies, "trusted_proxies");
    check(trusted_xclient, "trusted_xclient");
    return found;
}

}  // namespace mailquay::inline MAILQUAY_ABI
