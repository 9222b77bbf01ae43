#include <mailquay/relay/detail/runner_core.hpp>
#include <mailquay/relay/impl/runner_loop.ipp>

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
           !message.delay_told;
}

// DELIVERBY, mode R: the time is over, no further try (RFC 2852 §4).
MAILQUAY_DECL bool runner_core::is_overdue(handled_message const& message) const {
    auto const by = deadline(message);
    return by && message.mail().requests.by->mode == by_mode::return_to_sender && wall() >= *by && queue_->may_expire();
}

// What an operator holds waits for him all the same, and of what he deleted nothing is told.
MAILQUAY_DECL bool runner_core::is_to_be_returned(handled_message const& message) const { return is_overdue(message) && !is_withheld(message); }


MAILQUAY_DECL bool runner_core::is_withheld(handled_message const& message) const {
    auto const there = queue_->find(message.claimed->id);
    return !there || there->held;
}

MAILQUAY_DECL bool runner_core::fail_in_advance(handled_message& message) {
    if (!is_to_be_returned(message)) return false;
    for (std::uint32_t number = 0; number < message.mail().recipients.size(); ++number)
        if (!is_settled(message, number)) message.failed.push_back({number, outcome_kind::failed, too_late});
    return true;
}

MAILQUAY_DECL std::optional<std::chrono::milliseconds> runner_core::time_until_return(handled_message const& message) const {
    auto const by = deadline(message);
    if (!by || message.mail().requests.by->mode != by_mode::return_to_sender || !queue_->may_expire()) return std::nullopt;
    return std::max(std::chrono::milliseconds{1}, std::chrono::ceil<std::chrono::milliseconds>(*by - wall()));
}

// What is left after an attempt that met its time.
MAILQUAY_DECL void runner_core::return_overdue(handled_message& message) {
    if (!is_to_be_returned(message)) return;
    for (put_off const& one : message.later) message.failed.push_back({one.number, outcome_kind::failed, too_late});
    message.later.clear();
}

MAILQUAY_DECL void runner_core::give_up(handled_message& message, std::vector<std::uint32_t> const& recipients) {
    if (!is_to_be_returned(message)) return defer(message, recipients, "4.3.2 held or deleted by an operator", false);
    for (std::uint32_t const number : recipients) message.failed.push_back({number, outcome_kind::failed, too_late});
}

// DELIVERBY: at its time what waits for its turn is returned, or told of; an attempt that is under way ends by itself with R.
MAILQUAY_DECL void runner_core::take_overdue() {
    std::unordered_set<handled_message const*> overdue;  // alive as long as a job of theirs waits
    while (!deadlines_.empty() && deadlines_.begin()->first <= wall()) {
        auto const one = deadlines_.begin()->second.lock();
        deadlines_.erase(deadlines_.begin());
        if (!one) continue;
        if (is_overdue(*one)) overdue.insert(one.get());
        else if (owes_deadline_notice(*one) && queue_->may_expire()) asio::co_spawn(loop_->strand, tell_of_deadline(one), asio::detached);
    }
    if (overdue.empty()) return;
    auto const is_taken = [&](waiting_job const& job) { return overdue.contains(job.message.get()); };
    for (waiting_job& job : schedule_.take_if(is_taken)) {
        give_up(*job.message, job.recipients);
        job_ended(job.message);
    }
}

// The message stays where it is: attempts go on, and what waits keeps its place.
MAILQUAY_DECL asio::awaitable<void> runner_core::tell_of_deadline(handled message) {
    auto const self = shared_from_this();
    if (message->jobs == 0 || !owes_deadline_notice(*message)) co_return;  // told at its end
    spool_change change;
    change.give_back = false;
    std::unordered_set<std::uint32_t> ended = message->ended;
    for (auto const* const all : {&message->failed, &message->expanded})
        for (recipient_outcome const& one : *all) ended.insert(one.recipient);
    for (std::uint32_t number = 0; number < message->mail().recipients.size(); ++number)
        if (!is_settled(*message, number) && !ended.contains(number))
            change.outcomes.push_back({number, outcome_kind::deferred, "4.4.7 not delivered yet within the time that its sender set"});
    if (!tell_of_delay(*message, change)) co_return;
    std::erase(message->notices, change.dsn_ordered);
    change.delay_told = message->delay_told = true;
    message->delay_notice = change.dsn_ordered;
    for (recipient_outcome const& one : change.outcomes)
        if (!one.notice.empty()) message->delay_told_of.insert(one.recipient);
    ++message->jobs;  // it does not end before this is written
    bool recorded = false;
    try {
        recorded = co_await record(message->claimed->id, change);
        if (recorded) notices_.push_back({{change.dsn_ordered, message->claimed->id}, {}});
    } catch (std::exception const& failed) {  // no memory
        log_broken("deadline", failed.what());
    }
    job_ended(message);
    make_notices();
}

MAILQUAY_DECL void runner_core::forget_deadline(handled_message const& message) {
    auto const by = deadline(message);
    if (!by) return;
    auto const [first, last] = deadlines_.equal_range(*by);
    auto const found = std::find_if(first, last, [&](auto const& one) { return one.second.lock().get() == &message; });
    if (found != last) deadlines_.erase(found);
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
