#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/unique_function.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

struct handlers;

/// Says that each shard gets a handler of its own, made when the shard is built: it need not be thread-safe.
///
/// @param factory  `() -> handler` or `(unsigned shard) -> handler`, where a handler is whatever the place takes: a value,
///                 a `shared_ptr`, a lambda. Called from the thread that builds the shards, once for each.
///
/// @code
/// server.policies(per_shard([] { return rate_counter{}; }));
/// @endcode
template <class Factory>
class per_shard {
    static_assert(std::is_invocable_v<Factory&> || std::is_invocable_v<Factory&, unsigned>,
                  "per_shard takes a factory: () -> handler or (unsigned shard) -> handler");

public:
    explicit per_shard(Factory factory) : factory_(std::move(factory)) {}

    auto operator()(unsigned shard) {
        if constexpr (std::is_invocable_v<Factory&, unsigned>) {
            return factory_(shard);
        } else {
            return factory_();
        }
    }

private:
    Factory factory_;
};

/// The handlers with each `per_shard` entry replaced by the one made for this shard; the others are shared. The server
/// calls it before it makes the shard's `pipeline`. Throws what a factory throws.
MAILQUAY_DECL handlers handlers_for_shard(handlers const& plugged, unsigned shard);

namespace detail {

template <class T>
inline constexpr bool is_per_shard = false;
template <class Factory>
inline constexpr bool is_per_shard<per_shard<Factory>> = true;

/// What stands in a list for a handler that is yet to be made.
struct MAILQUAY_API made_per_shard {
    virtual ~made_per_shard();
    /// Called in place of the handler that was not made: throws `std::logic_error`.
    [[noreturn]] static void misused();
};

template <class Interface>
struct MAILQUAY_API made_per_shard_of : made_per_shard {
    using factory = unique_function<std::shared_ptr<Interface>(unsigned)>;
    explicit made_per_shard_of(factory made_by) : make(std::move(made_by)) {}
    mutable factory make;
};

}  // namespace detail

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/per_shard.ipp>
#endif
