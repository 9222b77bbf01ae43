#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/result.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace mailquay::inline MAILQUAY_ABI {

/// An IPv4 or IPv6 address, or none. A value of 17 octets; none sorts before IPv4, IPv4 before IPv6.
///
/// The questions `is_loopback()` … `is_unspecified()` see an IPv4-mapped address (::ffff:a.b.c.d) as the IPv4 address
/// it stands for. Comparison does not: call `unmapped()` where addresses come from a dual-stack socket.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
class MAILQUAY_API ip_address {
public:
    using v4_octets = std::array<std::uint8_t, 4>;
    using v6_octets = std::array<std::uint8_t, 16>;

    /// None.
    constexpr ip_address() noexcept = default;
    static constexpr ip_address from_v4(v4_octets octets) noexcept {
        ip_address made;
        made.kind_ = kind::v4;
        for (std::size_t i = 0; i < octets.size(); ++i) made.octets_[i] = octets[i];
        return made;
    }
    static constexpr ip_address from_v6(v6_octets octets) noexcept {
        ip_address made;
        made.kind_ = kind::v6;
        made.octets_ = octets;
        return made;
    }
    /// Reads a dotted quad without leading zeros, or an IPv6 address as in RFC 4291 §2.2 without zone.
    MAILQUAY_DECL static std::optional<ip_address> parse(std::string_view text) noexcept;

    constexpr bool is_none() const noexcept { return kind_ == kind::none; }
    constexpr bool is_v4() const noexcept { return kind_ == kind::v4; }
    constexpr bool is_v6() const noexcept { return kind_ == kind::v6; }

    /// 127.0.0.0/8, ::1
    MAILQUAY_DECL bool is_loopback() const noexcept;
    /// RFC 1918 (10/8, 172.16/12, 192.168/16) and RFC 4193 (fc00::/7)
    MAILQUAY_DECL bool is_private() const noexcept;
    /// 169.254.0.0/16, fe80::/10
    MAILQUAY_DECL bool is_link_local() const noexcept;
    /// 224.0.0.0/4, ff00::/8
    MAILQUAY_DECL bool is_multicast() const noexcept;
    /// 0.0.0.0, ::
    MAILQUAY_DECL bool is_unspecified() const noexcept;
    /// ::ffff:0:0/96
    MAILQUAY_DECL bool is_v4_mapped() const noexcept;

    /// The octets in network order: 4, 16 or none. Lifetime: that of this object.
    constexpr std::span<std::uint8_t const> bytes() const noexcept { return {octets_.data(), bits() / 8u}; }
    /// 32, 128 or 0.
    constexpr unsigned bits() const noexcept { return is_v4() ? 32 : is_v6() ? 128 : 0; }

    /// The IPv4 address within ::ffff:a.b.c.d; any other address as it is.
    MAILQUAY_DECL ip_address unmapped() const noexcept;
    /// The address with all but the first `prefix_bits` bits cleared.
    MAILQUAY_DECL ip_address masked(unsigned prefix_bits) const noexcept;

    /// Dotted quad, or the canonical form of RFC 5952; "none" for none.
    MAILQUAY_DECL std::string to_string() const;
    /// Appends what `to_string()` returns, with no allocation but that of `out`.
    MAILQUAY_DECL void append_to(std::string& out) const;

    friend constexpr bool operator==(ip_address const&, ip_address const&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(ip_address const&, ip_address const&) noexcept = default;

private:
    enum class kind : std::uint8_t { none, v4, v6 };

    kind kind_ = kind::none;
    v6_octets octets_{};  // an IPv4 address fills the first four, the rest stays zero
};

static_assert(sizeof(ip_address) <= 20 && std::is_trivially_copyable_v<ip_address>);

/// Why a network, an endpoint or a list of networks was not understood.
enum class address_errc {
    /// Not an IPv4 or IPv6 address.
    bad_address = 1,
    /// What follows "/" is not a decimal number from 0 to 32 (IPv4) or 128 (IPv6).
    bad_prefix,
    /// The address has bits set behind the prefix.
    host_bits_set,
    /// What follows the last ":" is not a decimal number from 0 to 65535, or is missing.
    bad_port,
};

/// The category of `address_errc`; its messages name the cure.
MAILQUAY_DECL std::error_category const& address_category() noexcept;
inline std::error_code make_error_code(address_errc e) noexcept { return {static_cast<int>(e), address_category()}; }

}  // namespace mailquay::inline MAILQUAY_ABI

template <>
struct std::is_error_code_enum<mailquay::address_errc> : std::true_type {};

namespace mailquay::inline MAILQUAY_ABI {

/// All addresses that share their first `prefix` bits.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
struct MAILQUAY_API ip_network {
    ip_address address{};
    std::uint8_t prefix = 0;

    /// Reads `192.0.2.0/24`, `2001:db8::/32`, or an address, which is a network of one. Networks within ::ffff:0:0/96
    /// become the IPv4 networks they stand for.
    ///
    /// @return `address_errc::bad_address`, `bad_prefix`, or `host_bits_set` for the likes of 192.0.2.1/24
    MAILQUAY_DECL static result<ip_network> parse(std::string_view text) noexcept;

    /// The IPv4 network that a network within ::ffff:0:0/96 stands for; any other network as it is.
    MAILQUAY_DECL ip_network unmapped() const noexcept;
    /// Whether `candidate`, unmapped, lies within. A network without an address contains nothing.
    MAILQUAY_DECL bool contains(ip_address const& candidate) const noexcept;
    /// `192.0.2.0/24`
    MAILQUAY_DECL std::string to_string() const;

    friend constexpr bool operator==(ip_network const&, ip_network const&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(ip_network const&, ip_network const&) noexcept = default;
};

/// An address and a port.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
struct MAILQUAY_API ip_endpoint {
    ip_address address{};
    std::uint16_t port = 0;

    /// Reads `1.2.3.4:25` or `[::1]:25`; the port must be there.
    ///
    /// @return `address_errc::bad_address` or `bad_port`
    MAILQUAY_DECL static result<ip_endpoint> parse(std::string_view text) noexcept;

    /// `1.2.3.4:25`, `[::1]:25`, `none:0`
    MAILQUAY_DECL std::string to_string() const;
    /// Appends what `to_string()` returns, with no allocation but that of `out`.
    MAILQUAY_DECL void append_to(std::string& out) const;

    friend constexpr bool operator==(ip_endpoint const&, ip_endpoint const&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(ip_endpoint const&, ip_endpoint const&) noexcept = default;
};

}  // namespace mailquay::inline MAILQUAY_ABI

/// Hash of the value; for tables whose keys a peer may choose, key by `masked()` prefixes and bound the table.
template <>
struct std::hash<mailquay::ip_address> {
    std::size_t operator()(mailquay::ip_address const& address) const noexcept {
        std::uint64_t mixed = address.bits();
        for (std::uint8_t octet : address.bytes()) mixed = (mixed ^ octet) * 0x100000001b3u;
        mixed ^= mixed >> 32;
        return static_cast<std::size_t>(mixed * 0x9e3779b97f4a7c15u >> 8);
    }
};

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/base/impl/ip_address.ipp>
#endif
