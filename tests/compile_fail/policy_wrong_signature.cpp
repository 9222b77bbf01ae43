// A policy whose member has the wrong shape is an error, not a policy that is never asked.
// error: on_mail must be
#include <mailquay/handler/make_policy.hpp>

namespace sample {
using namespace mailquay;
struct right {
    verdict on_mail(transaction const&) { return pass(); }
};
inline auto good = make_policy(right{});
#ifdef MUST_FAIL
struct wrong {
    verdict on_connect(session_info const&) { return pass(); }
    verdict on_mail(session_info const&) { return pass(); }
};
inline auto bad = make_policy(wrong{});
#endif
}  // namespace sample

int main() {}
