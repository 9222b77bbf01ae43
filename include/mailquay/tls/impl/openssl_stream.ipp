#pragma once

#include <mailquay/handler/tls_provider.hpp>
#include <mailquay/tls/openssl_error.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

// The TLS engine of one connection: OpenSSL between a lent buffer and a string. A BIO of its own reads straight from what
// was lent; the memory BIOs of OpenSSL would keep 69 KiB per connection.

namespace mailquay::inline MAILQUAY_ABI::tls::detail {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* given) const noexcept {
        Free(given);
    }
};
using ssl_ptr = std::unique_ptr<SSL, freed_by<::SSL_free>>;
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, freed_by<::SSL_CTX_free>>;
using bio_ptr = std::unique_ptr<BIO, freed_by<::BIO_free_all>>;
using bio_method_ptr = std::unique_ptr<BIO_METHOD, freed_by<::BIO_meth_free>>;
using x509_ptr = std::unique_ptr<X509, freed_by<::X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<::EVP_PKEY_free>>;

/// Cipher text that waits to be taken. A flight of the handshake with its chain is below 20 KiB, replies are below 16; above
/// it the peer asks for more than it takes.
inline constexpr std::size_t most_output = 64 * 1024;

/// A string that has grown and is not needed, of each thread: a reply under TLS allocates nothing, and idle connections hold nothing.
inline std::string& spare_string() noexcept {
    thread_local std::string one;
    return one;
}

/// Empties a string and gives its memory back; `s = {}` would keep it.
inline void let_go(std::string& of) noexcept {
    of.clear();
    if (of.capacity() > spare_string().capacity()) of.swap(spare_string());
    std::string{}.swap(of);
}

/// The octets on either side of an engine.
struct wire_ends {
    std::span<char const> lent{};
    std::string kept{};  // of what was lent, when the lender took it back; read before `lent`
    std::size_t kept_read = 0;
    std::string out{};
    std::size_t out_taken = 0;

    bool used_up() const noexcept { return lent.empty() && kept_read == kept.size(); }
    std::size_t take(char* into, std::size_t most) noexcept {
        if (kept_read != kept.size()) {
            std::size_t const octets = std::min(most, kept.size() - kept_read);
            std::memcpy(into, kept.data() + kept_read, octets);
            kept_read += octets;
            if (kept_read == kept.size()) let_go(kept), kept_read = 0;
            return octets;
        }
        std::size_t const octets = std::min(most, lent.size());
        if (octets == 0) return 0;
        std::memcpy(into, lent.data(), octets);
        lent = lent.subspan(octets);
        return octets;
    }
};

inline int bio_read(BIO* self, char* into, std::size_t most, std::size_t* octets) {
    ::BIO_clear_retry_flags(self);
    *octets = static_cast<wire_ends*>(::BIO_get_data(self))->take(into, most);
    if (*octets != 0) return 1;
    ::BIO_set_retry_read(self);
    return 0;
}

inline int bio_write(BIO* self, char const* from, std::size_t size, std::size_t* octets) {
    ::BIO_clear_retry_flags(self);
    auto& out = static_cast<wire_ends*>(::BIO_get_data(self))->out;
    *octets = 0;
    if (out.size() > most_output) {
        ::BIO_set_retry_write(self);
        return 0;
    }
    if (out.empty()) out.swap(spare_string());
    try {
        out.append(from, size);
    } catch (std::exception const&) {  // OpenSSL is C: nothing may fly through it
        return 0;
    }
    *octets = size;
    return 1;
}

inline long bio_control(BIO*, int what, long, void*) { return what == BIO_CTRL_FLUSH ? 1 : 0; }

inline BIO_METHOD const* bio_method() {
    static bio_method_ptr const method = [] {
        bio_method_ptr made{::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "lent buffer")};
        if (!made) return made;
        ::BIO_meth_set_read_ex(made.get(), bio_read);
        ::BIO_meth_set_write_ex(made.get(), bio_write);
        ::BIO_meth_set_ctrl(made.get(), bio_control);
        return made;
    }();
    return method.get();
}

enum class tls_side : bool { server, client };

class openssl_stream final : public tls_stream {
public:
    /// `keeps` is what must live as long as the stream: the context's certificates.
    static std::unique_ptr<openssl_stream> make(SSL_CTX* of, std::shared_ptr<void const> keeps, tls_side side = tls_side::server) {
        auto made = std::unique_ptr<openssl_stream>(new openssl_stream(std::move(keeps), side));
        made->ssl_.reset(::SSL_new(of));
        BIO* const bio = bio_method() != nullptr ? ::BIO_new(bio_method()) : nullptr;
        if (!made->ssl_ || bio == nullptr) {
            ::BIO_free_all(bio);
            ::ERR_clear_error();
            return nullptr;
        }
        ::BIO_set_data(bio, &made->ends_);
        ::BIO_set_init(bio, 1);
        ::SSL_set_bio(made->ssl_.get(), bio, bio);
        if (side == tls_side::server) {
            ::SSL_set_accept_state(made->ssl_.get());
        } else {
            ::SSL_set_connect_state(made->ssl_.get());
        }
        return made;
    }

    void lend(std::span<char const> cipher) override { ends_.lent = cipher; }
    bool wants_input() const noexcept override { return ends_.used_up(); }
    void keep_rest() override {
        ends_.kept.erase(0, std::exchange(ends_.kept_read, 0));
        ends_.kept.append(ends_.lent.data(), ends_.lent.size());
        ends_.lent = {};
    }
    void input_closed() noexcept override {
        if (state_ == state::established) state_ = state::closed;
        if (state_ == state::handshake) state_ = state::failed;
    }

    result<state> handshake() override {
        if (state_ != state::handshake) return state_;
        forget_errors();
        int const done = ::SSL_do_handshake(ssl_.get());
        if (done == 1) {
            release_buffers();
            return state_ = state::established;
        }
        int const why = ::SSL_get_error(ssl_.get(), done);
        if (why == SSL_ERROR_WANT_READ) return state_;
        return failed(why);
    }

    result<std::size_t> read(std::span<char> room) override {
        if (state_ == state::failed) return failure_;
        if (state_ != state::established || !may_yield()) return std::size_t{0};
        forget_errors();
        std::size_t filled = 0;
        while (filled != room.size() && may_yield()) {
            std::size_t got = 0;
            int const done = ::SSL_read_ex(ssl_.get(), room.data() + filled, room.size() - filled, &got);
            filled += got;
            if (done == 1) continue;
            int const why = ::SSL_get_error(ssl_.get(), done);
            if (why == SSL_ERROR_WANT_READ) break;
            if (why == SSL_ERROR_ZERO_RETURN) {
                state_ = state::closed;
                closed_cleanly_ = true;
                break;
            }
            std::error_code const failure = failed(why);
            if (filled == 0) return failure;  // else the next call tells
            break;
        }
        release_buffers();
        return filled;
    }

    result<std::size_t> write(std::span<char const> plain) override {
        if (state_ == state::failed) return failure_;
        if (state_ == state::handshake) return std::size_t{0};
        std::size_t taken = 0;
        SSL_set_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
        while (taken != plain.size()) {
            std::size_t sent = 0;
            int const done = ::SSL_write_ex(ssl_.get(), plain.data() + taken, plain.size() - taken, &sent);
            taken += sent;
            if (done == 1) continue;
            // Before anything else is asked, so that the errors of others in this thread's queue do not count.
            if (::SSL_want(ssl_.get()) != SSL_NOTHING && BIO_should_retry(::SSL_get_wbio(ssl_.get()))) break;
            return failed(::SSL_get_error(ssl_.get(), done));
        }
        SSL_clear_mode(ssl_.get(), SSL_MODE_RELEASE_BUFFERS);
        return taken;
    }

    std::size_t take_output(std::span<char> room) override {
        std::size_t const octets = std::min(room.size(), ends_.out.size() - ends_.out_taken);
        if (octets == 0) return 0;
        std::memcpy(room.data(), ends_.out.data() + ends_.out_taken, octets);
        ends_.out_taken += octets;
        if (ends_.out_taken == ends_.out.size()) {
            ends_.out_taken = 0;
            let_go(ends_.out);
        }
        return octets;
    }
    bool has_output() const noexcept override { return ends_.out_taken != ends_.out.size(); }

    void close_notify() override {
        if (state_ != state::established && state_ != state::closed) return;
        ::ERR_clear_error();
        ::SSL_shutdown(ssl_.get());
        ::ERR_clear_error();
    }

    state current() const noexcept override { return state_; }
    bool closed_cleanly() const noexcept override { return closed_cleanly_; }
    tls_info info() const override;
    SSL* ssl() const noexcept { return ssl_.get(); }

private:
    openssl_stream(std::shared_ptr<void const> keeps, tls_side side) : keeps_(std::move(keeps)), side_(side) {}

    // What others left in the queue of this thread would be taken for ours.
    static void forget_errors() noexcept {
        if (::ERR_peek_error() != 0) ::ERR_clear_error();
    }
    // Whole records that are used up yield no more: to ask would cost as much as a short record.
    bool may_yield() const noexcept { return !ends_.used_up() || ::SSL_has_pending(ssl_.get()) == 1; }
    // Idle, a connection holds no buffers. For reading SSL_MODE_RELEASE_BUFFERS would free them after each record, and
    // SSL_OP_CLEANSE_PLAINTEXT would have all 16 KiB overwritten each time: half of what a small message costs. What was plain text in them is
    // overwritten already. For writing the mode is the cheaper way.
    // Only between records: OpenSSL before 3.0.14, 3.1.6, 3.2.2 and 3.3.1 frees a buffer that is in use, too (CVE-2024-4741).
    void release_buffers() noexcept {
        if (::SSL_has_pending(ssl_.get()) == 1 || ::SSL_rstate_string(ssl_.get())[1] != 'H') return;  // "RH": reads a header next
        auto const kept = ::SSL_get_options(ssl_.get()) & SSL_OP_CLEANSE_PLAINTEXT;
        ::SSL_clear_options(ssl_.get(), kept);
        ::SSL_free_buffers(ssl_.get());
        ::SSL_set_options(ssl_.get(), kept);
    }
    std::error_code failed(int why) noexcept {
        state_ = state::failed;
        failure_ = why == SSL_ERROR_SSL || why == SSL_ERROR_SYSCALL
                       ? take_openssl_error()
                       : std::make_error_code(std::errc::protocol_error);  // asks for more than it takes
        return failure_;
    }

    wire_ends ends_;
    std::shared_ptr<void const> keeps_;
    ssl_ptr ssl_;
    std::error_code failure_{};
    state state_ = state::handshake;
    tls_side side_;
    bool closed_cleanly_ = false;
};

/// The subject of a certificate as RFC 2253 writes it.
inline std::string subject_of(X509 const* of) {
    bio_ptr const text{::BIO_new(::BIO_s_mem())};
    if (!text) return {};
    // Octets above 7 bits stay as they are: UTF-8.
    ::X509_NAME_print_ex(text.get(), ::X509_get_subject_name(of), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    char* octets = nullptr;
    long const size = BIO_get_mem_data(text.get(), &octets);
    return size > 0 ? std::string(octets, static_cast<std::size_t>(size)) : std::string{};
}

/// The digest of a certificate that tls-server-end-point is (RFC 5929 §4.1): by the hash of its signature, but SHA-256 in place
/// of MD5 and SHA-1. Empty where its signature has no hash of its own, for which the binding is not defined.
inline std::string endpoint_binding_of(X509 const* certificate) {
    int hash = NID_undef;
    if (certificate == nullptr || ::X509_get_signature_info(const_cast<X509*>(certificate), &hash, nullptr, nullptr, nullptr) != 1) return {};
    if (hash == NID_md5 || hash == NID_sha1) hash = NID_sha256;
    EVP_MD const* const by = ::EVP_get_digestbynid(hash);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (by == nullptr || ::X509_digest(certificate, by, digest.data(), &size) != 1) return {};
    return {reinterpret_cast<char const*>(digest.data()), size};
}

inline tls_info openssl_stream::info() const {
    SSL* const ssl = ssl_.get();
    tls_info facts;
    facts.protocol = ::SSL_get_version(ssl);
    if (SSL_CIPHER const* const cipher = ::SSL_get_current_cipher(ssl)) facts.cipher = ::SSL_CIPHER_get_name(cipher);
    if (int const group = static_cast<int>(SSL_get_negotiated_group(ssl)); group > 0)
        if (char const* const name = ::SSL_group_to_name(ssl, group)) facts.group = name;
    if (char const* const name = ::SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) facts.server_name = name;

    x509_ptr const shown{::SSL_get1_peer_certificate(ssl)};
    bool const serves = side_ == tls_side::server;
    facts.client_verified = serves && shown && ::SSL_get_verify_result(ssl) == X509_V_OK;
    if (facts.client_verified) facts.client_identity = subject_of(shown.get());

    // Without extended master secret bindings of TLS 1.2 do not bind (RFC 7627, RFC 9266 §2).
    bool const old = ::SSL_version(ssl) == TLS1_2_VERSION;
    if (old && SSL_get_extms_support(ssl) != 1) return facts;
    // A resumed session shows no certificate: which one the client thinks of is not known here.
    if (::SSL_session_reused(ssl) != 1)
        facts.channel_binding_endpoint = endpoint_binding_of(serves ? ::SSL_get_certificate(ssl) : shown.get());
    constexpr std::string_view label = "EXPORTER-Channel-Binding";
    std::array<unsigned char, 32> exported{};
    if (::SSL_export_keying_material(ssl, exported.data(), exported.size(), label.data(), label.size(), exported.data(), 0, 1) == 1)
        facts.channel_binding_exporter.assign(reinterpret_cast<char const*>(exported.data()), exported.size());
    if (!old) return facts;
    // The first Finished message: the client's, unless the session was resumed.
    std::array<unsigned char, 64> finished{};
    bool const ours = (::SSL_session_reused(ssl) == 1) == serves;
    std::size_t const size = ours ? ::SSL_get_finished(ssl, finished.data(), finished.size())
                                  : ::SSL_get_peer_finished(ssl, finished.data(), finished.size());
    facts.channel_binding_unique.assign(reinterpret_cast<char const*>(finished.data()), std::min(size, finished.size()));
    return facts;
}

}  // namespace mailquay::inline MAILQUAY_ABI::tls::detail
