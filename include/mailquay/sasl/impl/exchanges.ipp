#pragma once

#include <mailquay/sasl/detail/exchanges.hpp>

#include <mailquay/base/base64.hpp>
#include <mailquay/base/random.hpp>
#include <mailquay/sasl/detail/hashing.hpp>
#include <mailquay/sasl/detail/then.hpp>
#include <mailquay/sasl/saslprep.hpp>

#include <chrono>
#include <span>

namespace mailquay::inline MAILQUAY_ABI::sasl::detail {

// Owner of the slot that holds `identities`.
MAILQUAY_DECL void const* identities_owner() noexcept {
    static char const here = 0;
    return &here;
}

inline auth_step exchange::let_in_now(std::string user, std::string other, std::string last) {
    auto& kept = client_->slot<identities>(identities_owner());
    std::string acts_as = other.empty() ? user : other;
    kept = identities{std::move(user), std::move(other), mechanism_};
    return succeed(std::move(acts_as), std::move(last));
}

MAILQUAY_DECL eventual<auth_step> exchange::let_in(std::string user, std::string other, std::string last) {
    if (other.empty() || other == user) return let_in_now(std::move(user), std::move(other), std::move(last));
    if (!all_->may) return fail();
    eventual<bool> asked = all_->may(user, other);
    auto decide = [this, u = std::move(user), o = std::move(other), l = std::move(last)](bool may) mutable -> eventual<auth_step> {
        return may ? let_in_now(std::move(u), std::move(o), std::move(l)) : fail();
    };
    return then<auth_step>(std::move(asked), std::move(decide));
}

MAILQUAY_DECL eventual<auth_step> exchange::check_password(std::string_view user, std::string_view other, secret_view password) {
    auto name = saslprep(user);
    auto acts_as = other.empty() ? std::optional<std::string>{std::string{}} : saslprep(other);
    auto phrase = saslprep(password.reveal());
    if (!name || !acts_as || !phrase) return fail();
    eventual<result<bool>> checked = all_->users->check(*name, secret::take(*phrase), all_->pool.get());
    auto decide = [this, u = *std::move(name), o = *std::move(acts_as)](result<bool> right) mutable -> eventual<auth_step> {
        if (!right) return fail_for_now();
        return *right ? let_in(std::move(u), std::move(o)) : eventual<auth_step>{fail()};
    };
    return then<auth_step>(std::move(checked), std::move(decide));
}

MAILQUAY_DECL eventual<auth_step> plain_exchange::next(secret_view response) {
    if (!std::exchange(asked_, true) && no_initial_response(response)) return continue_with({});
    auto const message = parse_plain(response.reveal());
    if (!message) return fail(auth_problem::malformed);
    return check_password(message->user, message->authorisation, secret_view{message->password});
}

MAILQUAY_DECL eventual<auth_step> login_exchange::next(secret_view response) {
    if (!std::exchange(asked_, true) && no_initial_response(response)) return continue_with("Username:");
    if (user_.empty()) {
        if (response.empty()) return fail();
        user_ = response.reveal();
        return continue_with("Password:");
    }
    return check_password(user_, {}, response);
}

MAILQUAY_DECL std::string make_cram_md5_challenge(std::string_view hostname) {
    auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    return '<' + std::to_string(random_u64()) + '.' + std::to_string(seconds.count()) + '@' + std::string{hostname} + '>';
}

MAILQUAY_DECL eventual<auth_step> cram_md5_exchange::next(secret_view response) {
    if (!std::exchange(asked_, true)) {
        // The server speaks first: an initial response cannot be an answer to a challenge not yet made.
        return no_initial_response(response) ? continue_with(challenge_) : fail(auth_problem::initial_response);
    }
    auto const message = parse_cram_md5(response.reveal());
    if (!message) return fail(auth_problem::malformed);
    auto name = saslprep(message->user);
    if (!name) return fail();
    auto asked = all_->users->find(*name);
    auto decide = [this, u = *std::move(name), d = std::string{message->digest}](result<std::shared_ptr<credentials const>> kept) mutable {
        return judge(std::move(kept), std::move(u), std::move(d));
    };
    return then<auth_step>(std::move(asked), std::move(decide));
}

inline eventual<auth_step> cram_md5_exchange::judge(result<std::shared_ptr<credentials const>> found, std::string user,
                                                    std::string digest) {
    if (!found) return fail_for_now();
    bool const real = *found && (*found)->password;
    std::string_view const key = real ? (*found)->password->reveal() : std::string_view{"nobody"};
    bool const same = equal_constant_time(hmac_md5_hex(secret_view{key}, challenge_), digest);
    return real && same ? let_in(std::move(user), {}) : eventual<auth_step>{fail()};
}

inline void append_json_member(std::string& out, std::string_view name, std::string_view value) {
    out += out.size() > 1 ? ",\"" : "\"";
    out += name;
    out += "\":\"";
    for (char const c : value) {
        if (c == '"' || c == '\\') out += '\\';
        if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
    out += '"';
}

inline auth_step bearer_exchange::refuse(std::string_view status) {
    refused_ = true;
    std::string json = "{";
    append_json_member(json, "status", status);
    append_json_member(json, "schemes", "bearer");
    if (!all_->bearer.scope.empty()) append_json_member(json, "scope", all_->bearer.scope);
    if (!all_->bearer.openid_configuration.empty()) append_json_member(json, "openid-configuration", all_->bearer.openid_configuration);
    json += '}';
    return refuse_with(std::move(json));
}

MAILQUAY_DECL eventual<auth_step> bearer_exchange::next(secret_view response) {
    if (refused_) return fail();  // RFC 7628 §3.2.3: the dummy response to what was wrong
    if (!std::exchange(asked_, true) && no_initial_response(response)) return continue_with({});
    bool const google = mechanism_ == "XOAUTH2";
    auto message = google ? parse_xoauth2(response.reveal()) : parse_oauthbearer(response.reveal());
    if (!message) return refuse(google ? "400" : "invalid_request");
    if (message->token.empty()) return refuse(google ? "401" : "invalid_token");
    if (!message->user.empty()) {
        auto name = saslprep(message->user);
        if (!name) return refuse(google ? "400" : "invalid_request");
        user_ = *std::move(name);
    }
    token_request asked{user_, secret{message->token}, std::string{message->host}, message->port};
    auto decide = [this](result<std::optional<std::string>> owner) { return judge(std::move(owner)); };
    return then<auth_step>(all_->check_token(std::move(asked)), std::move(decide));
}

inline eventual<auth_step> bearer_exchange::judge(result<std::optional<std::string>> owner) {
    if (!owner) return fail_for_now();
    if (!*owner || (*owner)->empty()) return refuse(mechanism_ == "XOAUTH2" ? "401" : "invalid_token");
    return let_in(**owner, user_ == **owner ? std::string{} : user_);
}

MAILQUAY_DECL eventual<auth_step> external_exchange::next(secret_view response) {
    if (!std::exchange(asked_, true) && no_initial_response(response)) return continue_with({});
    tls_info const* const tls = client_->tls();
    if (!client_->tls_is_the_clients() || !tls->client_verified) return fail();
    std::optional<std::string> user = all_->whose ? all_->whose(*tls) : std::optional<std::string>{tls->client_identity};
    if (!user || user->empty()) return fail();
    if (response.empty()) return let_in(*std::move(user), {});
    auto other = saslprep(response.reveal());
    if (!other) return fail();
    return let_in(*std::move(user), *std::move(other));
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl::detail
