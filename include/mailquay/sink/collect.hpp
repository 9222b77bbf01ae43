#pragma once

#include <mailquay/handler/collecting_sink.hpp>

#include <cstdint>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sinks {

/// `sinks::collect{function, max_octets}`: each message whole, in memory, to a function.
using collect = collecting_sink;

/// The same as a phrase: `server.sink(sinks::to(keep_it))`.
template <class F>
    requires message_function<std::decay_t<F>>
collect to(F&& function, std::uint64_t max_octets = collect::default_max_octets,
           std::uint64_t max_octets_in_all = collect::default_max_octets_in_all) {
    return collect{std::forward<F>(function), max_octets, max_octets_in_all};
}

}  // namespace mailquay::inline MAILQUAY_ABI::sinks
