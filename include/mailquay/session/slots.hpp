#pragma once

#include <mailquay/base/config.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// Values that plug-ins keep beside a connection, session or transaction, keyed by owner and type.
///
/// A value is made on first use and destroyed with its scope. Empty slots cost one pointer.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe; use the connection's executor.
class slots {
public:
    /// The value of type `T` that belongs to `owner` (any stable address, usually `this`); made by `T{}` on first use.
    template <class T>
    T& get(void const* owner) {
        if (!kept_) kept_ = std::make_unique<std::vector<entry>>();
        for (entry& one : *kept_)
            if (one.owner == owner && one.type == key<T>()) return *static_cast<T*>(one.value.get());
        kept_->push_back({owner, key<T>(), {new T{}, [](void* gone) { delete static_cast<T*>(gone); }}});
        return *static_cast<T*>(kept_->back().value.get());
    }

    /// The value if it was made, else null.
    template <class T>
    T* find(void const* owner) const noexcept {
        if (kept_)
            for (entry const& one : *kept_)
                if (one.owner == owner && one.type == key<T>()) return static_cast<T*>(one.value.get());
        return nullptr;
    }

    void clear() noexcept { kept_.reset(); }
    bool empty() const noexcept { return !kept_; }

private:
    struct entry {
        void const* owner;
        void const* type;
        std::unique_ptr<void, void (*)(void*)> value;
    };
    template <class T>
    static void const* key() noexcept {
        static char const here = 0;
        return &here;
    }

    std::unique_ptr<std::vector<entry>> kept_;
};

}  // namespace mailquay::inline MAILQUAY_ABI
