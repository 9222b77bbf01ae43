#include <mailquay/relay/recipient_verifier.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/decimal.hpp>
#include <mailquay/protocol/replies.hpp>

#include <asio/awaitable.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <variant>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// Whether a reply to RCPT says that there is no such mailbox. Servers tell who asks at RCPT too what they think of him ("554 5.7.1
/// Client host rejected"): that is no word about the recipient.
inline bool is_about_recipient(received_reply const& reply) {
    if (reply.code < 500) return false;
    if (reply.enhanced.empty()) return reply.code == 550 || reply.code == 551 || reply.code == 553;
    // RFC 3463 §3.2 and §3.3, RFC 7505; 5.4.1 is what Exchange Online says of addresses that its directory lacks.
    constexpr std::string_view of_addresses[] = {"5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.2.1", "5.4.1"};
    return std::find(std::begin(of_addresses), std::end(of_addresses), reply.enhanced) != std::end(of_addresses);
}

}  // namespace detail

struct recipient_verifier::state {
    /// What the next hop said once: when (seconds since 1970), its code (250 for yes), status, text.
    struct kept {
        std::chrono::seconds at{0};
        int code = 0;
        std::string status{};
        std::string text{};
        bool own_finding = false;  // nothing was asked: it is found out anew each time

        bool positive() const noexcept { return code < 300; }
        std::string to_string() const { return std::to_string(at.count()) + ' ' + std::to_string(code) + ' ' + status + ' ' + text; }
        static std::optional<kept> read(std::string_view value) {
            auto const word = [&value] {
                std::string_view const found = value.substr(0, value.find(' '));
                value.remove_prefix(std::min(found.size() + 1, value.size()));
                return found;
            };
            kept made;
            auto const at = parse_decimal<std::uint32_t>(word());
            auto const code = parse_decimal<std::uint16_t>(word());
            if (!at || !code || (*code != 250 && (*code < 500 || *code > 599))) return std::nullopt;
            made.at = std::chrono::seconds{*at};
            made.code = *code;
            made.status = word();
            made.text = value;
            return made;
        }
        verdict judged() const {
            if (positive()) return accept();
            return reject(code, status, text).because("verified with the next hop");
        }
    };

    std::chrono::seconds now() const { return std::chrono::floor<std::chrono::seconds>(time->wall().time_since_epoch()); }

    // Nothing: the next hop does not say.
    static asio::awaitable<std::optional<kept>> ask(std::shared_ptr<state const> self, std::string address) {
        outgoing_message question{"", {address}, ""};
        question.content.reset();  // MAIL, RCPT, RSET: a question only
        auto const executor = co_await asio::this_coro::executor;
        asio::steady_timer timer{executor};
        timer.expires_after(self->settings.patience);
        using namespace asio::experimental::awaitable_operators;
        auto either = self->asks->send(self->hop, std::move(question)) || timer.async_wait(asio::use_awaitable);
        auto first = co_await std::move(either);
        std::optional<kept> found;
        if (first.index() == 1) co_return found;
        send_report const report = report_of(std::get<0>(std::move(first)));
        if (report.recipients.size() != 1) co_return found;
        recipient_result const& one = report.recipients.front();
        bool const yes = one.state == recipient_state::accepted;
        bool const refused = one.state == recipient_state::permanent && one.stage == send_stage::recipient;
        bool const own = refused && one.reply.code == 0;  // as RFC 6531 §3.5 has it: the next hop has no way to take this address
        if (!yes && !own && !(refused && detail::is_about_recipient(one.reply))) co_return found;
        found.emplace();
        found->at = self->now();
        found->code = yes ? 250 : own ? 550 : one.reply.code;
        found->status = one.status;
        found->own_finding = own;
        if (!yes) found->text = (own ? one.problem : one.reply.text).substr(0, 200);
        std::replace_if(found->text.begin(), found->text.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
        co_return found;
    }
    static send_report report_of(send_report report) { return report; }
    static send_report report_of(std::optional<send_report> report) { return *std::move(report); }

    static asio::awaitable<verdict> verify(std::shared_ptr<state const> self, std::string address, std::string key) {
        auto looked = self->answers->get(key);
        auto const value = co_await std::move(looked).wait();
        std::optional<kept> known;
        if (value && *value) known = kept::read(**value);
        if (known) {
            auto const age = self->now() - known->at;
            bool const positive = known->positive();
            if (age >= (positive ? self->settings.positive_keep : self->settings.negative_keep))
                known.reset();
            else if (age < (positive ? self->settings.positive_refresh : self->settings.negative_refresh))
                co_return known->judged();
        }
        std::optional<kept> fresh = co_await ask(self, std::move(address));
        if (!fresh) {
            if (known) co_return known->judged();
            if (self->settings.accept_unverified) co_return accept();
            co_return defer(replies::recipient_unverified);
        }
        if (fresh->own_finding) co_return fresh->judged();
        auto const keep = fresh->positive() ? self->settings.positive_keep : self->settings.negative_keep;
        auto stored = self->answers->set(key, fresh->to_string(), keep);
        auto const ignored = co_await std::move(stored).wait();
        (void)ignored;  // a store that is away: asked again the next time
        co_return fresh->judged();
    }

    std::shared_ptr<client> asks;
    next_hop hop;
    std::shared_ptr<store> answers;
    verifier_settings settings;
    std::shared_ptr<mailquay::clock> time;
};

MAILQUAY_DECL recipient_verifier::recipient_verifier(std::shared_ptr<client> asks, next_hop to, std::shared_ptr<store> answers,
                                                     verifier_settings settings, std::shared_ptr<mailquay::clock> time) {
    if (!asks) throw std::invalid_argument("recipient_verifier: no client to ask with");
    if (!answers) throw std::invalid_argument("recipient_verifier: no store for answers: memory_store will do");
    if (!time) throw std::invalid_argument("recipient_verifier: no clock: leave it out for machine_clock()");
    if (to.host.empty() && to.unix_path.empty()) throw std::invalid_argument("recipient_verifier: no next hop to ask");
    if (std::string const fault = fault_of(to.settings); !fault.empty()) throw std::invalid_argument("recipient_verifier: " + fault);
    if (settings.domains.empty()) throw std::invalid_argument("verifier_settings::domains is empty: nobody would be verified; name your domains");
    if (settings.patience <= settings.patience.zero() || settings.patience > std::chrono::seconds{60})
        throw std::invalid_argument("verifier_settings::patience must be above 0 and at most 60 s, which is what a hook has; leave it at 30 s");
    for (auto const keep : {settings.positive_keep, settings.negative_keep})
        if (keep < std::chrono::seconds{1} || keep > std::chrono::hours{10 * 366 * 24})
            throw std::invalid_argument("verifier_settings: positive_keep and negative_keep must be from 1 s to ten years; leave them at 31 and 3 days");
    if (settings.positive_refresh < std::chrono::seconds{0} || settings.negative_refresh < std::chrono::seconds{0})
        throw std::invalid_argument("verifier_settings: positive_refresh and negative_refresh cannot be below 0; leave them at 7 days and 3 hours");
    if (settings.positive_refresh > settings.positive_keep || settings.negative_refresh > settings.negative_keep)
        throw std::invalid_argument("verifier_settings: an answer cannot be refreshed after it is forgotten; set keep above refresh");
    state_ = std::make_shared<state const>(state{std::move(asks), std::move(to), std::move(answers), std::move(settings), std::move(time)});
}
MAILQUAY_DECL recipient_verifier::~recipient_verifier() = default;
MAILQUAY_DECL recipient_verifier::recipient_verifier(recipient_verifier const&) = default;
MAILQUAY_DECL recipient_verifier& recipient_verifier::operator=(recipient_verifier const&) = default;

MAILQUAY_DECL eventual<verdict> recipient_verifier::validate(transaction const&, recipient const& to) {
    auto const& ours = state_->settings.domains;
    if (std::find(ours.begin(), ours.end(), to.domain()) == ours.end()) return pass();
    // Local parts are the next hop's affair: what differs in case alone may be another to it.
    std::string key = "verify:" + state_->hop.to_string() + ' ' + std::string{to.local_part()} + '@' + std::string{to.domain()};
    return state::verify(state_, std::string{to.wire()}, std::move(key));
}

}  // namespace mailquay::inline MAILQUAY_ABI
