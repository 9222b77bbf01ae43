#pragma once

#include <mailquay/base/ip_address.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/base/decimal.hpp>

#include <algorithm>
#include <cstring>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

inline constexpr std::array<std::uint8_t, 12> v4_mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/// RFC 3986 §3.2.2  IPv4address = dec-octet "." dec-octet "." dec-octet "." dec-octet
inline std::optional<ip_address::v4_octets> read_dotted_quad(cursor& in) noexcept {
    ip_address::v4_octets octets{};
    for (std::size_t i = 0; i < octets.size(); ++i) {
        if (i != 0 && !in.skip('.')) return std::nullopt;
        std::string_view const digits = in.take_while(is_digit);
        if (digits.size() > 3 || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
        auto const octet = parse_decimal<std::uint8_t>(digits);
        if (!octet) return std::nullopt;
        octets[i] = *octet;
    }
    return octets;
}

inline unsigned hex_digit_of_address(char c) noexcept {
    return is_digit(c) ? static_cast<unsigned>(c - '0') : static_cast<unsigned>(to_lower(c) - 'a' + 10);
}

/// RFC 4291 §2.2: eight groups, at most one "::" for one group or more, the last two groups perhaps a dotted quad.
inline std::optional<ip_address::v6_octets> read_ipv6(cursor& in) noexcept {
    ip_address::v6_octets octets{};
    constexpr std::size_t no_gap = 17;
    std::size_t filled = 0, gap = no_gap;
    if (in.peek() == ':') {
        if (in.peek(1) != ':') return std::nullopt;
        in.advance(2);
        gap = 0;
    }
    while (!in.at_end() && filled < octets.size()) {
        std::size_t const start = in.position();
        std::string_view const digits = in.take_while(is_hex);
        if (in.peek() == '.') {
            in.seek(start);
            auto const quad = read_dotted_quad(in);
            if (!quad || filled + quad->size() > octets.size()) return std::nullopt;
            std::copy(quad->begin(), quad->end(), octets.begin() + static_cast<std::ptrdiff_t>(filled));
            filled += quad->size();
            break;
        }
        if (digits.empty() || digits.size() > 4) return std::nullopt;
        unsigned group = 0;
        for (char c : digits) group = group << 4 | hex_digit_of_address(c);
        octets[filled++] = static_cast<std::uint8_t>(group >> 8);
        octets[filled++] = static_cast<std::uint8_t>(group & 0xff);
        if (in.at_end()) break;
        if (!in.skip(':')) return std::nullopt;
        if (in.peek() == ':') {
            if (gap != no_gap) return std::nullopt;
            in.advance();
            gap = filled;
        } else if (in.at_end()) {
            return std::nullopt;  // a single ":" at the end
        }
    }
    if (!in.at_end() || (gap == no_gap) != (filled == octets.size())) return std::nullopt;
    if (gap != no_gap) {
        auto const begin = octets.begin() + static_cast<std::ptrdiff_t>(gap);
        auto const end = octets.begin() + static_cast<std::ptrdiff_t>(filled);
        auto const tail = std::copy_backward(begin, end, octets.end());
        std::fill(begin, tail, std::uint8_t{0});
    }
    return octets;
}

/// The octets of 0 to 255 in decimal, each with a dot behind it, and how many there are.
struct dotted_octet {
    char text[4] = {};
    std::uint8_t octets = 0;
};
inline constexpr auto dotted_octets = [] {
    std::array<dotted_octet, 256> all{};
    for (unsigned value = 0; value < all.size(); ++value) {
        dotted_octet& one = all[value];
        if (value >= 100) one.text[one.octets++] = static_cast<char>('0' + value / 100);
        if (value >= 10) one.text[one.octets++] = static_cast<char>('0' + value / 10 % 10);
        one.text[one.octets++] = static_cast<char>('0' + value % 10);
        one.text[one.octets++] = '.';
    }
    return all;
}();

inline void append_dotted_quad(std::string& out, std::span<std::uint8_t const> octets) {
    // From a table and in one append: each Received field has one.
    char text[sizeof "255.255.255.255."];
    char* at = text;
    for (std::uint8_t const octet : octets) {
        dotted_octet const& one = dotted_octets[octet];
        std::memcpy(at, one.text, sizeof one.text);
        at += one.octets;
    }
    out.append(text, at - 1);
}

inline void append_ipv6_group(std::string& out, unsigned group) {
    constexpr std::string_view digits = "0123456789abcdef";
    bool started = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned const digit = group >> shift & 0xfu;
        started = started || digit != 0 || shift == 0;
        if (started) out += digits[digit];
    }
}

/// RFC 5952 §4: lower case, no leading zeros, "::" for the longest run of at least two zero groups, the first of
/// equals.
inline void append_ipv6(std::string& out, std::span<std::uint8_t const> octets) {
    std::array<unsigned, 8> groups{};
    for (std::size_t i = 0; i < groups.size(); ++i) {
        groups[i] = static_cast<unsigned>(octets[2 * i]) << 8 | octets[2 * i + 1];
    }
    std::size_t gap = groups.size(), gap_length = 1;
    for (std::size_t i = 0; i < groups.size();) {
        std::size_t end = i;
        while (end < groups.size() && groups[end] == 0) ++end;
        if (end - i > gap_length) {
            gap = i;
            gap_length = end - i;
        }
        i = end + 1;
    }
    for (std::size_t i = 0; i < groups.size();) {
        if (i == gap) {
            out += "::";
            i += gap_length;
            continue;
        }
        if (i != 0 && i != gap + gap_length) out += ':';
        append_ipv6_group(out, groups[i++]);
    }
}

class address_category_type final : public std::error_category {
public:
    char const* name() const noexcept override { return "mailquay.address"; }
    std::string message(int code) const override {
        switch (static_cast<address_errc>(code)) {
            case address_errc::bad_address:
                return "not an IP address; write it like 192.0.2.1 or 2001:db8::1, without zone or leading zeros";
            case address_errc::bad_prefix:
                return "bad prefix length; after \"/\" write 0 to 32 for IPv4, 0 to 128 for IPv6";
            case address_errc::host_bits_set:
                return "the address has bits set behind its prefix; clear them (192.0.2.0/24, not 192.0.2.1/24) or "
                       "lengthen the prefix (192.0.2.1/32)";
            case address_errc::bad_port:
                return "bad or missing port; write the endpoint like 192.0.2.1:25 or [2001:db8::1]:25";
        }
        return "unknown address error";
    }
};

}  // namespace detail

MAILQUAY_DECL std::error_category const& address_category() noexcept {
    static detail::address_category_type const category;
    return category;
}

MAILQUAY_DECL std::optional<ip_address> ip_address::parse(std::string_view text) noexcept {
    cursor in{text};
    if (text.find(':') != std::string_view::npos) {
        auto const octets = detail::read_ipv6(in);
        if (!octets) return std::nullopt;
        return from_v6(*octets);
    }
    auto const octets = detail::read_dotted_quad(in);
    if (!octets || !in.at_end()) return std::nullopt;
    return from_v4(*octets);
}

MAILQUAY_DECL bool ip_address::is_v4_mapped() const noexcept {
    return is_v6() && std::equal(detail::v4_mapped_prefix.begin(), detail::v4_mapped_prefix.end(), octets_.begin());
}

MAILQUAY_DECL ip_address ip_address::unmapped() const noexcept {
    return is_v4_mapped() ? from_v4({octets_[12], octets_[13], octets_[14], octets_[15]}) : *this;
}

MAILQUAY_DECL ip_address ip_address::masked(unsigned prefix_bits) const noexcept {
    ip_address kept = *this;
    for (unsigned i = 0; i < bits() / 8; ++i) {
        unsigned const first_bit = i * 8;
        if (prefix_bits >= first_bit + 8) continue;
        unsigned const keep = prefix_bits > first_bit ? prefix_bits - first_bit : 0;
        kept.octets_[i] = static_cast<std::uint8_t>(kept.octets_[i] & (0xff00u >> keep));
    }
    return kept;
}

MAILQUAY_DECL bool ip_address::is_loopback() const noexcept {
    ip_address const plain = unmapped();
    if (plain.is_v4()) return plain.octets_[0] == 127;
    constexpr v6_octets one{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return plain.is_v6() && plain.octets_ == one;
}

MAILQUAY_DECL bool ip_address::is_private() const noexcept {
    ip_address const plain = unmapped();
    auto const& octet = plain.octets_;
    if (plain.is_v6()) return (octet[0] & 0xfe) == 0xfc;
    return plain.is_v4() &&
           (octet[0] == 10 || (octet[0] == 172 && (octet[1] & 0xf0) == 16) || (octet[0] == 192 && octet[1] == 168));
}

MAILQUAY_DECL bool ip_address::is_link_local() const noexcept {
    ip_address const plain = unmapped();
    auto const& octet = plain.octets_;
    if (plain.is_v6()) return octet[0] == 0xfe && (octet[1] & 0xc0) == 0x80;
    return plain.is_v4() && octet[0] == 169 && octet[1] == 254;
}

MAILQUAY_DECL bool ip_address::is_multicast() const noexcept {
    ip_address const plain = unmapped();
    if (plain.is_v6()) return plain.octets_[0] == 0xff;
    return plain.is_v4() && (plain.octets_[0] & 0xf0) == 0xe0;
}

MAILQUAY_DECL bool ip_address::is_unspecified() const noexcept {
    return !is_none() && unmapped().octets_ == v6_octets{};
}

MAILQUAY_DECL void ip_address::append_to(std::string& out) const {
    if (is_none()) {
        out += "none";
    } else if (is_v4()) {
        detail::append_dotted_quad(out, bytes());
    } else if (is_v4_mapped()) {  // RFC 5952 §5: mixed notation where the prefix says that an IPv4 address follows
        out += "::ffff:";
        detail::append_dotted_quad(out, bytes().subspan(12));
    } else {
        detail::append_ipv6(out, bytes());
    }
}

MAILQUAY_DECL std::string ip_address::to_string() const {
    std::string text;
    append_to(text);
    return text;
}

MAILQUAY_DECL result<ip_network> ip_network::parse(std::string_view text) noexcept {
    std::size_t const slash = text.find('/');
    auto const parsed = ip_address::parse(text.substr(0, slash));
    if (!parsed) return address_errc::bad_address;
    unsigned prefix = parsed->bits();
    if (slash != std::string_view::npos) {
        std::string_view const digits = text.substr(slash + 1);
        auto const number = parse_decimal<std::uint8_t>(digits);
        if (!number || *number > parsed->bits() || (digits.size() > 1 && digits[0] == '0'))
            return address_errc::bad_prefix;
        prefix = *number;
    }
    if (parsed->masked(prefix) != *parsed) return address_errc::host_bits_set;
    return ip_network{*parsed, static_cast<std::uint8_t>(prefix)}.unmapped();
}

MAILQUAY_DECL ip_network ip_network::unmapped() const noexcept {
    if (!address.is_v4_mapped() || prefix < 96) return *this;
    return {address.unmapped(), static_cast<std::uint8_t>(prefix - 96)};
}

MAILQUAY_DECL bool ip_network::contains(ip_address const& candidate) const noexcept {
    ip_network const plain = unmapped();
    return !plain.address.is_none() && candidate.unmapped().masked(plain.prefix) == plain.address.masked(plain.prefix);
}

MAILQUAY_DECL std::string ip_network::to_string() const {
    std::string text = address.to_string();
    text += '/';
    append_decimal(text, prefix);
    return text;
}

MAILQUAY_DECL result<ip_endpoint> ip_endpoint::parse(std::string_view text) noexcept {
    std::string_view host, port;
    if (text.starts_with('[')) {
        std::size_t const close = text.find(']');
        if (close == std::string_view::npos) return address_errc::bad_address;
        host = text.substr(1, close - 1);
        port = text.substr(close + 1);
        if (host.find(':') == std::string_view::npos) return address_errc::bad_address;
    } else {
        std::size_t const colon = text.find(':');
        host = text.substr(0, colon);
        port = text.substr(host.size());
    }
    auto const parsed = ip_address::parse(host);
    if (!parsed) return address_errc::bad_address;
    if (!port.starts_with(':')) return address_errc::bad_port;
    auto const number = parse_decimal<std::uint16_t>(port.substr(1));
    if (!number) return address_errc::bad_port;
    return ip_endpoint{*parsed, *number};
}

MAILQUAY_DECL void ip_endpoint::append_to(std::string& out) const {
    if (address.is_v6()) out += '[';
    address.append_to(out);
    if (address.is_v6()) out += ']';
    out += ':';
    append_decimal(out, port);
}

MAILQUAY_DECL std::string ip_endpoint::to_string() const {
    std::string text;
    append_to(text);
    return text;
}

}  // namespace mailquay::inline MAILQUAY_ABI
