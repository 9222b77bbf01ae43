#pragma once

#include <mailquay/server/hook_runner.hpp>

#include <mailquay/server/connection.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL hook_runner::~hook_runner() = default;

MAILQUAY_DECL hook_frame::hook_frame(connection& asks, hook_question asked) : owner_(&asks), asked_(asked) {
    asks.joined(*this);
}

MAILQUAY_DECL hook_frame::~hook_frame() {
    if (linked_) owner_->vanished(*this);
}

MAILQUAY_DECL void hook_frame::answered(std::exception_ptr failed, verdict given) noexcept {
    owner_->answered(*this, failed, std::move(given));
}

MAILQUAY_DECL void hook_frame::answered(std::exception_ptr failed, delivery given) noexcept {
    owner_->answered(*this, failed, std::move(given));
}

MAILQUAY_DECL void hook_frame::answered(std::exception_ptr failed, reply given) noexcept {
    owner_->answered(*this, failed, std::move(given));
}

MAILQUAY_DECL void hook_frame::answered(std::exception_ptr failed, auth_step given) noexcept {
    owner_->answered(*this, failed, std::move(given));
}

}  // namespace mailquay::inline MAILQUAY_ABI
