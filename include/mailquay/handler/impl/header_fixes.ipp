#pragma once

#include <mailquay/handler/header_fixes.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/message/date.hpp>

#include <chrono>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// The value of tag "d" of a DKIM-Signature (RFC 6376 §3.5), without white space; empty if there is none.
inline std::string signing_domain(std::string_view value) {
    std::string text;
    for (char const c : value)
        if (!is_wsp(c) && c != '\r' && c != '\n') text += c;
    std::string_view rest{text};
    while (!rest.empty()) {
        std::string_view const tag = rest.substr(0, rest.find(';'));
        if (tag.starts_with("d=")) return std::string(tag.substr(2));
        rest.remove_prefix(std::min(tag.size() + 1, rest.size()));
    }
    return {};
}

/// Whether `name` is `domain` or lies below it.
inline bool lies_in(std::string_view name, std::string_view domain) noexcept {
    if (domain.empty() || name.size() < domain.size() || !iequals(name.substr(name.size() - domain.size()), domain)) return false;
    return name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.';
}

class header_fixes_run final : public filter_run {
public:
    explicit header_fixes_run(std::string hostname) : hostname_(std::move(hostname)) {}

    eventual<verdict> on_end(message_edit& message) override {
        for (std::size_t i = 0; auto const signature = message.find("DKIM-Signature", i); ++i)
            if (lies_in(hostname_, signing_domain(signature->value))) return pass();
        (void)message.remove_fields("Bcc");
        (void)message.remove_fields("Return-Path");
        if (!message.find("Message-ID"))
            message.add_field("Message-ID", '<' + std::string(message.mail().id()) + '@' + hostname_ + '>', field_place::bottom);
        if (!message.find("Date")) {
            auto const now = std::chrono::system_clock::now();
            message.add_field("Date", format_date(now, local_utc_offset(now)), field_place::bottom);
        }
        return pass();
    }

private:
    std::string hostname_;
};

}  // namespace detail

// The key function.
MAILQUAY_DECL header_fixes::~header_fixes() = default;

MAILQUAY_DECL std::unique_ptr<filter_run> header_fixes::begin(transaction const&) {
    return std::make_unique<detail::header_fixes_run>(hostname_);
}

}  // namespace mailquay::inline MAILQUAY_ABI
