#pragma once

#include <mailquay/base/ip_address.hpp>
#include <mailquay/base/random.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// How many there are of each address. An address takes a place while there is one of it at least.
///
/// One array in which an address stands at its hash's place or, without a gap, behind it; at most half full. Counting allocates
/// only where more addresses are in use than ever before.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
class address_counts {
public:
    unsigned of(ip_address const& counted) const noexcept { return slots_.empty() ? 0 : slots_[place_of(counted)].count; }

    /// Counts one more unless there are `most`; 0: no bound. Throws std::bad_alloc, and has then counted nothing.
    /// @return whether it did
    bool add(ip_address const& counted, unsigned most) {
        if (slots_.size() < 2 * (used_ + 1)) grow();
        slot& here = slots_[place_of(counted)];
        if (most != 0 && here.count >= most) return false;
        if (here.count++ == 0) here.address = counted, ++used_;
        return true;
    }
    /// One of those that were added is gone.
    void remove(ip_address const& counted) noexcept {
        assert(of(counted) != 0);
        if (used_ == 0) return;
        std::size_t const place = place_of(counted);
        if (slots_[place].count != 0 && --slots_[place].count == 0) close_gap(place);
    }

private:
    struct slot {
        ip_address address{};
        unsigned count = 0;  // 0: free
    };

    std::size_t wrapped(std::size_t place) const noexcept { return place & (slots_.size() - 1); }
    std::size_t home_of(ip_address const& counted) const noexcept {
        // Nobody who chooses addresses knows which of them stand side by side.
        constexpr std::uint64_t spreads = 0x9e3779b97f4a7c15;
        std::uint64_t const hash = (std::hash<ip_address>{}(counted) ^ secret_) * spreads;
        return wrapped(static_cast<std::size_t>(hash >> 32));
    }
    /// Where it stands, or would stand.
    std::size_t place_of(ip_address const& counted) const noexcept {
        std::size_t place = home_of(counted);
        while (slots_[place].count != 0 && slots_[place].address != counted) place = wrapped(place + 1);
        return place;
    }
    void grow() {
        constexpr std::size_t least = 16;
        std::vector<slot> before(slots_.empty() ? least : 2 * slots_.size());
        before.swap(slots_);
        for (slot const& one : before)
            if (one.count != 0) slots_[place_of(one.address)] = one;
    }
    /// What stands behind `gap` and belongs before it moves up.
    void close_gap(std::size_t gap) noexcept {
        --used_;
        for (std::size_t next = wrapped(gap + 1); slots_[next].count != 0; next = wrapped(next + 1)) {
            bool const belongs_behind_gap = wrapped(next - home_of(slots_[next].address)) < wrapped(next - gap);
            if (belongs_behind_gap) continue;
            slots_[gap] = slots_[next];
            gap = next;
        }
        slots_[gap].count = 0;
    }

    std::vector<slot> slots_;  // none, or a power of two of them
    std::size_t used_ = 0;
    std::uint64_t secret_ = random_u64();
};

}  // namespace mailquay::inline MAILQUAY_ABI
