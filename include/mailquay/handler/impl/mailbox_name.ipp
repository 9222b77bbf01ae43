#include <mailquay/handler/mailbox_name.hpp>

#include <mailquay/base/hex.hpp>
#include <mailquay/handler/detail/sha256.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

inline bool in_mailbox_name(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view{"._@+=-"}.find(c) != std::string_view::npos;
}

// What no encoded octet begins with: a "%" is else followed by a hex digit.
inline constexpr std::string_view mailbox_name_mark = "%-";

}  // namespace detail

MAILQUAY_DECL bool is_safe_mailbox_name(std::string_view id) noexcept {
    return !id.empty() && id.size() <= max_mailbox_name && id.front() != '.' && std::all_of(id.begin(), id.end(), detail::in_mailbox_name);
}

MAILQUAY_DECL std::string safe_mailbox_name(std::string_view id) {
    if (is_safe_mailbox_name(id)) return std::string(id);
    constexpr std::size_t digest_octets = 16;
    constexpr std::size_t longest_prefix = max_mailbox_name - detail::mailbox_name_mark.size() - 2 * digest_octets;
    std::string name;
    std::size_t prefix = 0;  // where a cut leaves room for the digest
    for (std::size_t i = 0; i < id.size() && name.size() <= max_mailbox_name; ++i) {
        if (detail::in_mailbox_name(id[i]) && !(i == 0 && id[i] == '.')) {
            name += id[i];
        } else {
            name += '%';
            append_hex(name, id[i]);
        }
        if (name.size() <= longest_prefix) prefix = name.size();
    }
    if (name.empty()) return std::string(detail::mailbox_name_mark);
    if (name.size() <= max_mailbox_name) return name;
    name.resize(prefix);
    name += detail::mailbox_name_mark;
    auto const digest = detail::sha256::of(id);
    std::string hex;
    for (std::size_t i = 0; i < digest_octets; ++i) append_hex(hex, static_cast<char>(digest[i]));
    for (char c : hex) name += c >= 'A' ? static_cast<char>(c - 'A' + 'a') : c;
    return name;
}

}  // namespace mailquay::inline MAILQUAY_ABI
