#pragma once

#include <mailquay/sasl/client_mechanisms.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/base64.hpp>
#include <mailquay/base/decimal.hpp>
#include <mailquay/base/random.hpp>
#include <mailquay/sasl/detail/hashing.hpp>
#include <mailquay/sasl/saslprep.hpp>
#include <mailquay/sasl/scram_hash.hpp>

#include <algorithm>
#include <array>
#include <mutex>
#include <span>
#include <stdexcept>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sasl {

namespace detail {

inline secret joined(std::initializer_list<std::string_view> parts) {
    std::string all;
    std::size_t size = 0;
    for (std::string_view const part : parts) size += part.size();
    all.reserve(size);  // no copy of a secret stays behind
    for (std::string_view const part : parts) all += part;
    return secret::take(all);
}

/// RFC 5802 §5.1: "," and "=" cannot stand in a saslname.
inline std::string encode_saslname(std::string_view name) {
    std::string made;
    for (char const c : name) {
        if (c == ',') {
            made += "=2C";
        } else if (c == '=') {
            made += "=3D";
        } else {
            made += c;
        }
    }
    return made;
}

/// One message, sent first or behind an empty challenge: PLAIN (RFC 4616), OAUTHBEARER (RFC 7628), XOAUTH2.
class one_message_exchange final : public client_exchange {
public:
    /// @param to_error  answers the challenge that says what was wrong (RFC 7628 §3.2.3); nothing: there is none
    one_message_exchange(std::string_view mechanism, secret message, std::optional<std::string> to_error = {})
        : mechanism_(mechanism), message_(std::move(message)), to_error_(std::move(to_error)) {}

    std::string_view mechanism() const noexcept override { return mechanism_; }
    std::optional<secret> first() override { return secret{message_.view()}; }
    std::optional<secret> next(std::string_view challenge) override {
        if (challenge.empty() && !std::exchange(answered_, true)) return secret{message_.view()};
        if (!to_error_ || std::exchange(failed_, true)) return std::nullopt;
        return secret{std::string_view{*to_error_}};
    }
    bool satisfied() const noexcept override { return !failed_; }

private:
    std::string mechanism_;
    secret message_;
    std::optional<std::string> to_error_;
    bool answered_ = false;
    bool failed_ = false;
};

/// LOGIN (draft-murchison-sasl-login): whatever the challenges say, first the name, then the password.
class client_login_exchange final : public client_exchange {
public:
    client_login_exchange(std::string_view user, secret_view password) : user_(user), password_(password) {}

    std::string_view mechanism() const noexcept override { return "LOGIN"; }
    std::optional<secret> first() override { return std::nullopt; }
    std::optional<secret> next(std::string_view) override {
        if (++step_ == 1) return secret{std::string_view{user_}};
        if (step_ == 2) return secret{password_.view()};
        return std::nullopt;
    }
    bool satisfied() const noexcept override { return step_ == 2; }

private:
    std::string user_;
    secret password_;
    unsigned step_ = 0;
};

/// What PBKDF2 gave last, so that each connection does not compute it anew.
struct salted_cache {
    std::mutex mutex{};
    scram_hash hash{};
    std::string salt{};
    unsigned iterations = 0;
    secret salted{};
};

/// SCRAM (RFC 5802, RFC 7677).
class scram_client_exchange final : public client_exchange {
public:
    struct identity {
        std::string user{};         // prepared
        secret password{};          // prepared
        std::string authorisation{};
    };

    scram_client_exchange(scram_hash hash, bool plus, identity who, std::string header, std::string binding, std::string nonce,
                          unsigned most_iterations, std::shared_ptr<salted_cache> cache)
        : hash_(hash), mechanism_(std::string{scram_name(hash)} + (plus ? "-PLUS" : "")), who_(std::move(who)), header_(std::move(header)),
          binding_(std::move(binding)), nonce_(std::move(nonce)), most_iterations_(most_iterations), cache_(std::move(cache)) {}

    std::string_view mechanism() const noexcept override { return mechanism_; }
    std::optional<secret> first() override { return secret{header_ + bare()}; }
    std::optional<secret> next(std::string_view challenge) override {
        if (stage_ == stage::begun && challenge.empty()) return first();
        if (stage_ == stage::begun) return final(challenge);
        if (stage_ == stage::proof_sent) return check(challenge);
        return std::nullopt;
    }
    bool satisfied() const noexcept override { return stage_ == stage::proved; }

private:
    enum class stage : std::uint8_t { begun, proof_sent, proved, over };

    std::string bare() const { return "n=" + encode_saslname(who_.user) + ",r=" + nonce_; }

    /// The value of an attribute that begins with `name` and "="; takes it and its comma off `rest`.
    static std::optional<std::string_view> attribute(std::string_view& rest, char name) {
        if (rest.size() < 2 || rest[0] != name || rest[1] != '=') return std::nullopt;
        std::string_view const value = rest.substr(2, rest.find(',') == rest.npos ? rest.npos : rest.find(',') - 2);
        rest.remove_prefix(std::min(value.size() + 3, rest.size()));
        return value;
    }

    std::optional<secret> final(std::string_view server_first) {
        constexpr unsigned least_iterations = 4096;  // RFC 7677 §4
        stage_ = stage::over;
        std::string_view rest = server_first;
        auto const nonce = attribute(rest, 'r');  // "m=" before it is an extension that we must not ignore
        auto const salt_text = nonce ? attribute(rest, 's') : std::nullopt;
        auto const count = salt_text ? attribute(rest, 'i') : std::nullopt;
        if (!count || !nonce->starts_with(nonce_) || nonce->size() == nonce_.size()) return std::nullopt;
        auto const salt = base64_decode(*salt_text);
        auto const iterations = parse_decimal<std::uint32_t>(*count);
        if (!salt || salt->empty() || !iterations || *iterations < least_iterations || *iterations > most_iterations_) return std::nullopt;

        std::string without_proof = "c=" + base64_encode(header_ + binding_) + ",r=";
        without_proof += *nonce;
        std::string const signed_text = bare() + ',' + std::string{server_first} + ',' + without_proof;
        secret const salted = salted_with(*salt, *iterations);
        secret const client_key = hmac(hash_, salted.reveal(), "Client Key");
        secret const stored_key = digest(hash_, client_key.reveal());
        secret const signature = hmac(hash_, stored_key.reveal(), signed_text);
        std::string proof{client_key.reveal()};
        for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ signature.reveal()[i]);
        secret const server_key = hmac(hash_, salted.reveal(), "Server Key");
        server_signature_ = std::string{hmac(hash_, server_key.reveal(), signed_text).reveal()};
        std::string answer = without_proof + ",p=" + base64_encode(proof);
        wipe(proof);
        stage_ = stage::proof_sent;
        return secret::take(answer);
    }

    std::optional<secret> check(std::string_view server_final) {
        stage_ = stage::over;
        auto const given = attribute(server_final, 'v');  // "e=" says what went wrong
        if (!given) return std::nullopt;
        auto const signature = base64_decode(*given);
        if (!signature || !equal_constant_time(*signature, server_signature_)) return std::nullopt;
        stage_ = stage::proved;
        return secret{};
    }

    secret salted_with(std::string const& salt, unsigned iterations) {
        std::lock_guard const lock{cache_->mutex};
        if (cache_->salted.empty() || cache_->hash != hash_ || cache_->salt != salt || cache_->iterations != iterations) {
            cache_->salted = salted_password(hash_, who_.password, salt, iterations);
            cache_->hash = hash_;
            cache_->salt = salt;
            cache_->iterations = iterations;
        }
        return secret{cache_->salted.view()};
    }

    scram_hash hash_;
    std::string mechanism_;
    identity who_;
    std::string header_;
    std::string binding_;
    std::string nonce_;
    unsigned most_iterations_;
    std::shared_ptr<salted_cache> cache_;
    std::string server_signature_{};
    stage stage_ = stage::begun;
};

/// The channel binding that this channel has: name and octets.
inline std::pair<std::string_view, std::string_view> client_binding(sasl_channel const& over) {
    if (over.tls == nullptr) return {};
    tls_info const& tls = *over.tls;
    if (tls.protocol != "TLSv1.3" && !tls.channel_binding_unique.empty()) return {"tls-unique", tls.channel_binding_unique};
    if (!tls.channel_binding_exporter.empty()) return {"tls-exporter", tls.channel_binding_exporter};
    if (!tls.channel_binding_endpoint.empty()) return {"tls-server-end-point", tls.channel_binding_endpoint};
    return {};
}

inline std::unique_ptr<client_exchange> begin_scram(std::string_view mechanism, std::string_view user, secret_view password,
                                                    client_mechanism_settings const& settings, sasl_channel const& over, std::string nonce,
                                                    bool plus_offered, std::shared_ptr<salted_cache> cache) {
    bool const plus = mechanism.ends_with("-PLUS");
    if (plus) mechanism.remove_suffix(5);
    auto const found = std::find_if(scram_hashes.begin(), scram_hashes.end(), [&](scram_hash one) { return scram_name(one) == mechanism; });
    if (found == scram_hashes.end()) return nullptr;
    auto const [binding_name, binding] = client_binding(over);
    if (plus && binding.empty()) return nullptr;
    auto prepared_user = saslprep(user);
    auto prepared_password = saslprep(password.reveal());
    if (!prepared_user || !prepared_password) return nullptr;

    // "y": we could bind, but the server, it seems, could not; if somebody took the -PLUS away, it finds out (RFC 5802 §6).
    std::string header = plus ? "p=" + std::string{binding_name} : !binding.empty() && !plus_offered ? "y" : "n";
    header += ',';
    if (!settings.authorisation.empty()) header += "a=" + encode_saslname(settings.authorisation);
    header += ',';
    if (nonce.empty()) {
        std::array<char, 18> octets{};
        random_bytes(std::as_writable_bytes(std::span{octets}));
        nonce = base64_encode({octets.data(), octets.size()});
    }
    scram_client_exchange::identity who;
    who.user = std::move(*prepared_user);
    who.password = secret::take(*prepared_password);
    if (!cache) cache = std::make_shared<salted_cache>();
    return std::make_unique<scram_client_exchange>(*found, plus, std::move(who), std::move(header), plus ? std::string{binding} : std::string{},
                                                   std::move(nonce), settings.most_iterations, std::move(cache));
}

inline std::unique_ptr<client_exchange> begin_any(std::string_view mechanism, std::string_view user, secret_view password,
                                                  client_mechanism_settings const& settings, sasl_channel const& over, std::string nonce,
                                                  bool plus_offered, std::shared_ptr<salted_cache> cache) {
    using namespace std::string_view_literals;
    if (mechanism == "PLAIN")
        return std::make_unique<one_message_exchange>(mechanism, joined({settings.authorisation, "\0"sv, user, "\0"sv, password.reveal()}));
    if (mechanism == "LOGIN") return std::make_unique<client_login_exchange>(user, password);
    if (mechanism == "XOAUTH2")
        return std::make_unique<one_message_exchange>(mechanism, joined({"user=", user, "\1auth=Bearer ", password.reveal(), "\1\1"}), "");
    if (mechanism == "OAUTHBEARER") {
        std::string place;
        if (!over.host.empty()) place.append("\1host=").append(over.host);
        if (over.port != 0) {
            place += "\1port=";
            append_decimal(place, over.port);
        }
        return std::make_unique<one_message_exchange>(
            mechanism, joined({"n,a=", encode_saslname(user), ",", place, "\1auth=Bearer ", password.reveal(), "\1\1"}), "\1");
    }
    return begin_scram(mechanism, user, password, settings, over, std::move(nonce), plus_offered, std::move(cache));
}

}  // namespace detail

struct client_login::impl {
    std::string user{};
    secret password{};
    client_mechanism_settings settings{};
    std::shared_ptr<detail::salted_cache> cache = std::make_shared<detail::salted_cache>();
};

MAILQUAY_DECL client_login::client_login(std::string user, secret password, client_mechanism_settings settings) {
    auto const has_nul = [](std::string_view text) { return text.find('\0') != text.npos; };
    if (user.empty() || has_nul(user) || has_nul(password.reveal()) || has_nul(settings.authorisation))
        throw std::invalid_argument("mailquay: sasl::client_login: the user name is empty, or it or the password has a NUL; give the name "
                                    "that the server knows");
    auto made = std::make_shared<impl>();
    made->user = std::move(user);
    made->password = std::move(password);
    made->settings = std::move(settings);
    impl_ = std::move(made);
}

MAILQUAY_DECL std::shared_ptr<client_login> client_login::by_token(std::string user, secret token) {
    client_mechanism_settings settings;
    settings.allowed = {"OAUTHBEARER", "XOAUTH2"};
    return std::make_shared<client_login>(std::move(user), std::move(token), std::move(settings));
}

MAILQUAY_DECL client_login::~client_login() = default;

MAILQUAY_DECL std::unique_ptr<client_exchange> client_login::begin(std::span<std::string const> offered, sasl_channel const& over) {
    auto const is_offered = [&](std::string const& name) { return std::find(offered.begin(), offered.end(), name) != offered.end(); };
    for (std::string const& name : impl_->settings.allowed) {
        if (!is_offered(name)) continue;
        bool const plus_offered = is_offered(name + "-PLUS");
        auto made = detail::begin_any(name, impl_->user, impl_->password, impl_->settings, over, {}, plus_offered, impl_->cache);
        if (made) return made;
    }
    return nullptr;
}

MAILQUAY_DECL std::unique_ptr<client_exchange> begin_client_exchange(std::string_view mechanism, std::string_view user, secret_view password,
                                                                     client_mechanism_settings const& settings, sasl_channel const& over,
                                                                     std::string nonce) {
    return detail::begin_any(mechanism, user, password, settings, over, std::move(nonce), true, nullptr);
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl
