#include <mailquay/sasl/mechanisms.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/random.hpp>
#include <mailquay/sasl/detail/exchanges.hpp>
#include <mailquay/sasl/detail/hashing.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <stdexcept>

namespace mailquay::inline MAILQUAY_ABI::sasl {

MAILQUAY_DECL identities const& identities_of(session_info const& client) {
    return client.slot<identities>(detail::identities_owner());
}

MAILQUAY_DECL mechanisms::mechanisms(std::shared_ptr<credential_store> users, mechanism_settings settings, int)
    : state_(std::make_shared<detail::mechanism_state>()) {
    if (settings.scram_iterations < least_scram_iterations || settings.scram_iterations > most_scram_iterations)
        throw std::invalid_argument("sasl::mechanism_settings::scram_iterations is " + std::to_string(settings.scram_iterations) +
                                    ": RFC 7677 asks for 4096 at least, and more than 10,000,000 stop the workers");
    if (!settings.salt_key.empty() && settings.salt_key.size() < 16)
        throw std::invalid_argument("sasl::mechanism_settings::salt_key is shorter than 16 octets: anyone could find it by trying");
    if (settings.salt_key.empty()) {
        settings.salt_key.resize(32);
        random_bytes(std::as_writable_bytes(std::span{settings.salt_key}));
    }
    state_->users = std::move(users);
    state_->settings = std::move(settings);
}

MAILQUAY_DECL mechanisms::mechanisms(mechanism_settings settings) : mechanisms(std::shared_ptr<credential_store>{}, std::move(settings), 0) {}
MAILQUAY_DECL mechanisms::~mechanisms() = default;

MAILQUAY_DECL mechanisms& mechanisms::bearer_tokens(token_checker check, bearer_settings settings) {
    if (!check) throw std::invalid_argument("sasl::mechanisms::bearer_tokens(): nobody checks the tokens: give a function");
    state_->check_token = std::move(check);
    state_->bearer = std::move(settings);
    return *this;
}

MAILQUAY_DECL mechanisms& mechanisms::certificates(certificate_user whose) {
    state_->external = true;
    state_->whose = std::move(whose);
    return *this;
}

MAILQUAY_DECL mechanisms& mechanisms::may_act_as(act_as may) {
    state_->may = std::move(may);
    return *this;
}

MAILQUAY_DECL void mechanisms::lend(std::shared_ptr<workers> pool) {
    if (auto* const asks = dynamic_cast<uses_workers*>(state_->users.get())) asks->lend(pool);
    if (!state_->pool) state_->pool = std::move(pool);
}

MAILQUAY_DECL mailquay::mechanisms mechanisms::offered(session_info const& client) const {
    detail::mechanism_state const& all = *state_;
    mechanism_settings const& wanted = all.settings;
    bool const private_enough = client.secure() || wanted.secrets_in_clear;
    mailquay::mechanisms names;

    if (all.external && client.tls_is_the_clients() && client.tls()->client_verified) names.push_back("EXTERNAL");
    credential_forms const forms = all.users ? all.users->forms() : credential_forms{};
    bool const asked_for[] = {wanted.scram_sha1, wanted.scram_sha256, wanted.scram_sha512};
    auto const add_scram = [&](std::string_view suffix) {
        for (std::size_t i = scram_hashes.size(); i-- > 0;)
            if (asked_for[i] && (forms.passwords || forms.scram[i])) names.push_back(std::string{scram_name(scram_hashes[i])}.append(suffix));
    };
    if (wanted.channel_binding && !detail::channel_bindings(client).empty()) add_scram("-PLUS");
    add_scram("");
    if (all.check_token && private_enough) {
        if (all.bearer.oauthbearer) names.push_back("OAUTHBEARER");
        if (all.bearer.xoauth2) names.push_back("XOAUTH2");
    }
    if (wanted.cram_md5 && forms.passwords) names.push_back("CRAM-MD5");
    if (all.users && private_enough) {
        if (wanted.plain) names.push_back("PLAIN");
        if (wanted.login) names.push_back("LOGIN");
    }
    return names;
}

// What a setting keeps back because it is weak, not what the credentials do not allow.
MAILQUAY_DECL mailquay::mechanisms mechanisms::too_weak(session_info const&) const {
    mailquay::mechanisms names;
    if (!state_->users) return names;
    if (!state_->settings.cram_md5) names.push_back("CRAM-MD5");
    if (!state_->settings.scram_sha1) names.push_back("SCRAM-SHA-1"), names.push_back("SCRAM-SHA-1-PLUS");
    return names;
}

MAILQUAY_DECL std::unique_ptr<auth_exchange> mechanisms::begin(std::string_view mechanism, session_info const& client) {
    auto const names = offered(client);
    auto const found = std::find_if(names.begin(), names.end(), [&](std::string const& name) { return iequals(name, mechanism); });
    if (found == names.end()) return nullptr;
    std::string const& name = *found;
    for (scram_hash const hash : scram_hashes) {
        std::string const plain_name{scram_name(hash)};
        if (name == plain_name || name == plain_name + "-PLUS")
            return std::make_unique<detail::scram_exchange>(state_, client, hash, name != plain_name, detail::make_scram_nonce());
    }
    if (name == "EXTERNAL") return std::make_unique<detail::external_exchange>(state_, client, name);
    if (name == "OAUTHBEARER" || name == "XOAUTH2") return std::make_unique<detail::bearer_exchange>(state_, client, name);
    if (name == "CRAM-MD5")
        return std::make_unique<detail::cram_md5_exchange>(state_, client, detail::make_cram_md5_challenge(state_->settings.hostname));
    if (name == "LOGIN") return std::make_unique<detail::login_exchange>(state_, client, name);
    return std::make_unique<detail::plain_exchange>(state_, client, name);
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl
