// per_shard takes a factory, not a handler.
// error: per_shard takes a factory
#include <mailquay/handler/per_shard.hpp>

namespace sample {
using namespace mailquay;
inline per_shard good{[] { return 1; }};
#ifdef MUST_FAIL
inline per_shard bad{1};
#endif
}  // namespace sample

int main() {}
