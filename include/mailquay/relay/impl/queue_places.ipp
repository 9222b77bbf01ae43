#include <mailquay/relay/detail/runner_core.hpp>
#include <mailquay/relay/impl/runner_loop.ipp>

#include <algorithm>
#include <utility>

// Domains with the same hosts share a place: one transaction, one line, one back-off. Places are asked for before a message gets
// in line, some at a time; one that takes long is not waited for, and its domain goes by itself.

namespace mailquay::inline MAILQUAY_ABI::detail {

constexpr std::size_t look_ups_at_once = 100;
constexpr std::chrono::seconds place_patience{5};
// An attempt looks again; this is for the next messages.
constexpr std::chrono::seconds place_kept{60};
constexpr std::size_t places_kept = 20'000;

MAILQUAY_DECL void runner_core::place(handled const& message, destinations_of_message groups) {
    auto const one = std::make_shared<unplaced_message>();
    one->message = message;
    one->groups = std::move(groups);
    if (stopping_) return send_all(*one);  // claimed meanwhile; it is given back
    one->give_up_at = now() + place_patience;
    for (auto const& [to, recipients] : one->groups) ask_for_place(one, to);
    begin_asking();
    std::string const& sender = message->mail().reverse_path;
    bool const is_next = !unplaced_.contains(sender);  // its mail keeps its order
    if (one->missing == 0 && is_next) return send_all(*one);
    unplaced_[sender].push_back(one);
    unplaced_in_time_.push_back(one);
}

MAILQUAY_DECL void runner_core::ask_for_place(std::shared_ptr<unplaced_message> const& of, destination const& to) {
    if (to.way != delivery_way::mx) return;
    auto const known = places_.find(to.name);
    if (known != places_.end() && now() < known->second.until) return;
    auto const [asked, is_new] = asked_.try_emplace(to.name);
    if (is_new) asked->second.in_line = to_ask_.insert(to_ask_.end(), to.name);
    asked->second.who.push_back(of);
    ++of->missing;
}

MAILQUAY_DECL void runner_core::begin_asking() {
    while (!stopping_ && looking_up_ < look_ups_at_once && !to_ask_.empty()) {
        std::string const domain = std::move(to_ask_.front());
        to_ask_.pop_front();
        asked_[domain].in_line.reset();
        destination own{delivery_way::mx, domain};
        eventual<destination> asked = own;
        try {
            asked = by_->place_of(own);
        } catch (std::exception const& failed) {  // a host's function; the domain goes by itself
            log_broken("places", failed.what());
        } catch (...) {
            log_broken("places", "it threw what is no std::exception");
        }
        if (asked.ready()) {
            know_place(domain, std::move(asked).value());
            continue;
        }
        ++looking_up_;
        auto const signal = loop_->look_ups.emplace(loop_->look_ups.end());
        auto const slot = signal->slot();
        auto at_end = [self = shared_from_this(), signal](std::exception_ptr) {
            --self->looking_up_;
            self->begin_asking();
            self->pump();
            // The coroutine's last steps may still look at its signal.
            asio::post(self->loop_->strand, [self, signal] {
                self->loop_->look_ups.erase(signal);
                self->end_if_idle();
            });
        };
        asio::co_spawn(loop_->strand, look_up_place(domain, std::move(asked)), asio::bind_cancellation_slot(slot, std::move(at_end)));
    }
}

MAILQUAY_DECL asio::awaitable<void> runner_core::look_up_place(std::string domain, eventual<destination> asked) {
    auto const self = shared_from_this();
    co_await asio::this_coro::throw_if_cancelled(false);
    destination found{delivery_way::mx, domain};
    try {
        auto got = co_await std::move(asked).wait();
        found = std::move(got);
    } catch (std::exception const& failed) {
        if (!stopping_) log_broken("places", failed.what());
    } catch (...) {
        if (!stopping_) log_broken("places", "it threw what is no std::exception");
    }
    know_place(domain, std::move(found));
}

MAILQUAY_DECL void runner_core::know_place(std::string const& domain, destination place) {
    if (places_.size() >= places_kept) {
        std::erase_if(places_, [at = now()](auto const& one) { return one.second.until <= at; });
        if (places_.size() >= places_kept) places_.clear();
    }
    places_[domain] = known_place{std::move(place), now() + place_kept};
    if (auto const asked = asked_.extract(domain)) send_waiting(std::move(asked.mapped().who));
}

MAILQUAY_DECL void runner_core::send_waiting(std::vector<std::shared_ptr<unplaced_message>> who) {
    for (auto const& one : who) {
        if (--one->missing != 0 || !one->message) continue;
        std::string const sender = one->message->mail().reverse_path;
        send_placed(sender);
    }
}

// The messages of a sender whose turn it is.
MAILQUAY_DECL void runner_core::send_placed(std::string const& sender) {
    auto const line = unplaced_.find(sender);
    if (line == unplaced_.end()) return;
    while (!line->second.empty() && line->second.front()->missing == 0) {
        auto const one = std::move(line->second.front());
        line->second.pop_front();
        send_all(*one);
    }
    if (line->second.empty()) unplaced_.erase(line);
}

MAILQUAY_DECL void runner_core::send_all(unplaced_message& one) {
    handled const message = std::exchange(one.message, nullptr);
    destinations_of_message placed;
    std::unordered_map<std::string, std::size_t> where;
    for (auto& [to, recipients] : one.groups) {
        auto const known = to.way == delivery_way::mx ? places_.find(to.name) : places_.end();
        destination const place = known == places_.end() ? to : known->second.place;
        if (place != to)
            for (std::uint32_t const number : recipients) message->domains[number] = to.name;
        auto const [at, is_new] = where.try_emplace(std::to_string(static_cast<unsigned>(place.way)) + place.name, placed.size());
        if (is_new) placed.emplace_back(place, std::vector<std::uint32_t>{});
        auto& all = placed[at->second].second;
        all.insert(all.end(), recipients.begin(), recipients.end());
    }
    one.groups.clear();
    for (auto& [to, recipients] : placed) send_to(message, to, std::move(recipients));
    job_ended(message);
}

// What waited long enough for its places goes without those that are not known.
MAILQUAY_DECL void runner_core::take_unplaced() {
    auto const at = now();
    while (!unplaced_in_time_.empty()) {
        auto const one = unplaced_in_time_.front().lock();
        if (one && one->message && one->give_up_at > at) return;
        unplaced_in_time_.pop_front();
        if (!one || !one->message) continue;
        std::vector<std::string> domains;
        for (auto const& [to, recipients] : one->groups) domains.push_back(to.name);
        for (std::string const& domain : domains) go_without_place(domain);
    }
}

// Nobody waits for it from now on; what is found after all is for the next messages.
MAILQUAY_DECL void runner_core::go_without_place(std::string const& domain) {
    auto const asked = asked_.find(domain);
    if (asked == asked_.end()) return;
    auto& known = places_.try_emplace(domain, known_place{{delivery_way::mx, domain}, {}}).first->second;
    known.until = now() + place_kept;
    auto who = std::exchange(asked->second.who, {});
    if (asked->second.in_line) {
        to_ask_.erase(*asked->second.in_line);
        asked_.erase(asked);
    }
    send_waiting(std::move(who));
}

MAILQUAY_DECL void runner_core::end_places() {
    to_ask_.clear();
    asked_.clear();
    unplaced_in_time_.clear();
    auto const all = std::exchange(unplaced_, {});
    for (auto const& [sender, line] : all) {
        for (auto const& one : line) {
            handled const message = std::exchange(one->message, nullptr);
            for (auto const& [to, recipients] : one->groups) defer(*message, recipients, "4.3.2 the program stopped", false);
            job_ended(message);
        }
    }
    for (auto& one : loop_->look_ups) one.emit(asio::cancellation_type::terminal);
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
