#pragma once

#include <mailquay/base/config.hpp>

#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// RFC 5321 §4.5.2  Puts message octets into the form in which they travel behind DATA: a dot before each line that begins
/// with one, CRLF at the end if it is missing, and "." CRLF.
///
/// A bare CR or LF is never let out: it might look like an end of line, or of the message, to somebody behind the server
/// (RFC 5321 §2.3.8). At the first one it stops.
///
/// The search looks at 64 octets at a time; what lies between two dots is copied as it is.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// data_encoder encoder;
/// bool const clean = encoder.encode(out, "Subject: x\r\n\r\n.\r\n") && encoder.finish(out);
/// @endcode
class data_encoder {
public:
    /// Appends the encoded form of `octets`.
    /// @return false when a bare CR or LF was found, now or earlier: the message must not be finished. What came before it may
    ///         have been appended.
    MAILQUAY_DECL bool encode(std::string& out, std::string_view octets);
    /// Appends what ends the message.
    /// @return as `encode()`: the last octet may have been a bare CR
    MAILQUAY_DECL bool finish(std::string& out);

private:
    bool line_begins_ = true;
    bool after_cr_ = false;
    bool bare_ = false;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/data_encoder.ipp>
#endif
