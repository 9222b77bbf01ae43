#pragma once

#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/extension.hpp>

namespace mailquay::inline MAILQUAY_ABI {

// The key function: the table of virtual functions lives here and nowhere else.
MAILQUAY_DECL extension::~extension() = default;

MAILQUAY_DECL std::optional<reply> extension::mail_parameter(parameter const&, transaction_editor, session_limits const&) const {
    return reply{replies::unknown_parameter};
}

MAILQUAY_DECL std::optional<reply> extension::recipient_parameter(parameter const&, transaction_editor, recipient&) const {
    return reply{replies::unknown_parameter};
}

}  // namespace mailquay::inline MAILQUAY_ABI
