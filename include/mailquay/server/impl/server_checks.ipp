#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/handler/per_shard.hpp>
#include <mailquay/handler/relay_for.hpp>
#include <mailquay/handler/uses_workers.hpp>
#include <mailquay/server/plugins.hpp>
#include <mailquay/server/server_config.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

// What a server looks at before it listens, and the sentences for what is wrong.

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// @param for_auth  for the authenticator: whoever tries passwords must not keep mail waiting
inline void lend_workers(handlers const& to, std::shared_ptr<workers> const& pool, std::shared_ptr<workers> const& for_auth) {
    auto const lend = [&](auto const& one) {
        if (auto* const asks = dynamic_cast<uses_workers*>(one.get())) asks->lend(pool);
    };
    for (auto const& one : to.recipients) lend(one);
    for (auto const& one : to.policies) lend(one);
    for (auto const& one : to.filters) lend(one);
    for (auto const& one : to.observers) lend(one);
    if (to.sink) lend(to.sink);
    if (auto* const asks = dynamic_cast<uses_workers*>(to.authenticator.get())) asks->lend(for_auth);
}

/// @return a sentence for each way in which a `relay_for` would make this an open relay (`problems()` of it)
inline std::vector<std::string> relay_problems(handlers const& all, server_config const& settings) {
    std::vector<std::string> found;
    for (auto const& one : all.recipients)
        if (auto const* const relay = dynamic_cast<relay_for const*>(one.get()))
            for (std::string& fault : problems(*relay, settings.trusted_proxies, settings.trusted_xclient)) found.push_back(std::move(fault));
    return found;
}

/// What the sink promises, and the validators. Those made per shard are there already.
inline promises promised_by(handlers const& all) {
    promises made = all.sink->promised();
    made.owner_since = std::any_of(all.recipients.begin(), all.recipients.end(), [](auto const& one) { return one->judges_owner_since(); });
    return made;
}

/// @return a sentence for each extension that was asked for, but that the sink or the validators do not keep, and for what the sink
/// must not be given
inline std::vector<std::string> broken_promises(server_config const& settings, profile const& kind, promises const& made) {
    std::vector<std::string> found;
    // Bare line ends that are passed on are how one message becomes two at the next hop.
    if (made.relays && kind.line_endings.value_or(settings.line_endings) == line_ending_policy::keep)
        found.push_back(fmt::format("line_endings is keep, but the sink of profile \"{}\" relays what it takes; use refuse or normalise, or a "
                                    "sink of final delivery",
                                    kind.name));
    if (announces_all(settings)) return found;
    for (std::string const& keyword : unkept_extensions(settings, made)) {
        if (iequals(keyword, "RRVS")) {
            found.push_back(fmt::format("extension RRVS is enabled, but no recipient validator of profile \"{}\" judges it; leave it out, "
                                        "or use a validator that compares the time and whose judges_owner_since() says so",
                                        kind.name));
            continue;
        }
        found.push_back(fmt::format("extension {} is enabled, but the sink of profile \"{}\" does not promise to keep it; leave it out, or "
                                    "use a sink whose promised() has it",
                                    keyword, kind.name));
    }
    return found;
}

/// Whether it can be asked what is promised; what is made per shard is not there yet.
inline bool made_already(handlers const& all) noexcept {
    auto const is_there = [](auto const& one) { return dynamic_cast<made_per_shard const*>(one.get()) == nullptr; };
    return all.sink && is_there(all.sink) && std::all_of(all.recipients.begin(), all.recipients.end(), is_there);
}

/// Adds a host's extensions. @throws std::invalid_argument if two of them want the same parameter or verb
inline void add_host_extensions(extension_registry& all, handlers const& plugged) {
    for (auto const& one : plugged.extensions) {
        if (all.find(one->keyword()) != nullptr)
            throw std::invalid_argument(fmt::format("mailquay: the extension {} is there already; remove that one first", one->keyword()));
        all.add(one);
    }
}

[[noreturn]] inline void refuse_settings(std::vector<std::string> const& problems) {
    std::string what = "mailquay: ";
    for (std::string const& one : problems) what.append(&one == &problems.front() ? "" : "; ").append(one);
    throw std::invalid_argument(what);
}

/// What to do when the system refuses to listen.
inline std::string_view listen_cure(std::error_code why) noexcept {
    if (why == std::errc::address_in_use) return "another program listens there; stop it or choose another port or path";
    if (why == std::errc::permission_denied || why == std::errc::operation_not_permitted)
        return "this needs a right the process lacks (CAP_NET_BIND_SERVICE for ports below 1024, write access to the folder)";
    if (why == std::errc::address_not_available) return "no interface of this machine has the address; use one it has, or 0.0.0.0";
    if (why == std::errc::file_exists) return "the path is taken by a file that is no socket; remove it or choose another path";
    if (why == std::errc::no_such_file_or_directory) return "the folder does not exist; create it or choose another path";
    if (why == std::errc::filename_too_long) return "paths of UNIX sockets have at most 107 octets; choose a shorter one";
    if (why == std::errc::too_many_files_open) return "raise the limit of open files (ulimit -n)";
    if (why == std::errc::address_family_not_supported) return "the system has no such address family; use an IPv4 address";
    return "check the endpoint";
}

}  // namespace detail

}  // namespace mailquay::inline MAILQUAY_ABI
