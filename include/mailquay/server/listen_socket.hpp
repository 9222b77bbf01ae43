#pragma once

#include <mailquay/base/ip_address.hpp>
#include <mailquay/base/result.hpp>
#include <mailquay/server/listen_endpoint.hpp>

#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

/// One connection that came in, or why none did.
struct accepted_socket {
    int descriptor = -1;       ///< non-blocking, closed on exec; -1: see `failure`
    ip_endpoint peer{};        ///< none for UNIX sockets
    std::error_code failure{};
};

/// Where connections come from: a listening socket, or what tests put in its place.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
class MAILQUAY_API accept_source {
public:
    virtual ~accept_source();
    /// The next one that waits; `std::errc::operation_would_block` when there is none.
    virtual accepted_socket accept() noexcept = 0;
    /// -1 if there is no descriptor to watch.
    virtual int native_handle() const noexcept = 0;
    /// The address it is bound to; none for UNIX sockets.
    virtual ip_endpoint local() const noexcept = 0;
};

/// How a listening socket is opened.
struct listen_options {
    /// Connections the system keeps until they are accepted; it cuts the number to its own bound (somaxconn).
    int backlog = 4096;
    /// Permissions of a UNIX socket: whoever may write to it may connect.
    unsigned unix_mode = 0660;
};

/// A listening stream socket: TCP over IPv4 or IPv6, or UNIX. Owns the descriptor, and the file of a UNIX socket it bound,
/// which it removes unless another has taken its place.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
class MAILQUAY_API listen_socket final : public accept_source {
public:
    /// Opens and binds; `SO_REUSEADDR`, `TCP_NODELAY` (accepted connections inherit it on Linux). The socket file of a
    /// server that is gone is removed, one on which somebody listens is not.
    /// @return the system's error: `address_in_use`, `permission_denied`, `address_not_available`, …
    MAILQUAY_DECL static result<std::unique_ptr<listen_socket>> open(listen_endpoint const& where, listen_options const& how);
    /// Takes over a socket that listens already, as socket activation hands them over.
    /// @return `std::errc::not_a_socket`, `invalid_argument` if it does not listen or is no stream
    MAILQUAY_DECL static result<std::unique_ptr<listen_socket>> adopt(int descriptor);
    MAILQUAY_DECL ~listen_socket() override;

    listen_socket(listen_socket const&) = delete;
    listen_socket& operator=(listen_socket const&) = delete;

    /// Another socket on the same address, whose connections the system spreads (SO_REUSEPORT); where that is not to be
    /// had, another descriptor of this one.
    MAILQUAY_DECL result<std::unique_ptr<listen_socket>> sibling() const;

    MAILQUAY_DECL accepted_socket accept() noexcept override;
    int native_handle() const noexcept override { return descriptor_; }
    ip_endpoint local() const noexcept override { return where_.address; }
    /// Lets go of the descriptor without closing it, and accepts no more.
    void release() noexcept { descriptor_ = -1; }
    /// With the port the system chose.
    listen_endpoint const& where() const noexcept { return where_; }

private:
    explicit listen_socket(int descriptor) noexcept : descriptor_(descriptor) {}
    std::error_code bind_to(listen_endpoint const& where, bool share_port);
    std::error_code remove_stale_file() const;
    void ask_where();

    int descriptor_;
    listen_options how_{};
    listen_endpoint where_{};
    unsigned long file_device_ = 0;  // of the UNIX socket we bound; 0: none
    unsigned long file_inode_ = 0;
    bool shares_port_ = false;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/listen_socket.ipp>
#endif
