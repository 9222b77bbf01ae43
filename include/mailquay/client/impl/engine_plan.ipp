#pragma once

#include <mailquay/client/impl/engine_state.ipp>

#include <mailquay/base/ascii.hpp>

#include <algorithm>
#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

// What is decided of a message before its first command: extensions, and who is in which transaction.

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// The domain that RCPTDOMAINMAX counts by.
inline std::string domain_of(std::string_view address) {
    auto const at = address.rfind('@');
    return at == address.npos ? std::string{} : to_lower_copy(address.substr(at + 1));
}

}  // namespace detail

inline void client_engine::impl::begin(outgoing_message const& given, std::vector<std::size_t> which) {
    message = &given;
    current = phase::message;
    begin_attempt();
    report.recipients.assign(given.recipients.size(), {});
    report.problem = hop_problem::none;
    report.advice = hop_advice::done;
    report.reply = {};
    report.text.clear();
    transactions = 0;
    mail_answered = false;
    to_go.assign(which.begin(), which.end());
    if (which.empty())
        for (std::size_t i = 0; i < given.recipients.size(); ++i) to_go.push_back(i);
    batch.clear();
    accepted.clear();
    put_apart.clear();
    doing = step::finished;
    all_sent = end_seen = false;
    if (plan_message()) {
        begin_transaction();
    } else {
        to_go.clear();
        tell_settled();
    }
    pump();
}

/// Decides what of the extensions is used; what cannot be kept is settled here (rules for a hop that lacks an extension).
inline bool client_engine::impl::plan_message() {
    auto const& offers = report.offers;
    auto const& asks = message->requests;
    auto const fails = [this](detail::own_finding why) {
        fail_all(why);
        return false;
    };
    plan = {};
    plan.prdr = settings.prdr && offers.prdr && !lmtp() && !message->all_or_none;
    if (offers.max_size && message->content && message->content->size() > *offers.max_size)
        return fails({"5.3.4", "the message is larger than the next hop takes"});
    if (asks.requiretls) {
        bool const verified = report.tls && report.server.verified && settings.verify != tls_verification::none && settings.name_is_secure;
        report.advice = hop_advice::try_another;
        if (!verified) return fails({"5.7.30", "REQUIRETLS: the next hop is not verified as it demands"});
        if (!offers.requiretls) return fails({"5.7.30", "REQUIRETLS: the next hop does not support it"});
        report.advice = hop_advice::done;
    }
    if (asks.by && asks.by->mode == by_mode::return_to_sender && !offers.deliver_by)
        return fails({"5.4.7", "the next hop does not deliver by a time, which was asked for"});

    auto const& facts = message->facts;
    bool const binary_possible = offers.binarymime && offers.chunking && settings.chunking != chunking_use::off;
    bool const plain_lines = facts && !facts->bare_line_ends && !facts->nul;
    bool const needs_binary = message->body == body_type::binary_mime ? !plain_lines || binary_possible : facts && facts->bare_line_ends;
    bool eight_bit = message->body != body_type::seven_bit;
    if (needs_binary) {
        if (!binary_possible) return fails({"5.6.3", "the next hop lacks BINARYMIME, which the content needs"});
        plan.body = body_type::binary_mime;
        plan.says_body = true;
    } else if (eight_bit) {
        if (offers.eight_bit_mime) {
            plan.body = body_type::eight_bit_mime;
            plan.says_body = true;
        } else if (facts && !facts->eight_bit) {
            eight_bit = false;
        } else if (settings.eight_bit == eight_bit_use::fail) {
            return fails({"5.6.3", "the next hop lacks 8BITMIME, which the content needs"});
        }
    }
    plan.bdat = plan.body == body_type::binary_mime || (settings.chunking == chunking_use::where_offered && offers.chunking);

    auto from = detail::sendable(message->reverse_path, offers.smtputf8, false);
    if (!from.refused.status.empty()) return fails(from.refused);
    bool const utf8_header = message->smtputf8 && (!facts || facts->utf8_header);
    bool utf8 = utf8_header || detail::is_utf8_address(from.text);
    reverse_path = std::move(from.text);
    for (std::size_t const which : to_go) {
        auto const& to = message->recipients[which];
        auto const path = detail::sendable(to.address, offers.smtputf8, true);
        bool const refuses_rrvs = to.requests.valid_since && to.requests.valid_since->action == rrvs_action::refuse && !offers.rrvs;
        if (!path.refused.status.empty()) {
            settle_own(which, recipient_state::permanent, send_stage::recipient, path.refused);
        } else if (refuses_rrvs) {
            settle_own(which, recipient_state::permanent, send_stage::recipient, {"5.7.19", "the next hop lacks RRVS, which was demanded"});
        }
        utf8 = utf8 || detail::is_utf8_address(path.text);
    }
    std::erase_if(to_go, [this](std::size_t which) { return !unsettled(which); });
    if (utf8_header && facts && !offers.smtputf8) return fails({"5.6.9", "the next hop lacks SMTPUTF8, which the header needs"});
    plan.smtputf8 = utf8 && offers.smtputf8;
    tell_settled();
    return !to_go.empty();
}

inline std::string client_engine::impl::domain_of(std::size_t which) const {
    return detail::domain_of(message->recipients[which].address);
}

inline std::vector<std::size_t> client_engine::impl::next_batch() {
    auto const& offers = report.offers;
    auto most_domains = offers.most_domains;
    if ((one_domain && !message->all_or_none) || !put_apart.empty()) most_domains = 1;
    std::size_t most = std::max<std::size_t>(settings.limits.recipients, 1);
    if (offers.most_recipients) most = std::min<std::size_t>(most, *offers.most_recipients);
    std::vector<std::size_t> taken;
    std::deque<std::size_t> left;
    std::set<std::string> domains;
    for (std::size_t const which : to_go) {
        bool fits = taken.size() < most;
        if (fits && most_domains) {
            std::string domain = domain_of(which);
            fits = domains.contains(domain) || domains.size() < *most_domains;
            if (fits) domains.insert(std::move(domain));
        }
        if (fits) {
            taken.push_back(which);
        } else {
            left.push_back(which);
        }
    }
    to_go = std::move(left);
    return taken;
}

}  // namespace mailquay::inline MAILQUAY_ABI
