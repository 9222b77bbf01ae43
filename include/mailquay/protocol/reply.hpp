#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/reply_text.hpp>

#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// A reply that is made while the program runs.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// reply busy{452, "4.2.2", "Mailbox of alice is full"};
/// @endcode
class reply {
public:
    reply() = default;
    reply(reply_text const& named) : code(named.code()), enhanced(named.enhanced()), text(named.text()) {}
    reply(int code_given, std::string enhanced_given, std::string text_given)
        : code(code_given), enhanced(std::move(enhanced_given)), text(std::move(text_given)) {}

    /// The connection ends after this reply.
    reply& then_close() & noexcept { return close = true, *this; }
    reply&& then_close() && noexcept { return close = true, std::move(*this); }

    /// 200-599.
    int code = 250;
    /// RFC 3463; empty for none. Its class is made to agree with `code` when it is sent.
    std::string enhanced{};
    /// What follows the codes; "\n" separates the lines of a reply of several. Scrubbed when it is sent.
    std::string text{};
    bool close = false;

    friend bool operator==(reply const&, reply const&) = default;
};

/// RFC 5321 §4.2.1, RFC 2034 §4  Appends a reply as it goes over the wire, with CRLF, on one line or several.
///
/// Each line bears the codes and is at most 512 octets with its CRLF: longer ones are continued on further lines, at a
/// space
/// where there is one. CRLF counts as "\n". Control characters, a bare CR and what is not valid UTF-8 become "?" (see
/// `scrub()`).
/// A malformed enhanced code is replaced by X.0.0, one of the wrong class moves to the class of `code`, none is sent
/// with
/// 3yz (RFC 2034 §4). A `code` outside 200-599 is a mistake of the caller: it asserts, and becomes 451.
///
/// @param allow_utf8  the client asked for SMTPUTF8 (RFC 6531 §3.7.4.1); else every octet that is not ASCII becomes "?"
MAILQUAY_DECL void append_reply(std::string& out, int code, std::string_view enhanced, std::string_view text,
                                bool allow_utf8 = false);
inline void append_reply(std::string& out, reply_text const& named) { out += named.line(); }
inline void append_reply(std::string& out, reply const& given, bool allow_utf8 = false) {
    append_reply(out, given.code, given.enhanced, given.text, allow_utf8);
}

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/reply.ipp>
#endif
