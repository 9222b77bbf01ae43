#pragma once

#include <mailquay/server/admission.hpp>

#include <cassert>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL ip_address admission::key(ip_address const& client) noexcept {
    ip_address const address = client.unmapped();
    if (address.is_none() || address.is_loopback()) return {};
    return address.is_v6() ? address.masked(64) : address;
}

MAILQUAY_DECL admitted admission::admit(ip_address const& client, unsigned per_address) {
    ip_address const counted = key(client);
    std::lock_guard const lock{mutex_};
    if (limits_.total != 0 && total_ >= limits_.total) return admitted::too_many;
    if (!counted.is_none() && !per_address_.add(counted, per_address)) return admitted::too_many_from_address;
    ++total_;
    return admitted::yes;
}

MAILQUAY_DECL admitted admission::move(ip_address const& from, ip_address const& to, unsigned per_address) {
    ip_address const before = key(from);
    ip_address const after = key(to);
    if (before == after) return admitted::yes;
    std::lock_guard const lock{mutex_};
    if (!after.is_none() && !per_address_.add(after, per_address)) return admitted::too_many_from_address;
    if (!before.is_none()) per_address_.remove(before);
    return admitted::yes;
}

MAILQUAY_DECL void admission::release(ip_address const& client) noexcept {
    ip_address const counted = key(client);
    std::lock_guard const lock{mutex_};
    assert(total_ != 0);
    --total_;
    if (!counted.is_none()) per_address_.remove(counted);
}

MAILQUAY_DECL bool admission::begin_handshake(ip_address const& client) {
    ip_address const counted = key(client);
    std::lock_guard const lock{mutex_};
    if (limits_.handshakes != 0 && handshakes_ >= limits_.handshakes) return false;
    if (!counted.is_none() && !handshakes_per_address_.add(counted, limits_.handshakes_per_address)) return false;
    ++handshakes_;
    return true;
}

MAILQUAY_DECL void admission::end_handshake(ip_address const& client) noexcept {
    ip_address const counted = key(client);
    std::lock_guard const lock{mutex_};
    assert(handshakes_ != 0);
    --handshakes_;
    if (!counted.is_none()) handshakes_per_address_.remove(counted);
}

MAILQUAY_DECL std::size_t admission::handshakes() const noexcept {
    std::lock_guard const lock{mutex_};
    return handshakes_;
}

namespace detail {
/// Whether more than so many percent of what is allowed are in use. 0 allowed: there is no limit.
inline bool above_percent(std::uint64_t used, std::uint64_t allowed, unsigned percent) noexcept {
    return used * 100 > allowed * percent && allowed != 0;
}
}  // namespace detail

MAILQUAY_DECL bool admission::nearly_full() const noexcept {
    std::lock_guard const lock{mutex_};
    return detail::above_percent(total_, limits_.total, limits_.hurry_above_percent);
}

MAILQUAY_DECL bool admission::handshakes_nearly_full() const noexcept {
    std::lock_guard const lock{mutex_};
    return detail::above_percent(handshakes_, limits_.handshakes, limits_.hurry_above_percent);
}

MAILQUAY_DECL void admission::limit(connection_limits limits) noexcept {
    std::lock_guard const lock{mutex_};
    limits_ = limits;
}

MAILQUAY_DECL connection_limits admission::limits() const noexcept {
    std::lock_guard const lock{mutex_};
    return limits_;
}

MAILQUAY_DECL std::size_t admission::total() const noexcept {
    std::lock_guard const lock{mutex_};
    return total_;
}

MAILQUAY_DECL std::size_t admission::from(ip_address const& client) const noexcept {
    std::lock_guard const lock{mutex_};
    return per_address_.of(key(client));
}

}  // namespace mailquay::inline MAILQUAY_ABI
