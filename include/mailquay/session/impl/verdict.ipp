#pragma once

#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/verdict.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {

struct verdict::details {
    int code = 0;
    std::string enhanced{};
    std::string text{};
    std::string rule{};
    std::string mailbox{};
    std::vector<std::string> addresses{};
};

MAILQUAY_DECL void verdict::forget_details() noexcept { delete std::exchange(details_, nullptr); }

MAILQUAY_DECL verdict::verdict(verdict const& other)
    : named_(other.named_), details_(other.details_ != nullptr ? new details(*other.details_) : nullptr), says_(other.says_) {}

MAILQUAY_DECL verdict& verdict::operator=(verdict const& other) {
    if (this != &other) *this = verdict(other);
    return *this;
}

MAILQUAY_DECL verdict::details& verdict::own() {
    if (details_ == nullptr) details_ = new details;
    return *details_;
}

MAILQUAY_DECL verdict& verdict::after(std::chrono::milliseconds delay) & noexcept {
    constexpr std::chrono::milliseconds most{60'000};
    says_.delay_ms = static_cast<std::uint16_t>(std::clamp(delay, std::chrono::milliseconds{0}, most).count());
    return *this;
}

MAILQUAY_DECL verdict& verdict::with_text(std::string text) & {
    details& mine = own();
    if (named_ != nullptr) {
        mine.code = named_->code();
        mine.enhanced = named_->enhanced();
        named_ = nullptr;
    }
    mine.text = std::move(text);
    return *this;
}

MAILQUAY_DECL verdict& verdict::mailbox(std::string id) & {
    own().mailbox = std::move(id);
    return *this;
}

MAILQUAY_DECL verdict& verdict::deliver_to(std::vector<std::string> addresses) & {
    own().addresses = std::move(addresses);
    return *this;
}

MAILQUAY_DECL verdict& verdict::because(std::string rule) & {
    own().rule = std::move(rule);
    return *this;
}

MAILQUAY_DECL int verdict::code() const noexcept {
    if (named_ != nullptr) return named_->code();
    return details_ ? details_->code : 0;
}

MAILQUAY_DECL std::string_view verdict::enhanced() const noexcept {
    if (named_ != nullptr) return named_->enhanced();
    return details_ ? std::string_view{details_->enhanced} : std::string_view{};
}

MAILQUAY_DECL std::string_view verdict::text() const noexcept {
    if (named_ != nullptr) return named_->text();
    return details_ ? std::string_view{details_->text} : std::string_view{};
}

MAILQUAY_DECL std::string_view verdict::rule() const noexcept {
    return details_ ? std::string_view{details_->rule} : std::string_view{};
}

MAILQUAY_DECL std::string_view verdict::resolved_mailbox() const noexcept {
    return details_ ? std::string_view{details_->mailbox} : std::string_view{};
}

MAILQUAY_DECL std::vector<std::string> const& verdict::resolved_addresses() const noexcept {
    static std::vector<std::string> const none;
    return details_ ? details_->addresses : none;
}

MAILQUAY_DECL bool verdict::resolves() const noexcept {
    return details_ && (!details_->mailbox.empty() || !details_->addresses.empty());
}

namespace detail {
inline bool verdict_class_fits(verdict_kind kind, int code) noexcept {
    switch (kind) {
        case verdict_kind::accept: return code >= 200 && code < 300;
        case verdict_kind::reject: return code >= 500 && code < 600;
        case verdict_kind::defer: return code >= 400 && code < 500;
        case verdict_kind::pass: break;
    }
    return false;
}
}  // namespace detail

MAILQUAY_DECL verdict verdict::make(verdict_kind kind, reply_text const& named) noexcept {
    verdict made = make(kind);
    if (detail::verdict_class_fits(kind, named.code())) made.named_ = &named;
    made.says_.closes = named.code() == 421;
    return made;
}

MAILQUAY_DECL verdict verdict::make(verdict_kind kind, int code, std::string enhanced, std::string text) {
    verdict made = make(kind);
    details& mine = made.own();
    mine.text = std::move(text);
    if (detail::verdict_class_fits(kind, code)) {
        mine.code = code;
        mine.enhanced = enhanced.empty() ? std::to_string(code / 100) + ".0.0" : std::move(enhanced);
        made.says_.closes = code == 421;
    }
    return made;
}

MAILQUAY_DECL verdict in_place_of_greeting(verdict given, reply_text const& usual) {
    int const code = given.code();
    if (code == 0 || code == usual.code() || code == replies::host_takes_no_mail.code()) return given;
    std::string_view const text = given.text().empty() ? usual.text() : given.text();
    verdict made = verdict::make(given.kind(), usual.code(), std::string{given.enhanced()}, std::string{text});
    if (!given.rule().empty()) made.because(std::string{given.rule()});
    if (given.closes()) made.then_close();
    return made.after(given.delay());
}

}  // namespace mailquay::inline MAILQUAY_ABI
