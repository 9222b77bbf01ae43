// A filter answers a verdict.
// error: not a message filter
#include <mailquay/handler/make_message_filter.hpp>

namespace sample {
using namespace mailquay;
inline auto good = make_message_filter([](message_edit&) { return pass(); });
#ifdef MUST_FAIL
inline auto bad = make_message_filter([](message_edit&) {});
#endif
}  // namespace sample

int main() {}
