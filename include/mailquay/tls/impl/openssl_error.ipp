#pragma once

#include <mailquay/tls/openssl_error.hpp>

#include <openssl/err.h>

namespace mailquay::inline MAILQUAY_ABI::tls {

namespace detail {

class openssl_errors final : public std::error_category {
public:
    char const* name() const noexcept override { return "openssl"; }
    std::string message(int value) const override {
        auto const packed = static_cast<unsigned long>(static_cast<unsigned>(value));
        if (char const* const reason = ::ERR_reason_error_string(packed)) return reason;
        return "OpenSSL error " + std::to_string(packed);
    }
};

}  // namespace detail

MAILQUAY_DECL std::error_category const& openssl_category() noexcept {
    static detail::openssl_errors const category;
    return category;
}

MAILQUAY_DECL std::error_code take_openssl_error() noexcept {
    unsigned long const packed = ::ERR_get_error();
    ::ERR_clear_error();
    if (packed == 0) return std::make_error_code(std::errc::protocol_error);
    if (ERR_SYSTEM_ERROR(packed)) return {static_cast<int>(ERR_GET_REASON(packed)), std::generic_category()};
    return {static_cast<int>(packed), openssl_category()};
}

}  // namespace mailquay::inline MAILQUAY_ABI::tls
