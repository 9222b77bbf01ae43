#pragma once

#include <mailquay/server/reactor.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL watcher::~watcher() = default;
MAILQUAY_DECL batch_listener::~batch_listener() = default;
MAILQUAY_DECL reactor::~reactor() = default;

}  // namespace mailquay::inline MAILQUAY_ABI
