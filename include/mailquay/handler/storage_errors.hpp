#pragma once

#include <mailquay/protocol/reply_text.hpp>

#include <system_error>

namespace mailquay::inline MAILQUAY_ABI {

/// What a client is told when storing failed: no room (ENOSPC, EDQUOT, EFBIG) is `452 4.3.1`, all else `451 4.3.0`. Never
/// 5xx: our own state is cured by waiting.
///
/// @return one of `replies`, of static storage
MAILQUAY_DECL reply_text const& storage_reply(std::error_code why) noexcept;
/// The same for an `errno`.
MAILQUAY_DECL reply_text const& storage_reply(int error_number) noexcept;

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/storage_errors.ipp>
#endif
