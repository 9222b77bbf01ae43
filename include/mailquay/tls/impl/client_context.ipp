#pragma once

#include <mailquay/tls/client_context.hpp>

#include <mailquay/base/ip_address.hpp>
#include <mailquay/tls/impl/certificates.ipp>
#include <mailquay/tls/impl/tls_settings.ipp>

#include <stdexcept>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::tls {

namespace detail {

/// The client's side of a connection: an OpenSSL stream, and what is to be known of the server.
class openssl_client_stream final : public tls_client_stream {
public:
    openssl_client_stream(std::unique_ptr<openssl_stream> stream, bool named) : stream_(std::move(stream)), named_(named) {}

    void lend(std::span<char const> cipher) override { stream_->lend(cipher); }
    bool wants_input() const noexcept override { return stream_->wants_input(); }
    void keep_rest() override { stream_->keep_rest(); }
    void input_closed() noexcept override { stream_->input_closed(); }
    result<state> handshake() override { return stream_->handshake(); }
    result<std::size_t> read(std::span<char> room) override { return stream_->read(room); }
    result<std::size_t> write(std::span<char const> plain) override { return stream_->write(plain); }
    std::size_t take_output(std::span<char> room) override { return stream_->take_output(room); }
    bool has_output() const noexcept override { return stream_->has_output(); }
    void close_notify() override { stream_->close_notify(); }
    state current() const noexcept override { return stream_->current(); }
    bool closed_cleanly() const noexcept override { return stream_->closed_cleanly(); }
    tls_info info() const override { return stream_->info(); }
    tls_server_facts server() const override;

private:
    std::unique_ptr<openssl_stream> stream_;
    bool named_;  // the certificate is compared with a name
};

inline tls_server_facts openssl_client_stream::server() const {
    SSL* const ssl = stream_->ssl();
    tls_server_facts facts;
    x509_ptr const shown{::SSL_get1_peer_certificate(ssl)};
    if (shown) facts.identity = subject_of(shown.get());
    long const verdict = ::SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK) {
        facts.problem = ::X509_verify_cert_error_string(verdict);
        return facts;
    }
    if (!shown) return facts;
    if (!named_) {
        facts.problem = "there is no name to compare the certificate with";
        return facts;
    }
    facts.verified = true;
    std::uint8_t usage = 0;
    if (::SSL_get0_dane_authority(ssl, nullptr, nullptr) >= 0 && ::SSL_get0_dane_tlsa(ssl, &usage, nullptr, nullptr, nullptr, nullptr) >= 0) {
        facts.matched = usage == 3 ? "dane-ee" : "dane-ta";
    } else if (char const* const name = ::SSL_get0_peername(ssl)) {
        facts.matched = name;
    }
    return facts;
}

/// Whether the name was set; an address is compared with the certificate's addresses.
inline bool set_expected_name(SSL* ssl, std::string const& name, std::vector<std::string> const& more) {
    X509_VERIFY_PARAM* const rules = ::SSL_get0_param(ssl);
    ::X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    bool named = false;
    if (auto const address = ip_address::parse(name)) {
        named = ::X509_VERIFY_PARAM_set1_ip_asc(rules, address->to_string().c_str()) == 1;
    } else if (!name.empty()) {
        named = ::SSL_set1_host(ssl, name.c_str()) == 1;
    }
    for (std::string const& one : more) named = (!one.empty() && ::SSL_add1_host(ssl, one.c_str()) == 1) || named;
    return named;
}

/// RFC 7672 §3.1.3: of the four usages only DANE-TA(2) and DANE-EE(3) count. @return whether one is usable
inline bool add_tlsa_records(SSL* ssl, tls_target const& to) {
    if (::SSL_dane_enable(ssl, to.server_name.c_str()) <= 0) return false;
    ::SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    bool usable = false;
    for (tlsa_record const& one : to.tlsa) {
        if (one.usage != 2 && one.usage != 3) continue;
        auto const* const data = reinterpret_cast<unsigned char const*>(one.data.data());
        usable = ::SSL_dane_tlsa_add(ssl, one.usage, one.selector, one.matching_type, data, one.data.size()) > 0 || usable;
    }
    ::ERR_clear_error();  // of records that cannot be used
    return usable;
}

}  // namespace detail

struct client_context::impl {
    detail::ssl_ctx_ptr ctx{};
};

MAILQUAY_DECL client_context::client_context(client_context_config config) {
    std::vector<std::string> problems;
    std::vector<detail::file_read> ignored;
    auto made = std::make_shared<impl>();
    made->ctx.reset(::SSL_CTX_new(::TLS_client_method()));
    SSL_CTX* const ctx = made->ctx.get();
    bool well = ctx != nullptr && detail::set_common_rules(ctx);
    well = well && ::SSL_CTX_dane_enable(ctx) == 1;
    if (!well) throw std::invalid_argument("mailquay: tls: OpenSSL does not take the settings: " + detail::reason_of_openssl() + "; is it version 3.0 or later?");
    ::SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);

    if (config.ca_file.empty() && config.ca_pem.empty()) {
        ::SSL_CTX_set_default_verify_paths(ctx);
    } else {
        detail::pem_source const source{"CA", config.ca_file, config.ca_pem};
        if (auto const text = detail::read_pem(source, ignored, problems)) {
            auto const read = detail::read_certificates(source, *text, problems);
            if (read && read->empty()) problems.push_back(fmt::format("tls: {} holds no certificate in PEM; give who signs the servers' certificates", source.name()));
            for (std::size_t i = 0; read && i < read->size(); ++i) ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(ctx), (*read)[i].get());
        }
    }
    certificate const& own = config.own;
    if (!own.chain_file.empty() || !own.chain_pem.empty()) {
        if (auto const loaded = detail::load(own, ignored, problems)) {
            using stack_ptr = std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509)* all) { sk_X509_free(all); })>;
            stack_ptr const chain{sk_X509_new_null()};
            for (detail::x509_ptr const& link : loaded->chain) sk_X509_push(chain.get(), link.get());
            if (::SSL_CTX_use_cert_and_key(ctx, loaded->leaf.get(), loaded->key.get(), chain.get(), 1) != 1)
                problems.push_back("tls: the client's own certificate cannot be used: " + detail::reason_of_openssl() + "; have one issued with a stronger key");
        }
    }
    ::ERR_clear_error();
    if (!problems.empty()) {
        std::string what = "mailquay: ";
        for (std::string const& one : problems) what.append(&one == &problems.front() ? "" : "; ").append(one);
        throw std::invalid_argument(what);
    }
    impl_ = std::move(made);
}

MAILQUAY_DECL client_context::~client_context() = default;

MAILQUAY_DECL std::unique_ptr<tls_client_stream> client_context::connect(tls_target const& to) {
    auto stream = detail::openssl_stream::make(impl_->ctx.get(), impl_, detail::tls_side::client);
    if (!stream) return nullptr;
    SSL* const ssl = stream->ssl();
    bool const dane = to.verify == tls_verification::dane && detail::add_tlsa_records(ssl, to);
    bool const named = detail::set_expected_name(ssl, to.server_name, to.names);
    bool const demanded = dane || to.verify == tls_verification::certificate;
    if (to.verify == tls_verification::certificate && !named) return nullptr;  // any certificate would do
    bool const is_name = !to.server_name.empty() && !ip_address::parse(to.server_name);
    if (is_name) SSL_set_tlsext_host_name(ssl, to.server_name.c_str());
    // Without a demand it is verified all the same, for the log.
    ::SSL_set_verify(ssl, demanded ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    ::ERR_clear_error();
    return std::make_unique<detail::openssl_client_stream>(std::move(stream), named || dane);
}

}  // namespace mailquay::inline MAILQUAY_ABI::tls
