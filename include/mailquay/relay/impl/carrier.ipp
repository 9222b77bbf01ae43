#include <mailquay/relay/carrier.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL carrier::~carrier() = default;

}  // namespace mailquay::inline MAILQUAY_ABI
