#include <mailquay/relay/detail/runner_core.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <unordered_set>

// DELIVERBY (RFC 2852): when a message's time ends, and what becomes of it then.

namespace mailquay::inline MAILQUAY_ABI::detail {

MAILQUAY_DECL std::optional<runner_core::wall_point> runner_core::deadline(handled_message const& message) const {
    auto const& by = message.mail().requests.by;
    if (!by) return std::nullopt;
    return wall_point{std::chrono::milliseconds{message.state().accepted_ms}} + std::chrono::seconds{by->seconds};
}

// BY with N: told at its time, in place of the delay after some hours, unless it ends before.
MAILQUAY_DECL bool runner_core::owes_deadline_notice(handled_message const& message) const {
    auto const by = deadline(message);
    return by && message.mail().requests.by->mode == by_mode::notify && *by <= released(message) + lifetime_of(message.mail()) &&
           !message.state().delay_told;
}

// DELIVERBY, mode R: the time is over, no further try (RFC 2852 §4).
MAILQUAY_DECL bool runner_core::is_to_be_returned(handled_message const& message) const {
    auto const by = deadline(message);
    return by && message.mail().requests.by->mode == by_mode::return_to_sender && wall() >= *by && queue_->may_expire();
}

MAILQUAY_DECL bool runner_core::fail_in_advance(handled_message& message) {
    if (!is_to_be_returned(message)) return false;
    for (std::uint32_t number = 0; number < message.mail().recipients.size(); ++number)
        if (!is_settled(message, number)) message.failed.push_back({number, outcome_kind::failed, too_late});
    return true;
}

// DELIVERBY: what waits for its turn at its time is returned, or told of and taken up again.
MAILQUAY_DECL void runner_core::take_overdue() {
    std::unordered_set<handled_message const*> overdue;  // alive as long as a job of theirs waits
    while (!deadlines_.empty() && deadlines_.begin()->first <= wall()) {
        auto const one = deadlines_.begin()->second.lock();
        deadlines_.erase(deadlines_.begin());
        if (one && (is_to_be_returned(*one) || (owes_deadline_notice(*one) && queue_->may_expire()))) overdue.insert(one.get());
    }
    if (overdue.empty()) return;
    auto const is_overdue = [&](waiting_job const& job) { return overdue.contains(job.message.get()); };
    for (waiting_job& job : schedule_.take_if(is_overdue)) {
        handled_message& message = *job.message;
        if (is_to_be_returned(message)) {
            for (std::uint32_t const number : job.recipients) message.failed.push_back({number, outcome_kind::failed, too_late});
        } else {
            defer(message, job.recipients, "4.4.7 not sent yet: others are before it", false);
        }
        job_ended(job.message);
    }
}

MAILQUAY_DECL void runner_core::forget_deadline(handled_message const& message) {
    auto const by = deadline(message);
    if (!by) return;
    auto const [first, last] = deadlines_.equal_range(*by);
    auto const found = std::find_if(first, last, [&](auto const& one) { return one.second.lock().get() == &message; });
    if (found != last) deadlines_.erase(found);
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
