#include <mailquay/relay/smtp_carrier.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/handler/offload.hpp>
#include <mailquay/message/header_walker.hpp>
#include <mailquay/relay/detail/hop_status.hpp>
#include <mailquay/server/asio_compat.hpp>
#include <mailquay/server/worker_pool.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

// Up to this size content is read at once, by one job of a worker.
constexpr std::uint64_t carried_in_memory = 256 * 1024;

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
    std::vector<std::uint32_t> numbers{};  // of the recipients of the message under way
    next_hop hop{};

    bool is_open(std::uint32_t number) const { return std::find(open.begin(), open.end(), number) != open.end(); }
    std::vector<std::uint32_t> open{};  // nothing was told of these
};

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

}  // namespace detail

struct smtp_carrier::impl {
    impl(asio::any_io_executor host, smtp_carrier_settings chosen) : settings(without_line(std::move(chosen))), mail(std::move(host), settings.client) {
        settings.lmtp.protocol = dialect::lmtp;
        if (!settings.workers) {
            worker_pool_config two;
            two.threads = 2;
            settings.workers = std::make_shared<worker_pool>(two);
        }
    }
    // The runner has a line for each destination; one within the client would keep its attempts from all others.
    static smtp_carrier_settings without_line(smtp_carrier_settings given) {
        given.client.pool.waiting = 0;
        return given;
    }
    smtp_carrier_settings settings;
    client mail;

    asio::awaitable<found_hops> hops_of(destination to);
    asio::awaitable<carry_report> carry(std::shared_ptr<impl> self, std::shared_ptr<consignment const> what, outcomes_known told);
};

MAILQUAY_DECL smtp_carrier::smtp_carrier(asio::any_io_executor host, smtp_carrier_settings settings)
    : impl_(std::make_shared<impl>(std::move(host), std::move(settings))) {}
MAILQUAY_DECL smtp_carrier::~smtp_carrier() = default;
MAILQUAY_DECL void smtp_carrier::close() { impl_->mail.close(); }
MAILQUAY_DECL asio::awaitable<carry_report> smtp_carrier::carry(std::shared_ptr<consignment const> what, outcomes_known told) {
    return impl_->carry(impl_, std::move(what), std::move(told));
}

inline asio::awaitable<found_hops> smtp_carrier::impl::hops_of(destination to) {
    found_hops found;
    if (to.way == delivery_way::mx) {
        if (!settings.find_hops) {
            found.failure = "4.4.3 no resolver is set";
            co_return found;
        }
        auto finding = settings.find_hops(to.name);
        auto answer = co_await std::move(finding);
        co_return answer;
    }
    auto hop = next_hop::parse(to.name);
    if (!hop) {
        found.failure = fmt::format("4.3.5 \"{}\" is no host and port", to.name);
        co_return found;
    }
    hop->settings = to.way == delivery_way::lmtp ? settings.lmtp : settings.smarthost;
    found.hops.push_back(*std::move(hop));
    co_return found;
}

inline asio::awaitable<carry_report> smtp_carrier::impl::carry(std::shared_ptr<impl> self, std::shared_ptr<consignment const> what, outcomes_known told) {
    auto const executor = co_await asio::this_coro::executor;
    auto const state = std::make_shared<detail::carrying>();
    state->told = std::move(told);
    state->where = executor;
    for (auto const& one : what->recipients) state->open.push_back(one.number);
    carry_report report;

    auto finding = self->hops_of(what->to);
    found_hops found = co_await std::move(finding);
    if (!found.without_demands.empty() && !what->message->stored.envelope.requests.requiretls) {
        auto looking = offload(*settings.workers, [message_looked_at = what->message] { return detail::lifts_tls(*message_looked_at); });
        bool const lifts = co_await std::move(looking).wait();
        if (lifts) {
            found.hops = std::move(found.without_demands);
            found.came_out = {};
        }
    }
    if (found.hops.empty()) {
        report.reply = found.failure.empty() ? "4.4.4 no host" : found.failure;
        if (!report.reply.starts_with('5')) {
            report.end = carry_end::unreachable;
            co_return report;
        }
        std::vector<carried> all;
        for (std::uint32_t const number : state->open) {
            carried lost;
            lost.number = number;
            lost.state = carried_state::permanent;
            lost.reply = report.reply;
            all.push_back(std::move(lost));
        }
        auto telling = state->told(std::move(all));
        co_await std::move(telling);
        co_return report;
    }

    outgoing_message message{what->message->stored.envelope, nullptr};
    message.requests.hold.reset();  // it was held here
    if (message.requests.by && what->deliver_within) {
        // With R there is no such time as 0 (RFC 2852 §3); it is sent with no time left only while the clock is not trusted.
        std::int64_t const least = message.requests.by->mode == by_mode::return_to_sender ? 1 : -999'999'999;
        message.requests.by->seconds = static_cast<std::int32_t>(std::clamp<std::int64_t>(what->deliver_within->count(), least, 999'999'999));
    }
    if (what->message->octets <= detail::carried_in_memory) {
        auto reading = offload(*settings.workers, [message_read = what->message] { return detail::read_whole(*message_read); });
        auto octets = co_await std::move(reading).wait();
        if (!octets) {
            report.reply = "4.3.0 the message cannot be read: " + octets.error().message();
            co_return report;
        }
        message.content = content_of(*std::move(octets));
    } else {
        message.content = std::make_shared<detail::spooled_content>(what->message, settings.workers);
    }

    detail::findings found_so_far;
    report.end = carry_end::unreachable;
    std::size_t asked = 0;
    for (next_hop& hop : found.hops) {
        message.recipients.clear();
        state->numbers.clear();
        for (auto const& one : what->recipients) {
            if (!state->is_open(one.number) || (asked != 0 && !found_so_far.is_next(one.number))) continue;
            message.recipients.push_back({one.address, what->message->stored.envelope.recipients[one.number].requests});
            state->numbers.push_back(one.number);
        }
        ++asked;
        state->hop = hop;
        settled_listener listener = [state](std::vector<std::size_t> places, send_report const& so_far) { return detail::tell_sure(state, places, so_far); };
        auto sending = self->mail.send(hop, message, std::move(listener));
        send_report const sent = co_await std::move(sending);
        if (found.came_out) found.came_out(asked - 1, sent);
        bool const more = found_so_far.add(state, sent);
        bool const for_good = std::any_of(sent.recipients.begin(), sent.recipients.end(), [&](auto const& one) { return detail::is_of_this_host(one, sent); });
        report = detail::joined(std::move(report), detail::report_of(sent, hop, message.requests.requiretls), for_good);
        bool const ended = !more || report.end == carry_end::cancelled || report.end == carry_end::full;
        if (ended) break;
    }
    std::vector<carried> rest = found_so_far.outcomes(state, asked == found.hops.size());
    // Hosts that never take mail (521) are none that may do so later.
    bool const all_permanent = rest.size() == state->open.size() && !rest.empty() &&
                               std::all_of(rest.begin(), rest.end(), [](carried const& one) { return one.state == carried_state::permanent; });
    if (all_permanent && report.end == carry_end::unreachable) report.end = carry_end::done;
    if (!rest.empty()) {
        auto telling = state->told(std::move(rest));
        co_await std::move(telling);
    }
    co_return report;
}

}  // namespace mailquay::inline MAILQUAY_ABI
