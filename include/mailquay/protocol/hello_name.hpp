#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/refusal.hpp>

#include <cstdint>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// What a client calls itself.
struct hello_name {
    enum class form : std::uint8_t {
        domain,   ///< a domain as RFC 5321 §4.1.2 has it
        literal,  ///< an address literal (§4.1.3)
        other,    ///< another word: an underscore, an address without brackets, a trailing dot, …
    };

    /// As sent. View into the argument.
    std::string_view text{};
    form kind = form::other;
};

/// RFC 5321 §4.1.1.1  ehlo = "EHLO" SP ( Domain / address-literal )
///
/// Real clients send names that are no domains, and §4.1.4 forbids to refuse mail for a name that does not verify: any
/// one word of
/// printable ASCII is taken, and `kind` says what it is. UTF-8 is none, as SMTPUTF8 is not in force yet (RFC 6531
/// §3.7.1).
///
/// @param argument  of HELO, EHLO or LHLO, without white space around it
/// @return `argument_missing` or `bad_hello_name`
MAILQUAY_DECL parsed<hello_name> parse_hello_name(std::string_view argument);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/hello_name.ipp>
#endif
