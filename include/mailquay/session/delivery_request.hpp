#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/params/deliver_by.hpp>
#include <mailquay/protocol/params/dsn.hpp>
#include <mailquay/protocol/params/rrvs.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// FUTURERELEASE (RFC 4865): the message is not to leave earlier.
struct hold_request {
    std::chrono::sys_seconds release{};                ///< by the wall clock at MAIL where `interval` is there
    std::optional<std::chrono::seconds> interval{};    ///< HOLDFOR as sent; absent for HOLDUNTIL
};

/// MT-PRIORITY (RFC 6710): -9, the least urgent, to 9.
struct priority_request {
    std::int8_t value = 0;   ///< what counts
    std::int8_t asked = 0;   ///< what the client asked for; above `value` if it was lowered
};

/// What a sender asks of delivery by MAIL parameters that few messages have. A value; `transaction::requests()` keeps one
/// only where one of them was given.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
struct delivery_request {
    dsn_return ret = dsn_return::unsaid;        ///< RET (RFC 3461 §4.3)
    std::string envid{};                        ///< ENVID, decoded (RFC 3461 §4.4); empty if none
    bool requiretls = false;                    ///< REQUIRETLS (RFC 8689)
    std::optional<deliver_by> by{};             ///< BY (RFC 2852), counted from acceptance
    std::optional<hold_request> hold{};         ///< HOLDFOR, HOLDUNTIL (RFC 4865)
    std::optional<priority_request> priority{}; ///< MT-PRIORITY (RFC 6710)
};

/// The same of RCPT parameters, for one recipient.
struct recipient_request {
    dsn_notify notify = dsn_notify::unsaid;     ///< NOTIFY (RFC 3461 §4.1)
    original_recipient original{};              ///< ORCPT (RFC 3461 §4.2); empty if none, never made up
    std::optional<mailquay::valid_since> valid_since{};  ///< RRVS (RFC 7293)
    /// Parameters that the library does not know, "KEYWORD=value" each: see `transaction::unknown_parameters()`.
    std::vector<std::string> unknown{};
};

}  // namespace mailquay::inline MAILQUAY_ABI
