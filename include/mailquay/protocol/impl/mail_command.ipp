#pragma once

#include <mailquay/protocol/mail_command.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL parsed<path> parse_mail_argument(cursor& in, address_options options) {
    // As nearly all send it, or in any other case.
    if (in.rest().starts_with("FROM:"))
        in.advance(5);
    else if (!in.iskip("FROM:"))
        return refusal{protocol_errc::missing_from, in.position(), path_role::reverse};
    return parse_reverse_path(in, options);
}

}  // namespace mailquay::inline MAILQUAY_ABI
