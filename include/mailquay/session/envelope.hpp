#pragma once

#include <mailquay/base/ip_address.hpp>
#include <mailquay/protocol/params/body.hpp>
#include <mailquay/session/delivery_request.hpp>
#include <mailquay/protocol/xforward.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// One recipient of an `envelope`.
struct envelope_recipient {
    std::string address{};                    ///< as sent, without angle brackets
    std::string mailbox{};                    ///< what the validator resolved it to; empty if nothing; may hold any octet
    std::vector<std::string> deliver_to{};    ///< the members of an alias; mail goes to `mailbox` and to these
    recipient_request requests{};             ///< NOTIFY, ORCPT, RRVS
};

/// A transaction as a value that lives on its own: what `transaction::snapshot()` returns and collecting sinks hand over.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
struct envelope {
    std::string id{};
    std::string reverse_path{};               ///< empty for the null sender
    std::vector<envelope_recipient> recipients{};
    std::string hello_name{};
    ip_endpoint client{};
    std::string user{};                       ///< authenticated user; empty if none
    std::optional<std::string> auth{};        ///< the AUTH parameter of MAIL; empty for `<>`
    bool secure = false;                      ///< came over TLS
    bool smtputf8 = false;
    body_type body = body_type::seven_bit;
    std::optional<std::uint64_t> declared_size{};  ///< octets
    delivery_request requests{};              ///< RET, ENVID, REQUIRETLS, BY, HOLDFOR, MT-PRIORITY
    std::vector<std::string> unknown_parameters{};  ///< see `transaction::unknown_parameters()`
    std::optional<forwarded_client> forwarded{};   ///< what XFORWARD told
};

}  // namespace mailquay::inline MAILQUAY_ABI
