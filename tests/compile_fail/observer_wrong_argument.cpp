// An observer takes an observation.
// error: not an observer
#include <mailquay/handler/make_observer.hpp>

namespace sample {
using namespace mailquay;
inline auto good = make_observer([](observation const&) {});
#ifdef MUST_FAIL
inline auto bad = make_observer([](int*) {});
#endif
}  // namespace sample

int main() {}
