#pragma once

#include <mailquay/sasl/detail/exchanges.hpp>

#include <mailquay/base/base64.hpp>
#include <mailquay/base/random.hpp>
#include <mailquay/handler/offload.hpp>
#include <mailquay/sasl/detail/hashing.hpp>
#include <mailquay/sasl/detail/then.hpp>
#include <mailquay/sasl/saslprep.hpp>

#include <algorithm>
#include <array>
#include <span>

namespace mailquay::inline MAILQUAY_ABI::sasl::detail {

MAILQUAY_DECL std::vector<channel_binding> channel_bindings(session_info const& client) {
    std::vector<channel_binding> given;
    tls_info const* const tls = client.tls();
    if (!client.tls_is_the_clients()) return given;
    auto const add = [&](std::string_view name, std::string const& octets) {
        if (!octets.empty()) given.push_back({name, octets});
    };
    add("tls-exporter", tls->channel_binding_exporter);
    // RFC 9266 §4: not with TLS 1.3, where it is not defined.
    if (tls->protocol != "TLSv1.3") add("tls-unique", tls->channel_binding_unique);
    add("tls-server-end-point", tls->channel_binding_endpoint);
    return given;
}

MAILQUAY_DECL std::string make_scram_nonce() {
    std::array<char, 18> octets{};
    random_bytes(std::as_writable_bytes(std::span{octets}));
    return base64_encode({octets.data(), octets.size()});
}

MAILQUAY_DECL scram_exchange::scram_exchange(std::shared_ptr<mechanism_state> all, session_info const& client, scram_hash hash, bool plus,
                                             std::string nonce)
    : exchange(std::move(all), client, std::string{scram_name(hash)} + (plus ? "-PLUS" : "")),
      hash_(hash),
      plus_(plus),
      nonce_(std::move(nonce)) {}

MAILQUAY_DECL eventual<auth_step> scram_exchange::next(secret_view response) {
    switch (stage_) {
        case stage::first:
            if (no_initial_response(response)) {
                stage_ = stage::empty_asked;
                return continue_with({});
            }
            [[fallthrough]];
        case stage::empty_asked: stage_ = stage::over; return client_first(response.reveal());
        case stage::final: stage_ = stage::over; return client_final(response.reveal());
        case stage::over: break;
    }
    return fail();
}

// RFC 5802 §6: what the client says of channel binding must be what was offered, or somebody took the -PLUS away.
inline bool scram_exchange::binding_agrees(gs2_header const& header) {
    auto const given = channel_bindings(*client_);
    if (plus_ != (header.flag == 'p')) return false;
    if (header.flag == 'y' && all_->settings.channel_binding && !given.empty()) return false;
    bound_ = header.text;
    if (!plus_) return true;
    for (channel_binding const& one : given) {
        if (one.name != header.binding) continue;
        bound_ += one.octets;
        return true;
    }
    return false;
}

inline eventual<auth_step> scram_exchange::client_first(std::string_view text) {
    auto const message = parse_scram_client_first(text);
    if (!message) return fail(auth_problem::malformed);
    if (!binding_agrees(message->gs2)) return fail();
    auto name = saslprep(message->user);
    if (!name) return fail();
    user_ = *std::move(name);
    if (!message->gs2.authorisation.empty()) {
        auto other = saslprep(message->gs2.authorisation);
        if (!other) return fail();
        other_ = *std::move(other);
    }
    nonce_.insert(0, message->nonce);
    auth_message_ = message->bare;
    auto decide = [this](result<std::shared_ptr<credentials const>> kept) { return found(std::move(kept)); };
    return then<auth_step>(all_->users->find(user_), std::move(decide));
}

// The same for a user at each try, whether he exists or not.
inline std::string scram_exchange::salt_for_user() const {
    std::string text{scram_name(hash_)};
    text += '\0';
    text += user_;
    secret const salt = hmac(scram_hash::sha512, all_->settings.salt_key, text);
    return std::string{salt.reveal()};
}

inline eventual<auth_step> scram_exchange::found(result<std::shared_ptr<credentials const>> kept) {
    if (!kept) return fail_for_now();
    kept_ = *std::move(kept);
    verifier_ = kept_ ? kept_->verifier(hash_) : nullptr;
    real_ = verifier_ != nullptr;
    if (real_) return server_first();

    credential_forms const forms = all_->users->forms();
    auto const which = static_cast<std::size_t>(hash_);
    bool const in_clear = kept_ && kept_->password;
    verifier_ = &derived_;
    if (!in_clear && forms.scram[which]) {
        derived_.hash = hash_;
        derived_.iterations = forms.scram_iterations[which];
        derived_.salt = salt_for_user().substr(0, forms.scram_salt_octets[which]);
        derived_.stored_key = hmac(hash_, all_->settings.salt_key, "stored key");
        derived_.server_key = hmac(hash_, all_->settings.salt_key, "server key");
        return server_first();
    }
    // A password in clear, or nobody among users who have one. Either way the keys are derived once there is a proof to hold
    // against them: who asks for salts only costs nothing, and who proves wrongly is counted.
    real_ = in_clear;
    derive_ = true;
    derived_.hash = hash_;
    derived_.salt = salt_for_user().substr(0, 16);
    derived_.iterations = all_->settings.scram_iterations;
    return server_first();
}

inline auth_step scram_exchange::server_first() {
    stage_ = stage::final;
    std::string message = "r=" + nonce_ + ",s=" + base64_encode(verifier_->salt) + ",i=" + std::to_string(verifier_->iterations);
    auth_message_ += ',';
    auth_message_ += message;
    return continue_with(std::move(message));
}

inline eventual<auth_step> scram_exchange::client_final(std::string_view text) {
    auto message = parse_scram_client_final(text);
    if (!message) return fail(auth_problem::malformed);
    if (message->nonce != nonce_ || !equal_constant_time(message->channel_binding, bound_)) return fail();
    if (message->proof.size() != digest_octets(hash_)) return fail();
    auth_message_ += ',';
    auth_message_ += message->without_proof;
    if (!derive_) return judge(std::move(message->proof));

    auto derive = [like = std::move(derived_), password = real_ ? secret{kept_->password->view()} : secret{std::string_view{"nobody"}}] {
        return make_scram_verifier(like.hash, password.view(), like.salt, like.iterations);
    };
    auto decide = [this, proof = std::move(message->proof)](scram_verifier made) mutable {
        derived_ = std::move(made);
        return judge(std::move(proof));
    };
    if (!all_->pool) return decide(derive());
    return then<auth_step>(offload(*all_->pool, std::move(derive)), std::move(decide));
}

inline eventual<auth_step> scram_exchange::judge(std::string proof_given) {
    // RFC 5802 §3: the proof without the signature is the client's key, whose digest is kept.
    secret const signature = hmac(hash_, verifier_->stored_key.reveal(), auth_message_);
    std::transform(proof_given.begin(), proof_given.end(), signature.reveal().begin(), proof_given.begin(),
                   [](char a, char b) { return static_cast<char>(a ^ b); });
    secret const client_key = secret::take(proof_given);
    bool const fits = equal_constant_time(digest(hash_, client_key.reveal()).reveal(), verifier_->stored_key.reveal());
    secret const proof = hmac(hash_, verifier_->server_key.reveal(), auth_message_);
    if (!real_ || !fits) return fail();
    return let_in(user_, other_, "v=" + base64_encode(proof.reveal()));
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl::detail
