#pragma once

#include <mailquay/handler/per_shard.hpp>

#include <mailquay/handler/pipeline.hpp>

#include <stdexcept>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

MAILQUAY_DECL made_per_shard::~made_per_shard() = default;

MAILQUAY_DECL void made_per_shard::misused() {
    throw std::logic_error("a handler that is made per shard was called before handlers_for_shard() made it");
}

template <class Interface>
void resolve_for_shard(std::shared_ptr<Interface>& entry, unsigned shard) {
    auto const* const to_make = dynamic_cast<made_per_shard_of<Interface> const*>(entry.get());
    if (to_make == nullptr) return;
    auto made = to_make->make(shard);
    entry = std::move(made);
}

}  // namespace detail

MAILQUAY_DECL handlers handlers_for_shard(handlers const& plugged, unsigned shard) {
    handlers own = plugged;
    for (auto& entry : own.recipients) detail::resolve_for_shard(entry, shard);
    for (auto& entry : own.policies) detail::resolve_for_shard(entry, shard);
    for (auto& entry : own.filters) detail::resolve_for_shard(entry, shard);
    for (auto& entry : own.observers) detail::resolve_for_shard(entry, shard);
    detail::resolve_for_shard(own.sink, shard);
    detail::resolve_for_shard(own.authenticator, shard);
    return own;
}

}  // namespace mailquay::inline MAILQUAY_ABI
