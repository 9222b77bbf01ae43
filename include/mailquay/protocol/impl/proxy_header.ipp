#pragma once

#include <mailquay/protocol/proxy_header.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/decimal.hpp>
#include <mailquay/base/utf8.hpp>
#include <mailquay/protocol/detail/crc32c.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

inline constexpr std::string_view proxy_v1_signature = "PROXY ";
inline constexpr std::string_view proxy_v2_signature{"\r\n\r\n\0\r\nQUIT\n", 12};
/// Version 1: the longest line with its CRLF, and the shortest, "PROXY UNKNOWN".
inline constexpr std::size_t proxy_v1_most_octets = 107;
inline constexpr std::size_t proxy_v1_least_octets = 15;
/// Version 2: signature, version and command, family, length.
inline constexpr std::size_t proxy_v2_fixed_octets = 16;
inline constexpr std::size_t unix_path_octets = 108;
inline constexpr std::size_t most_unique_id_octets = 128;
inline constexpr std::size_t most_tlv_text_octets = 255;

constexpr proxy_scan bad_proxy_header(proxy_fault why) noexcept { return {proxy_scan::kind::bad, why}; }
constexpr proxy_scan proxy_header_needs(std::size_t missing) noexcept {
    return {proxy_scan::kind::need_more, proxy_fault::none, 0, missing};
}

constexpr unsigned octet_at(std::string_view octets, std::size_t at) noexcept {
    return static_cast<unsigned char>(octets[at]);
}
constexpr std::uint16_t big_endian_16(std::string_view octets, std::size_t at) noexcept {
    return static_cast<std::uint16_t>(octet_at(octets, at) << 8 | octet_at(octets, at + 1));
}
constexpr std::uint32_t big_endian_32(std::string_view octets, std::size_t at) noexcept {
    return std::uint32_t{big_endian_16(octets, at)} << 16 | big_endian_16(octets, at + 2);
}

// --- version 1 -----------------------------------------------------------------------------------------------------------

/// A decimal number as a proxy writes it: no sign, no zeros in front.
inline std::optional<std::uint16_t> proxy_port(std::string_view word) noexcept {
    if (word.size() > 1 && word.front() == '0') return std::nullopt;
    return parse_decimal<std::uint16_t>(word);
}

/// The line of version 1 without its CRLF.
inline proxy_fault read_proxy_line(std::string_view line, proxy_header& into) {
    line.remove_prefix(proxy_v1_signature.size());
    into.version = 1;
    // Of UNKNOWN the rest is to be ignored.
    if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) {
        into.subject = proxy_subject::unknown;
        return proxy_fault::none;
    }
    std::array<std::string_view, 5> words{};
    for (std::size_t i = 0; i < words.size(); ++i) {
        auto const end = line.find(' ');
        bool const last = i + 1 == words.size();
        if (last != (end == std::string_view::npos)) return proxy_fault::bad_line;
        words[i] = line.substr(0, end);
        if (words[i].empty()) return proxy_fault::bad_line;
        line.remove_prefix(last ? line.size() : end + 1);
    }
    bool const v6 = words[0] == "TCP6";
    if (!v6 && words[0] != "TCP4") return proxy_fault::bad_protocol;
    auto const source = ip_address::parse(words[1]);
    auto const destination = ip_address::parse(words[2]);
    if (!source || !destination || source->is_v6() != v6 || destination->is_v6() != v6) return proxy_fault::bad_address;
    auto const source_port = proxy_port(words[3]);
    auto const destination_port = proxy_port(words[4]);
    if (!source_port || !destination_port) return proxy_fault::bad_port;
    into.subject = proxy_subject::client;
    into.source = {source->unmapped(), *source_port};
    into.destination = {destination->unmapped(), *destination_port};
    return proxy_fault::none;
}

inline proxy_scan read_proxy_v1(std::string_view octets, proxy_header& into) {
    auto const whole = octets.substr(0, proxy_v1_most_octets);
    auto const end = whole.find_first_of("\r\n");
    if (end == std::string_view::npos) {
        if (whole.size() == proxy_v1_most_octets) return bad_proxy_header(proxy_fault::too_long);
        if (whole.size() < proxy_v1_least_octets) return proxy_header_needs(proxy_v1_least_octets - whole.size());
        // Each word that is missing has a space and an octet at least.
        bool const unknown = whole.substr(proxy_v1_signature.size()).starts_with("UNKNOWN");
        auto const spaces = static_cast<std::size_t>(std::count(whole.begin(), whole.end(), ' '));
        std::size_t const words = unknown || spaces >= 5 ? 0 : 5 - spaces;
        return proxy_header_needs(std::min(2 * words + 2, proxy_v1_most_octets - whole.size()));
    }
    if (whole[end] == '\n') return bad_proxy_header(proxy_fault::bad_line);
    if (end + 1 == proxy_v1_most_octets) return bad_proxy_header(proxy_fault::too_long);
    if (end + 1 == whole.size()) return proxy_header_needs(1);
    if (whole[end + 1] != '\n') return bad_proxy_header(proxy_fault::bad_line);
    proxy_header found;
    if (auto const fault = read_proxy_line(whole.substr(0, end), found); fault != proxy_fault::none) return bad_proxy_header(fault);
    into = std::move(found);
    return {proxy_scan::kind::header, proxy_fault::none, end + 2, 0};
}

// --- version 2 -----------------------------------------------------------------------------------------------------------

enum class proxy_tlv : unsigned {
    alpn = 0x01, authority = 0x02, crc32c = 0x03, noop = 0x04, unique_id = 0x05, ssl = 0x20,
    ssl_version = 0x21, ssl_cn = 0x22, ssl_cipher = 0x23, ssl_sig_alg = 0x24, ssl_key_alg = 0x25, netns = 0x30,
};

/// Type, length and value, one after the other.
class tlv_reader {
public:
    explicit tlv_reader(std::string_view octets) noexcept : rest_(octets) {}
    bool at_end() const noexcept { return rest_.empty(); }
    /// @return false if it is cut
    bool next(proxy_tlv& type, std::string_view& value) noexcept {
        if (rest_.size() < 3 || rest_.size() - 3 < big_endian_16(rest_, 1)) return false;
        type = proxy_tlv{octet_at(rest_, 0)};
        value = rest_.substr(3, big_endian_16(rest_, 1));
        rest_.remove_prefix(3 + value.size());
        return true;
    }

private:
    std::string_view rest_;
};

/// Which TLVs came already, of those read here: each of them may come once, empty or not.
class tlvs_seen {
public:
    /// @return whether this is the first of its type, which is below 64
    bool first(proxy_tlv type) noexcept {
        std::uint64_t const bit = std::uint64_t{1} << static_cast<unsigned>(type);
        bool const fresh = (types_ & bit) == 0;
        types_ |= bit;
        return fresh;
    }

private:
    std::uint64_t types_ = 0;
};

/// Takes the text of a TLV: UTF-8 without control characters. @return false if it is not
inline bool take_tlv_text(std::string_view value, std::string& into) {
    if (value.size() > most_tlv_text_octets || !valid_utf8(value)) return false;
    if (std::any_of(value.begin(), value.end(), [](char c) { return is_control(c); })) return false;
    into = value;
    return true;
}

/// PP2_TYPE_SSL: client flags, the result of the verification, TLVs.
inline bool read_proxy_tls(std::string_view value, proxied_tls& into) {
    constexpr unsigned client_ssl = 0x01, client_cert_conn = 0x02, client_cert_sess = 0x04;
    if (value.size() < 5) return false;
    unsigned const client = octet_at(value, 0);
    into.secure = (client & client_ssl) != 0;
    into.certificate = (client & (client_cert_conn | client_cert_sess)) != 0;
    // Without a certificate the result is 0 as well.
    into.verified = into.certificate && big_endian_32(value, 1) == 0;
    tlvs_seen seen;
    for (tlv_reader parts{value.substr(5)}; !parts.at_end();) {
        proxy_tlv type{};
        std::string_view text;
        if (!parts.next(type, text)) return false;
        bool well = true;
        switch (type) {
            case proxy_tlv::ssl_version: well = take_tlv_text(text, into.protocol) && seen.first(type); break;
            case proxy_tlv::ssl_cn: well = take_tlv_text(text, into.client_name) && seen.first(type); break;
            case proxy_tlv::ssl_cipher: well = take_tlv_text(text, into.cipher) && seen.first(type); break;
            case proxy_tlv::ssl_sig_alg: well = take_tlv_text(text, into.signature_algorithm) && seen.first(type); break;
            case proxy_tlv::ssl_key_alg: well = take_tlv_text(text, into.key_algorithm) && seen.first(type); break;
            default: break;
        }
        if (!well) return false;
    }
    return true;
}

/// The CRC32C of the whole header, with the four octets of its own value taken as zero.
inline bool proxy_checksum_fits(std::string_view header, std::string_view value) noexcept {
    auto const at = static_cast<std::size_t>(value.data() - header.data());
    crc32c_sum sum;
    sum.add(header.substr(0, at));
    for (int i = 0; i < 4; ++i) sum.add('\0');
    sum.add(header.substr(at + 4));
    return sum.value() == big_endian_32(value, 0);
}

inline proxy_fault read_proxy_tlvs(std::string_view header, std::string_view octets, proxy_facts& into) {
    tlvs_seen seen;
    for (tlv_reader parts{octets}; !parts.at_end();) {
        proxy_tlv type{};
        std::string_view value;
        if (!parts.next(type, value)) return proxy_fault::bad_tlv;
        bool well = true;
        switch (type) {
            case proxy_tlv::alpn: well = take_tlv_text(value, into.alpn) && seen.first(type); break;
            case proxy_tlv::authority: well = take_tlv_text(value, into.authority) && seen.first(type); break;
            case proxy_tlv::netns: well = take_tlv_text(value, into.netns) && seen.first(type); break;
            case proxy_tlv::unique_id:
                well = seen.first(type) && value.size() <= most_unique_id_octets;
                into.unique_id = value.substr(0, most_unique_id_octets);
                break;
            case proxy_tlv::crc32c:
                well = seen.first(type) && value.size() == 4;
                if (well && !proxy_checksum_fits(header, value)) return proxy_fault::bad_checksum;
                break;
            case proxy_tlv::ssl:
                well = seen.first(type) && read_proxy_tls(value, into.tls.emplace());
                break;
            default: break;  // NOOP, and what is defined later or between two parties
        }
        if (!well) return proxy_fault::bad_tlv;
    }
    return proxy_fault::none;
}

inline ip_address proxy_address(std::string_view octets, bool v6) noexcept {
    if (!v6) {
        ip_address::v4_octets four{};
        for (std::size_t i = 0; i < four.size(); ++i) four[i] = static_cast<std::uint8_t>(octets[i]);
        return ip_address::from_v4(four);
    }
    ip_address::v6_octets sixteen{};
    for (std::size_t i = 0; i < sixteen.size(); ++i) sixteen[i] = static_cast<std::uint8_t>(octets[i]);
    return ip_address::from_v6(sixteen).unmapped();
}

/// A path as `sockaddr_un` has it: up to the first NUL; an abstract name, which begins with one, up to its trailing ones.
inline std::string proxy_path(std::string_view field) {
    if (field[0] != '\0') return std::string{field.substr(0, field.find('\0'))};
    auto const last = field.find_last_not_of('\0');
    return std::string{field.substr(0, last == std::string_view::npos ? 0 : last + 1)};
}

inline proxy_scan read_proxy_v2(std::string_view octets, proxy_header& into) {
    constexpr unsigned local = 0, proxy = 1;
    // Octet by octet, so that a fault does not depend on how many have come.
    unsigned command = 0, family = 0;
    if (octets.size() > 12) {
        if (octet_at(octets, 12) >> 4 != 2) return bad_proxy_header(proxy_fault::bad_version);
        command = octet_at(octets, 12) & 0x0f;
        if (command > proxy) return bad_proxy_header(proxy_fault::bad_command);
    }
    std::size_t addresses = 0;
    if (octets.size() > 13 && command == proxy) {
        family = octet_at(octets, 13);
        switch (family) {
            case 0x00: break;
            case 0x11: addresses = 12; break;
            case 0x21: addresses = 36; break;
            case 0x31: addresses = 2 * unix_path_octets; break;
            default: return bad_proxy_header(proxy_fault::bad_family);
        }
    }
    if (octets.size() < proxy_v2_fixed_octets) return proxy_header_needs(proxy_v2_fixed_octets - octets.size());
    std::size_t const total = proxy_v2_fixed_octets + big_endian_16(octets, 14);
    if (total > max_proxy_header_octets) return bad_proxy_header(proxy_fault::too_long);
    if (total < proxy_v2_fixed_octets + addresses) return bad_proxy_header(proxy_fault::bad_length);
    if (octets.size() < total) return proxy_header_needs(total - octets.size());

    std::string_view const header = octets.substr(0, total);
    std::string_view const block = header.substr(proxy_v2_fixed_octets);
    proxy_header found;
    found.version = 2;
    if (command == local) {
        found.subject = proxy_subject::itself;
    } else if (family == 0x00) {
        found.subject = proxy_subject::unknown;
    } else {
        if (family == 0x31) {
            found.subject = proxy_subject::unix_client;
            found.source_path = proxy_path(block.substr(0, unix_path_octets));
            found.destination_path = proxy_path(block.substr(unix_path_octets, unix_path_octets));
        } else {
            bool const v6 = family == 0x21;
            std::size_t const size = v6 ? 16 : 4;
            found.subject = proxy_subject::client;
            found.source = {proxy_address(block, v6), big_endian_16(block, 2 * size)};
            found.destination = {proxy_address(block.substr(size), v6), big_endian_16(block, 2 * size + 2)};
        }
        auto const fault = read_proxy_tlvs(header, block.substr(addresses), found.facts);
        if (fault != proxy_fault::none) return bad_proxy_header(fault);
    }
    into = std::move(found);
    return {proxy_scan::kind::header, proxy_fault::none, total, 0};
}

}  // namespace detail

MAILQUAY_DECL proxy_scan read_proxy_header(std::string_view octets, proxy_header& into) {
    // The shortest header of either version is longer than its signature.
    if (octets.empty()) return detail::proxy_header_needs(detail::proxy_v1_least_octets);
    bool const second = octets.front() == '\r';
    auto const signature = second ? detail::proxy_v2_signature : detail::proxy_v1_signature;
    auto const seen = std::min(octets.size(), signature.size());
    if (octets.substr(0, seen) != signature.substr(0, seen)) return detail::bad_proxy_header(proxy_fault::no_signature);
    return second ? detail::read_proxy_v2(octets, into) : detail::read_proxy_v1(octets, into);
}

MAILQUAY_DECL std::string_view to_string(proxy_fault why) noexcept {
    switch (why) {
        case proxy_fault::none: return "none";
        case proxy_fault::no_signature: return "no PROXY header";
        case proxy_fault::too_long: return "too long";
        case proxy_fault::bad_line: return "bad line";
        case proxy_fault::bad_protocol: return "bad protocol";
        case proxy_fault::bad_address: return "bad address";
        case proxy_fault::bad_port: return "bad port";
        case proxy_fault::bad_version: return "bad version";
        case proxy_fault::bad_command: return "bad command";
        case proxy_fault::bad_family: return "bad family";
        case proxy_fault::bad_length: return "bad length";
        case proxy_fault::bad_tlv: return "bad TLV";
        case proxy_fault::bad_checksum: return "bad checksum";
    }
    return {};
}

namespace detail {

inline void append_big_endian_16(std::string& out, std::size_t value) {
    out += static_cast<char>(value >> 8 & 0xff);
    out += static_cast<char>(value & 0xff);
}

/// The octets of an address as version 2 has them; IPv4 as IPv4-mapped where `v6` is asked for.
inline void append_proxy_address(std::string& out, ip_address const& address, bool v6) {
    if (v6 && !address.is_v6()) out.append(10, '\0').append(address.is_v4() ? "\xff\xff" : std::string(6, '\0'));
    for (std::uint8_t const octet : address.bytes()) out += static_cast<char>(octet);
}

inline void append_proxy_path(std::string& out, std::string_view path) {
    path = path.substr(0, unix_path_octets);
    out.append(path).append(unix_path_octets - path.size(), '\0');
}

inline void append_proxy_tlv(std::string& out, proxy_tlv type, std::string_view value, std::size_t most) {
    if (value.empty() || value.size() > most) return;
    out += static_cast<char>(type);
    append_big_endian_16(out, value.size());
    out += value;
}

inline void append_proxy_line(std::string& out, proxy_header const& header) {
    if (header.subject != proxy_subject::client || header.source.address.is_v6() != header.destination.address.is_v6() ||
        header.source.address.bits() == 0 || header.destination.address.bits() == 0) {
        out += "PROXY UNKNOWN\r\n";
        return;
    }
    out += header.source.address.is_v6() ? "PROXY TCP6 " : "PROXY TCP4 ";
    out += header.source.address.to_string();
    out += ' ';
    out += header.destination.address.to_string();
    for (std::uint16_t const port : {header.source.port, header.destination.port}) {
        out += ' ';
        append_decimal(out, port);
    }
    out += "\r\n";
}

}  // namespace detail

MAILQUAY_DECL void append_proxy_header(std::string& out, proxy_header const& header) {
    if (header.version == 1) return detail::append_proxy_line(out, header);
    bool const v6 = header.source.address.is_v6() || header.destination.address.is_v6();
    std::string block;
    unsigned char family = 0;
    if (header.subject == proxy_subject::client && header.source.address.bits() != 0) {
        family = v6 ? 0x21 : 0x11;
        detail::append_proxy_address(block, header.source.address, v6);
        if (header.destination.address.bits() == 0) block.append(v6 ? 16 : 4, '\0');
        else detail::append_proxy_address(block, header.destination.address, v6);
        detail::append_big_endian_16(block, header.source.port);
        detail::append_big_endian_16(block, header.destination.port);
    } else if (header.subject == proxy_subject::unix_client) {
        family = 0x31;
        detail::append_proxy_path(block, header.source_path);
        detail::append_proxy_path(block, header.destination_path);
    }
    if (header.subject != proxy_subject::itself) {
        detail::append_proxy_tlv(block, detail::proxy_tlv::alpn, header.facts.alpn, detail::most_tlv_text_octets);
        detail::append_proxy_tlv(block, detail::proxy_tlv::authority, header.facts.authority, detail::most_tlv_text_octets);
        detail::append_proxy_tlv(block, detail::proxy_tlv::unique_id, header.facts.unique_id, detail::most_unique_id_octets);
        detail::append_proxy_tlv(block, detail::proxy_tlv::netns, header.facts.netns, detail::most_tlv_text_octets);
    }
    out += detail::proxy_v2_signature;
    out += header.subject == proxy_subject::itself ? '\x20' : '\x21';
    out += static_cast<char>(family);
    detail::append_big_endian_16(out, block.size());
    out += block;
}

}  // namespace mailquay::inline MAILQUAY_ABI
