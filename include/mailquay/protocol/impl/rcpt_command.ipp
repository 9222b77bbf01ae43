#pragma once

#include <mailquay/protocol/rcpt_command.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL parsed<path> parse_rcpt_argument(cursor& in, address_options options) {
    // As nearly all send it, or in any other case.
    if (in.rest().starts_with("TO:"))
        in.advance(3);
    else if (!in.iskip("TO:"))
        return refusal{protocol_errc::missing_to, in.position(), path_role::forward};
    return parse_forward_path(in, options);
}

}  // namespace mailquay::inline MAILQUAY_ABI
