#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/client/message_content.hpp>
#include <mailquay/client/send_report.hpp>
#include <mailquay/handler/offload.hpp>
#include <mailquay/handler/workers.hpp>
#include <mailquay/message/header_walker.hpp>
#include <mailquay/relay/carrier.hpp>
#include <mailquay/relay/detail/hop_status.hpp>
#include <mailquay/relay/smtp_carrier.hpp>
#include <mailquay/server/asio_compat.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// The pieces of one attempt of a `smtp_carrier`: what is read, what hosts said, what is told.

namespace mailquay::inline MAILQUAY_ABI::detail {

// Up to this size content is read at once, by one job of a worker.
constexpr std::uint64_t carried_in_memory = 256 * 1024;

// For looking up the domains of one consignment.
constexpr std::chrono::seconds look_ups_patience{60};

/// Content that is read from the spool as it is sent.
class spooled_content final : public message_content {
public:
    spooled_content(std::shared_ptr<claimed_message const> message, std::shared_ptr<workers> pool)
        : message_(std::move(message)), pool_(std::move(pool)) {}

    std::uint64_t size() const noexcept override { return message_->octets; }
    eventual<result<std::size_t>> read(std::uint64_t offset, std::span<char> room) override {
        return offload(*pool_, [message = message_, offset, room] { return message->read(offset, room); });
    }

private:
    std::shared_ptr<claimed_message const> message_;
    std::shared_ptr<workers> pool_;
};

inline result<std::string> read_whole(claimed_message const& message) {
    std::string octets(static_cast<std::size_t>(message.octets), '\0');
    auto const got = message.read(0, octets);
    if (!got) return got.error();
    if (*got != octets.size()) return std::make_error_code(std::errc::io_error);
    return octets;
}

// So much of a message is looked at for header fields.
constexpr std::uint64_t looked_at_of_header = 64 * 1024;

/// RFC 8689 §4.2: the sender cares more for delivery than for TLS. Any other value, or a second field, says nothing.
inline bool lifts_tls(claimed_message const& message) {
    std::string head(static_cast<std::size_t>(std::min(message.octets, looked_at_of_header)), '\0');
    auto const got = message.read(0, head);
    if (!got) return false;
    head.resize(*got);
    int fields = 0;
    bool no = false;
    for (header_field const& field : header_walker{head}) {
        if (!field.is("TLS-Required")) continue;
        ++fields;
        auto const first = field.value.find_first_not_of(" \t\r\n");
        auto const last = field.value.find_last_not_of(" \t\r\n");
        no = first != field.value.npos && iequals(field.value.substr(first, last - first + 1), "no");
    }
    return fields == 1 && no;
}

// Of a reply so much is kept for each recipient: in memory, in the spool, in notices.
constexpr std::size_t kept_of_reply = 400;

inline std::string reply_words(received_reply const& reply) {
    std::string words = std::to_string(reply.code);
    if (!reply.enhanced.empty()) words.append(" ").append(reply.enhanced);
    if (!reply.text.empty()) words.append(" ").append(std::string_view{reply.text}.substr(0, kept_of_reply + 1));
    if (words.size() <= kept_of_reply) return words;
    std::size_t end = kept_of_reply;
    while (end > 0 && (static_cast<unsigned char>(words[end]) & 0xC0) == 0x80) --end;  // no character is cut in two
    words.resize(end);
    return words;
}

inline carried carried_by(recipient_result const& of, std::uint32_t number, next_hop const& hop) {
    carried told;
    told.number = number;
    switch (of.state) {
        case recipient_state::delivered: told.state = carried_state::delivered; break;
        case recipient_state::permanent: told.state = carried_state::permanent; break;
        case recipient_state::unknown: told.state = carried_state::unknown; break;
        case recipient_state::accepted:  // of a question only
        case recipient_state::untried:
        case recipient_state::temporary: told.state = carried_state::temporary; break;
    }
    if (of.reply.code != 0) {
        told.reply = reply_words(of.reply);
        told.remote = hop.to_string();
    } else {
        told.reply = of.status + ' ' + (of.state == recipient_state::unknown ? "outcome=unknown: " : "") + of.problem;
    }
    told.final_delivery = hop.settings.protocol == dialect::lmtp;
    told.dsn_passed_on = of.dsn_passed_on;
    told.deliver_by_passed_on = of.deliver_by_passed_on;
    return told;
}

// A handshake that fails stops no mail that may go in clear: only what asks for REQUIRETLS.
inline bool stops_requiretls_alone(send_report const& from, next_hop const& hop) {
    bool const in_handshake = from.problem == hop_problem::tls_failed || (from.problem == hop_problem::timed_out && from.stage == send_stage::tls);
    return in_handshake && hop.settings.tls == tls_use::opportunistic && hop.settings.verify == tls_verification::none;
}

inline carry_report report_of(send_report const& from, next_hop const& hop, bool requiretls) {
    carry_report made;
    bool const offered = from.stage > send_stage::authentication;
    if (from.problem == hop_problem::none || from.problem == hop_problem::content_unreadable) made.end = carry_end::done;
    else if (from.problem == hop_problem::cancelled) made.end = carry_end::cancelled;
    else if (from.problem == hop_problem::no_connection_free) made.end = carry_end::full;
    else if (requiretls && stops_requiretls_alone(from, hop)) made.end = carry_end::message_alone;
    else made.end = offered ? carry_end::busy : carry_end::unreachable;
    if (from.problem == hop_problem::none) return made;
    if (from.reply.code != 0) {
        made.reply = reply_words(from.reply);
        made.remote = hop.to_string();
    } else {
        made.reply = fmt::format("{} {}: {}", status_of(from.problem), hop.to_string(), from.text.empty() ? to_string(from.problem) : from.text);
    }
    return made;
}

/// One attempt, over one host after the other.
struct carrying {
    outcomes_known told;
    asio::any_io_executor where;        // of the runner
    std::shared_ptr<claimed_message const> message{};
    std::vector<std::uint32_t> numbers{};  // of the recipients of the message under way
    next_hop hop{};

    recipient_request const& requests_of(std::uint32_t number) const { return message->stored.envelope.recipients[number].requests; }
    bool is_open(std::uint32_t number) const { return std::find(open.begin(), open.end(), number) != open.end(); }
    std::vector<std::uint32_t> open{};  // nothing was told of these
};

/// Recipients whose domains have the same hosts.
struct share {
    explicit share(found_hops hosts) : found(std::move(hosts)) {}

    found_hops found;                  // of the first domain
    std::vector<found_hops> others{};  // of the further ones
    std::vector<consigned_recipient> recipients{};

    void lift_demands() {
        if (found.without_demands.empty()) return;
        found.hops = std::move(found.without_demands);
        found.came_out = {};
        others.clear();
    }
    /// Each domain's own listener is told.
    void tell_came_out(std::size_t hop, send_report const& report) const {
        if (found.came_out) found.came_out(hop, report);
        std::string const host = found.hops[hop].to_string();
        for (found_hops const& other : others) {
            auto const same = std::find_if(other.hops.begin(), other.hops.end(), [&](next_hop const& one) { return one.to_string() == host; });
            if (other.came_out && same != other.hops.end()) other.came_out(static_cast<std::size_t>(same - other.hops.begin()), report);
        }
    }
};

/// Ends look-ups when their message is given up. Used on the runner's strand alone.
struct stop_in_time {
    explicit stop_in_time(asio::any_io_executor on) : timer(std::move(on)) {}

    void begin(std::shared_ptr<stop_in_time> const& self, std::chrono::milliseconds time) {
        asio_compat::restart(timer, time, [self](std::error_code failure) {
            if (!failure && !self->over) self->signal.emit(asio::cancellation_type::terminal);
        });
    }
    void end() {
        over = true;
        timer.cancel();
    }

    asio_compat::timer timer;
    asio::cancellation_signal signal{};
    bool over = false;
};

/// Sits in the slot of who waits for them.
struct stop_now {
    std::shared_ptr<stop_in_time> what;
    void operator()(asio::cancellation_type type) const { what->signal.emit(type); }
};

inline asio::awaitable<std::vector<share>> shares_or_none(asio::awaitable<std::vector<share>> asked) {
    co_await asio::this_coro::throw_if_cancelled(false);
    co_return co_await std::move(asked);
}

inline asio::awaitable<destination> ask_for_place_of(asio::awaitable<std::string> asked, destination to) {
    std::string name = co_await std::move(asked);
    if (!name.empty()) to.name = std::move(name);
    co_return to;
}

/// What one host says of a recipient and another may not: it never takes mail (521), or it lacks what the message needs.
inline bool is_of_this_host(recipient_result const& one, send_report const& so_far) {
    return one.state == recipient_state::permanent && (one.reply.code == 0 || so_far.problem != hop_problem::none);
}

/// What the hosts of a destination said so far of what is open.
class findings {
public:
    /// @return true if another host is to be asked for some
    bool add(std::shared_ptr<carrying> const& of, send_report const& sent) {
        bool const all = sent.advice == hop_advice::try_another;
        std::vector<std::uint32_t> next;
        for (std::size_t place = 0; place < of->numbers.size() && place < sent.recipients.size(); ++place) {
            std::uint32_t const number = of->numbers[place];
            if (!of->is_open(number)) continue;
            recipient_result const& one = sent.recipients[place];
            bool const here_alone = is_of_this_host(one, sent);
            refused_everywhere_[number] = here_alone && refused_everywhere_.try_emplace(number, true).first->second;
            if (one.state != recipient_state::untried) last_[number] = carried_by(one, number, of->hop);
            if (all || here_alone) next.push_back(number);
        }
        next_ = std::move(next);
        return !next_.empty() && sent.advice != hop_advice::wait;
    }
    /// Who is to be asked for at the next host.
    bool is_next(std::uint32_t number) const { return std::find(next_.begin(), next_.end(), number) != next_.end(); }
    /// The outcomes, once no host is left (`complete`) or the attempt ended before. Permanent is only what all hosts said.
    std::vector<carried> outcomes(std::shared_ptr<carrying> const& of, bool complete) {
        std::vector<carried> made;
        for (auto& [number, one] : last_) {
            if (!of->is_open(number)) continue;
            if (one.state == carried_state::permanent && !(complete && refused_everywhere_[number])) continue;
            made.push_back(std::move(one));
        }
        return made;
    }

private:
    std::map<std::uint32_t, carried> last_{};
    std::map<std::uint32_t, bool> refused_everywhere_{};
    std::vector<std::uint32_t> next_{};
};

/// A destination's report from those of its hosts: unreachable if none was offered the message.
inline carry_report joined(carry_report before, carry_report next, bool refused_for_good) {
    auto const rank = [](carry_end end) {
        switch (end) {
            case carry_end::unreachable: return 0;
            case carry_end::message_alone: return 1;
            case carry_end::done: return 2;
            case carry_end::busy: return 3;
            case carry_end::full:
            case carry_end::cancelled: break;
        }
        return 4;
    };
    carry_report made = rank(next.end) >= rank(before.end) ? next : before;
    // What waits does so for a host that may take it one day.
    carry_report const& why = next.reply.empty() || (refused_for_good && !before.reply.empty()) ? before : next;
    made.reply = why.reply;
    made.remote = why.remote;
    return made;
}

inline asio::awaitable<void> tell_on(std::shared_ptr<carrying> of, std::vector<carried> known) {
    auto telling = of->told(std::move(known));
    // What came of a recipient is written down, whoever cancels the attempt meanwhile.
    auto token = asio::bind_cancellation_slot(asio::cancellation_slot{}, asio::use_awaitable);
    co_await asio::co_spawn(of->where, std::move(telling), token);
}

inline asio::awaitable<void> tell_nothing() { co_return; }

// One finding for all that are open.
inline asio::awaitable<void> tell_of_all(std::shared_ptr<carrying> of, carried_state state, carry_report const& why) {
    std::vector<carried> all;
    for (std::uint32_t const number : of->open) {
        carried one;
        one.number = number;
        one.state = state;
        one.reply = why.reply.empty() ? "4.4.2 no answer came" : why.reply;
        one.remote = why.remote;
        all.push_back(std::move(one));
    }
    of->open.clear();
    if (all.empty()) return tell_nothing();
    return of->told(std::move(all));
}

inline asio::awaitable<result<std::shared_ptr<message_content>>> content_of_message(std::shared_ptr<claimed_message const> message, std::shared_ptr<workers> pool) {
    using answer = result<std::shared_ptr<message_content>>;
    if (message->octets > carried_in_memory) co_return answer{std::make_shared<spooled_content>(message, pool)};
    auto reading = offload(*pool, [message] { return read_whole(*message); });
    auto octets = co_await std::move(reading).wait();
    if (!octets) co_return answer{octets.error()};
    co_return answer{content_of(*std::move(octets))};
}

// What is sure whatever other hosts may say.
inline asio::awaitable<void> tell_sure(std::shared_ptr<carrying> const& of, std::vector<std::size_t> const& places, send_report const& so_far) {
    std::vector<carried> known;
    for (std::size_t const place : places) {
        recipient_result const& one = so_far.recipients[place];
        bool const sure = one.state == recipient_state::delivered || (one.state == recipient_state::permanent && !is_of_this_host(one, so_far));
        std::uint32_t const number = of->numbers[place];
        if (!sure || std::erase(of->open, number) == 0) continue;
        known.push_back(carried_by(one, number, of->hop));
    }
    if (known.empty()) return tell_nothing();
    return tell_on(of, std::move(known));
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
