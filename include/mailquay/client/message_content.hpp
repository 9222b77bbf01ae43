#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/base/result.hpp>
#include <mailquay/handler/eventual.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// The octets of a message to send: header and body, lines ended by CRLF. Read as often as needed, from any place: by several
/// transactions at once, too.
///
/// Thread safety: calls may come from several connections at once.
struct MAILQUAY_API message_content {
    virtual ~message_content();
    /// Octets in all.
    virtual std::uint64_t size() const noexcept = 0;
    /// Reads from `offset` on. `room` stays until the answer.
    /// @return octets read; fewer than there is room only at the end
    virtual eventual<result<std::size_t>> read(std::uint64_t offset, std::span<char> room) = 0;
};

/// Content in memory.
MAILQUAY_DECL std::shared_ptr<message_content> content_of(std::string octets);
/// Content that the caller keeps until it is sent.
MAILQUAY_DECL std::shared_ptr<message_content> content_at(std::string_view octets);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/client/impl/message_content.ipp>
#endif
