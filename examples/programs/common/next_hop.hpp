#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/handler/message_sink.hpp>
#include <mailquay/handler/recipient_validator.hpp>
#include <mailquay/sink/spool.hpp>

#include "common/flags.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {
struct client_config;
struct hop_settings;
}  // namespace mailquay::inline MAILQUAY_ABI

namespace programs {

/// How one talks to the host that all mail goes to.
struct next_hop_flags {
    std::string tls{"opportunistic"};  ///< off, opportunistic, required, verified
    std::string ca{};                  ///< file: who signs its certificate
    std::string user{};                ///< NAME:PASSWORD there
    std::string user_file{};           ///< a file with NAME:PASSWORD as its first line
    std::string chunking{"needed"};    ///< needed, offered, off
    bool xforward = false;             ///< pass on there what XFORWARD told us
};

/// Adds `--relay-tls`, `--relay-ca`, `--relay-user`, `--relay-user-file`, `--relay-chunking`, `--relay-xforward`.
void add_next_hop_flags(flags& all, next_hop_flags& into);

/// What they say. @throws usage_error
mailquay::hop_settings hop_settings_of(next_hop_flags const& chosen);
mailquay::hop_settings lmtp_settings_of(next_hop_flags const& chosen);
mailquay::client_config client_of(next_hop_flags const& chosen, std::string hostname, mailquay::logger log);

/// Talks to the next hop while a client of ours waits: asks it for recipients, and passes mail on. On a thread of its own, until it is destroyed.
class next_hop_link {
public:
    virtual ~next_hop_link() = default;
    /// @param where  HOST:PORT; behind "lmtp:", or a path, by LMTP
    /// @throws usage_error naming `flag`
    static std::unique_ptr<next_hop_link> open(std::string_view flag, std::string const& where, next_hop_flags const& how, std::string hostname,
                                               mailquay::logger log);
    /// `sinks::relay_now`. @param overflow  may be null
    virtual std::shared_ptr<mailquay::message_sink> relay_now(std::shared_ptr<mailquay::sinks::spool> overflow, mailquay::promises keeps) = 0;
    /// `recipient_verifier` for these domains.
    virtual std::shared_ptr<mailquay::recipient_validator> verifier(std::vector<std::string> domains) = 0;
};

}  // namespace programs
