#pragma once

#include <mailquay/tls/context.hpp>

#include <mailquay/tls/impl/certificates.ipp>
#include <mailquay/tls/impl/tls_settings.ipp>

#include <cstdint>
#include <map>
#include <mutex>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::tls {

namespace detail {

/// Longer chains of client certificates are not followed.
inline constexpr int chain_depth = 8;

/// What new connections are served with; never changed once it is made.
struct served {
    std::vector<ssl_ctx_ptr> contexts{};  // one per set of names; the first is for who asks for none of them
    std::unordered_map<std::string, SSL_CTX*> by_name{};  // wildcards as "*.example.org"

    SSL_CTX* find(std::string_view asked) const {
        if (asked.ends_with('.')) asked.remove_suffix(1);
        std::string name;
        for (char const c : asked) name += to_lower(c);
        if (auto const found = by_name.find(name); found != by_name.end()) return found->second;
        auto const dot = name.find('.');
        if (dot == name.npos || dot == 0) return nullptr;
        auto const found = by_name.find("*" + name.substr(dot));
        return found == by_name.end() ? nullptr : found->second;
    }
};

inline int choose_certificate(SSL* ssl, int*, void* of) noexcept {
    char const* const asked = ::SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (asked == nullptr) return SSL_TLSEXT_ERR_NOACK;
    try {
        // A name nobody has is no reason to refuse: mail would rather be sent under another name than in clear.
        SSL_CTX* const found = static_cast<served const*>(of)->find(asked);
        if (found == nullptr) return SSL_TLSEXT_ERR_NOACK;
        ::SSL_set_SSL_CTX(ssl, found);
    } catch (std::exception const&) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    return SSL_TLSEXT_ERR_OK;
}

/// With `requested`, a certificate that does not verify counts as none: `tls_info::client_verified` is false.
inline int any_certificate(int, X509_STORE_CTX*) { return 1; }

inline ssl_ctx_ptr make_ssl_ctx(context_config const& from, std::vector<x509_ptr> const& client_ca, served* of) {
    ssl_ctx_ptr made{::SSL_CTX_new(::TLS_server_method())};
    if (!made) return made;
    SSL_CTX* const ctx = made.get();
    bool const well = set_common_rules(ctx);
    ::SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    if (from.resumption) {
        static constexpr unsigned char id[] = "mailquay";
        ::SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1);
        ::SSL_CTX_set_num_tickets(ctx, 1);
    } else {
        ::SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        ::SSL_CTX_set_num_tickets(ctx, 0);
    }
    if (!well) return nullptr;

    if (from.clients != client_certificates::off) {
        int const required = from.clients == client_certificates::required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
        ::SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | required, required != 0 ? nullptr : any_certificate);
        ::SSL_CTX_set_verify_depth(ctx, chain_depth);
        for (x509_ptr const& one : client_ca) {
            ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(ctx), one.get());
            ::SSL_CTX_add_client_CA(ctx, one.get());
        }
    }
    SSL_CTX_set_tlsext_servername_callback(ctx, choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(ctx, of);
    ::ERR_clear_error();
    return made;
}

/// Makes all of it, or says in `problems` why not. `files` are the files that were looked at, either way.
inline std::shared_ptr<served const> make_served(context_config const& from, std::vector<file_read>& files,
                                                 std::vector<std::string>& problems) {
    std::vector<x509_ptr> client_ca;
    if (from.clients != client_certificates::off) {
        pem_source const source{"client CA", from.client_ca_file, from.client_ca_pem};
        if (auto const text = read_pem(source, files, problems)) {
            auto read = read_certificates(source, *text, problems);
            if (read) client_ca = std::move(*read);
            if (read && client_ca.empty()) problems.push_back(fmt::format("tls: {} holds no certificate in PEM; give who signs the clients' certificates", source.name()));
        }
    }
    std::vector<loaded_certificate> loaded;
    for (certificate const& one : from.certificates)
        if (auto good = load(one, files, problems)) loaded.push_back(std::move(*good));
    if (from.certificates.empty()) problems.emplace_back("tls: no certificate is given; give at least one, with its key");
    if (!problems.empty()) return nullptr;

    auto made = std::make_shared<served>();
    struct group {
        std::vector<std::string> const* names;
        std::vector<int> kinds;
        SSL_CTX* ctx;
    };
    std::vector<group> groups_of_names;
    for (std::size_t i = 0; i < loaded.size(); ++i) {
        loaded_certificate const& one = loaded[i];
        int const kind = EVP_PKEY_get_base_id(one.key.get());
        // A key of another kind for the same names joins the first, so that each client gets what it can verify.
        auto same = std::find_if(groups_of_names.begin(), groups_of_names.end(), [&](group const& other) {
            return *other.names == one.names && std::find(other.kinds.begin(), other.kinds.end(), kind) == other.kinds.end();
        });
        if (same == groups_of_names.end()) {
            auto ctx = make_ssl_ctx(from, client_ca, made.get());
            if (!ctx) {
                problems.push_back(fmt::format("tls: OpenSSL does not take the settings: {}; is it version 3.0 or later?", reason_of_openssl()));
                return nullptr;
            }
            groups_of_names.push_back({&one.names, {}, ctx.get()});
            made->contexts.push_back(std::move(ctx));
            same = std::prev(groups_of_names.end());
        }
        same->kinds.push_back(kind);
        using stack_ptr = std::unique_ptr<STACK_OF(X509), decltype([](STACK_OF(X509)* all) { sk_X509_free(all); })>;
        stack_ptr const chain{sk_X509_new_null()};
        for (x509_ptr const& link : one.chain) sk_X509_push(chain.get(), link.get());
        if (::SSL_CTX_use_cert_and_key(same->ctx, one.leaf.get(), one.key.get(), chain.get(), 1) != 1) {
            certificate const& given = from.certificates[i];
            problems.push_back(fmt::format("tls: {} cannot be used: {}; have one issued with a stronger key or signature",
                                           pem_source{"certificate", given.chain_file, given.chain_pem}.name(), reason_of_openssl()));
            return nullptr;
        }
        for (std::string const& name : one.names) made->by_name.emplace(name, same->ctx);  // the first one named has it
    }
    ::ERR_clear_error();
    return made;
}

}  // namespace detail

struct context::impl {
    context_config config;
    mutable std::mutex mutex{};
    std::shared_ptr<detail::served const> now{};
    std::vector<detail::file_read> looked_at{};  // at the last attempt
    // Attempts are numbered as they begin: what one has read never takes the place of what a later one has.
    std::uint64_t begun = 0;
    std::uint64_t looked = 0;
    std::uint64_t served = 0;
    std::map<std::uint64_t, context_config> asked{};  // by attempts under way with other settings: of them the newest count for those that follow

    std::vector<std::string> load(std::uint64_t number, context_config from);
};

MAILQUAY_DECL context::context(context_config config) : impl_(std::make_unique<impl>()) {
    auto const problems = reload(std::move(config));
    if (problems.empty()) return;
    std::string what = "mailquay: ";
    for (std::string const& one : problems) what.append(&one == &problems.front() ? "" : "; ").append(one);
    throw std::invalid_argument(what);
}

MAILQUAY_DECL context::~context() = default;
MAILQUAY_DECL context::context(context&&) noexcept = default;
MAILQUAY_DECL context& context::operator=(context&&) noexcept = default;

MAILQUAY_DECL std::vector<std::string> context::reload() {
    std::unique_lock lock{impl_->mutex};
    // Number and settings at once, or it would count as later than settings that it does not know.
    auto const number = ++impl_->begun;
    auto same = impl_->asked.empty() ? impl_->config : impl_->asked.rbegin()->second;
    lock.unlock();
    return impl_->load(number, std::move(same));
}

MAILQUAY_DECL std::vector<std::string> context::reload(context_config config) {
    std::unique_lock lock{impl_->mutex};
    auto const number = ++impl_->begun;
    impl_->asked.emplace(number, config);
    lock.unlock();
    return impl_->load(number, std::move(config));
}

MAILQUAY_DECL std::vector<std::string> context::impl::load(std::uint64_t number, context_config from) {
    std::vector<std::string> problems;
    std::vector<detail::file_read> files;
    std::shared_ptr<detail::served const> made;
    try {
        made = detail::make_served(from, files, problems);
    } catch (std::exception const& failed) {
        problems.push_back(fmt::format("tls: the certificates cannot be read: {}", failed.what()));
    }
    std::unique_lock const lock{mutex};
    asked.erase(number);
    if (number > looked) {
        looked = number;
        looked_at = std::move(files);
    }
    if (!problems.empty() || number < served) return problems;
    served = number;
    asked.erase(asked.begin(), asked.upper_bound(number));
    config = std::move(from);
    now.swap(made);
    return problems;
}

MAILQUAY_DECL bool context::files_changed() const {
    std::unique_lock lock{impl_->mutex};
    auto const files = impl_->looked_at;
    lock.unlock();
    return std::any_of(files.begin(), files.end(), [](detail::file_read const& one) { return one.changed(); });
}

MAILQUAY_DECL std::unique_ptr<tls_stream> context::accept(session_info const&) {
    std::unique_lock lock{impl_->mutex};
    auto const now = impl_->now;
    lock.unlock();
    return detail::openssl_stream::make(now->contexts.front().get(), now);
}

}  // namespace mailquay::inline MAILQUAY_ABI::tls
