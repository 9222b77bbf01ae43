#include <mailquay/relay/relay_now.hpp>

#include <mailquay/base/log_fields.hpp>
#include <mailquay/handler/storage_errors.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/relay/detail/hop_status.hpp>
#include <mailquay/server/asio_compat.hpp>
#include <mailquay/server/spooled_buffer.hpp>

#include <asio/awaitable.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// How many recipients the next hop takes in one transaction, as far as is known. Thread safety: safe.
class recipients_at_once {
public:
    explicit recipients_at_once(std::size_t most) : most_(std::max<std::size_t>(most, 1)) {}

    std::size_t most() const {
        std::lock_guard const lock{mutex_};
        return std::chrono::steady_clock::now() < until_ ? std::min(most_, seen_) : most_;
    }
    /// @param together  the content was to go only if all recipients were accepted
    void learn(send_report const& report, bool together) {
        if (auto const& told = report.offers.most_recipients) note(*told);
        if (!together) return;
        auto const ours = [&](std::string_view status) {
            return static_cast<std::size_t>(std::count_if(report.recipients.begin(), report.recipients.end(),
                                                          [&](auto const& one) { return one.reply.code == 0 && one.status == status; }));
        };
        if (ours(too_many_together.status) != 0) note(ours(refused_together.status));
    }

private:
    void note(std::size_t seen) {
        if (seen == 0) return;
        std::lock_guard const lock{mutex_};
        auto const now = std::chrono::steady_clock::now();
        seen_ = now < until_ ? std::min(seen_, seen) : seen;
        until_ = now + std::chrono::hours{1};
    }

    mutable std::mutex mutex_{};
    std::size_t most_;
    std::size_t seen_ = 0;
    std::chrono::steady_clock::time_point until_{};
};

struct relay_now_state {
    relay_now_state(asio::any_io_executor host, sinks::relay_now_settings given)
        : settings(std::move(given)), mail(std::move(host), settings.client), at_once(settings.to.settings.limits.recipients), buffers(settings.buffers) {
        if (!buffers) buffers = std::make_shared<memory_buffers>(most_in_memory);
    }
    bool lmtp() const { return settings.to.settings.protocol == dialect::lmtp; }

    static constexpr std::uint64_t most_in_memory = 50 * 1024 * 1024;
    sinks::relay_now_settings settings;
    client mail;
    recipients_at_once at_once;
    std::shared_ptr<message_buffers> buffers;
    std::shared_ptr<sinks::spool> overflow{};
};

/// What a `message_buffer` holds, read from anywhere: one reader at a time, as a client with one message has.
class buffered_content final : public message_content {
public:
    explicit buffered_content(std::unique_ptr<message_buffer> buffer) : buffer_(std::move(buffer)) {}

    std::uint64_t size() const noexcept override { return buffer_->size(); }
    eventual<result<std::size_t>> read(std::uint64_t offset, std::span<char> room) override {
        if (offset == at_) return counted(buffer_->read(room));
        return read_from(offset, room);
    }

private:
    eventual<result<std::size_t>> counted(eventual<result<std::size_t>> reading) {
        if (!reading.ready()) return count_later(std::move(reading));
        auto got = std::move(reading).value();
        if (got) at_ += *got;
        return got;
    }
    asio::awaitable<result<std::size_t>> count_later(eventual<result<std::size_t>> reading) {
        auto got = co_await std::move(reading).wait();
        if (got) at_ += *got;
        co_return got;
    }
    asio::awaitable<result<std::size_t>> read_from(std::uint64_t offset, std::span<char> room) {
        if (offset < at_) {
            buffer_->rewind();
            at_ = 0;
        }
        std::array<char, 4096> passed;
        while (at_ < offset) {
            std::size_t const step = static_cast<std::size_t>(std::min<std::uint64_t>(passed.size(), offset - at_));
            auto skipping = counted(buffer_->read(std::span<char>{passed}.first(step)));
            auto const skipped = co_await std::move(skipping).wait();
            if (!skipped || *skipped == 0) co_return skipped;
        }
        auto reading = counted(buffer_->read(room));
        auto got = co_await std::move(reading).wait();
        co_return got;
    }

    std::unique_ptr<message_buffer> buffer_;
    std::uint64_t at_ = 0;
};

/// A recipient of ours as the next hop sees it: itself, or an alias' members.
struct relayed_recipient {
    std::size_t first = 0;  // among those of the outgoing message
    std::size_t count = 1;
};

inline std::vector<relayed_recipient> expand_recipients(envelope const& from, outgoing_message& to) {
    std::vector<relayed_recipient> places;
    to.recipients.clear();
    for (envelope_recipient const& one : from.recipients) {
        relayed_recipient place;
        place.first = to.recipients.size();
        if (one.deliver_to.empty() || !one.mailbox.empty()) to.recipients.push_back({one.address, one.requests});
        for (std::string const& member : one.deliver_to) to.recipients.push_back({member, one.requests});
        place.count = to.recipients.size() - place.first;
        places.push_back(place);
    }
    return places;
}

inline verdict relayed_verdict(recipient_result const& of, send_report const& report) {
    int const code = of.reply.code;
    switch (of.state) {
        case recipient_state::delivered: return verdict::make(verdict_kind::accept, code >= 200 && code < 300 ? code : 250, of.status, of.reply.text);
        case recipient_state::permanent:
            return reject(code >= 500 && code < 600 ? code : 554, of.status, of.reply.text.empty() ? of.problem : of.reply.text);
        case recipient_state::temporary: {
            bool const usable = code >= 400 && code < 500 && code != 421;
            return defer(usable ? code : 451, of.status, of.reply.text.empty() ? of.problem : of.reply.text);
        }
        case recipient_state::unknown:
            return defer(451, "4.4.2", "The next hop did not say whether it took the message").because("outcome=unknown");
        case recipient_state::accepted:  // of a question only
        case recipient_state::untried: break;
    }
    std::string_view why = "The next hop cannot take the message now";
    if (report.problem == hop_problem::content_unreadable) why = "The message cannot be read now";
    if (report.problem == hop_problem::no_connection_free) why = "No connection to the next hop is free";
    if (report.problem == hop_problem::cancelled) why = "The next hop did not answer in time";
    return defer(451, report.problem == hop_problem::cancelled ? "4.4.2" : std::string{status_of(report.problem)}, std::string{why}).because(report.summary());
}

/// Whether nobody refused it, and only what became of another recipient kept it back.
inline bool is_kept_back(recipient_result const& one) {
    return one.state == recipient_state::temporary && one.reply.code == 0 && one.status == refused_together.status;
}

/// All members' word: the first that is no yes, a temporary one before all others; one that was kept back says nothing.
inline verdict joined_verdict(relayed_recipient const& of, send_report const& report) {
    std::optional<verdict> chosen;
    bool chosen_kept_back = false;
    for (std::size_t i = of.first; i < of.first + of.count && i < report.recipients.size(); ++i) {
        bool const kept_back = is_kept_back(report.recipients[i]);
        if (chosen && !chosen_kept_back && kept_back) continue;
        verdict next = relayed_verdict(report.recipients[i], report);
        bool const more = !chosen || chosen_kept_back || (chosen->accepts() && next.refuses()) ||
                          (chosen->kind() == verdict_kind::reject && next.kind() == verdict_kind::defer);
        if (!more) continue;
        chosen = std::move(next);
        chosen_kept_back = kept_back;
    }
    return chosen ? *std::move(chosen) : verdict{defer(replies::local_error)};
}

inline bool is_unknown(relayed_recipient const& of, send_report const& report) {
    for (std::size_t i = of.first; i < of.first + of.count && i < report.recipients.size(); ++i)
        if (report.recipients[i].state == recipient_state::unknown) return true;
    return false;
}

/// One message, from its first octet to the next hop's reply.
struct relayed_message {
    std::shared_ptr<relay_now_state> to;
    transaction const* mail = nullptr;  // as long as the writer
    envelope from{};
    std::unique_ptr<message_buffer> buffer{};
    content_scanner scanner{};
};

// The report is there also when time was up: it says of whom nothing is known. Where there is none the message may have been taken.
inline asio::awaitable<void> send_relayed(client& by, next_hop hop, outgoing_message message, std::shared_ptr<send_report> into) {
    into->problem = hop_problem::cancelled;
    into->recipients.resize(message.recipients.size());
    for (recipient_result& one : into->recipients) one.state = recipient_state::unknown;
    try {
        auto sending = by.send(std::move(hop), std::move(message));
        send_report report = co_await std::move(sending);
        *into = std::move(report);
    } catch (std::exception const& failed) {  // no memory
        into->text = failed.what();
    }
}

inline asio::awaitable<void> relay_timer(std::chrono::milliseconds patience) {
    auto const executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor};
    timer.expires_after(patience);
    std::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await timer.async_wait(token);
}

/// Writes what is in `content` to the overflow, for some of the recipients.
inline asio::awaitable<delivery> overflow_to(std::shared_ptr<relayed_message> of, std::shared_ptr<message_content> content, std::vector<std::size_t> places,
                                            std::chrono::milliseconds wait) {
    auto opening = of->to->overflow->open_for(*of->mail, places, wait);
    auto opened = co_await std::move(opening).wait();
    if (!opened) co_return delivery{opened.error()};
    std::unique_ptr<message_writer> const writer = *std::move(opened);
    std::vector<char> room(64 * 1024);
    for (std::uint64_t at = 0; at < content->size();) {
        auto reading = content->read(at, room);
        auto const got = co_await std::move(reading).wait();
        if (!got) co_return delivery{defer(storage_reply(got.error()))};
        if (*got == 0) co_return delivery{defer(replies::local_error).because("the message's buffer is short")};
        auto writing = writer->write(std::span<char const>{room}.first(*got));
        verdict said = co_await std::move(writing).wait();
        if (said.refuses()) co_return delivery{std::move(said)};
        at += *got;
    }
    auto finishing = writer->finish(commit::all_or_none);
    delivery done = co_await std::move(finishing).wait();
    co_return done;
}

inline asio::awaitable<delivery> relay_message(std::shared_ptr<relayed_message> of, commit how) {
    auto& to = *of->to;
    auto const content = std::make_shared<buffered_content>(std::move(of->buffer));
    outgoing_message message{of->from, content};
    std::vector<relayed_recipient> const places = expand_recipients(of->from, message);
    message.facts = of->scanner.facts();
    // One alias of more members than go at once can only be sent in pieces.
    bool const fits = message.recipients.size() <= to.at_once.most() || places.size() > 1;
    bool const together = how == commit::all_or_none && !to.overflow && !to.lmtp() && fits;
    message.all_or_none = together;
    auto const found = std::make_shared<send_report>();
    {
        using namespace asio::experimental::awaitable_operators;
        auto either = send_relayed(to.mail, to.settings.to, std::move(message), found) || relay_timer(to.settings.patience);
        auto const first = co_await std::move(either);
        (void)first;
    }
    send_report const& report = *found;
    to.at_once.learn(report, together);
    std::vector<verdict> each;
    for (relayed_recipient const& place : places) each.push_back(joined_verdict(place, report));

    if (to.overflow) {
        // What is refused for all can be told. What is not cannot, where one reply stands for others too.
        bool const refused = std::all_of(each.begin(), each.end(), [](verdict const& one) { return one.kind() == verdict_kind::reject; });
        std::vector<std::size_t> kept;
        for (std::size_t i = 0; i < each.size(); ++i)
            if (each[i].kind() == verdict_kind::defer || (each[i].refuses() && how == commit::all_or_none && !refused)) kept.push_back(i);
        if (!kept.empty()) {
            verdict const& why = each[kept.front()];
            to.settings.log.info([&] {
                return log_line{"overflow"}.add("id", of->from.id).add("nrcpt", kept.size()).add("reply", why.text()).add("rule", why.rule());
            });
            // What the next hop may have is not sent again at once.
            bool const perhaps = std::any_of(kept.begin(), kept.end(), [&](std::size_t place) { return is_unknown(places[place], report); });
            auto const wait = perhaps ? to.settings.after_unknown : std::chrono::milliseconds{0};
            auto storing = overflow_to(of, content, kept, wait);
            delivery told = co_await std::move(storing);
            if (told.is_unanswered()) co_return told;  // whatever else is known, these may be in the spool or not
            verdict const stored = told.combined();
            for (std::size_t const place : kept) each[place] = stored;
            if (stored.refuses() && how == commit::all_or_none) co_return stored;
        }
    }
    if (how == commit::each) co_return delivery{std::move(each)};
    // One word for all: a refusal comes before what the others were told.
    auto const worst = std::max_element(each.begin(), each.end(), [](verdict const& a, verdict const& b) {
        auto const rank = [](verdict const& one) {
            if (one.kind() == verdict_kind::reject) return 3;
            // That another was refused is no reason; that other's is.
            bool const kept_back = one.enhanced() == refused_together.status && one.text() == refused_together.problem;
            return one.accepts() ? 0 : kept_back ? 1 : 2;
        };
        return rank(a) < rank(b);
    });
    if (worst == each.end()) co_return verdict{defer(replies::local_error)};
    co_return delivery{std::move(*worst)};
}

class relay_now_writer final : public message_writer {
public:
    relay_now_writer(std::shared_ptr<relay_now_state> to, transaction const& mail) : message_(std::make_shared<relayed_message>()) {
        message_->mail = &mail;
        message_->from = mail.snapshot();
        message_->buffer = to->buffers->make();
        message_->to = std::move(to);
    }
    eventual<verdict> write(std::span<char const> octets) override {
        message_->scanner.scan({octets.data(), octets.size()});
        auto writing = message_->buffer->write(octets);
        if (!writing.ready()) return told(std::move(writing));
        auto const done = std::move(writing).value();
        return done ? accept() : verdict{defer(storage_reply(done.error()))};
    }
    eventual<delivery> finish(commit how) override { return relay_message(message_, how); }

private:
    static asio::awaitable<verdict> told(eventual<result<void>> writing) {
        auto const done = co_await std::move(writing).wait();
        if (!done) co_return defer(storage_reply(done.error()));
        co_return accept();
    }
    std::shared_ptr<relayed_message> message_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail

namespace mailquay::inline MAILQUAY_ABI::sinks {

MAILQUAY_DECL relay_now::relay_now(asio::any_io_executor host, relay_now_settings settings) {
    if (settings.to.host.empty() && settings.to.unix_path.empty())
        throw std::invalid_argument("relay_now: `to` names no next hop; next_hop::parse(\"inner.example.org:25\") makes one");
    if (std::string const fault = fault_of(settings.to.settings); !fault.empty()) throw std::invalid_argument("relay_now: `to`: " + fault);
    if (settings.patience <= std::chrono::milliseconds{0} || settings.patience > std::chrono::minutes{5})
        throw std::invalid_argument(fmt::format("relay_now: `patience` is {} ms; choose from 1 ms to five minutes, for which a server waits",
                                                settings.patience.count()));
    if (settings.after_unknown < std::chrono::milliseconds{0} || settings.after_unknown > std::chrono::hours{24})
        throw std::invalid_argument(fmt::format("relay_now: `after_unknown` is {} ms; choose from 0 to a day", settings.after_unknown.count()));
    state_ = std::make_shared<detail::relay_now_state>(std::move(host), std::move(settings));
}
MAILQUAY_DECL relay_now::~relay_now() = default;
MAILQUAY_DECL relay_now::relay_now(relay_now&&) noexcept = default;
MAILQUAY_DECL relay_now& relay_now::operator=(relay_now&&) noexcept = default;

MAILQUAY_DECL relay_now& relay_now::overflow(std::shared_ptr<spool> to) & {
    state_->overflow = std::move(to);
    return *this;
}

MAILQUAY_DECL void relay_now::lend(std::shared_ptr<mailquay::workers> pool) {
    if (!state_->settings.buffers) state_->buffers = std::make_shared<spooled_buffers>(pool);
    if (state_->overflow) state_->overflow->lend(std::move(pool));
}

MAILQUAY_DECL eventual<message_sink::opened> relay_now::open(transaction const& mail) {
    return opened{std::unique_ptr<message_writer>{std::make_unique<detail::relay_now_writer>(state_, mail)}};
}

MAILQUAY_DECL promises relay_now::promised() const {
    promises kept = state_->settings.next_hop_keeps;
    kept.relays = true;
    kept.per_recipient = true;
    kept.hold = false;
    return kept;
}

MAILQUAY_DECL recipient_group relay_now::group(recipient const& to) const {
    recipient_group of;
    if (state_->lmtp() && !state_->overflow) of.name = to.wire();
    return of;
}

MAILQUAY_DECL bool relay_now::takes_another(transaction const& mail, recipient const& next) const {
    if (state_->lmtp() || state_->overflow) return true;
    auto const addresses_of = [](recipient const& one) { return one.addresses.size() + (one.addresses.empty() || !one.mailbox.empty() ? 1 : 0); };
    std::size_t addresses = addresses_of(next);
    for (recipient const& one : mail.recipients()) addresses += addresses_of(one);
    return addresses <= state_->at_once.most();
}

MAILQUAY_DECL bool relay_now::has_room(std::uint64_t octets) const { return !state_->overflow || state_->overflow->has_room(octets); }

MAILQUAY_DECL void relay_now::close() { state_->mail.close(); }

}  // namespace mailquay::inline MAILQUAY_ABI::sinks
