#pragma once

#include <mailquay/handler/host_extension.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/scrub.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/protocol/verb.hpp>

#include <algorithm>
#include <stdexcept>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// RFC 5321 §4.1.1.1  ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-"), which esmtp-keyword is too.
inline void require_keyword(std::string_view name) {
    bool const well = !name.empty() && is_alnum(name.front()) &&
                      std::all_of(name.begin(), name.end(), [](char c) { return is_alnum(c) || c == '-'; });
    if (!well) throw std::invalid_argument("host_extension: \"" + scrub(name) + "\" is no keyword; use letters, digits and \"-\"");
}

/// A check's reply refuses; one that could not is the host's mistake.
inline reply checked_refusal(reply given) { return given.code >= 400 && given.code <= 599 ? given : reply{replies::local_error}; }

/// Verbs that reach no extension, whether or not what they belong to is switched on.
inline bool is_session_verb(verb which) noexcept {
    switch (which) {
        case verb::unknown:
        case verb::burl:
        case verb::etrn:
        case verb::atrn:
        case verb::turn:
        case verb::send:
        case verb::soml:
        case verb::saml: return false;
        default: return true;
    }
}

}  // namespace detail

MAILQUAY_DECL host_extension::host_extension(std::string keyword, std::string value)
    : keyword_(std::move(keyword)), value_(std::move(value)) {
    detail::require_keyword(keyword_);
    // The line has room for 512 octets with "250-" and CRLF.
    bool const well = keyword_.size() + value_.size() <= 500 &&
                      std::all_of(value_.begin(), value_.end(), [](char c) { return is_printable(c); });
    if (!well) throw std::invalid_argument("host_extension " + keyword_ + ": the value cannot be sent; use one line of printable ASCII");
}

MAILQUAY_DECL host_extension::host_extension(host_extension&& other) noexcept = default;
MAILQUAY_DECL host_extension::~host_extension() = default;

MAILQUAY_DECL host_extension::entry const* host_extension::find(std::deque<entry> const& in, std::string_view name) noexcept {
    auto const found = std::find_if(in.begin(), in.end(), [&](entry const& one) { return iequals(one.name, name); });
    return found == in.end() ? nullptr : &*found;
}

MAILQUAY_DECL void host_extension::add(std::deque<entry>& to, std::vector<std::string_view>& names, entry added) {
    detail::require_keyword(added.name);
    if (find(to, added.name) != nullptr)
        throw std::invalid_argument("host_extension " + keyword_ + ": " + added.name + " is there already");
    names.push_back(to.emplace_back(std::move(added)).name);
}

MAILQUAY_DECL host_extension& host_extension::mail_parameter(std::string keyword, check well) & {
    add(mail_, mail_keywords_, {std::move(keyword), std::move(well), {}});
    return *this;
}

MAILQUAY_DECL host_extension& host_extension::recipient_parameter(std::string keyword, check well) & {
    add(recipient_, recipient_keywords_, {std::move(keyword), std::move(well), {}});
    return *this;
}

MAILQUAY_DECL host_extension& host_extension::verb(std::string name, command_handler answers, verb_rule legal) & {
    if (!answers) throw std::invalid_argument("host_extension " + keyword_ + ": the verb " + name + " has no handler");
    if (detail::is_session_verb(parse_verb(name))) throw std::invalid_argument("host_extension " + keyword_ + ": the verb " + name + " is the session's own");
    add(verbs_, verb_names_, {std::move(name), {}, std::move(answers), legal});
    return *this;
}

MAILQUAY_DECL std::optional<reply> host_extension::mail_parameter(parameter const& given, transaction_editor mail,
                                                                  session_limits const&) const {
    entry const* const taken = find(mail_, given.keyword);
    if (taken != nullptr && taken->well)
        if (auto refused = taken->well(given)) return detail::checked_refusal(std::move(*refused));
    mail.add_unknown(given);
    return std::nullopt;
}

MAILQUAY_DECL std::optional<reply> host_extension::recipient_parameter(parameter const& given, transaction_editor mail, recipient& to) const {
    entry const* const taken = find(recipient_, given.keyword);
    if (taken != nullptr && taken->well)
        if (auto refused = taken->well(given)) return detail::checked_refusal(std::move(*refused));
    mail.add_unknown(given, to);
    return std::nullopt;
}

MAILQUAY_DECL bool host_extension::verb_allowed(std::string_view name, session_state at) const noexcept {
    entry const* const taken = find(verbs_, name);
    if (taken == nullptr) return false;
    switch (taken->legal) {
        case verb_rule::between_transactions: return at == session_state::ready;
        case verb_rule::after_hello: return at != session_state::start;
        case verb_rule::anywhere: return true;
    }
    return false;
}

MAILQUAY_DECL command_handler const* host_extension::handler_of(std::string_view name) const noexcept {
    entry const* const taken = find(verbs_, name);
    return taken == nullptr ? nullptr : &taken->answers;
}

}  // namespace mailquay::inline MAILQUAY_ABI
