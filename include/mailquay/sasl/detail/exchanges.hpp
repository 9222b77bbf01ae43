#pragma once

#include <mailquay/handler/authenticator.hpp>
#include <mailquay/sasl/credentials.hpp>
#include <mailquay/sasl/mechanism_settings.hpp>
#include <mailquay/sasl/messages.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The exchanges behind `sasl::mechanisms`, one for each family.
namespace mailquay::inline MAILQUAY_ABI::sasl::detail {

/// What all exchanges of one `mechanisms` share.
struct mechanism_state {
    std::shared_ptr<credential_store> users{};
    mechanism_settings settings{};
    std::shared_ptr<workers> pool{};
    token_checker check_token{};
    bearer_settings bearer{};
    bool external = false;
    certificate_user whose{};
    act_as may{};
};

/// What a client may bind to: the name of the binding and its octets.
struct channel_binding {
    std::string_view name;
    std::string_view octets;
};
/// Those that the TLS layer of this session gives. Lifetime: that of the session.
MAILQUAY_DECL std::vector<channel_binding> channel_bindings(session_info const& client);

/// 454 4.7.0, not counted.
inline auth_step fail_for_now() {
    auth_failure why;
    why.temporary = true;
    return why;
}
/// AUTH without an initial response, as opposed to one with an empty one.
inline bool no_initial_response(secret_view response) noexcept { return response.reveal().data() == nullptr; }

/// Owner of the slot that holds `identities`.
MAILQUAY_DECL void const* identities_owner() noexcept;

/// What exchanges have in common: the end.
class exchange : public auth_exchange {
public:
    exchange(std::shared_ptr<mechanism_state> all, session_info const& client, std::string_view mechanism)
        : all_(std::move(all)), client_(&client), mechanism_(mechanism) {}

protected:
    /// Succeeds if `user` may act as `other` (empty: as himself); else fails.
    MAILQUAY_DECL eventual<auth_step> let_in(std::string user, std::string other, std::string last = {});
    /// PLAIN and LOGIN: holds a password against the store.
    MAILQUAY_DECL eventual<auth_step> check_password(std::string_view user, std::string_view other, secret_view password);

    std::shared_ptr<mechanism_state> all_;
    session_info const* client_;
    std::string mechanism_;

private:
    auth_step let_in_now(std::string user, std::string other, std::string last);
};

/// RFC 4616
class plain_exchange final : public exchange {
public:
    using exchange::exchange;
    MAILQUAY_DECL eventual<auth_step> next(secret_view response) override;

private:
    bool asked_ = false;
};

/// draft-murchison-sasl-login: asks for the name, then for the password.
class login_exchange final : public exchange {
public:
    using exchange::exchange;
    MAILQUAY_DECL eventual<auth_step> next(secret_view response) override;

private:
    bool asked_ = false;
    std::string user_;
};

/// RFC 2195
class cram_md5_exchange final : public exchange {
public:
    cram_md5_exchange(std::shared_ptr<mechanism_state> all, session_info const& client, std::string challenge)
        : exchange(std::move(all), client, "CRAM-MD5"), challenge_(std::move(challenge)) {}
    MAILQUAY_DECL eventual<auth_step> next(secret_view response) override;

private:
    eventual<auth_step> judge(result<std::shared_ptr<credentials const>> found, std::string user, std::string digest);
    std::string challenge_;
    bool asked_ = false;
};
/// `<random.seconds@hostname>`
MAILQUAY_DECL std::string make_cram_md5_challenge(std::string_view hostname);

/// RFC 5802
class scram_exchange final : public exchange {
public:
    /// @param plus   with channel binding
    /// @param nonce  the server's part
    MAILQUAY_DECL scram_exchange(std::shared_ptr<mechanism_state> all, session_info const& client, scram_hash hash, bool plus,
                                 std::string nonce);
    MAILQUAY_DECL eventual<auth_step> next(secret_view response) override;

private:
    enum class stage { first, empty_asked, final, over };

    eventual<auth_step> client_first(std::string_view message);
    eventual<auth_step> client_final(std::string_view message);
    eventual<auth_step> judge(std::string proof);
    bool binding_agrees(gs2_header const& header);
    eventual<auth_step> found(result<std::shared_ptr<credentials const>> kept);
    std::string salt_for_user() const;
    auth_step server_first();

    scram_hash hash_;
    bool plus_;
    bool real_ = false;  // else whatever the proof is, it is wrong
    bool derive_ = false;  // the keys of derived_ are still to be made
    stage stage_ = stage::first;
    std::string nonce_;
    std::string user_;
    std::string other_;
    std::string bound_;  // what "c=" must stand for
    std::string auth_message_;
    scram_verifier derived_;
    std::shared_ptr<credentials const> kept_;
    scram_verifier const* verifier_ = nullptr;
};
/// 24 characters from the random generator.
MAILQUAY_DECL std::string make_scram_nonce();

/// RFC 7628, and XOAUTH2
class bearer_exchange final : public exchange {
public:
    using exchange::exchange;
    MAILQUAY_DECL eventual<auth_step> next(secret_view response) override;

private:
    auth_step refuse(std::string_view status);
    eventual<auth_step> judge(result<std::optional<std::string>> owner);
    bool asked_ = false;
    bool refused_ = false;
    std::string user_;
};

/// RFC 4422 appendix A
class external_exchange final : public exchange {
public:
    using exchange::exchange;
    MAILQUAY_DECL eventual<auth_step> next(secret_view response) override;

private:
    bool asked_ = false;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl::detail

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/exchanges.ipp>
#include <mailquay/sasl/impl/scram_exchange.ipp>
#endif
