#include <mailquay/relay/carrier.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL carrier::~carrier() = default;
MAILQUAY_DECL eventual<destination> carrier::place_of(destination to) { return to; }

}  // namespace mailquay::inline MAILQUAY_ABI
