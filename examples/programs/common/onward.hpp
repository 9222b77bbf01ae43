#pragma once

#include <mailquay/base/ip_address.hpp>
#include <mailquay/base/log.hpp>
#include <mailquay/sink/spool_queue.hpp>

#include "common/flags.hpp"
#include "common/next_hop.hpp"

#include <memory>
#include <string>
#include <vector>

namespace programs {

/// Where the mail of a spool goes.
struct onward_flags {
    std::string relay_to{};      ///< HOST:PORT
    std::string deliver_lmtp{};  ///< HOST:PORT or a path
    std::string retry{};         ///< SECONDS,SECONDS,...
    unsigned lifetime = 5 * 24 * 3600;  ///< seconds
    std::string double_bounce_to{};
    next_hop_flags hop{};                    ///< how one talks to the smarthost
    std::string resolver{};                  ///< ADDR:PORT: delivery by MX
    unsigned mx_port = 25;
    bool mx_allow_private = false;
    std::vector<std::string> mx_self{};      ///< further names and addresses of ours
    std::vector<mailquay::ip_address> own_addresses{};  ///< of our listeners

    bool any() const noexcept { return !relay_to.empty() || !deliver_lmtp.empty() || !resolver.empty(); }
};

/// Adds `--relay-to`, `--deliver-lmtp`, `--resolver`, `--retry` ...
void add_onward_flags(flags& all, onward_flags& into);

/// Flags that would do nothing are refused: who gives one relies on it. @param to_host  mail goes to the host of --relay-to or --relay-now
/// @throws usage_error
void check_onward_flags(onward_flags const& chosen, bool to_host);

/// Delivers what is in a spool, on a thread of its own, until it is destroyed.
class onward {
public:
    virtual ~onward() = default;
    /// @param undeliverable  folder
    /// @param grace  what is under way may go on so long at the end, in seconds
    /// @throws usage_error
    static std::unique_ptr<onward> start(onward_flags const& chosen, std::shared_ptr<mailquay::spool_queue> queue, std::string hostname,
                                         std::string undeliverable, unsigned grace, mailquay::logger log);
};

}  // namespace programs
