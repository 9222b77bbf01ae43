#pragma once

#include <mailquay/dns/detail/dns_message.hpp>

#include <mailquay/base/ascii.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// A reading position in a DNS message. Reading beyond the end gives nothing and leaves `good` false.
class dns_reader {
public:
    explicit dns_reader(std::string_view message, std::size_t at = 0) noexcept : message_(message), at_(at) {}

    bool good() const noexcept { return good_; }
    std::size_t at() const noexcept { return at_; }

    std::uint8_t octet() noexcept {
        if (at_ >= message_.size()) return fail<std::uint8_t>();
        return static_cast<std::uint8_t>(message_[at_++]);
    }
    std::uint16_t word() noexcept {
        unsigned const high = octet();
        return static_cast<std::uint16_t>(high << 8 | octet());
    }
    std::uint32_t long_word() noexcept {
        std::uint32_t const high = word();
        return high << 16 | word();
    }
    std::string_view octets(std::size_t count) noexcept {
        if (count > message_.size() - std::min(at_, message_.size())) return fail<std::string_view>();
        at_ += count;
        return message_.substr(at_ - count, count);
    }
    /// RFC 1035 §4.1.4  A name, compressed or not. Each pointer must lead before the label it replaces, so no loop can be.
    std::string name() {
        std::string read;
        std::size_t from = at_;
        std::size_t barrier = at_;  // a pointer leads before it
        bool jumped = false;
        std::size_t wire = 1;
        for (;;) {
            if (from >= message_.size()) return fail<std::string>();
            auto const length = static_cast<std::uint8_t>(message_[from]);
            if (length == 0) {
                if (!jumped) at_ = from + 1;
                return read;
            }
            if ((length & 0xc0) == 0xc0) {
                if (from + 1 >= message_.size()) return fail<std::string>();
                std::size_t const to = (length & 0x3fu) << 8 | static_cast<std::uint8_t>(message_[from + 1]);
                if (to >= barrier) return fail<std::string>();
                if (!jumped) at_ = from + 2;
                jumped = true;
                from = barrier = to;
                continue;
            }
            wire += length + 1u;
            if ((length & 0xc0) != 0 || wire > 255 || length >= message_.size() - from) return fail<std::string>();
            if (!read.empty()) read += '.';
            for (char c : message_.substr(from + 1, length)) append_octet(read, c);
            from += length + 1u;
        }
    }

private:
    template <class T>
    T fail() noexcept {
        good_ = false;
        at_ = message_.size();
        return T{};
    }
    static void append_octet(std::string& out, char c) {
        if (is_printable(c) && c != ' ' && c != '.' && c != '\\' && c != '"') {
            out += to_lower(c);
            return;
        }
        auto const value = static_cast<std::uint8_t>(c);
        out += '\\';
        for (unsigned power : {100u, 10u, 1u}) out += static_cast<char>('0' + value / power % 10);
    }

    std::string_view message_;
    std::size_t at_;
    bool good_ = true;
};

inline void append_word(std::string& out, std::size_t word) {
    out += static_cast<char>(word >> 8 & 0xff);
    out += static_cast<char>(word & 0xff);
}

MAILQUAY_DECL std::optional<std::string> dns_name(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name.empty() || name.size() > 253) return std::nullopt;
    std::size_t label = 0;
    for (char c : name) {
        if (c == '.') {
            if (label == 0) return std::nullopt;
            label = 0;
            continue;
        }
        if (!is_printable(c) || c == ' ' || c == '\\' || c == '"' || ++label > 63) return std::nullopt;
    }
    if (label == 0) return std::nullopt;
    return to_lower_copy(name);
}

MAILQUAY_DECL std::optional<std::string> reverse_dns_name(ip_address address) {
    address = address.unmapped();
    auto const octets = address.bytes();
    if (octets.empty()) return std::nullopt;
    std::string name;
    for (std::size_t i = octets.size(); i-- > 0;) {
        if (address.is_v4()) {
            name += std::to_string(octets[i]) + '.';
        } else {
            unsigned const octet = octets[i];
            for (unsigned nibble : {octet & 0xfu, octet >> 4u}) {
                name += "0123456789abcdef"[nibble];
                name += '.';
            }
        }
    }
    return name + (address.is_v4() ? "in-addr.arpa" : "ip6.arpa");
}

MAILQUAY_DECL std::string dns_query(std::uint16_t id, std::string_view name, dns_type type, bool edns) {
    std::string query;
    query.reserve(12 + name.size() + 2 + 4 + 11);
    append_word(query, id);
    append_word(query, 0x0120);  // RD, AD
    append_word(query, 1);
    append_word(query, 0);
    append_word(query, 0);
    append_word(query, edns ? 1 : 0);
    while (!name.empty()) {
        std::size_t const length = std::min(name.find('.'), name.size());
        query += static_cast<char>(length);
        query += name.substr(0, length);
        name.remove_prefix(std::min(length + 1, name.size()));
    }
    query += '\0';
    append_word(query, static_cast<std::uint16_t>(type));
    append_word(query, 1);  // IN
    if (edns) {
        query += '\0';
        append_word(query, static_cast<std::uint16_t>(dns_type::opt));
        append_word(query, dns_udp_octets);
        query.append(6, '\0');  // extended RCODE, version, flags, no options
    }
    return query;
}

MAILQUAY_DECL std::optional<dns_reply> read_dns_reply(std::string octets, std::string_view name, dns_type type) {
    struct alias {
        std::string from, to;
        std::uint32_t ttl;
    };
    struct record {
        std::string owner;
        dns_reply::place place;
        std::uint32_t ttl;
    };
    std::vector<alias> aliases;
    std::vector<record> records;
    std::optional<std::uint32_t> denial;
    bool others = false;

    dns_reply reply;
    reply.octets = std::move(octets);
    dns_reader in{reply.octets};
    in.word();
    unsigned const flags = in.word();
    if (in.word() != 1) return std::nullopt;  // one question, as was sent
    std::array<unsigned, 3> const counts{in.word(), in.word(), in.word()};
    std::string const question = in.name();
    bool const ours = in.word() == static_cast<std::uint16_t>(type) && in.word() == 1 && question == name;
    if (!in.good() || !ours || (flags & 0x8000u) == 0) return std::nullopt;
    reply.code = flags & 0xfu;
    reply.authenticated = (flags & 0x0020u) != 0;

    for (std::size_t section = 0; section < counts.size(); ++section) {
        for (unsigned i = 0; i < counts[section]; ++i) {
            std::string owner = in.name();
            auto const kind = static_cast<dns_type>(in.word());
            unsigned const dns_class = in.word();
            std::uint32_t ttl = in.long_word();
            dns_reply::place const place{in.at() + 2, in.word()};
            in.octets(place.size);
            if (!in.good()) return std::nullopt;
            if (kind == dns_type::opt && section == 2) reply.code |= ttl >> 24 << 4;
            if (dns_class != 1) continue;
            if (ttl > 0x7fff'ffffu) ttl = 0;  // RFC 2181 §8
            dns_reader data{std::string_view{reply.octets}.substr(0, place.at + place.size), place.at};
            if (section == 0 && kind == dns_type::cname) {
                std::string to = data.name();
                if (!data.good() || to.empty()) return std::nullopt;
                aliases.push_back({std::move(owner), std::move(to), ttl});
            } else if (section == 0 && kind == type) {
                records.push_back({std::move(owner), place, ttl});
            } else if (section == 1 && kind == dns_type::soa) {
                data.name();
                data.name();
                data.octets(16);
                std::uint32_t const least = data.long_word();
                if (!data.good()) return std::nullopt;
                denial = std::min(ttl, least);
            } else if (section == 1 && kind == dns_type::ns) {
                others = true;
            }
        }
    }

    reply.name = name;
    std::uint32_t ttl = 0x7fff'ffffu;
    for (unsigned followed = 0; followed <= dns_aliases; ++followed) {
        for (auto const& one : records) {
            if (one.owner != reply.name) continue;
            reply.records.push_back(one.place);
            ttl = std::min(ttl, one.ttl);
        }
        auto const next = std::find_if(aliases.begin(), aliases.end(), [&](alias const& one) { return one.from == reply.name; });
        if (!reply.records.empty() || next == aliases.end()) {
            reply.denied = reply.records.empty() && denial;
            reply.referral = reply.records.empty() && !denial && others;
            if (reply.denied) ttl = std::min(ttl, *denial);
            if (reply.records.empty() && !reply.denied && followed == 0) ttl = 0;
            reply.ttl = std::chrono::seconds{ttl};
            return reply;
        }
        reply.name = next->to;
        ttl = std::min(ttl, next->ttl);
    }
    return std::nullopt;
}

MAILQUAY_DECL bool read_dns_record(dns_reply const& reply, dns_reply::place place, ip_address& record) {
    std::string_view const data = std::string_view{reply.octets}.substr(place.at, place.size);
    ip_address::v4_octets v4{};
    ip_address::v6_octets v6{};
    auto const fill = [&](auto& octets) {
        for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<std::uint8_t>(data[i]);
    };
    if (data.size() == v4.size()) {
        fill(v4);
        record = ip_address::from_v4(v4);
    } else if (data.size() == v6.size()) {
        fill(v6);
        record = ip_address::from_v6(v6);
    } else {
        return false;
    }
    return true;
}

MAILQUAY_DECL bool read_dns_record(dns_reply const& reply, dns_reply::place place, mx_record& record) {
    dns_reader data{std::string_view{reply.octets}.substr(0, place.at + place.size), place.at};
    record.preference = data.word();
    record.exchange = data.name();
    return data.good();
}

MAILQUAY_DECL bool read_dns_record(dns_reply const& reply, dns_reply::place place, tlsa_record& record) {
    dns_reader data{std::string_view{reply.octets}.substr(0, place.at + place.size), place.at};
    record.usage = data.octet();
    record.selector = data.octet();
    record.matching_type = data.octet();
    record.data = data.octets(place.at + place.size - data.at());
    return data.good();
}

MAILQUAY_DECL bool read_dns_text(dns_reply const& reply, dns_reply::place place, std::string& text) {
    dns_reader data{std::string_view{reply.octets}.substr(0, place.at + place.size), place.at};
    while (data.good() && data.at() < place.at + place.size) text += data.octets(data.octet());
    return data.good() && place.size != 0;
}

MAILQUAY_DECL bool read_dns_target(dns_reply const& reply, dns_reply::place place, std::string& name) {
    dns_reader data{std::string_view{reply.octets}.substr(0, place.at + place.size), place.at};
    name = data.name();
    return data.good();
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
