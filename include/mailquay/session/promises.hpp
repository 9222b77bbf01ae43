#pragma once

#include <mailquay/base/config.hpp>

#include <cstdint>
#include <optional>

namespace mailquay::inline MAILQUAY_ABI {

/// What the way onward keeps of a message's needs. A listener announces an extension only as far as configuration and
/// sink both say so.
struct promises {
    bool eight_bit = true;                        ///< 8BITMIME
    bool utf8 = true;                             ///< SMTPUTF8
    bool binary = false;                          ///< BINARYMIME
    bool dsn = false;                             ///< DSN
    bool requiretls = false;                      ///< REQUIRETLS
    bool per_recipient = false;                   ///< a verdict per recipient: PRDR
    bool hold = false;                            ///< FUTURERELEASE
    bool deliver_by = false;                      ///< DELIVERBY
    bool priority = false;                        ///< MT-PRIORITY
    bool relays = false;                          ///< it passes mail on to other hosts: `line_ending_policy::keep` is refused
    bool owner_since = false;                     ///< RRVS; no sink's: a server sets it if a recipient validator judges it
    std::optional<std::uint64_t> max_size{};      ///< octets; bounds the announced SIZE
};

}  // namespace mailquay::inline MAILQUAY_ABI
