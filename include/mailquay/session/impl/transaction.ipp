#pragma once

#include <mailquay/session/transaction.hpp>

#include <mailquay/base/ascii.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// "KEYWORD=value" as it came, or "KEYWORD" alone.
inline std::string_view parameter_text(parameter const& given) noexcept {
    char const* const first = given.keyword.data();
    char const* const last = given.has_value ? given.value.data() + given.value.size() : first + given.keyword.size();
    return {first, static_cast<std::size_t>(last - first)};
}

template <class List>
std::optional<std::string_view> find_parameter(List const& kept, std::string_view keyword) noexcept {
    for (std::string_view const one : kept) {
        std::size_t const end = std::min(one.find('='), one.size());
        if (iequals(one.substr(0, end), keyword)) return end == one.size() ? std::string_view{} : one.substr(end + 1);
    }
    return std::nullopt;
}

}  // namespace detail

MAILQUAY_DECL recipient_request const& recipient::requests() const noexcept {
    static recipient_request const nothing{};
    return asked ? *asked : nothing;
}

MAILQUAY_DECL std::optional<std::string_view> recipient::parameter(std::string_view keyword) const noexcept {
    return detail::find_parameter(requests().unknown, keyword);
}

MAILQUAY_DECL delivery_request const& transaction::requests() const noexcept {
    static delivery_request const nothing{};
    return requests_ ? *requests_ : nothing;
}

MAILQUAY_DECL std::optional<std::string_view> transaction::parameter(std::string_view keyword) const noexcept {
    return detail::find_parameter(unknown_, keyword);
}

MAILQUAY_DECL delivery_request& transaction_editor::requests() {
    if (!edited_.requests_) edited_.requests_ = std::make_unique<delivery_request>();
    return *edited_.requests_;
}

MAILQUAY_DECL recipient_request& transaction_editor::requests(recipient& of) {
    if (!of.asked) of.asked = std::make_shared<recipient_request>();
    return *of.asked;
}

MAILQUAY_DECL void transaction_editor::add_unknown(parameter const& given) {
    edited_.unknown_.push_back(keep(detail::parameter_text(given)));
}

MAILQUAY_DECL void transaction_editor::add_unknown(parameter const& given, recipient& of) {
    requests(of).unknown.emplace_back(detail::parameter_text(given));
}

MAILQUAY_DECL envelope transaction::snapshot() const {
    envelope copy;
    copy.id = id();
    copy.reverse_path = reverse_path_.wire;
    copy.recipients.reserve(accepted_);
    for (recipient const& one : recipients()) {
        envelope_recipient kept{std::string(one.wire()), std::string(one.mailbox), {}, one.requests()};
        kept.deliver_to.assign(one.addresses.begin(), one.addresses.end());
        copy.recipients.push_back(std::move(kept));
    }
    if (session_ != nullptr) {
        copy.hello_name = session_->hello_name();
        copy.client = session_->client();
        copy.user = session_->user();
        copy.secure = session_->secure();
        if (auto const* const told = forwarded()) copy.forwarded = *told;
    }
    copy.smtputf8 = parameters_.smtputf8;
    copy.body = parameters_.body;
    if (parameters_.auth) copy.auth.emplace(*parameters_.auth);
    copy.declared_size = parameters_.size;
    copy.requests = requests();
    copy.unknown_parameters.assign(unknown_.begin(), unknown_.end());
    return copy;
}

MAILQUAY_DECL void transaction::clear() noexcept {
    constexpr std::size_t kept_recipients = 128;
    session_ = nullptr;
    id_ = {};
    reverse_path_ = {};
    if (recipients_.capacity() > kept_recipients)
        std::vector<recipient>{}.swap(recipients_);
    else
        recipients_.clear();
    accepted_ = 0;
    parameters_ = {};
    received_field_ = {};
    if (requests_ || forwarded_ || !unknown_.empty() || !aliases_.empty() || !slots_.empty()) clear_extras();
    text_.clear();
}

/// What few transactions have.
MAILQUAY_DECL void transaction::clear_extras() noexcept {
    requests_.reset();
    forwarded_.reset();
    unknown_.clear();
    aliases_.clear();
    slots_.clear();
}

}  // namespace mailquay::inline MAILQUAY_ABI
