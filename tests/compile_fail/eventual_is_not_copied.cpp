// What a hook returns is moved, not copied.
// error: deleted
#include <mailquay/handler/eventual.hpp>

namespace sample {
using namespace mailquay;
inline eventual<int> good = 1;
#ifdef MUST_FAIL
inline eventual<int> bad = good;
#endif
}  // namespace sample

int main() {}
