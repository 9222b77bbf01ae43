#pragma once

#include <mailquay/mailquay.hpp>

#include "common/flags.hpp"
#include "common/onward.hpp"
#include "common/settings.hpp"

#include <memory>
#include <string>

namespace programs {

/// Where a program puts mail: one of these.
struct mail_sink_flags {
    std::string maildir{};
    std::string mbox{};
    std::string spool{};
    std::string sqlite{};
    std::string next_hop_keeps{};
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

private:
    std::shared_ptr<mailquay::message_sink> sink_;
    std::unique_ptr<mailquay::spool_control> control_;
    std::unique_ptr<onward> onward_;  // gone first
};

}  // namespace programs
