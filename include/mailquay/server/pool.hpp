#pragma once

#include <mailquay/base/config.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// Objects of one type that come and go with every message: their memory is kept for the next ones, up to a bound.
///
/// Lifetime: outlives its objects. Thread safety: unsafe; one for each shard.
template <class T>
class pool {
public:
    static constexpr std::size_t most_kept = 256;

private:
    struct room {
        pool* home;
        alignas(T) std::byte object[sizeof(T)];
    };

public:
    struct give_back {
        void operator()(T* gone) const noexcept {
            std::destroy_at(gone);
            room* const emptied = reinterpret_cast<room*>(reinterpret_cast<std::byte*>(gone) - offsetof(room, object));
            emptied->home->keep(emptied);
        }
    };
    using pointer = std::unique_ptr<T, give_back>;  // of one word: connections hold one while they are idle

    pool() = default;
    pool(pool const&) = delete;
    pool& operator=(pool const&) = delete;
    ~pool() {
        for (room* const one : kept_) delete one;
    }

    template <class... Parts>
    pointer make(Parts&&... parts) {
        room* taken = nullptr;
        if (kept_.empty()) {
            kept_.reserve(most_kept);  // so that giving back cannot fail
            taken = new room{this, {}};
        } else {
            taken = kept_.back();
            kept_.pop_back();
        }
        try {
            return pointer{::new (static_cast<void*>(taken->object)) T(std::forward<Parts>(parts)...)};
        } catch (...) {
            keep(taken);
            throw;
        }
    }

private:
    void keep(room* emptied) noexcept {
        if (kept_.size() < most_kept)
            kept_.push_back(emptied);
        else
            delete emptied;
    }

    std::vector<room*> kept_;
};

}  // namespace mailquay::inline MAILQUAY_ABI
