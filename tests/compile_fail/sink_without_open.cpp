// A sink opens writers; a lambda that takes whole messages must be wrapped.
// error: not a sink
#include <mailquay/handler/make_message_sink.hpp>

namespace sample {
using namespace mailquay;
struct right {
    message_sink::opened open(transaction const&) { return defer(); }
};
inline auto good = make_message_sink(right{});
#ifdef MUST_FAIL
inline auto bad = make_message_sink([](transaction const&) { return accept(); });
#endif
}  // namespace sample

int main() {}
