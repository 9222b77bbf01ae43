#pragma once

#include <mailquay/base/config.hpp>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::sasl::detail {

/// The client's side of Dovecot's authentication protocol, version 1.2, without I/O: lines of fields parted by tabs.
class dovecot_protocol {
public:
    struct mechanism {
        std::string name{};
        bool shows_secret = false;  ///< "plaintext"
    };
    enum class reply_kind : std::uint8_t { more, ok, fail };
    struct reply {
        reply_kind kind = reply_kind::fail;
        std::uint32_t request = 0;
        std::string octets{};  ///< decoded: the challenge, or what goes with success
        std::string user{};    ///< with ok
        bool temporary = false;
        bool expired = false;   // the password was right
    };

    /// Takes what was read.
    /// @return false when it is not this protocol, or goes beyond its bounds: a line of 16 KiB, 100 lines of greeting, 16
    ///         replies that nobody took
    MAILQUAY_DECL bool feed(std::string_view octets);
    /// Whether the greeting is complete.
    bool greeted() const noexcept { return greeted_; }
    /// What may be offered to clients: without those that Dovecot keeps for itself or for nobody in particular.
    std::vector<mechanism> const& mechanisms() const noexcept { return mechanisms_; }
    /// The reply that came first.
    MAILQUAY_DECL std::optional<reply> take_reply();

    /// VERSION and CPID. @param number  must be another for each connection to one Dovecot
    MAILQUAY_DECL static std::string hello(std::uint32_t number);
    /// A field's value as it stands in a line.
    MAILQUAY_DECL static std::string escaped(std::string_view text);

private:
    bool take_line(std::string_view line);
    bool take_greeting(std::vector<std::string> const& fields);
    bool take_answer(std::vector<std::string> const& fields);

    std::string partial_;
    std::vector<mechanism> mechanisms_;
    std::deque<reply> replies_;
    unsigned greeting_lines_ = 0;
    bool version_seen_ = false;
    bool greeted_ = false;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl::detail

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/dovecot_protocol.ipp>
#endif
