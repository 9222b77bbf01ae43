#pragma once

#include <mailquay/relay/destination.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::detail {

struct handled_message;

/// A consignment that waits for its turn.
struct waiting_job {
    std::shared_ptr<handled_message> message{};
    std::vector<std::uint32_t> recipients{};  // their places in the envelope
    destination to{};
    std::string sender{};
    std::int8_t priority = 0;
    unsigned put_back = 0;  // how often it met a full destination
    std::chrono::steady_clock::time_point since{};  // when it began to wait
};

/// Why a destination is left alone for now.
struct backed_off {
    std::chrono::steady_clock::time_point until{};
    std::chrono::system_clock::time_point since{};  // of the last failure, by the wall clock
    std::string reply{};
    std::string remote{};
};

/// Who is next: destinations in turn, senders in turn within one, priorities before that. Without I/O and clock.
///
/// A destination that has not taken anything yet may be one that takes connections and says nothing, for minutes: all of those
/// leave a quarter of the connections to the others, and from the half on each has one only.
///
/// Goal: O(1) for each job, whatever waits, but for the logarithm of a destination's senders and priorities.
/// Thread safety: unsafe.
class schedule {
public:
    using time_point = std::chrono::steady_clock::time_point;

    struct limits {
        std::size_t connections = 200;
        std::size_t per_destination = 20;
        std::size_t first = 2;
        std::vector<std::chrono::seconds> retry{};
        /// Makes a wait a little longer or shorter.
        std::function<std::chrono::milliseconds(std::chrono::seconds)> jitter{};
    };
    explicit schedule(limits chosen) : limits_(std::move(chosen)) {}

    void add(waiting_job job);
    /// Puts a job back where it came from: it is next in its line.
    void put_back(waiting_job job);
    /// A job whose turn it is, now under way; nothing if none may start.
    std::optional<waiting_job> next(time_point now);
    /// An attempt ended, the destination did its part.
    void succeeded(destination const& to);
    /// It ended in the middle: fewer at once from now on.
    void slowed(destination const& to);
    /// It could not be reached. @return true if it is left alone from now on; false if it serves others now, and is only full
    bool failed(destination const& to, backed_off why, time_point now);
    /// No connection to its hosts was free: nothing of it starts before `retry_full()` comes to it.
    void full(destination const& to);
    /// Gives one that was full its turn, before the others: the one that waits longest.
    void retry_full();
    /// An attempt ended that tells nothing.
    void ended(destination const& to);

    /// Why nothing goes there now; null if something may.
    backed_off const* resting(destination const& to, time_point now) const;
    /// The next attempt may be made at once.
    void wake(destination const& to);
    /// Takes out all that waits for it.
    std::vector<waiting_job> take(destination const& to);
    std::vector<waiting_job> take_all();
    /// Takes out what `wanted` says yes to; the rest keeps its order. O(what waits).
    std::vector<waiting_job> take_if(std::function<bool(waiting_job const&)> const& wanted);
    /// Whether what is next there has waited since `then`: it takes mail more slowly than it comes.
    bool is_slow(destination const& to, time_point then) const;
    /// Of each slow destination takes out what is above `most`, the newest.
    std::vector<waiting_job> take_crowds(std::size_t most, time_point then);

    std::size_t waiting(destination const& to) const;
    std::size_t waiting() const noexcept { return waiting_; }
    std::size_t under_way() const noexcept { return under_way_; }
    std::size_t destinations() const noexcept { return places_.size(); }
    std::size_t allowed(destination const& to) const;

private:
    struct line_of_sender {
        std::string sender;
        std::deque<waiting_job> jobs;
    };
    struct lane {  // of one priority
        std::list<line_of_sender> turns;
        std::unordered_map<std::string, std::list<line_of_sender>::iterator> by_sender;
    };
    struct place {
        std::map<std::int8_t, lane> lanes;
        std::size_t waiting = 0;
        std::size_t under_way = 0;
        std::size_t allowed = 2;
        std::size_t probes = 0;  // under way, begun before it proved itself
        unsigned picked = 0;
        unsigned failures = 0;
        bool in_turn = false;
        bool set_aside = false;  // in `unproved_`
        bool full = false;    // in `full_`
        bool proved = false;  // it took something since it last could not be reached
        std::optional<backed_off> rest;
    };
    using place_map = std::unordered_map<std::string, place>;

    static std::string key_of(destination const& to);
    place& place_of(destination const& to);
    place const* find(destination const& to) const;
    void insert(waiting_job job, bool first);
    waiting_job pick(place& from);
    void take_turn(place_map::value_type& of);
    std::size_t most_probes() const noexcept { return limits_.connections - limits_.connections / 4; }
    bool may_begin(place const& of) const noexcept;
    void prove(place& of);
    void take_unproved();
    place& end_one(destination const& to);
    void sweep(time_point now);
    std::vector<waiting_job> empty(place& of);
    static bool is_slow(place const& of, time_point then);

    limits limits_;
    place_map places_{};
    std::deque<std::string> turns_{};  // keys of destinations with something to do
    std::deque<std::string> full_{};
    std::deque<std::string> unproved_{};  // in turn, but too many are probed
    std::size_t probing_ = 0;
    std::size_t waiting_ = 0;
    std::size_t under_way_ = 0;
    std::size_t sweep_at_ = 4096;
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/relay/impl/schedule.ipp>
#endif
