#pragma once

#include <mailquay/base/config.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// Makes CRLF of each bare CR and each bare LF of a message that arrives in pieces.
///
/// It works on what `data_decoder` returned (or on the chunks of BDAT), hence after the end of data was found: it can
/// neither make an end of data nor hide one.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
class MAILQUAY_API line_ending_normaliser {
public:
    /// Appends the repaired form of the next octets of the message. With data from `data_decoder`: first `prefix`, then
    /// `octets`.
    MAILQUAY_DECL void append(std::string& out, std::string_view octets);
    /// The message is complete: appends the LF that a CR at its very end lacks.
    MAILQUAY_DECL void finish(std::string& out);

    /// Bare CR and LF octets found so far.
    std::uint64_t repaired() const noexcept { return repaired_; }
    void reset() noexcept { *this = {}; }

private:
    std::uint64_t repaired_ = 0;
    bool after_cr_ = false;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/protocol/impl/line_ending_normaliser.ipp>
#endif
