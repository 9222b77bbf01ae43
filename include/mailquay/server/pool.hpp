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

    struct give_back {
        void operator()(T* gone) const noexcept {
            std::destroy_at(gone);
            home->keep(gone);
        }
        pool* home = nullptr;
    };
    using pointer = std::unique_ptr<T, give_back>;

    pool() = default;
    pool(pool const&) = delete;
    pool& operator=(pool const&) = delete;
    ~pool() {
        for (void* const one : kept_) free(one);
    }

    template <class... Parts>
    pointer make(Parts&&... parts) {
        void* room = nullptr;
        if (kept_.empty()) {
            kept_.reserve(most_kept);  // so that giving back cannot fail
            room = ::operator new(sizeof(T), std::align_val_t{alignof(T)});
        } else {
            room = kept_.back();
            kept_.pop_back();
        }
        try {
            return pointer{::new (room) T(std::forward<Parts>(parts)...), give_back{this}};
        } catch (...) {
            keep(room);
            throw;
        }
    }

private:
    static void free(void* room) noexcept { ::operator delete(room, std::align_val_t{alignof(T)}); }
    void keep(void* room) noexcept {
        if (kept_.size() < most_kept)
            kept_.push_back(room);
        else
            free(room);
    }

    std::vector<void*> kept_;
};

}  // namespace mailquay::inline MAILQUAY_ABI
