#pragma once

#include <mailquay/mailquay.hpp>

#include "common/flags.hpp"
#include "common/onward.hpp"
#include "common/settings.hpp"

#include <memory>
#include <string>
#include <vector>

namespace programs {

/// Where a program puts mail: one of these; `relay_now` and a spool together.
struct mail_sink_flags {
    std::string maildir{};
    std::string mbox{};
    std::string spool{};
    std::string sqlite{};
    std::string next_hop_keeps{};
    std::string relay_now{};  ///< HOST:PORT, lmtp:HOST:PORT or lmtp:PATH
    onward_flags onward{};  ///< of what is in the spool
};

/// Adds `--maildir`, `--mbox`, `--spool`, `--next-hop-keeps`, where its mail goes onward, and, where it is built with SQLite, `--sqlite`.
void add_mail_sink_flags(flags& all, mail_sink_flags& into);

/// The sink that the flags name, with what belongs to it: a spool is steered through a socket in its folder, and its mail delivered.
///
/// Must outlive the server.
class mail_sink {
public:
    /// @throws usage_error if no sink is named, or more than one
    mail_sink(mail_sink_flags const& chosen, settings const& common);

    std::shared_ptr<mailquay::message_sink> sink() const { return sink_; }
    /// Who asks the host of `--relay-now` or `--relay-to` whether it takes a recipient; null without them.
    std::shared_ptr<mailquay::recipient_validator> verifier(std::vector<std::string> domains);

private:
    std::unique_ptr<next_hop_link> link_;  // gone last: the sink is on it
    std::shared_ptr<mailquay::message_sink> sink_;
    std::unique_ptr<mailquay::spool_control> control_;
    std::unique_ptr<onward> onward_;  // gone first
};

}  // namespace programs
