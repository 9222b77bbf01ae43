#pragma once

#include <mailquay/handler/eventual.hpp>
#include <mailquay/protocol/reply.hpp>
#include <mailquay/session/extension.hpp>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// Answers a command: a verb of a host's own, VRFY or EXPN. What `argument` views stays valid until the answer, as does
/// `client`. Called by all shards at once. Returns `reply`, `eventual<reply>` or `asio::awaitable<reply>`.
using command_handler = std::function<eventual<reply>(session_info const& client, std::string_view argument)>;

/// Who is answered by a `command_handler` for VRFY or EXPN; others get what they get without one.
enum class asked_by : std::uint8_t {
    users,      ///< who authenticated
    everybody,  ///< makes it easy to find out who has a mailbox
};

/// Where a verb of a host's own is legal; elsewhere 503 5.5.1.
enum class verb_rule : std::uint8_t {
    between_transactions,  ///< after EHLO, and not between MAIL and the end of the message
    after_hello,
    anywhere,
};

/// An extension of a host's own: an EHLO keyword with a value, parameters of MAIL and RCPT, verbs.
///
/// Values of its parameters reach hooks and sinks by `transaction::parameter()`, `recipient::parameter()` and the envelope. What
/// needs more (an EHLO value that depends on the client, values of a type of its own) derives from `extension` and is added to
/// `server_config::extensions`.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read; its functions are called by all shards at once.
///
/// @code
/// server.extensions(host_extension{"ETRN"}.verb("ETRN", [](session_info const&, std::string_view node) { ... }));
/// @endcode
class MAILQUAY_API host_extension final : public extension {
public:
    /// Whether a parameter's value is well: nothing, or the reply (501 5.5.4 for a bad value).
    using check = std::function<std::optional<reply>(parameter const& given)>;

    /// @param keyword  of EHLO, upper case; letters, digits and "-"
    /// @param value    what follows it in the EHLO reply; empty for nothing
    /// @throws std::invalid_argument if one of them cannot be sent
    MAILQUAY_DECL explicit host_extension(std::string keyword, std::string value = {});
    MAILQUAY_DECL host_extension(host_extension&& other) noexcept;
    MAILQUAY_DECL ~host_extension() override;

    /// @{ Takes a parameter. @throws std::invalid_argument for a keyword that is none, or is here already
    MAILQUAY_DECL host_extension& mail_parameter(std::string keyword, check well = {}) &;
    MAILQUAY_DECL host_extension& recipient_parameter(std::string keyword, check well = {}) &;
    host_extension&& mail_parameter(std::string keyword, check well = {}) && {
        return std::move(mail_parameter(std::move(keyword), std::move(well)));
    }
    host_extension&& recipient_parameter(std::string keyword, check well = {}) && {
        return std::move(recipient_parameter(std::move(keyword), std::move(well)));
    }
    /// @}
    /// @{ Takes a verb. @throws std::invalid_argument for a name that is none, or is here already
    MAILQUAY_DECL host_extension& verb(std::string name, command_handler answers, verb_rule legal = verb_rule::between_transactions) &;
    host_extension&& verb(std::string name, command_handler answers, verb_rule legal = verb_rule::between_transactions) && {
        return std::move(verb(std::move(name), std::move(answers), legal));
    }
    /// @}

    /// @{ As `extension` has them.
    std::string_view keyword() const noexcept override { return keyword_; }
    std::string announcement(session_info const&, session_limits const&) const override { return value_; }
    bool same_for_all() const noexcept override { return true; }
    std::span<std::string_view const> mail_keywords() const noexcept override { return mail_keywords_; }
    std::span<std::string_view const> recipient_keywords() const noexcept override { return recipient_keywords_; }
    MAILQUAY_DECL std::optional<reply> mail_parameter(parameter const& given, transaction_editor mail,
                                                      session_limits const& limits) const override;
    MAILQUAY_DECL std::optional<reply> recipient_parameter(parameter const& given, transaction_editor mail, recipient& to) const override;
    std::span<std::string_view const> verbs() const noexcept override { return verb_names_; }
    MAILQUAY_DECL bool verb_allowed(std::string_view name, session_state at) const noexcept override;
    /// @}

    /// Who answers the verb, in any case of letters; null if it is not one of these.
    MAILQUAY_DECL command_handler const* handler_of(std::string_view name) const noexcept;

private:
    struct entry {
        std::string name;
        check well;
        command_handler answers;
        verb_rule legal = verb_rule::between_transactions;
    };
    static entry const* find(std::deque<entry> const& in, std::string_view name) noexcept;
    void add(std::deque<entry>& to, std::vector<std::string_view>& names, entry added);

    std::string keyword_;
    std::string value_;
    // Names are viewed by the registry, so they do not move.
    std::deque<entry> mail_;
    std::deque<entry> recipient_;
    std::deque<entry> verbs_;
    std::vector<std::string_view> mail_keywords_;
    std::vector<std::string_view> recipient_keywords_;
    std::vector<std::string_view> verb_names_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/handler/impl/host_extension.ipp>
#endif
