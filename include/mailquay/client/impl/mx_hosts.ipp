#include <mailquay/client/mx_hosts.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/idna.hpp>
#include <mailquay/base/random.hpp>
#include <mailquay/protocol/address_literal.hpp>

#include <asio/awaitable.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// Whether other people's DNS may lead to it (RFC 6890). Addresses of IPv6 that a gateway turns into IPv4 are judged by that.
inline bool is_public_address(ip_address const& address) noexcept {
    ip_address const seen = address.unmapped();
    if (seen.is_loopback() || seen.is_private() || seen.is_link_local() || seen.is_multicast() || seen.is_unspecified()) return false;
    auto const octet = seen.bytes();
    if (seen.is_v4()) {
        bool const shared = octet[0] == 100 && (octet[1] & 0xc0) == 64;                         // RFC 6598
        bool const assigned = octet[0] == 192 && octet[1] == 0 && octet[2] == 0;                // RFC 6890 §2.2.2
        bool const benchmark = octet[0] == 198 && (octet[1] & 0xfe) == 18;                      // RFC 2544
        return octet[0] != 0 && octet[0] < 240 && !shared && !assigned && !benchmark;
    }
    auto const embedded = [octet](std::size_t at) { return ip_address::from_v4({octet[at], octet[at + 1], octet[at + 2], octet[at + 3]}); };
    auto const zero = [octet](std::size_t from, std::size_t to) {
        return std::all_of(octet.begin() + static_cast<std::ptrdiff_t>(from), octet.begin() + static_cast<std::ptrdiff_t>(to), [](std::uint8_t one) { return one == 0; });
    };
    bool const nat64 = octet[0] == 0 && octet[1] == 0x64 && octet[2] == 0xff && octet[3] == 0x9b;
    if (nat64) return zero(4, 12) && is_public_address(embedded(12));                           // RFC 6052; RFC 8215 is local
    if (octet[0] == 0x20 && octet[1] == 0x02) return is_public_address(embedded(2));            // 6to4
    bool const site_local = octet[0] == 0xfe && (octet[1] & 0xc0) == 0xc0;                      // RFC 3879
    return !zero(0, 12) && !site_local;                                                         // ::/96: RFC 4291 §2.5.5.1
}

template <class T>
void shuffle(std::vector<T>& list, std::size_t from, std::size_t to) {
    for (std::size_t i = to; i > from + 1; --i) std::swap(list[i - 1], list[from + random_u64() % (i - from)]);
}

// RFC 8305 §4: families in turn, IPv6 first.
inline std::vector<ip_address> in_turn(std::vector<ip_address> v6, std::vector<ip_address> v4) {
    shuffle(v6, 0, v6.size());
    shuffle(v4, 0, v4.size());
    std::vector<ip_address> mixed;
    for (std::size_t i = 0; i < std::max(v6.size(), v4.size()); ++i) {
        if (i < v6.size()) mixed.push_back(v6[i]);
        if (i < v4.size()) mixed.push_back(v4[i]);
    }
    return mixed;
}

// Keeps `most` addresses: two of each host before any third.
inline void share_addresses(std::vector<mx_host>& hosts, std::size_t most) {
    std::vector<std::size_t> shares(hosts.size(), 0);
    std::size_t left = most;
    for (std::size_t const round : {std::size_t{2}, most}) {
        for (std::size_t i = 0; i < hosts.size(); ++i) {
            std::size_t const more = std::min({left, round - std::min(round, shares[i]), hosts[i].addresses.size() - shares[i]});
            shares[i] += more;
            left -= more;
        }
    }
    for (std::size_t i = 0; i < hosts.size(); ++i) hosts[i].addresses.resize(shares[i]);
    std::erase_if(hosts, [](mx_host const& host) { return host.addresses.empty(); });
}

/// What was found of one host.
struct mx_host_found {
    mx_host host{};
    bool temporary = false;  // a look-up failed
    bool unusable = false;   // there were addresses, none of which may be used
    bool own = false;
    bool cancelled = false;  // by who asks: nothing more is to be asked
};

}  // namespace detail

struct mx_hosts::state {
    bool is_own(std::string_view name) const { return own_names.contains(to_lower_copy(name)); }
    bool is_own(ip_address const& address) const { return own_addresses.contains(address.unmapped()); }

    result<mx_route, mx_failure> literal(std::string const& text) const {
        cursor in{text};
        auto const address = address_literal(in);
        if (!address || !in.at_end()) return mx_failure{501, "5.1.3", "bad address literal " + text};
        bool const here = address->is_loopback() || address->is_unspecified();
        if (is_own(*address) || (here && !settings.allow_private)) return mx_failure{554, "5.4.6", "mail for " + text + " loops back to this server"};
        mx_route route;
        route.domain = route.key = text;
        mx_host host;
        host.name = text;
        host.addresses = {address->unmapped()};
        route.hosts.push_back(std::move(host));
        return route;
    }

    // The records by preference, equal ones shuffled, each host once.
    std::vector<mx_record> in_order(std::vector<mx_record> records) const {
        std::set<std::string> seen;
        std::sort(records.begin(), records.end(), [](auto const& a, auto const& b) { return a.preference < b.preference; });
        std::erase_if(records, [&](mx_record& one) {
            if (one.exchange.ends_with('.')) one.exchange.pop_back();
            one.exchange = to_lower_copy(one.exchange);
            return one.exchange.empty() || !seen.insert(one.exchange).second;
        });
        for (std::size_t from = 0; from < records.size();) {
            std::size_t to = from;
            while (to < records.size() && records[to].preference == records[from].preference) ++to;
            detail::shuffle(records, from, to);
            from = to;
        }
        return records;
    }

    // Goes with all records of a look-up, also those that are not looked at: the rank of each host, so that preferences of other numbers make no difference.
    static std::string key_of(std::vector<mx_record> records) {
        std::sort(records.begin(), records.end(), [](auto const& a, auto const& b) {
            return a.preference != b.preference ? a.preference < b.preference : a.exchange < b.exchange;
        });
        std::string key;
        for (std::size_t i = 0; i < records.size(); ++i) {
            if (i != 0) key += records[i].preference == records[i - 1].preference ? '=' : '<';
            key += records[i].exchange;
        }
        return key;
    }

    template <class Answer>
    void take(Answer const& answer, detail::mx_host_found& found, std::vector<ip_address>& into, bool& secure) const {
        if (!answer) {
            found.temporary = found.temporary || is_temporary(answer.error());
            found.cancelled = found.cancelled || answer.error() == dns_errc::cancelled;
            return;
        }
        secure = secure && answer->authenticated;
        if (!answer->name.empty()) found.host.canonical = answer->name;
        for (ip_address const& address : answer->records) {
            found.own = found.own || is_own(address);
            if (settings.allow_private || detail::is_public_address(address))
                into.push_back(address);
            else
                found.unusable = true;
        }
    }

    static asio::awaitable<detail::mx_host_found> look_up(std::shared_ptr<state const> self, std::string name, std::uint16_t preference) {
        detail::mx_host_found found;
        found.host.name = name;
        found.host.preference = preference;
        std::vector<ip_address> v6, v4;
        bool secure = true;
        if (self->settings.ipv6) {
            auto asked = self->dns->aaaa(name);
            auto const answer = co_await std::move(asked).wait();
            self->take(answer, found, v6, secure);
        }
        if (self->settings.ipv4 && !found.cancelled) {
            auto asked = self->dns->a(name);
            auto const answer = co_await std::move(asked).wait();
            self->take(answer, found, v4, secure);
        }
        found.host.addresses = detail::in_turn(std::move(v6), std::move(v4));
        found.host.secure = secure && !found.host.addresses.empty();
        co_return found;
    }

    static asio::awaitable<result<mx_route, mx_failure>> find(std::shared_ptr<state const> self, std::string domain) {
        using answer = result<mx_route, mx_failure>;
        mx_route route;
        route.domain = domain;
        auto asked = self->dns->mx(domain);
        auto const mx = co_await std::move(asked).wait();
        std::vector<mx_record> records;
        if (mx) {
            records = self->in_order(mx->records);
            if (records.empty()) co_return answer{mx_failure{556, "5.1.10", domain + " takes no mail"}};
            route.by_mx = true;
            route.secure = mx->authenticated;
        } else if (mx.error() == dns_errc::no_data) {
            records.push_back({0, domain});
            route.secure = mx.error().authenticated;
        } else if (is_temporary(mx.error())) {
            co_return answer{mx_failure{451, "4.4.3", "look-up of the mail hosts of " + domain + " failed"}};
        } else {
            co_return answer{mx_failure{550, "5.1.2", "there is no domain " + domain}};
        }
        route.key = key_of(records);
        if (records.size() > self->settings.hosts) records.resize(self->settings.hosts);

        auto const give_up_at = std::chrono::steady_clock::now() + self->settings.patience;
        bool temporary = false;
        bool unusable = false;
        bool own = false;
        std::size_t addresses = 0;
        for (std::size_t from = 0; from < records.size() && !own && addresses < self->settings.addresses;) {
            std::size_t to = from;
            while (to < records.size() && records[to].preference == records[from].preference) own = self->is_own(records[to++].exchange) || own;
            std::vector<mx_host> equal;
            bool failed = false;
            for (std::size_t i = from; i < to && !own; ++i) {
                if (std::chrono::steady_clock::now() >= give_up_at) {
                    failed = true;
                    break;
                }
                detail::mx_host_found found = co_await look_up(self, records[i].exchange, records[i].preference);
                if (found.cancelled) co_return answer{mx_failure{451, "4.4.3", "look-up of the addresses of the mail hosts of " + domain + " was cancelled"}};
                own = own || found.own;
                failed = failed || found.temporary;
                unusable = unusable || found.unusable;
                if (!found.host.addresses.empty()) equal.push_back(std::move(found.host));
            }
            from = to;
            if (own) break;  // this preference is ours: neither it nor a worse one
            temporary = temporary || failed;
            for (mx_host& host : equal) {
                addresses += host.addresses.size();
                route.hosts.push_back(std::move(host));
            }
        }
        if (!route.hosts.empty()) {
            detail::share_addresses(route.hosts, self->settings.addresses);
            co_return answer{std::move(route)};
        }
        if (temporary) co_return answer{mx_failure{451, "4.4.3", "look-up of the addresses of the mail hosts of " + domain + " failed"}};
        if (own) co_return answer{mx_failure{554, "5.4.6", "mail for " + domain + " loops back to this server"}};
        if (unusable) co_return answer{mx_failure{550, "5.4.4", "the mail hosts of " + domain + " have no public address"}};
        co_return answer{mx_failure{550, "5.4.4", "the mail hosts of " + domain + " have no address"}};
    }

    std::shared_ptr<resolver> dns;
    mx_settings settings;
    std::set<std::string> own_names{};
    std::set<ip_address> own_addresses{};
};

MAILQUAY_DECL mx_hosts::mx_hosts(std::shared_ptr<resolver> dns, mx_settings settings) {
    if (!dns) throw std::invalid_argument("mx_hosts: no resolver to ask");
    if (settings.addresses == 0) throw std::invalid_argument("mx_settings::addresses is 0: nothing could be delivered; leave it at 5");
    if (settings.hosts == 0) throw std::invalid_argument("mx_settings::hosts is 0: nothing could be delivered; leave it at 20");
    if (!settings.ipv4 && !settings.ipv6) throw std::invalid_argument("mx_settings: neither ipv4 nor ipv6: nothing could be delivered; set one");
    if (settings.patience <= settings.patience.zero())
        throw std::invalid_argument("mx_settings::patience must be above 0; leave it at 60000 ms");
    state made;
    made.dns = std::move(dns);
    for (std::string const& name : settings.own_names) {
        auto ascii = to_ascii(name);
        if (!ascii || ascii->empty()) throw std::invalid_argument("mx_settings::own_names: '" + name + "' is no domain name");
        if (ascii->ends_with('.')) ascii->pop_back();
        made.own_names.insert(*std::move(ascii));
    }
    for (ip_address const& address : settings.own_addresses) made.own_addresses.insert(address.unmapped());
    made.settings = std::move(settings);
    state_ = std::make_shared<state const>(std::move(made));
}
MAILQUAY_DECL mx_hosts::~mx_hosts() = default;
MAILQUAY_DECL mx_hosts::mx_hosts(mx_hosts const&) = default;
MAILQUAY_DECL mx_hosts& mx_hosts::operator=(mx_hosts const&) = default;

MAILQUAY_DECL eventual<result<mx_route, mx_failure>> mx_hosts::find(std::string domain) const {
    using answer = result<mx_route, mx_failure>;
    if (domain.starts_with('[')) return state_->literal(domain);
    auto ascii = to_ascii(domain);
    if (ascii && ascii->ends_with('.')) ascii->pop_back();
    if (!ascii || ascii->empty()) return answer{mx_failure{550, "5.1.2", "not a domain: " + domain}};
    return state::find(state_, *std::move(ascii));
}

MAILQUAY_DECL next_hop hop_to(mx_route const& route, mx_host const& host, std::uint16_t port) {
    bool const literal = host.name.starts_with('[');
    next_hop hop{literal ? host.addresses.at(0).to_string() : host.name, port};
    for (ip_address const& address : host.addresses) hop.addresses.push_back({address, port});
    hop.settings.refuse_own_name = true;
    hop.settings.name_is_secure = route.secure && host.secure;
    return hop;
}

}  // namespace mailquay::inline MAILQUAY_ABI
