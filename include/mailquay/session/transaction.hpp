#pragma once

#include <mailquay/message/transaction_id.hpp>
#include <mailquay/protocol/params.hpp>
#include <mailquay/protocol/params/body.hpp>
#include <mailquay/session/arena.hpp>
#include <mailquay/session/delivery_request.hpp>
#include <mailquay/session/envelope.hpp>
#include <mailquay/session/session_info.hpp>
#include <mailquay/session/slots.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// A mailbox as a transaction keeps it. Views into the transaction.
struct address {
    std::string_view wire{};        ///< as sent, without angle brackets and source route; for replies, ORCPT, `for`
    std::string_view local_part{};  ///< unquoted; folded to lower case only by a validator that knows the domain
    std::string_view domain{};      ///< lower-case A-labels, or an address literal with its brackets

    bool empty() const noexcept { return wire.empty(); }
};

/// One RCPT that was offered or accepted. Views into the transaction.
struct recipient {
    address forward_path{};
    /// The name the validator gave the mailbox; empty if it gave none. Not checked: a validator may have taken it from the
    /// client's address, so it may hold any octet, "/" and control characters among them. For the name of a file or folder use
    /// `safe_mailbox_name()`.
    std::string_view mailbox{};
    /// The addresses an alias stands for, at most `max_alias_members`; empty for an ordinary recipient. Not checked either.
    /// Mail goes to `mailbox` and to these: see `for_each_target()`.
    std::span<std::string_view const> addresses{};
    /// What its RCPT parameters ask; null for most. Use `requests()`.
    std::shared_ptr<recipient_request> asked{};

    /// NOTIFY, ORCPT, RRVS and parameters the library does not know; with nothing set where there were none.
    MAILQUAY_DECL recipient_request const& requests() const noexcept;
    /// The value of a parameter that the library does not know (of a host's extension, or handed over), "" for one without a
    /// value; nothing if it was not given. ASCII case is ignored.
    MAILQUAY_DECL std::optional<std::string_view> parameter(std::string_view keyword) const noexcept;

    std::string_view wire() const noexcept { return forward_path.wire; }
    std::string_view local_part() const noexcept { return forward_path.local_part; }
    std::string_view domain() const noexcept { return forward_path.domain; }
};

/// Values of the MAIL parameters that are part of every transaction.
struct mail_parameters {
    std::optional<std::uint64_t> size{};        ///< SIZE, octets (RFC 1870)
    body_type body = body_type::seven_bit;      ///< BODY (RFC 6152, RFC 3030)
    bool body_given = false;
    bool smtputf8 = false;                      ///< SMTPUTF8 (RFC 6531)
    bool prdr = false;                          ///< PRDR: a reply for each recipient at the end of the message
    /// AUTH (RFC 4954 §5): who sent it first; empty for `<>`, and where the client may not be believed.
    std::optional<std::string_view> auth{};
};

/// The envelope under way: from an accepted MAIL to the reply to end of data.
///
/// Owned and reused by the session; hooks see it by const reference. All views stay valid until the transaction ends, or
/// the hook has answered, whichever is later. Not copyable: `snapshot()` gives a value for what outlives the answer.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe; use the connection's executor.
class MAILQUAY_API transaction {
public:
    transaction() = default;
    transaction(transaction const&) = delete;
    transaction& operator=(transaction const&) = delete;

    /// Twelve letters, unique and sortable by time; also in Received, the log and "queued as".
    std::string_view id() const noexcept { return id_.view(); }
    /// The connection it came over.
    session_info const& session() const noexcept { return *session_; }
    session_info& session() noexcept { return *session_; }

    /// The sender; empty for `<>` (RFC 5321 §4.5.5).
    address const& reverse_path() const noexcept { return reverse_path_; }
    bool null_sender() const noexcept { return reverse_path_.empty(); }
    /// Accepted recipients in RCPT order, each as often as it was named.
    std::span<recipient const> recipients() const noexcept { return {recipients_.data(), accepted_}; }
    mail_parameters const& parameters() const noexcept { return parameters_; }
    /// DSN, REQUIRETLS, DELIVERBY, FUTURERELEASE, MT-PRIORITY; with nothing set where none of them was given.
    delivery_request const& requests() const noexcept;

    /// Whether the client gets a reply for each recipient at the end of the message: LMTP, and PRDR with two of them or more.
    bool reply_for_each() const noexcept { return session_->lmtp() || (parameters_.prdr && accepted_ >= 2); }

    /// Our Received field, folded and ended by CRLF (RFC 5321 §4.4); empty before DATA was accepted, and where the listener
    /// adds none. The message octets that filters see are without it; the pipeline writes it to the sink before them.
    std::string_view received_field() const noexcept { return received_field_; }

    /// MAIL parameters that the library does not know, "KEYWORD=value" each: those of a host's extensions, and what the
    /// listener's `unknown_parameters::hand_over` kept. Those of RCPT are with each recipient.
    std::span<std::string_view const> unknown_parameters() const noexcept { return unknown_; }
    /// The value of one of them, "" for one without a value; nothing if it was not given. ASCII case is ignored.
    std::optional<std::string_view> parameter(std::string_view keyword) const noexcept;

    /// Where the message comes from, according to a trusted client's XFORWARD; null if nothing was told. For logs and for
    /// passing on; never a ground for a decision.
    forwarded_client const* forwarded() const noexcept { return forwarded_ ? forwarded_.get() : session_->forwarded(); }

    /// State of a plug-in for this transaction; made on first use. Mutable through const: it is the plug-in's, not ours.
    template <class T>
    T& slot(void const* owner) const {
        return slots_.get<T>(owner);
    }
    /// The same if it was made, else null.
    template <class T>
    T* find_slot(void const* owner) const noexcept {
        return slots_.find<T>(owner);
    }

    /// A copy that lives on its own.
    envelope snapshot() const;

private:
    friend class session;
    friend class session_memory;
    friend class transaction_editor;

    void clear() noexcept;
    MAILQUAY_RARE void clear_extras() noexcept;

    session_info* session_ = nullptr;
    transaction_id id_{};
    address reverse_path_{};
    std::vector<recipient> recipients_;  // accepted ones first, then those offered and not yet answered
    std::size_t accepted_ = 0;
    mail_parameters parameters_{};
    std::unique_ptr<delivery_request> requests_;  // none for most
    std::vector<std::string_view> unknown_;
    std::string_view received_field_;
    std::unique_ptr<forwarded_client> forwarded_;  // the session's until MAIL is accepted
    std::vector<std::unique_ptr<std::string_view[]>> aliases_;
    mutable slots slots_;
    arena text_;
};

/// What an extension may do to the transaction whose parameter it reads. See `extension.hpp`.
class transaction_editor {
public:
    /// @param wall  the wall clock's last tick
    explicit transaction_editor(transaction& edited, std::chrono::system_clock::time_point wall = {}) noexcept
        : edited_(edited), wall_(wall) {}

    transaction const& operator*() const noexcept { return edited_; }
    transaction const* operator->() const noexcept { return &edited_; }
    std::chrono::system_clock::time_point wall() const noexcept { return wall_; }
    mail_parameters& parameters() noexcept { return edited_.parameters_; }
    /// @{ Made on first use.
    MAILQUAY_DECL delivery_request& requests();
    MAILQUAY_DECL recipient_request& requests(recipient& of);
    /// @}
    /// Keeps `text` as long as the transaction.
    std::string_view keep(std::string_view text) { return edited_.text_.copy(text); }
    /// @{ Keeps a parameter as it came, for `unknown_parameters()` and `parameter()`.
    MAILQUAY_DECL void add_unknown(parameter const& given);
    MAILQUAY_DECL void add_unknown(parameter const& given, recipient& of);
    /// @}

private:
    transaction& edited_;
    std::chrono::system_clock::time_point wall_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/session/impl/transaction.ipp>
#endif
