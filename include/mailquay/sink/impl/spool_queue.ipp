#include <mailquay/sink/spool_queue.hpp>

#include <future>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL spool_queue::~spool_queue() = default;

namespace detail {

template <class Start>
std::error_code wait_for_spool(Start start) {
    auto const told = std::make_shared<std::promise<std::error_code>>();
    auto answer = told->get_future();
    start(spool_queue::when_done{[told](std::error_code failed) { told->set_value(failed); }});
    return answer.get();
}

}  // namespace detail

MAILQUAY_DECL std::error_code change_and_wait(spool_queue& queue, transaction_id id, spool_change what) {
    return detail::wait_for_spool([&](spool_queue::when_done done) { queue.change(id, std::move(what), std::move(done)); });
}

MAILQUAY_DECL std::error_code remove_and_wait(spool_queue& queue, transaction_id id) {
    return detail::wait_for_spool([&](spool_queue::when_done done) { queue.remove(id, std::move(done)); });
}

MAILQUAY_DECL std::error_code add_and_wait(spool_queue& queue, new_queued_message message) {
    return detail::wait_for_spool([&](spool_queue::when_done done) { queue.add(std::move(message), std::move(done)); });
}

}  // namespace mailquay::inline MAILQUAY_ABI
