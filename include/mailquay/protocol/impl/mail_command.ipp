#pragma once

#include <mailquay/protocol/mail_command.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL parsed<path> parse_mail_argument(cursor& in, address_options options) {
    if (!in.iskip("FROM:")) return refusal{protocol_errc::missing_from, in.position(), path_role::reverse};
    return parse_reverse_path(in, options);
}

}  // namespace mailquay::inline MAILQUAY_ABI
