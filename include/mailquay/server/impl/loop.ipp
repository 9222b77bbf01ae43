#pragma once

#include <mailquay/server/loop.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL alarm_listener::~alarm_listener() = default;
MAILQUAY_DECL loop::~loop() = default;

}  // namespace mailquay::inline MAILQUAY_ABI
