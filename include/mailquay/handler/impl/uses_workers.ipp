#include <mailquay/handler/uses_workers.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL uses_workers::~uses_workers() = default;

}  // namespace mailquay::inline MAILQUAY_ABI
