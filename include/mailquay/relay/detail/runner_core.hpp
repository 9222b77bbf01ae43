#pragma once

#include <mailquay/relay/detail/notice_budget.hpp>
#include <mailquay/relay/detail/outcome_text.hpp>
#include <mailquay/relay/detail/schedule.hpp>
#include <mailquay/relay/carrier.hpp>
#include <mailquay/relay/destination.hpp>
#include <mailquay/relay/runner_settings.hpp>
#include <mailquay/sink/spool_queue.hpp>

#include <mailquay/message/transaction_id.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// A recipient that is to be tried again.
struct put_off {
    std::uint32_t number = 0;
    std::string text{};
    bool tried = false;  // an attempt was made for it, or for all mail to its destination
    /// When its destination last failed in this run, if that is why it waits.
    std::optional<std::chrono::system_clock::time_point> destination_failed{};
};

/// A message between claim and giving back.
struct handled_message {
    std::shared_ptr<claimed_message> claimed{};
    transaction_id failure_notice{};  // of this attempt, once one is ordered
    transaction_id success_notice{};
    std::vector<transaction_id> notices{};
    std::vector<put_off> later{};
    std::vector<recipient_outcome> failed{};    // that are not on record yet
    std::vector<recipient_outcome> expanded{};  // likewise
    std::size_t jobs = 0;       // consignments that are not at their end
    std::size_t settled = 0;    // recipients that need nothing more
    bool attempted = false;
    bool delay_told = false;
    transaction_id delay_notice{};  // ordered while attempts were under way
    std::unordered_set<std::uint32_t> delay_told_of{};  // the recipients in it
    std::unordered_set<std::uint32_t> ended{};  // recipients with an outcome that is final, of this claim
    std::optional<std::chrono::milliseconds> rest{};  // a destination is left alone for so long
    std::map<std::uint32_t, std::string> domains{};  // of recipients whose domain shares a place with others

    envelope const& mail() const { return claimed->stored.envelope; }
    spool_state const& state() const { return claimed->stored.state; }
};
using handled = std::shared_ptr<handled_message>;

inline bool is_settled(handled_message const& message, std::uint32_t number) {
    auto const* const before = message.state().outcome_of(number);
    return before != nullptr && before->is_final();
}
/// To how many addresses a recipient's mail goes: to its own if it has a mailbox or is no alias, and to those it stands for.
inline std::size_t addresses_of(envelope_recipient const& to) {
    return to.deliver_to.size() + (to.deliver_to.empty() || !to.mailbox.empty() ? 1 : 0);
}
/// What is sent, of a recipient with one address.
inline std::string_view next_address(envelope_recipient const& to) { return to.deliver_to.empty() ? to.address : to.deliver_to.front(); }

/// The outcome where DELIVERBY's time is over.
inline constexpr char too_late[] = "5.4.7 not delivered within the time that its sender set";

/// Destinations of a message, each with its recipients.
using destinations_of_message = std::vector<std::pair<destination, std::vector<std::uint32_t>>>;

/// A message whose destinations are known, but not yet all of their places.
struct unplaced_message {
    handled message{};
    destinations_of_message groups{};
    std::size_t missing = 0;  // places that are asked for
    std::chrono::steady_clock::time_point give_up_at{};
};

/// A domain whose place is asked for, or will be.
struct asked_place {
    std::vector<std::shared_ptr<unplaced_message>> who{};
    std::optional<std::list<std::string>::iterator> in_line{};  // not begun yet
};

/// What is known of a domain's place.
struct known_place {
    destination place{};
    std::chrono::steady_clock::time_point until{};
};

/// A notice that is to be made.
struct owed_notice {
    ordered_notice order{};
    std::optional<bool> within_budget{};  // asked once, however often it takes to write it
    bool told = false;                    // of an alias: its own notice is in the queue, its members' message not yet
    unsigned unreadable = 0;              // how often the message it is about could not be read
};

struct runner_loop;

/// What a `queue_runner` is. All of it runs on its strand but where said otherwise.
class runner_core : public std::enable_shared_from_this<runner_core> {
public:
    runner_core(asio::any_io_executor host, std::shared_ptr<spool_queue> queue, std::shared_ptr<carrier> by, router where, runner_settings settings);
    ~runner_core();

    void start();                                                         // from any thread
    void stop(std::chrono::milliseconds grace, unique_function<void()> done);  // likewise
    void wake();                                                          // likewise
    runner_counts counts() const;                                         // likewise

private:
    using wall_point = std::chrono::system_clock::time_point;

    // taking (queue_runner.ipp)
    asio::awaitable<void> claim_loop();
    asio::awaitable<void> claim_some();
    void take(claimed_message message);
    std::size_t room() const;
    result<destination, std::string> way_of(std::string_view address) const;
    void give_work(handled const& message);
    destinations_of_message group(handled const& message);
    bool is_overdue(handled_message const& message) const;
    bool is_withheld(handled_message const& message) const;
    bool is_to_be_returned(handled_message const& message) const;
    void give_up(handled_message& message, std::vector<std::uint32_t> const& recipients);
    bool fail_in_advance(handled_message& message);
    void take_overdue();
    asio::awaitable<void> tell_of_deadline(handled message);
    std::optional<std::chrono::milliseconds> time_until_return(handled_message const& message) const;
    void return_overdue(handled_message& message);
    void forget_deadline(handled_message const& message);
    void expand(handled_message& message, std::uint32_t number);
    void send_to(handled const& message, destination to, std::vector<std::uint32_t> recipients);
    void wait_outside(handled_message& message, std::vector<std::uint32_t> const& recipients);
    void make_room();
    void pump();
    void poke();
    void begin_stop(std::chrono::milliseconds grace, unique_function<void()> done);
    void cancel_all();
    void end_if_idle();

    // places (queue_places.ipp)
    void place(handled const& message, destinations_of_message groups);
    void ask_for_place(std::shared_ptr<unplaced_message> const& of, destination const& to);
    void begin_asking();
    asio::awaitable<void> look_up_place(std::string domain, eventual<destination> asked);
    void know_place(std::string const& domain, destination place);
    void send_waiting(std::vector<std::shared_ptr<unplaced_message>> who);
    void send_placed(std::string const& sender);
    void send_all(unplaced_message& one);
    void take_unplaced();
    void go_without_place(std::string const& domain);
    void end_places();

    // attempts (queue_attempts.ipp)
    void begin(waiting_job job);
    asio::awaitable<void> attempt(waiting_job job);
    bool drop_before_attempt(waiting_job const& job);
    asio::awaitable<std::shared_ptr<claimed_message const>> with_content(handled message);
    asio::awaitable<void> tell(handled message, std::shared_ptr<std::vector<std::uint32_t>> open, std::vector<carried> known);
    void settle_destination(waiting_job job, carry_report report, std::vector<std::uint32_t> open);
    void defer(handled_message& message, std::vector<std::uint32_t> const& recipients, std::string const& text, bool tried,
               std::optional<wall_point> destination_failed = {});
    void job_ended(handled const& message);
    asio::awaitable<void> conclude(handled message);
    asio::awaitable<void> write_outcomes(handled message);
    void log_broken(std::string_view where, std::string_view why) const;
    void expire(handled_message& message);
    bool tell_of_delay(handled_message& message, spool_change& change);
    std::chrono::milliseconds wait_of(handled_message const& message);
    asio::awaitable<bool> record(transaction_id id, spool_change what);
    asio::awaitable<void> pause(std::chrono::milliseconds some);
    void order(handled_message& message, transaction_id& notice, recipient_outcome& outcome);
    void log_outcome(handled_message const& message, std::string_view what, std::uint32_t number, std::string_view text) const;

    // notices (queue_notices.ipp)
    void make_notices();
    asio::awaitable<void> notice_loop();
    asio::awaitable<bool> make_notice(owed_notice* one);
    asio::awaitable<void> settle_notice(ordered_notice one);
    asio::awaitable<void> put_aside(owed_notice one);
    asio::awaitable<bool> make_expansion(std::shared_ptr<claimed_message> message, recipient_outcome alias, owed_notice* owed);
    asio::awaitable<bool> tell_of_expansion(std::shared_ptr<claimed_message> message, recipient_outcome alias, owed_notice* owed);
    asio::awaitable<bool> queue(new_queued_message one, transaction_id about);
    asio::awaitable<bool> keep_undeliverable(std::shared_ptr<claimed_message> message, std::string text);

    std::chrono::steady_clock::time_point now() const { return settings_.clock->steady(); }
    wall_point wall() const { return settings_.clock->wall(); }
    std::chrono::seconds lifetime_of(envelope const& mail) const;
    wall_point released(handled_message const& message) const;
    std::optional<wall_point> deadline(handled_message const& message) const;
    bool owes_deadline_notice(handled_message const& message) const;
    std::chrono::milliseconds jittered(std::chrono::seconds wait);
    bool wants_failure(envelope const& mail, spool_state const& state, recipient_request const& asked, std::string_view address) const;
    bool wants_success(handled_message const& message, carried const& one) const;

    std::shared_ptr<spool_queue> queue_;
    std::shared_ptr<carrier> by_;
    router where_;
    runner_settings settings_;
    schedule schedule_;
    notice_budget budget_;
    id_generator ids_{};
    std::minstd_rand random_;
    std::unique_ptr<runner_loop> loop_;

    std::unordered_map<std::string, known_place> places_{};
    std::unordered_map<std::string, asked_place> asked_{};
    std::list<std::string> to_ask_{};  // domains, until a look-up may begin
    std::size_t looking_up_ = 0;
    std::unordered_map<std::string, std::deque<std::shared_ptr<unplaced_message>>> unplaced_{};  // by sender, in the order they came
    std::deque<std::weak_ptr<unplaced_message>> unplaced_in_time_{};

    std::multimap<wall_point, std::weak_ptr<handled_message>> deadlines_{};  // of DELIVERBY, of messages in memory
    std::deque<owed_notice> notices_{};
    bool making_notices_ = false;
    std::size_t in_hand_ = 0;
    std::size_t recipients_in_hand_ = 0;
    bool full_ = false;
    bool started_ = false;
    bool claiming_ = false;
    bool stopping_ = false;
    bool poked_ = false;
    unsigned unrecorded_ = 0;  // outcomes that the disk does not take now: nothing is begun meanwhile
    unique_function<void()> stopped_{};

    std::atomic<bool> poke_posted_{false};
    struct {
        std::atomic<std::uint64_t> delivered{0}, deferred{0}, failed{0}, expired{0}, notices{0}, undeliverable{0};
        std::atomic<std::size_t> in_memory{0}, under_way{0};
    } counts_{};
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail
