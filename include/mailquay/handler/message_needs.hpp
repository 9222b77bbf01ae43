#pragma once

#include <mailquay/base/config.hpp>

#include <algorithm>
#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

/// How much of a message somebody on its path has to see, each including the one before.
enum class message_needs : std::uint8_t {
    none,
    headers,  ///< the header section before the first octet flows on
    body,     ///< every chunk as it passes
    edits,    ///< may change header fields, so the message is buffered whole
};

constexpr message_needs operator|(message_needs a, message_needs b) noexcept { return std::max(a, b); }

}  // namespace mailquay::inline MAILQUAY_ABI
