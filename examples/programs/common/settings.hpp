#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/base/network_set.hpp>
#include <mailquay/handler/profile.hpp>
#include <mailquay/handler/recipient_table.hpp>

#include "common/flags.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace programs {

/// What the flags say of TLS.
struct tls_settings {
    std::vector<std::string> certificates{};  ///< files, each with the key at the same place
    std::vector<std::string> keys{};
    std::string client_certificates{"off"};   ///< "off", "request" or "require"
    std::string client_ca{};                  ///< file
    bool required = false;                    ///< on every listener that offers STARTTLS
};

/// One `--listen...` flag.
struct listen_on {
    std::string protocol;  ///< "smtp", "smtps" or "lmtp"
    std::string where;     ///< "127.0.0.1:2525" or "unix:/run/mail.sock"
};

/// What the flags say that all programs share.
struct settings {
    std::vector<listen_on> listeners{};
    std::string hostname{};
    tls_settings tls{};
    std::uint64_t max_size = 50 * 1024 * 1024;  // octets
    unsigned max_recipients = 1000;
    unsigned max_connections = 10'000;
    unsigned max_connections_per_address = 50;
    unsigned max_hops = 100;
    unsigned idle_timeout = 300;  // seconds
    unsigned grace = 10;          // seconds
    unsigned threads = 1;
    bool portable_reactor = false;
    std::vector<std::string> enable{};  // opt-in extensions, or "all"
    mailquay::network_set trusted_proxies{};
    mailquay::network_set trusted_xclient{};
    std::optional<mailquay::network_set> trusted_xforward{};
    bool trusted_xclient_login = false;
    mailquay::log_level log_level = mailquay::log_level::info;
    mailquay::profile smtp = mailquay::profile::mx();  // of what listens for SMTP
};

/// Whose mail is taken.
struct local_recipients {
    std::vector<std::string> domains{};
    std::vector<std::string> mailboxes{};
};

/// Adds the flags of `settings`. Both must outlive the parsing.
void add_common_flags(flags& all, settings& into);
/// Adds the flags of `tls_settings`; among those of `add_common_flags`.
void add_tls_flags(flags& all, tls_settings& into);
/// Adds `--domain` and `--mailbox`.
void add_recipient_flags(flags& all, local_recipients& into);

/// The table that these flags describe: each mailbox in each domain, or any user if no mailbox is named;
/// postmaster always.
/// @throws usage_error
mailquay::recipient_table table_of(local_recipients const& from, std::string const& hostname);

/// The listener's profile by protocol; with trusted proxies it takes PROXY headers from them.
mailquay::profile profile_of(settings const& chosen, std::string_view protocol);

}  // namespace programs
