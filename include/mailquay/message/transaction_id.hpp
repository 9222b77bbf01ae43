#pragma once

#include <mailquay/base/config.hpp>

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// The name of one transaction, in replies, logs, Received fields and the spool: 12 letters of `0-9A-HJ-NP-Z`, without
/// I and O that look like 1 and 0. A value of 12 octets; younger ids sort behind older ones, as text too.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
class MAILQUAY_API transaction_id {
public:
    static constexpr std::size_t octets = 12;
    static constexpr std::string_view alphabet = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";

    /// None: `empty()`.
    constexpr transaction_id() noexcept = default;
    /// The letters of `number`, which must be below 34^12 (all numbers below 2^61 are).
    MAILQUAY_DECL static transaction_id from_number(std::uint64_t number) noexcept;
    /// Reads an id; nothing unless `text` is 12 letters of the alphabet.
    MAILQUAY_DECL static std::optional<transaction_id> parse(std::string_view text) noexcept;

    constexpr bool empty() const noexcept { return letters_[0] == '\0'; }
    /// The letters, none if empty. Lifetime: that of this object.
    constexpr std::string_view view() const noexcept { return {letters_.data(), empty() ? 0 : octets}; }

    friend constexpr bool operator==(transaction_id const&, transaction_id const&) noexcept = default;
    friend constexpr std::strong_ordering operator<=>(transaction_id const&, transaction_id const&) noexcept = default;

private:
    friend class id_generator;
    MAILQUAY_DECL void step() noexcept;

    std::array<char, octets> letters_{};
};

/// Makes transaction ids: 40 bits of milliseconds since 2020 (enough to the end of 2054), 10 bits of lane, 11 bits of
/// counter.
///
/// Each generator has a lane, so that generators ask no lock of one another: make one per thread or shard. The lanes
/// of a process follow one another from a random one on, hence no two of up to 1024 generators share a lane; the next
/// ones begin again, and two that share one may, in the same millisecond, give the same id.
///
/// Unique across restarts because time goes on and the first lane is random. Within a generator every id sorts behind
/// those before it, whatever the clock does: while it stands or goes backwards, and when one millisecond needs more
/// than 2048 ids, the generator borrows from the milliseconds to come.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
class MAILQUAY_API id_generator {
public:
    /// Takes the next lane of this process.
    MAILQUAY_DECL id_generator();
    /// Takes the lane `lane_seed` modulo 1024, which the caller keeps apart from others.
    explicit id_generator(std::uint64_t lane_seed) noexcept : lane_(lane_seed % lanes) {}

    /// @param now  wall time; before 2020 counts as 2020
    MAILQUAY_DECL transaction_id next(std::chrono::system_clock::time_point now) noexcept;

    static constexpr std::uint64_t lanes = 1u << 10;
    static constexpr std::uint64_t ids_per_millisecond = 1u << 11;

private:
    std::uint64_t lane_;
    std::uint64_t millisecond_ = 0;  // since 2020, of the last id
    std::uint64_t used_ = 0;         // ids given in that millisecond
    transaction_id last_{};
};

}  // namespace mailquay::inline MAILQUAY_ABI

/// Hash of the value.
template <>
struct std::hash<mailquay::transaction_id> {
    std::size_t operator()(mailquay::transaction_id const& id) const noexcept {
        return std::hash<std::string_view>{}(id.view());
    }
};

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/message/impl/transaction_id.ipp>
#endif
