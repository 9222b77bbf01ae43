#pragma once

#include <mailquay/handler/tls_provider.hpp>

#include <openssl/ssl.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay_test {

using namespace mailquay;

/// A TLS client in memory, by OpenSSL's own means, and the wire between it and a `tls_stream`.
class tls_client {
public:
    explicit tls_client(std::function<void(SSL*)> const& set_up = {}) : ctx_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
        ssl_.reset(SSL_new(ctx_.get()));
        in_ = BIO_new(BIO_s_mem());
        out_ = BIO_new(BIO_s_mem());
        SSL_set_bio(ssl_.get(), in_, out_);
        SSL_set_connect_state(ssl_.get());
        if (set_up) set_up(ssl_.get());
    }

    SSL* ssl() const { return ssl_.get(); }
    /// What it has to send now.
    std::string sent() {
        std::string octets;
        std::array<char, 4096> room;
        for (int got; (got = BIO_read(out_, room.data(), static_cast<int>(room.size()))) > 0;)
            octets.append(room.data(), static_cast<std::size_t>(got));
        return octets;
    }
    void receive(std::string_view octets) {
        if (!octets.empty()) BIO_write(in_, octets.data(), static_cast<int>(octets.size()));
    }
    /// @return whether its handshake is complete
    bool shake() { return SSL_do_handshake(ssl_.get()) == 1; }
    std::string encrypt(std::string_view plain) {
        if (!plain.empty()) SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
        return sent();
    }
    std::string decrypt() {
        std::string octets;
        std::array<char, 4096> room;
        for (int got; (got = SSL_read(ssl_.get(), room.data(), static_cast<int>(room.size()))) > 0;)
            octets.append(room.data(), static_cast<std::size_t>(got));
        return octets;
    }
    std::string say_goodbye() {
        SSL_shutdown(ssl_.get());
        return sent();
    }
    bool server_said_goodbye() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

private:
    std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> ctx_;
    struct free_ssl {
        void operator()(SSL* one) const { SSL_free(one); }
    };
    std::unique_ptr<SSL, free_ssl> ssl_;
    BIO* in_ = nullptr;
    BIO* out_ = nullptr;
};

/// All that a stream owes its peer.
inline std::string output_of(tls_stream& stream) {
    std::string octets;
    std::array<char, 1000> room;
    for (std::size_t got; (got = stream.take_output(room)) != 0;) octets.append(room.data(), got);
    return octets;
}

/// Reads all plain text that `cipher` brings, lent in pieces of at most `piece` octets.
inline result<std::string> read_all(tls_stream& stream, std::string_view cipher, std::size_t piece = ~std::size_t{0}) {
    std::string plain;
    std::array<char, 777> room;
    while (!cipher.empty()) {
        std::string_view const part = cipher.substr(0, piece);
        cipher.remove_prefix(part.size());
        stream.lend(part);
        for (;;) {
            auto const got = stream.read(room);
            if (!got) return got.error();
            if (*got == 0) break;
            plain.append(room.data(), *got);
        }
    }
    return plain;
}

/// Shakes hands, the client's octets lent in pieces of at most `piece`.
/// @return what the server says at the end
inline result<tls_stream::state> shake_hands(tls_stream& server, tls_client& client, std::size_t piece = ~std::size_t{0}) {
    result<tls_stream::state> last = server.current();
    for (int i = 0; i < 20; ++i) {
        bool const done = client.shake();
        std::string const sent = client.sent();
        for (std::string_view rest{sent}; !rest.empty();) {
            std::string_view const part = rest.substr(0, piece);
            rest.remove_prefix(part.size());
            server.lend(part);
            last = server.handshake();
            if (!server.wants_input()) server.keep_rest();
            if (!last) break;
        }
        client.receive(output_of(server));
        if (!last) {
            client.shake();  // reads the alert
            return last;
        }
        if (done && *last == tls_stream::state::established) return last;
    }
    return last;
}

}  // namespace mailquay_test
