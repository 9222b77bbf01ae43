#pragma once

#include <mailquay/base/compact_text.hpp>
#include <mailquay/base/ip_address.hpp>
#include <mailquay/protocol/proxy_header.hpp>
#include <mailquay/protocol/xforward.hpp>
#include <mailquay/session/slots.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

/// What is known of the TLS layer once a handshake is complete.
struct tls_info {
    std::string protocol{};          ///< "TLSv1.3"
    std::string cipher{};            ///< "TLS_AES_256_GCM_SHA384"
    std::string group{};             ///< "X25519"; empty if not known
    std::string server_name{};       ///< SNI as asked for; empty if none
    std::string client_identity{};   ///< subject of a verified client certificate; empty if none
    bool client_verified = false;
    /// @{ Octets that name this very channel (RFC 5929, RFC 9266); empty if not known. Not for logs.
    std::string channel_binding_exporter{};  ///< tls-exporter: 32 octets
    std::string channel_binding_unique{};    ///< tls-unique: up to TLS 1.2
    std::string channel_binding_endpoint{};  ///< tls-server-end-point: digest of the server's certificate
    /// @}
};

/// Where the client's address comes from; decides whether it may be trusted for relaying.
enum class address_source : std::uint8_t {
    socket,   ///< the peer of a socket that no proxy stands before
    proxy,    ///< a PROXY header from a trusted proxy
    xclient,  ///< XCLIENT from a trusted client
    local,    ///< a UNIX socket, a PROXY UNKNOWN header, XCLIENT without address: nothing is known of the client
    direct,   ///< the peer of a socket in proxy mode that is no trusted proxy: known, but never trusted for relaying
    health_check,  ///< a PROXY LOCAL header: the proxy's own connection, which gets no mail through
};

/// One client connection as hooks see it. Address and connection-stage facts survive STARTTLS and RSET.
///
/// Lifetime: lives as long as the connection, and at least as long as any hook that was given it.
/// Thread safety: distinct objects: safe. Shared objects: unsafe; use the connection's executor.
class session_info {
public:
    session_info() = default;
    session_info(ip_endpoint peer, ip_endpoint local, address_source from = address_source::socket)
        : client_(peer), local_(local), source_(from) {}

    /// Who is at the other end of the socket.
    ip_endpoint const& socket_peer() const noexcept { return spoken_for() ? rare_->socket_peer : client_; }
    /// The effective client: the socket peer, or whom a trusted proxy speaks for. No address for UNIX sockets.
    ip_endpoint const& client() const noexcept { return client_; }
    ip_endpoint const& local() const noexcept { return local_; }
    address_source source() const noexcept { return source_; }

    /// The name given with EHLO, HELO or LHLO as sent; empty before.
    std::string_view hello_name() const noexcept { return hello_name_.view(); }
    bool extended() const noexcept { return extended_; }  ///< greeted with EHLO or LHLO
    bool lmtp() const noexcept { return lmtp_; }
    /// The client sent octets before a reply that it must wait for (RFC 2920 §3.1).
    bool talked_ahead() const noexcept { return talked_ahead_; }

    bool secure() const noexcept { return rare_ && rare_->tls; }
    tls_info const* tls() const noexcept { return secure() ? rare_->tls.get() : nullptr; }
    /// Whether TLS ends at the client itself: its certificate is the client's, and its channel may be bound to. After XCLIENT
    /// the TLS of before is that of who sent it, and proves nothing of the client named.
    bool tls_is_the_clients() const noexcept { return secure() && !rare_->tls_of_another; }
    /// The authenticated user; empty before AUTH succeeded.
    std::string_view user() const noexcept { return rare_ ? std::string_view{rare_->user} : std::string_view{}; }
    bool authenticated() const noexcept { return rare_ && rare_->authenticated; }
    /// The client's verified reverse name; empty unless a policy looked it up.
    std::string_view verified_ptr() const noexcept { return rare_ ? std::string_view{rare_->ptr} : std::string_view{}; }
    /// What a PROXY header of version 2 told besides addresses; null if nothing.
    proxy_facts const* proxy() const noexcept { return rare_ ? rare_->proxy.get() : nullptr; }
    /// The name that the client's address has according to XCLIENT (REVERSE_NAME), not verified; empty if none was told.
    std::string_view reverse_name() const noexcept { return rare_ ? std::string_view{rare_->reverse_name} : std::string_view{}; }
    /// Who is logged in according to XCLIENT (LOGIN). Only `server_config::trusted_xclient_login` makes that an authenticated
    /// `user()`; else it is for the log.
    std::string_view claimed_user() const noexcept { return rare_ ? std::string_view{rare_->claimed_user} : std::string_view{}; }
    /// What XFORWARD told for the next transaction; null if nothing. See `transaction::forwarded()`.
    forwarded_client const* forwarded() const noexcept { return rare_ ? rare_->forwarded.get() : nullptr; }
    /// Octets (12 letters) that name the connection in the log.
    std::string_view id() const noexcept { return {id_, id_[0] == '\0' ? 0u : sizeof id_}; }

    /// State of a plug-in for this session (forgotten by STARTTLS); made on first use.
    template <class T>
    T& slot(void const* owner) const {
        return rare().session_slots.template get<T>(owner);
    }
    /// State of a plug-in for this connection (survives STARTTLS); made on first use.
    template <class T>
    T& connection_slot(void const* owner) const {
        return rare().connection_slots.template get<T>(owner);
    }

    /// @{ For the session and the server; hooks leave these alone.
    /// Another number whenever something has changed that a trace field tells of the client.
    std::uint32_t version() const noexcept { return version_; }
    void set_client(ip_endpoint client, address_source from);
    void set_local(ip_endpoint local) noexcept { local_ = local; }
    void set_id(std::string_view twelve_letters) noexcept;
    void set_hello(std::string_view name, bool extended) { set_hello(compact_text{name}, extended); }
    void set_hello(compact_text name, bool extended) noexcept { hello_name_ = std::move(name), extended_ = extended, ++version_; }
    void set_lmtp(bool on) noexcept { lmtp_ = on; }
    void set_talked_ahead() noexcept { talked_ahead_ = true; }
    void set_tls(tls_info facts) { rare().tls = std::make_unique<tls_info>(std::move(facts)), rare().tls_of_another = false, ++version_; }
    void set_user(std::string user) { rare().user = std::move(user), rare().authenticated = true, ++version_; }
    void set_verified_ptr(std::string name) { rare().ptr = std::move(name), ++version_; }
    void set_proxy(proxy_facts facts) { rare().proxy = std::make_unique<proxy_facts>(std::move(facts)); }
    void set_reverse_name(std::string name) { rare().reverse_name = std::move(name); }
    void set_claimed_user(std::string user) { rare().claimed_user = std::move(user), ++version_; }
    void set_forwarded(forwarded_client told) { rare().forwarded = std::make_unique<forwarded_client>(std::move(told)); }
    std::unique_ptr<forwarded_client> take_forwarded() noexcept { return rare_ ? std::move(rare_->forwarded) : nullptr; }
    /// The same connection before its client has said anything: without names, user and slots. XCLIENT begins with it, and
    /// hence TLS is no longer the client's.
    session_info begun_anew() const;
    /// Forgets what the client said, as STARTTLS demands (RFC 3207 §4.2).
    void forget_session();
    /// @}

private:
    // What few connections have; one allocation when it is needed, so that an idle plain connection stays small.
    struct uncommon {
        std::unique_ptr<tls_info> tls;
        std::unique_ptr<proxy_facts> proxy;
        std::unique_ptr<forwarded_client> forwarded;
        std::string reverse_name;
        std::string claimed_user;
        std::string user;
        std::string ptr;
        ip_endpoint socket_peer;  // where `spoken_for`
        slots session_slots;
        slots connection_slots;
        bool authenticated = false;
        bool tls_of_another = false;
        bool spoken_for = false;
    };
    uncommon& rare() const {
        if (!rare_) rare_ = std::make_unique<uncommon>();
        return *rare_;
    }
    /// The client is not who is at the other end of the socket.
    bool spoken_for() const noexcept { return rare_ && rare_->spoken_for; }

    mutable std::unique_ptr<uncommon> rare_;
    compact_text hello_name_;
    ip_endpoint client_;
    ip_endpoint local_;
    char id_[12] = {};
    std::uint32_t version_ = 0;
    address_source source_ = address_source::socket;
    bool extended_ = false;
    bool lmtp_ = false;
    bool talked_ahead_ = false;
};

inline void session_info::set_id(std::string_view twelve_letters) noexcept {
    for (std::size_t i = 0; i < sizeof id_; ++i) id_[i] = i < twelve_letters.size() ? twelve_letters[i] : '\0';
}

inline void session_info::set_client(ip_endpoint client, address_source from) {
    if (client != client_ && !spoken_for()) rare().socket_peer = client_, rare().spoken_for = true;
    client_ = client;
    source_ = from;
    ++version_;
}

inline session_info session_info::begun_anew() const {
    session_info made{socket_peer(), local_, source_};
    made.set_client(client_, source_);
    made.version_ = version_ + 1;
    made.set_id(id());
    made.lmtp_ = lmtp_;
    made.talked_ahead_ = talked_ahead_;
    if (auto const* const facts = tls()) made.set_tls(*facts), made.rare_->tls_of_another = true;
    if (auto const* const told = proxy()) made.set_proxy(*told);
    return made;
}

inline void session_info::forget_session() {
    hello_name_.clear();
    extended_ = false;
    ++version_;
    if (!rare_) return;
    rare_->session_slots.clear();
    rare_->forwarded.reset();
    rare_->claimed_user.clear();
    rare_->user.clear();
    rare_->authenticated = false;
}

/// How the log names a connection, or a message of it: the connection's id as prefix, so that one search finds all of a session.
inline std::string log_id(session_info const& client, std::string_view mail_id = {}) {
    std::string id{client.id()};
    if (!mail_id.empty()) id.append(id.empty() ? 0 : 1, '.').append(mail_id);
    return id;
}

}  // namespace mailquay::inline MAILQUAY_ABI
