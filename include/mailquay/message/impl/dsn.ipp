#include <mailquay/message/dsn.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/base64.hpp>
#include <mailquay/base/cursor.hpp>
#include <mailquay/base/scrub.hpp>
#include <mailquay/base/utf8.hpp>
#include <mailquay/message/date.hpp>
#include <mailquay/message/header_walker.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

constexpr std::size_t dsn_line_octets = 76;
constexpr std::size_t dsn_word_octets = 900;  // RFC 5322 §2.1.1: no line above 998
constexpr std::size_t dsn_reply_octets = 500;

/// Writes fields whose values cannot add another one: control characters become "?", lines are folded at spaces.
class dsn_writer {
public:
    explicit dsn_writer(bool utf8) : kept_(utf8 ? scrub_to::utf8 : scrub_to::ascii) {}

    void line(std::string_view text = {}) { out_.append(text).append("\r\n"); }
    void field(std::string_view name, std::string_view value) {
        out_.append(name).append(":");
        words(value, "\r\n\t", name.size() + 1, true);
        out_ += "\r\n";
    }
    /// Text for people, wrapped.
    void paragraph(std::string_view text, std::string_view indent = {}) {
        out_ += indent;
        words(text, "\r\n" + std::string(indent), indent.size(), false);
        out_ += "\r\n";
    }
    void raw(std::string_view octets) { out_ += octets; }
    std::string take() { return std::move(out_); }

private:
    static std::string_view take_word(std::string_view& rest) {
        auto const end = std::min(rest.find(' '), rest.size());
        std::string_view word = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return word.substr(0, dsn_word_octets);
    }
    void words(std::string_view value, std::string_view fold, std::size_t used, bool space_first) {
        std::string const clean = scrub(value, value.size() * 4, kept_);
        std::string_view rest = clean;
        bool first = true;
        while (!rest.empty()) {
            std::string_view const word = take_word(rest);
            if (word.empty()) continue;
            if (!first && used + 1 + word.size() > dsn_line_octets) {
                out_ += fold;
                used = fold.size() - 2;
            } else if (!first || space_first) {
                out_ += ' ';
                ++used;
            }
            out_ += word;
            used += word.size();
            first = false;
        }
    }

    std::string out_{};
    scrub_to kept_;
};

/// RFC 6533 §3  utf-8-addr-xtext: "\", "+", "=" and all outside printable ASCII as \x{HEX}.
inline void append_utf8_address(std::string& out, std::string_view address) {
    cursor in{address};
    while (!in.at_end()) {
        auto const point = decode_utf8(in);
        if (!point) {
            in.advance(1);
            out += '?';
        } else if (*point > 0x20 && *point < 0x7f && *point != '\\' && *point != '+' && *point != '=') {
            out += static_cast<char>(*point);
        } else {
            fmt::format_to(std::back_inserter(out), "\\x{{{:X}}}", static_cast<std::uint32_t>(*point));
        }
    }
}

/// "rfc822; a@example.org". `type` empty: by what the address consists of.
inline std::string typed_address(std::string_view type, std::string_view address, bool utf8) {
    bool const ascii = is_ascii(address);
    if (ascii) return fmt::format("{}; {}", type.empty() ? "rfc822" : type, address);
    std::string text{"utf-8; "};
    if (utf8)
        text += address;
    else
        append_utf8_address(text, address);
    return text;
}

inline char class_of(dsn_action action) noexcept {
    return action == dsn_action::failed ? '5' : action == dsn_action::delayed ? '4' : '2';
}

inline bool is_status(std::string_view text) noexcept {
    std::size_t at = 1;
    auto const number = [&] {
        std::size_t digits = 0;
        while (at < text.size() && is_digit(text[at])) ++at, ++digits;
        return digits >= 1 && digits <= 3;
    };
    auto const dot = [&] { return at < text.size() && text[at++] == '.'; };
    return !text.empty() && (text[0] == '2' || text[0] == '4' || text[0] == '5') && dot() && number() && dot() && number() &&
           at == text.size();
}

// A temporary failure that was never cured is a failure all the same: 4.4.1 stays what it was about.
inline std::string status_for(dsn_recipient const& of) {
    char const wanted = class_of(of.action);
    if (!is_status(of.status)) return std::string(1, wanted) + ".0.0";
    bool const fits = of.status[0] == wanted || (of.action == dsn_action::failed && of.status[0] == '4');
    return fits ? of.status : std::string(1, wanted) + ".0.0";
}

inline std::string_view dsn_subject(dsn_action action) noexcept {
    switch (action) {
        case dsn_action::failed: return "Undelivered mail";
        case dsn_action::delayed: return "Mail delayed";
        case dsn_action::delivered: return "Mail delivered";
        case dsn_action::relayed: return "Mail passed on";
        case dsn_action::expanded: return "Mail passed on to the members of a list";
    }
    return "Mail";
}

inline std::string_view dsn_sentence(dsn_action action) noexcept {
    switch (action) {
        case dsn_action::failed:
            return "Your message could not be delivered to the recipients below. No further attempt is made.";
        case dsn_action::delayed:
            return "Your message could not be delivered yet to the recipients below. It is still being tried: you need not send it "
                   "again.";
        case dsn_action::delivered: return "Your message was delivered to the recipients below.";
        case dsn_action::relayed:
            return "Your message was passed on to a system that sends no notices of delivery. Unless it fails you will hear no more "
                   "of these recipients.";
        case dsn_action::expanded:
            return "Your message was passed on to the members that the recipients below stand for. Unless it fails you will hear no "
                   "more of them.";
    }
    return {};
}

inline void write_dsn_text(dsn_writer& to, dsn_report const& report) {
    dsn_action const action = report.recipients.front().action;
    to.paragraph(fmt::format("This is the mail system at {}.", report.reporting_mta));
    to.line();
    to.paragraph(dsn_sentence(action));
    to.line();
    for (dsn_recipient const& one : report.recipients) {
        to.paragraph(fmt::format("<{}>", one.address));
        if (!one.remote_mta.empty() && !one.diagnostic.empty())
            to.paragraph(fmt::format("{} said: {}", one.remote_mta, std::string_view{one.diagnostic}.substr(0, dsn_reply_octets)), "    ");
        else if (!one.diagnostic.empty())
            to.paragraph(std::string_view{one.diagnostic}.substr(0, dsn_reply_octets), "    ");
        if (one.retry_until) to.paragraph("It is tried until " + format_date(*one.retry_until, report.utc_offset) + ".", "    ");
    }
}

inline void write_base64(dsn_writer& to, std::string_view octets) {
    constexpr std::size_t octets_of_line = 57;
    for (; !octets.empty(); octets.remove_prefix(std::min(octets_of_line, octets.size())))
        to.line(base64_encode(octets.substr(0, octets_of_line)));
}

// Who reads it is told addresses as they are, also where the notice itself must be ASCII.
inline void write_dsn_text_part(dsn_writer& to, dsn_report const& report, bool utf8) {
    bool const encoded = !utf8 && std::any_of(report.recipients.begin(), report.recipients.end(), [](dsn_recipient const& one) { return !is_ascii(one.address); });
    dsn_writer text{utf8 || encoded};
    if (!report.recipients.empty()) write_dsn_text(text, report);
    to.field("Content-Type", utf8 || encoded ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii");
    to.field("Content-Description", "What happened");
    if (utf8 || encoded) to.field("Content-Transfer-Encoding", utf8 ? "8bit" : "base64");
    to.line();
    if (encoded) return write_base64(to, text.take());
    to.raw(text.take());
}

inline void write_dsn_status(dsn_writer& to, dsn_report const& report, bool utf8) {
    auto const date = [&](std::string_view name, auto const& when) {
        if (when) to.field(name, format_date(*when, report.utc_offset));
    };
    if (!report.envelope_id.empty()) to.field("Original-Envelope-Id", report.envelope_id);
    to.field("Reporting-MTA", "dns; " + report.reporting_mta);
    date("Arrival-Date", report.arrival);
    date("Deliver-By-Date", report.deliver_by);
    if (!report.future_release.empty()) to.field("Future-Release-Request", report.future_release);
    for (dsn_recipient const& one : report.recipients) {
        to.line();
        if (!one.original_type.empty()) to.field("Original-Recipient", typed_address(one.original_type, one.original_address, utf8));
        to.field("Final-Recipient", typed_address({}, one.address, utf8));
        to.field("Action", to_string(one.action));
        to.field("Status", status_for(one));
        if (!one.remote_mta.empty()) to.field("Remote-MTA", "dns; " + one.remote_mta);
        if (!one.diagnostic.empty())
            to.field("Diagnostic-Code", fmt::format("{}; {}", one.diagnostic_is_smtp ? "smtp" : "X-mailquay",
                                                    std::string_view{one.diagnostic}.substr(0, dsn_reply_octets)));
        date("Last-Attempt-Date", one.last_attempt);
        if (one.action == dsn_action::delayed) date("Will-Retry-Until", one.retry_until);
    }
}

/// How the original can be shown.
struct dsn_original {
    std::string_view octets{};
    bool whole = false;
    bool utf8_header = false;
    bool eight_bit = false;
};

// Lines that a next hop would refuse, or that a part cannot hold.
inline bool fits_lines(std::string_view octets) noexcept {
    std::size_t line = 0;
    for (std::size_t i = 0; i < octets.size(); ++i) {
        char const c = octets[i];
        if (c == '\0') return false;
        if (c == '\n' && (i == 0 || octets[i - 1] != '\r')) return false;
        if (c == '\r' && (i + 1 == octets.size() || octets[i + 1] != '\n')) return false;
        line = c == '\n' ? 0 : line + 1;
        if (line > 999) return false;
    }
    return true;
}

inline dsn_original original_of(dsn_report const& report) {
    header_walker walk{report.original};
    while (walk.next()) {
    }
    std::string_view header = report.original.substr(0, walk.position());
    if (walk.blank_line()) header.remove_suffix(2);
    dsn_original shown;
    shown.utf8_header = !is_ascii(header);
    shown.whole = report.whole_original && report.original.size() <= dsn_whole_octets && fits_lines(report.original);
    shown.octets = shown.whole ? report.original : header;
    shown.eight_bit = !is_ascii(shown.octets);
    return shown;
}

inline void write_dsn_original(dsn_writer& to, dsn_original const& shown, bool utf8) {
    bool const encoded = (shown.utf8_header && !utf8) || !fits_lines(shown.octets);
    std::string_view const type = shown.utf8_header ? (shown.whole ? "message/global" : "message/global-headers")
                                                    : (shown.whole ? "message/rfc822" : "text/rfc822-headers");
    to.field("Content-Type", type);
    to.field("Content-Description", shown.whole ? "The message" : "Header of the message");
    if (encoded)
        to.field("Content-Transfer-Encoding", "base64");
    else if (shown.eight_bit)
        to.field("Content-Transfer-Encoding", "8bit");
    to.line();
    if (encoded) return write_base64(to, shown.octets);
    to.raw(shown.octets);
    if (!shown.octets.ends_with("\r\n")) to.line();
}

}  // namespace detail

MAILQUAY_DECL std::string_view to_string(dsn_action action) noexcept {
    switch (action) {
        case dsn_action::failed: return "failed";
        case dsn_action::delayed: return "delayed";
        case dsn_action::delivered: return "delivered";
        case dsn_action::relayed: return "relayed";
        case dsn_action::expanded: return "expanded";
    }
    return "failed";
}

MAILQUAY_DECL std::string status_of_reply(std::string_view reply) {
    char const first = reply.empty() ? '4' : reply.front();
    std::string_view const text = reply.size() > 4 ? reply.substr(4) : std::string_view{};
    std::string_view const word = text.substr(0, text.find_first_of(" \r\n"));
    if (detail::is_status(word) && word.front() == first) return std::string(word);
    return std::string(1, first == '2' || first == '5' ? first : '4') + ".0.0";
}

MAILQUAY_DECL dsn_message make_dsn(dsn_report const& report) {
    dsn_message made;
    made.utf8 = !is_ascii(report.to);
    auto const shown = detail::original_of(report);
    bool const encoded = shown.utf8_header && !made.utf8;
    made.eight_bit = made.utf8 || (shown.eight_bit && !encoded);
    dsn_action const action = report.recipients.empty() ? dsn_action::failed : report.recipients.front().action;
    std::string const boundary = "=_" + report.id + "_report";

    detail::dsn_writer to{made.utf8};
    to.field("From", fmt::format("Mail system <MAILER-DAEMON@{}>", report.reporting_mta));
    to.field("To", fmt::format("<{}>", report.to));
    to.field("Subject", detail::dsn_subject(action));
    to.field("Date", format_date(report.date, report.utc_offset));
    to.field("Message-ID", fmt::format("<{}@{}>", report.id, report.reporting_mta));
    if (auto const about = find_first(report.original, "Message-ID")) {
        std::string const id = unfold(about->value);
        if (id.size() < 250 && id.starts_with('<') && id.ends_with('>') && is_ascii(id)) {
            to.field("In-Reply-To", id);
            to.field("References", id);
        }
    }
    to.field("Auto-Submitted", "auto-replied");
    to.field("MIME-Version", "1.0");
    to.field("Content-Type", fmt::format("multipart/report; report-type={}; boundary=\"{}\"",
                                         made.utf8 ? "global-delivery-status" : "delivery-status", boundary));
    if (made.eight_bit) to.field("Content-Transfer-Encoding", "8bit");
    to.line();
    to.line("--" + boundary);
    detail::write_dsn_text_part(to, report, made.utf8);
    to.line();
    to.line("--" + boundary);
    to.field("Content-Type", made.utf8 ? "message/global-delivery-status" : "message/delivery-status");
    to.field("Content-Description", "The same for programs");
    if (made.utf8) to.field("Content-Transfer-Encoding", "8bit");
    to.line();
    detail::write_dsn_status(to, report, made.utf8);
    to.line();
    to.line("--" + boundary);
    detail::write_dsn_original(to, shown, made.utf8);
    to.line();
    to.line("--" + boundary + "--");
    made.octets = to.take();
    return made;
}

}  // namespace mailquay::inline MAILQUAY_ABI
