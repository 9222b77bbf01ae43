#pragma once

#include <mailquay/handler/authenticator.hpp>

#include "common/flags.hpp"

#include <memory>
#include <string>
#include <vector>

namespace programs {

/// What the flags say of who may log in.
struct users {
    std::vector<std::string> named{};  ///< NAME:PASSWORD each

    bool any() const noexcept { return !named.empty(); }
};

/// Adds `--user`. Both must outlive the parsing.
void add_user_flags(flags& all, users& into);

/// Knows these users, by the mechanism PLAIN (RFC 4616).
/// @throws usage_error
std::shared_ptr<mailquay::authenticator> authenticator_of(users const& from);

}  // namespace programs
