#pragma once

#include <mailquay/mailquay.hpp>

#include "common/settings.hpp"

#include <functional>
#include <string_view>

namespace programs {

/// Gives the server its recipients, its sink, and what else makes this program what it is.
using plug_in = std::function<void(mailquay::server&)>;

/// Listens as the flags say, prints `listening smtp 127.0.0.1:2525` on standard error for each listener, and
/// serves until SIGTERM or SIGINT: then transactions under way finish within `--grace`. A second signal ends
/// them at once.
/// @return the exit status
int serve(settings const& chosen, plug_in const& plug);

/// Runs `body` and turns what it throws into one line on standard error and an exit status: 2 for
/// `usage_error`, else 1.
int run_main(std::string_view program, std::function<int()> const& body);

/// The same for a program that serves: a SIGHUP that comes from here on waits until `serve()` looks out for it, and ends nothing.
int run_server_main(std::string_view program, std::function<int()> const& body);

/// Obeys the flags, with `--help` and `--version` among them.
void parse_or_exit(flags& all, int argc, char const* const* argv);

}  // namespace programs
