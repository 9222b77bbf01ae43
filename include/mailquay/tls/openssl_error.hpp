#pragma once

#include <mailquay/base/config.hpp>

#include <string>
#include <system_error>

namespace mailquay::inline MAILQUAY_ABI::tls {

/// Errors of OpenSSL as error codes; the message is OpenSSL's reason, such as "no shared cipher".
///
/// Thread safety: safe.
MAILQUAY_DECL std::error_category const& openssl_category() noexcept;

/// The oldest error of this thread's queue, which is emptied; `std::errc::protocol_error` if it holds none.
MAILQUAY_DECL std::error_code take_openssl_error() noexcept;

}  // namespace mailquay::inline MAILQUAY_ABI::tls

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/tls/impl/openssl_error.ipp>
#endif
