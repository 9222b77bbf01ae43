#include <mailquay/client/dane.hpp>

#include <asio/awaitable.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL bool is_usable(tlsa_record const& record) noexcept {
    if (record.usage != 2 && record.usage != 3) return false;
    if (record.selector > 1) return false;
    switch (record.matching_type) {
        case 0: return !record.data.empty();
        case 1: return record.data.size() == 32;
        case 2: return record.data.size() == 64;
        default: return false;
    }
}

namespace detail {

inline asio::awaitable<dane_found> look_up_dane(std::shared_ptr<resolver> dns, std::vector<std::string> bases, std::string service, dane_found found) {
    for (std::string const& base : bases) {
        auto asked = dns->tlsa(service + base);
        auto const answer = co_await std::move(asked).wait();
        if (!answer) {
            if (!is_temporary(answer.error())) continue;
            found.state = dane_state::failed;
            found.base = base;
            co_return found;
        }
        if (!answer->authenticated) continue;
        found.base = base;
        if (std::find(found.names.begin(), found.names.end(), base) == found.names.end()) found.names.insert(found.names.begin(), base);
        std::copy_if(answer->records.begin(), answer->records.end(), std::back_inserter(found.records), is_usable);
        found.state = found.records.empty() ? dane_state::unusable : dane_state::usable;
        co_return found;
    }
    co_return found;
}

}  // namespace detail

MAILQUAY_DECL eventual<dane_found> find_dane(std::shared_ptr<resolver> dns, mx_route const& route, mx_host const& host, std::uint16_t port) {
    dane_found found;
    if (!route.secure || !host.secure || host.name.starts_with('[')) return found;
    std::vector<std::string> bases;
    if (!host.canonical.empty() && host.canonical != host.name) bases.push_back(host.canonical);
    bases.push_back(host.name);
    found.names = {host.name};
    if (route.domain != host.name) found.names.push_back(route.domain);
    return detail::look_up_dane(std::move(dns), std::move(bases), '_' + std::to_string(port) + "._tcp.", std::move(found));
}

}  // namespace mailquay::inline MAILQUAY_ABI
