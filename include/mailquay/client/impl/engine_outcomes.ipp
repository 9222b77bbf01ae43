#pragma once

#include <mailquay/client/impl/engine_state.ipp>

#include <algorithm>
#include <string>
#include <utility>

// What becomes of each recipient.

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

inline recipient_state state_of(received_reply const& reply) {
    return reply.positive() ? recipient_state::delivered : reply.permanent() ? recipient_state::permanent : recipient_state::temporary;
}

}  // namespace detail

inline void client_engine::impl::settle(std::size_t which, recipient_state state, send_stage stage, received_reply const& reply) {
    recipient_result& of = result_of(which);
    if (of.state != recipient_state::untried) return;
    of.state = state;
    of.stage = stage;
    of.reply = reply;
    of.status = reply.enhanced;
    bool const well = state == recipient_state::delivered || state == recipient_state::accepted;
    char const wanted = well ? '2' : state == recipient_state::permanent ? '5' : '4';
    if (of.status.empty() || of.status.front() != wanted) of.status = std::string{wanted} + (reply.code == 0 ? ".5.0" : ".0.0");
    if (reply.code == 0) of.problem = "a reply that is none";
    of.dsn_passed_on = report.offers.dsn && state == recipient_state::delivered;
    of.deliver_by_passed_on = report.offers.deliver_by && message->requests.by && state == recipient_state::delivered;
    newly_settled.push_back(which);
}

inline void client_engine::impl::settle_own(std::size_t which, recipient_state state, send_stage stage, detail::own_finding why) {
    recipient_result& of = result_of(which);
    if (of.state != recipient_state::untried) return;
    of.state = state;
    of.stage = stage;
    of.status = why.status;
    of.problem = why.problem;
    newly_settled.push_back(which);
}

inline void client_engine::impl::settle_accepted(received_reply const& reply, send_stage stage) {
    auto const state = detail::state_of(reply);
    for (std::size_t const which : accepted) settle(which, state, stage, reply);
}

inline void client_engine::impl::settle_batch(recipient_state state, send_stage stage, received_reply const& reply) {
    if (message == nullptr) return;
    for (std::size_t const which : batch)
        if (std::find(to_go.begin(), to_go.end(), which) == to_go.end()) settle(which, state, stage, reply);
}

inline void client_engine::impl::fail_all(detail::own_finding why) {
    for (std::size_t const which : batch) settle_own(which, recipient_state::permanent, stage_now(), why);
    for (std::size_t const which : to_go) settle_own(which, recipient_state::permanent, stage_now(), why);
}

inline void client_engine::impl::tell_settled() {
    if (newly_settled.empty()) return;
    client_settled told;
    told.recipients = std::exchange(newly_settled, {});
    events.emplace_back(std::move(told));
}

}  // namespace mailquay::inline MAILQUAY_ABI
