// A validator answers a verdict, not a bool.
// error: not a recipient validator
#include <mailquay/handler/make_recipient_validator.hpp>

namespace sample {
using namespace mailquay;
inline auto good = make_recipient_validator([](recipient const&) { return accept(); });
#ifdef MUST_FAIL
inline auto bad = make_recipient_validator([](recipient const&) { return true; });
#endif
}  // namespace sample

int main() {}
