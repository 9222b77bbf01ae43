#pragma once

#include <mailquay/handler/storage_errors.hpp>

#include <mailquay/protocol/replies.hpp>

#include <cerrno>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL reply_text const& storage_reply(std::error_code why) noexcept {
    // Numbers rather than std::errc: it has none for EDQUOT.
    bool const of_system = why.category() == std::system_category() || why.category() == std::generic_category();
    return storage_reply(of_system ? why.value() : EIO);
}

MAILQUAY_DECL reply_text const& storage_reply(int error_number) noexcept {
    switch (error_number) {
        case ENOSPC:
        case EDQUOT:
        case EFBIG: return replies::no_storage;
        default: return replies::local_error;
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
