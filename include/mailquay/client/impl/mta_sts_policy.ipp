#include <mailquay/client/mta_sts_policy.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/base/decimal.hpp>
#include <mailquay/protocol/domain.hpp>

#include <algorithm>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

inline std::string_view trimmed(std::string_view text) noexcept {
    auto const blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

// RFC 8461 §3.2  sts-policy-mx = ["*."] Domain, in ASCII
inline std::optional<std::string> mta_sts_pattern(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    std::string_view name = text;
    if (name.starts_with("*.")) name.remove_prefix(2);
    cursor in{name};
    auto const read = domain(in);
    if (!read || !in.at_end()) return std::nullopt;
    return to_lower_copy(text);
}

}  // namespace detail

MAILQUAY_DECL std::string_view to_string(mta_sts_mode mode) noexcept {
    switch (mode) {
        case mta_sts_mode::none: return "none";
        case mta_sts_mode::testing: return "testing";
        case mta_sts_mode::enforce: return "enforce";
    }
    return "none";
}

MAILQUAY_DECL std::string_view to_string(mta_sts_errc why) noexcept {
    switch (why) {
        case mta_sts_errc::too_long: return "the policy is too long";
        case mta_sts_errc::bad_version: return "the policy has no version STSv1";
        case mta_sts_errc::bad_mode: return "the policy has no mode of enforce, testing or none";
        case mta_sts_errc::bad_max_age: return "the policy has no proper max_age";
        case mta_sts_errc::bad_mx: return "the policy has an mx that is no host name";
        case mta_sts_errc::no_mx: return "the policy has no mx";
        case mta_sts_errc::too_many_mx: return "the policy has too many mx";
    }
    return "no policy";
}

MAILQUAY_DECL bool mta_sts_policy::matches(std::string_view host) const noexcept {
    if (host.ends_with('.')) host.remove_suffix(1);
    std::string_view const parent = host.substr(std::min(host.find('.'), host.size()));  // with its dot
    return std::any_of(mx.begin(), mx.end(), [&](std::string_view pattern) {
        if (!pattern.starts_with("*.")) return iequals(pattern, host);
        return parent.size() > 1 && parent.size() < host.size() && iequals(pattern.substr(1), parent);
    });
}

MAILQUAY_DECL result<mta_sts_policy, mta_sts_errc> parse_mta_sts_policy(std::string_view text) {
    if (text.size() > max_mta_sts_octets) return mta_sts_errc::too_long;
    std::optional<std::string_view> version, mode, max_age;
    mta_sts_policy policy;
    while (!text.empty()) {
        std::string_view const line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        std::size_t const colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        std::string_view const key = detail::trimmed(line.substr(0, colon));
        std::string_view const value = detail::trimmed(line.substr(colon + 1));
        if (key == "version" && !version) version = value;
        if (key == "mode" && !mode) mode = value;
        if (key == "max_age" && !max_age) max_age = value;
        if (key != "mx") continue;
        if (policy.mx.size() == max_mta_sts_hosts) return mta_sts_errc::too_many_mx;
        auto pattern = detail::mta_sts_pattern(value);
        if (!pattern) return mta_sts_errc::bad_mx;
        policy.mx.push_back(*std::move(pattern));
    }
    if (version != "STSv1") return mta_sts_errc::bad_version;
    if (mode == "enforce")
        policy.mode = mta_sts_mode::enforce;
    else if (mode == "testing")
        policy.mode = mta_sts_mode::testing;
    else if (mode != "none")
        return mta_sts_errc::bad_mode;
    auto const seconds = max_age && max_age->size() <= 10 ? parse_decimal<std::uint64_t>(*max_age) : std::nullopt;
    if (!seconds) return mta_sts_errc::bad_max_age;
    policy.max_age = std::min(std::chrono::seconds{*seconds}, max_mta_sts_age);
    if (policy.mx.empty() && policy.mode != mta_sts_mode::none) return mta_sts_errc::no_mx;
    return policy;
}

MAILQUAY_DECL std::optional<std::string> mta_sts_id(std::vector<std::string> const& records) {
    std::string_view only;
    for (std::string const& record : records) {
        // *WSP may come before the first ";".
        if (detail::trimmed(std::string_view{record}.substr(0, record.find(';'))) != "v=STSv1" || !record.starts_with('v')) continue;
        if (!only.empty()) return std::nullopt;
        only = record;
    }
    std::optional<std::string_view> id;
    while (!only.empty()) {
        std::string_view const field = only.substr(0, only.find(';'));
        only.remove_prefix(std::min(field.size() + 1, only.size()));
        std::size_t const equals = field.find('=');
        if (equals == std::string_view::npos || id) continue;
        if (detail::trimmed(field.substr(0, equals)) == "id") id = detail::trimmed(field.substr(equals + 1));
    }
    bool const proper = id && !id->empty() && id->size() <= 32 &&
                        std::all_of(id->begin(), id->end(), [](char c) { return is_digit(c) || is_alpha(c); });
    if (!proper) return std::nullopt;
    return std::string{*id};
}

}  // namespace mailquay::inline MAILQUAY_ABI
