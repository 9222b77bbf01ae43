#pragma once

#include <mailquay/client/outgoing_message.hpp>

#include <mailquay/base/ascii.hpp>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL void content_scanner::scan(std::string_view octets) noexcept {
    for (char const c : octets) {
        bool const lf = c == '\n', cr = c == '\r';
        if (lf != after_cr_) found_.bare_line_ends = true;
        if (lf) {
            if (line_empty_) in_header_ = false;
            line_empty_ = true;
        } else if (!cr) {
            line_empty_ = false;
        }
        if (c == '\0') found_.nul = true;
        if (static_cast<unsigned char>(c) >= 0x80) {
            found_.eight_bit = true;
            if (in_header_) found_.utf8_header = true;
        }
        after_cr_ = cr;
    }
}

MAILQUAY_DECL content_facts content_scanner::facts() const noexcept {
    content_facts made = found_;
    if (after_cr_) made.bare_line_ends = true;
    return made;
}

MAILQUAY_DECL outgoing_message::outgoing_message(envelope const& received, std::shared_ptr<message_content> octets)
    : id(received.id), reverse_path(received.reverse_path), content(std::move(octets)), body(received.body),
      smtputf8(received.smtputf8), requests(received.requests), auth(received.auth), forwarded(received.forwarded) {
    recipients.reserve(received.recipients.size());
    for (envelope_recipient const& one : received.recipients) recipients.push_back({one.address, one.requests});
}

}  // namespace mailquay::inline MAILQUAY_ABI
