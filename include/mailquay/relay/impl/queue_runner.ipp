#include <mailquay/relay/queue_runner.hpp>

#include <mailquay/base/random.hpp>
#include <mailquay/protocol/mailbox.hpp>
#include <mailquay/relay/detail/runner_core.hpp>
#include <mailquay/relay/impl/runner_loop.ipp>
#include <mailquay/server/worker_pool.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

// Messages read from the disk by one job of a worker.
constexpr std::size_t claimed_at_once = 32;
// Recipients in memory, for each message that may be.
constexpr std::size_t recipients_for_a_message = 10;
// How long at most the runner does not look whether something is due; the clock may be one that is moved by hand.
constexpr std::chrono::milliseconds runner_tick{1000};

inline runner_settings checked(runner_settings given) {
    auto const refuse = [](std::string const& what) { throw std::invalid_argument("queue_runner: " + what); };
    // Longer times would overflow what a clock counts; larger numbers are none that anybody means.
    constexpr std::chrono::seconds year = std::chrono::hours{366 * 24};
    constexpr std::size_t most = 100'000'000;
    auto const in_range = [&](std::string_view name, std::chrono::seconds value, std::chrono::seconds longest) {
        if (value < std::chrono::seconds{1} || value > longest)
            refuse(fmt::format("{} is {} s: choose from 1 to {} s", name, value.count(), longest.count()));
    };
    auto const not_above = [&](std::string_view name, std::size_t value) {
        if (value > most) refuse(fmt::format("{} is {}: choose {} or less", name, value, most));
    };
    if (given.hostname.empty()) refuse("hostname is empty: notices need our name; set runner_settings::hostname");
    bool const is_word = std::all_of(given.hostname.begin(), given.hostname.end(), [](char c) { return c > ' ' && c != '\x7f'; });
    if (!is_word || given.hostname.size() > 255) refuse("hostname is no name of a host: one word of at most 255 octets, as in mx.example.org");
    if (given.retry.empty()) refuse("retry is empty: name at least one wait, as in {5min}");
    for (auto const one : given.retry) {
        if (one < std::chrono::seconds{1}) refuse(fmt::format("retry has {} s: a wait is 1 s or more", one.count()));
        in_range("retry", one, year);
    }
    in_range("lifetime", given.lifetime, 10 * year);
    in_range("null_sender_lifetime", given.null_sender_lifetime, 10 * year);
    in_range("delay_notice", given.delay_notice, 10 * year);
    in_range("crowded_wait", given.crowded_wait, std::chrono::hours{24});
    if (given.jitter_percent > 50) refuse(fmt::format("jitter_percent is {}: 0 to 50 can be", given.jitter_percent));
    if (given.connections == 0 || given.connections_per_destination == 0 || given.first_connections == 0)
        refuse("connections, connections_per_destination or first_connections is 0: nothing would ever leave; set 1 or more");
    if (given.recipients == 0) refuse("recipients is 0: nothing would ever leave; RFC 5321 lets 100 be sent");
    if (given.messages_in_memory == 0 || given.messages_per_slow_destination == 0)
        refuse("messages_in_memory or messages_per_slow_destination is 0: nothing would ever leave; set 1 or more");
    not_above("connections", given.connections);
    not_above("connections_per_destination", given.connections_per_destination);
    not_above("recipients", given.recipients);
    not_above("messages_in_memory", given.messages_in_memory);
    if (!given.undeliverable_folder.empty() && given.undeliverable_messages == 0)
        refuse("undeliverable_messages is 0, but there is an undeliverable_folder: nothing would be kept; set 1 or more, or name no folder");
    if (!given.double_bounce_to.empty() && !parse_mailbox(given.double_bounce_to, address_options{.utf8 = true}))
        refuse(fmt::format("double_bounce_to is \"{}\": it must be an address, as in postmaster@example.org", given.double_bounce_to));
    given.first_connections = std::min(given.first_connections, given.connections_per_destination);
    if (!given.clock) given.clock = machine_clock();
    if (!given.workers) given.workers = std::make_shared<worker_pool>();
    return given;
}

inline schedule::limits limits_of(runner_settings const& from, std::function<std::chrono::milliseconds(std::chrono::seconds)> jitter) {
    schedule::limits limits;
    limits.jitter = std::move(jitter);
    limits.connections = from.connections;
    limits.per_destination = from.connections_per_destination;
    limits.first = from.first_connections;
    limits.retry = from.retry;
    return limits;
}

MAILQUAY_DECL runner_core::runner_core(asio::any_io_executor host, std::shared_ptr<spool_queue> queue, std::shared_ptr<carrier> by,
                                       router where, runner_settings settings)
    : queue_(std::move(queue)),
      by_(std::move(by)),
      where_(std::move(where)),
      settings_(checked(std::move(settings))),
      schedule_(limits_of(settings_, [this](std::chrono::seconds wait) { return jittered(wait); })),
      budget_(settings_.notices_per_address, settings_.notices_per_hour),
      random_(static_cast<std::minstd_rand::result_type>(random_u64())),
      loop_(std::make_unique<runner_loop>(std::move(host))) {
    if (!queue_ || !by_ || !where_) throw std::invalid_argument("queue_runner: queue, carrier or router is missing: give all three");
}

MAILQUAY_DECL runner_core::~runner_core() = default;

MAILQUAY_DECL std::chrono::milliseconds runner_core::jittered(std::chrono::seconds wait) {
    std::chrono::milliseconds const whole{wait};
    auto const most = whole.count() * static_cast<std::int64_t>(settings_.jitter_percent) / 100;
    return whole + std::chrono::milliseconds{std::uniform_int_distribution<std::int64_t>{-most, most}(random_)};
}

MAILQUAY_DECL std::chrono::seconds runner_core::lifetime_of(envelope const& mail) const {
    return mail.reverse_path.empty() ? std::min(settings_.lifetime, settings_.null_sender_lifetime) : settings_.lifetime;
}

MAILQUAY_DECL runner_core::wall_point runner_core::released(handled_message const& message) const {
    return wall_point{std::chrono::milliseconds{message.state().released_ms}};
}

// ---- beginning and end

MAILQUAY_DECL void runner_core::start() {
    asio::post(loop_->strand, [self = shared_from_this()] {
        if (std::exchange(self->started_, true) || self->stopping_) return;
        self->queue_->on_due([weak = self->weak_from_this()] {
            auto const core = weak.lock();
            if (core && !core->poke_posted_.exchange(true)) core->wake();
        });
        for (ordered_notice const& one : self->queue_->ordered_notices()) self->notices_.push_back({one, {}});
        self->make_notices();
        self->claiming_ = true;
        asio::co_spawn(self->loop_->strand, self->claim_loop(), asio::detached);
    });
}

MAILQUAY_DECL void runner_core::wake() {
    asio::post(loop_->strand, [self = shared_from_this()] {
        self->poke_posted_ = false;
        self->poke();
    });
}

MAILQUAY_DECL void runner_core::poke() {
    poked_ = true;
    loop_->idle.cancel();
    pump();
}

MAILQUAY_DECL void runner_core::stop(std::chrono::milliseconds grace, unique_function<void()> done) {
    auto shared = std::make_shared<unique_function<void()>>(std::move(done));
    asio::post(loop_->strand, [self = shared_from_this(), grace, shared] { self->begin_stop(grace, std::move(*shared)); });
}

MAILQUAY_DECL void runner_core::begin_stop(std::chrono::milliseconds grace, unique_function<void()> done) {
    if (stopped_ || (stopping_ && !started_)) {  // it was told before
        auto first = std::make_shared<unique_function<void()>>(std::move(stopped_));
        auto second = std::make_shared<unique_function<void()>>(std::move(done));
        stopped_ = [first, second] {
            if (*first) (*first)();
            if (*second) (*second)();
        };
    } else {
        stopped_ = std::move(done);
        if (!stopped_) stopped_ = [] {};
    }
    if (!std::exchange(stopping_, true) && started_) queue_->on_due({});
    for (waiting_job& job : schedule_.take_all()) {
        defer(*job.message, job.recipients, "4.3.2 the program stopped", false);
        job_ended(job.message);
    }
    poke();
    end_places();
    for (auto& one : loop_->pauses) one.cancel();
    if (grace <= std::chrono::milliseconds{0}) cancel_all();
    else {
        loop_->grace.expires_after(grace);
        loop_->grace.async_wait([weak = weak_from_this()](std::error_code failed) {
            if (auto const self = weak.lock(); self && !failed) self->cancel_all();
        });
    }
    end_if_idle();
}

MAILQUAY_DECL void runner_core::cancel_all() {
    for (auto& one : loop_->attempts) one.emit(asio::cancellation_type::terminal);
}

MAILQUAY_DECL void runner_core::end_if_idle() {
    if (!stopping_ || claiming_ || making_notices_ || in_hand_ != 0 || !loop_->attempts.empty() || !loop_->look_ups.empty() || !stopped_) return;
    loop_->grace.cancel();
    auto done = std::move(stopped_);
    stopped_ = nullptr;
    done();
}

MAILQUAY_DECL runner_counts runner_core::counts() const {
    runner_counts seen;
    seen.delivered = counts_.delivered;
    seen.deferred = counts_.deferred;
    seen.failed = counts_.failed;
    seen.expired = counts_.expired;
    seen.notices = counts_.notices;
    seen.undeliverable = counts_.undeliverable;
    seen.in_memory = counts_.in_memory;
    seen.under_way = counts_.under_way;
    return seen;
}

// ---- taking messages

MAILQUAY_DECL asio::awaitable<void> runner_core::claim_loop() {
    auto const self = shared_from_this();
    while (!stopping_) {
        bool broken = false;
        try {
            co_await claim_some();
        } catch (std::exception const& failed) {  // no memory; it goes on when there is some
            log_broken("queue", failed.what());
            broken = true;
        }
        if (broken) co_await pause(std::chrono::seconds{1});
    }
    claiming_ = false;
    end_if_idle();
}

MAILQUAY_DECL asio::awaitable<void> runner_core::claim_some() {
    std::vector<claimed_message> got;
    std::size_t const wanted = std::min(claimed_at_once, room());
    full_ = wanted == 0;
    bool busy = false;
    bool const looks = wanted > 0 && unrecorded_ == 0;
    if (full_) make_room();
    if (looks) {
        poked_ = false;
        claim_job job{queue_.get(), &got, wanted};
        unique_function<void()> work{job};
        try {
            co_await settings_.workers->run(std::move(work));
        } catch (std::exception const&) {
            busy = true;
        }
    }
    for (claimed_message& one : got) take(std::move(one));
    if (!stopping_) take_unplaced();
    if (!stopping_) take_overdue();
    pump();
    if (stopping_ || (looks && !busy && got.size() == wanted)) co_return;
    auto wait = busy ? std::chrono::milliseconds{100} : runner_tick;
    if (looks && !busy) {
        if (poked_) co_return;
        if (auto const due = queue_->due_in()) wait = std::clamp(*due, std::chrono::milliseconds{1}, runner_tick);
    }
    loop_->idle.expires_after(wait);
    std::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await loop_->idle.async_wait(token);
    schedule_.retry_full();
    pump();
}

// Few messages have many recipients; if many do, fewer are in memory.
MAILQUAY_DECL std::size_t runner_core::room() const {
    if (recipients_in_hand_ >= recipients_for_a_message * settings_.messages_in_memory) return 0;
    return settings_.messages_in_memory - std::min(settings_.messages_in_memory, in_hand_);
}

MAILQUAY_DECL void runner_core::take(claimed_message message) {
    auto const taken = std::make_shared<handled_message>();
    if (message.stored.state.large) message.source.reset();  // an open file for each message in memory would be too many
    taken->claimed = std::make_shared<claimed_message>(std::move(message));
    taken->settled = taken->state().final_outcomes();
    taken->delay_told = taken->state().delay_told;
    ++in_hand_;
    recipients_in_hand_ += taken->mail().recipients.size();
    counts_.in_memory = in_hand_;
    if (auto const by = deadline(*taken); by && *by > wall()) deadlines_.emplace(*by, taken);
    give_work(taken);
}

// The way of each recipient; what cannot go anywhere is an outcome at once.
MAILQUAY_DECL void runner_core::give_work(handled const& message) {
    ++message->jobs;  // so that it does not end while its consignments are made
    destinations_of_message groups;
    try {
        groups = group(message);
    } catch (std::exception const& failed) {  // no memory: as if it had not come yet
        log_broken("routes", failed.what());
        groups.clear();
        for (auto* const all : {&message->failed, &message->expanded}) all->clear();
        message->later.clear();
        message->notices.clear();
        message->rest = unreadable_wait;
        std::vector<std::uint32_t> all;
        for (std::uint32_t number = 0; number < message->mail().recipients.size(); ++number)
            if (!is_settled(*message, number)) all.push_back(number);
        defer(*message, all, "4.3.0 the message cannot be read now", false);
    }
    place(message, std::move(groups));
}

MAILQUAY_DECL destinations_of_message runner_core::group(handled const& message) {
    destinations_of_message groups;
    envelope const& mail = message->mail();
    bool const over = fail_in_advance(*message);
    for (std::uint32_t number = 0; !over && number < mail.recipients.size(); ++number) {
        if (is_settled(*message, number)) continue;
        if (addresses_of(mail.recipients[number]) > 1) {
            expand(*message, number);
            continue;
        }
        auto const way = way_of(next_address(mail.recipients[number]));
        if (!way && way.error().starts_with('5')) {
            message->failed.push_back({number, outcome_kind::failed, on_one_line(way.error())});
        } else if (!way) {
            defer(*message, {number}, way.error(), true);
        } else {
            auto group = std::find_if(groups.begin(), groups.end(), [&](auto const& one) { return one.first == *way; });
            if (group == groups.end()) group = groups.insert(groups.end(), {*way, {}});
            group->second.push_back(number);
        }
    }
    return groups;
}

MAILQUAY_DECL result<destination, std::string> runner_core::way_of(std::string_view address) const {
    try {
        return where_(address);
    } catch (std::exception const& failed) {  // a host's function; its mail waits
        log_broken("router", failed.what());
        return std::string("451 4.3.0 ") + failed.what();
    } catch (...) {
        log_broken("router", "it threw what is no std::exception");
        return std::string("451 4.3.0 the way cannot be found now");
    }
}

// An alias with several members becomes a message of its own for them, ordered as a notice is: each member then has an outcome.
MAILQUAY_DECL void runner_core::expand(handled_message& message, std::uint32_t number) {
    recipient_outcome alias{number, outcome_kind::expanded, {}};
    alias.notice = ids_.next(wall());
    alias.reply = expanded_into(alias.notice);
    message.notices.push_back(alias.notice);
    message.expanded.push_back(std::move(alias));
}

MAILQUAY_DECL void runner_core::send_to(handled const& message, destination to, std::vector<std::uint32_t> recipients) {
    if (message->claimed->flushed) schedule_.wake(to);
    auto const at = now();
    if (auto const* const rest = schedule_.resting(to, at)) {
        auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(rest->until - at) + std::chrono::milliseconds{1};
        message->rest = std::max(message->rest.value_or(left), left);
        defer(*message, recipients, make_outcome_text(rest->remote, rest->reply), false, rest->since);
        return;
    }
    if (stopping_) return defer(*message, recipients, "4.3.2 the program stopped", false);
    if (schedule_.waiting(to) >= settings_.messages_per_slow_destination && schedule_.is_slow(to, at - settings_.crowded_wait))
        return wait_outside(*message, recipients);
    for (std::size_t at_recipient = 0; at_recipient < recipients.size(); at_recipient += settings_.recipients) {
        auto const end = std::min(recipients.size(), at_recipient + settings_.recipients);
        waiting_job job;
        job.since = at;
        job.message = message;
        job.to = to;
        job.recipients.assign(recipients.begin() + static_cast<std::ptrdiff_t>(at_recipient), recipients.begin() + static_cast<std::ptrdiff_t>(end));
        job.sender = message->mail().reverse_path;
        if (auto const& asked = message->mail().requests.priority) job.priority = asked->value;
        ++message->jobs;
        schedule_.add(std::move(job));
    }
}

MAILQUAY_DECL void runner_core::wait_outside(handled_message& message, std::vector<std::uint32_t> const& recipients) {
    message.rest = std::max(message.rest.value_or(std::chrono::milliseconds{0}), std::chrono::milliseconds{settings_.crowded_wait});
    defer(message, recipients, "4.3.2 much mail for this destination waits before it", false);
}

MAILQUAY_DECL void runner_core::make_room() {
    for (waiting_job& job : schedule_.take_crowds(settings_.messages_per_slow_destination, now() - settings_.crowded_wait)) {
        wait_outside(*job.message, job.recipients);
        job_ended(job.message);
    }
}

MAILQUAY_DECL void runner_core::pump() {
    if (stopping_ || unrecorded_ != 0) return;
    while (auto job = schedule_.next(now())) begin(*std::move(job));
}

}  // namespace detail

struct queue_runner::impl {
    std::shared_ptr<detail::runner_core> core;
};

MAILQUAY_DECL queue_runner::queue_runner(asio::any_io_executor host, std::shared_ptr<spool_queue> queue, std::shared_ptr<carrier> by,
                                         router where, runner_settings settings)
    : impl_(std::make_shared<impl>(impl{std::make_shared<detail::runner_core>(std::move(host), std::move(queue), std::move(by),
                                                                             std::move(where), std::move(settings))})) {}

MAILQUAY_DECL queue_runner::~queue_runner() { impl_->core->stop(std::chrono::milliseconds{0}, {}); }
MAILQUAY_DECL void queue_runner::start() { impl_->core->start(); }
MAILQUAY_DECL void queue_runner::stop(std::chrono::milliseconds grace, unique_function<void()> done) { impl_->core->stop(grace, std::move(done)); }
MAILQUAY_DECL void queue_runner::wake() { impl_->core->wake(); }
MAILQUAY_DECL runner_counts queue_runner::counts() const { return impl_->core->counts(); }

}  // namespace mailquay::inline MAILQUAY_ABI
