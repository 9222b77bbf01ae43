#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/protocol/mailbox.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/protocol/xtext.hpp>
#include <mailquay/session/auth_step.hpp>
#include <mailquay/session/extension.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::extensions {

/// AUTH (RFC 4954): the line of EHLO, and the AUTH parameter of MAIL. Not in `extension_registry::standard()`: whom to ask is
/// the host's. With it in the registry the session takes the command and asks by `auth_started` and `auth_response`.
///
/// Thread safety: what it was given is called by all shards at once.
///
/// @code
/// config.extensions.add(std::make_shared<extensions::auth>([](session_info const&) { return mechanisms{"PLAIN"}; }));
/// @endcode
class auth final : public extension {
public:
    using offer = std::function<mechanisms(session_info const&)>;
    using trust = std::function<bool(session_info const&)>;

    /// RFC 4422 §3.1: a mechanism's name has 1 to 20 octets.
    static constexpr std::size_t longest_name = 20;

    /// @param offers       the mechanisms for a client; asked at each EHLO and AUTH
    /// @param without_tls  offer them to clients without TLS, too
    /// @param trusts       clients whose `MAIL AUTH=` is believed though they have not authenticated; none if empty
    /// @param too_weak     mechanisms that are known, but too weak to be offered: 534 5.7.9; none if empty
    explicit auth(offer offers, bool without_tls = false, trust trusts = {}, offer too_weak = {})
        : offers_(std::move(offers)), too_weak_(std::move(too_weak)), trusts_(std::move(trusts)), without_tls_(without_tls) {}

    std::string_view keyword() const noexcept override { return "AUTH"; }

    bool offered(session_info const& client) const noexcept override { return !usable(client).empty(); }

    std::string announcement(session_info const& client, session_limits const&) const override {
        constexpr std::size_t room = 480;  // of a reply line of 512 octets
        std::string names;
        for (std::string const& name : usable(client))
            if (names.size() + name.size() < room) names.append(names.empty() ? 0 : 1, ' ').append(name);
        return names;
    }

    /// How a mechanism stands with a client.
    enum class standing : std::uint8_t { offered, needs_tls, too_weak, unknown };
    /// @param name  in any case
    standing of(std::string_view name, session_info const& client) const {
        if (lists(usable(client), name)) return standing::offered;
        if (client.secure()) return lists(weak(client), name) ? standing::too_weak : standing::unknown;
        session_info inside{client.socket_peer(), client.local(), client.source()};
        inside.set_client(client.client(), client.source());
        inside.set_tls(tls_info{});
        if (lists(usable(inside), name)) return standing::needs_tls;
        return lists(weak(client), name) ? standing::too_weak : standing::unknown;
    }

    std::span<std::string_view const> mail_keywords() const noexcept override {
        static constexpr std::array<std::string_view, 1> names{"AUTH"};
        return names;
    }

    /// RFC 4954 §5: who sent it first, as a mailbox or `<>`. From those who may not be believed it is taken for `<>`.
    std::optional<reply> mail_parameter(parameter const& given, transaction_editor mail, session_limits const&) const override {
        auto const value = decode_xtext(given.value);
        if (!given.has_value || !value) return reply{replies::bad_argument};
        address_options options;
        options.utf8 = true;
        bool const null = given.value == "<>";
        if (!null && !parse_mailbox(*value, options)) return reply{replies::bad_argument};
        mail.parameters().auth = null || !believes(mail->session()) ? std::string_view{""} : mail.keep(*value);
        return std::nullopt;
    }

    /// Whether the AUTH parameter of this client's MAIL is kept.
    bool believes(session_info const& client) const { return client.authenticated() || (trusts_ && trusts_(client)); }

    static bool is_name(std::string_view text) noexcept {
        return !text.empty() && text.size() <= longest_name &&
               std::all_of(text.begin(), text.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_'; });
    }

private:
    /// What this client may use now. A host that fails to say offers nothing.
    mechanisms usable(session_info const& client) const noexcept {
        if (!without_tls_ && !client.secure()) return {};
        try {
            mechanisms names = offers_(client);
            std::erase_if(names, [](std::string const& name) { return !is_name(name); });
            return names;
        } catch (...) {
            return {};
        }
    }
    mechanisms weak(session_info const& client) const noexcept {
        try {
            return too_weak_ ? too_weak_(client) : mechanisms{};
        } catch (...) {
            return {};
        }
    }
    static bool lists(mechanisms const& names, std::string_view name) noexcept {
        return std::any_of(names.begin(), names.end(), [&](std::string const& one) { return iequals(one, name); });
    }

    offer offers_;
    offer too_weak_;
    trust trusts_;
    bool without_tls_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::extensions
