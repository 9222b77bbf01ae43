#pragma once

#include <mailquay/protocol/proxy_header.hpp>
#include <mailquay/server/listener_setup.hpp>
#include <mailquay/server/reactor.hpp>
#include <mailquay/server/transport.hpp>
#include <mailquay/session/session_info.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

class shard;

/// A connection of a trusted proxy, from its admission until its PROXY header is complete: then it becomes a `connection` of
/// the client the header names, or ends. No session exists before, and no header is read after.
///
/// It reads no more octets than belong to the header, so whatever comes next, a session or a TLS handshake, finds the
/// transport as if the client itself had connected.
///
/// Bounds: `listener_setup::proxy_header_time`, `max_proxy_header_octets`.
///
/// Lifetime: owned by its shard; each public member may end it.
/// Thread safety: unsafe; use the shard's executor.
class MAILQUAY_API proxy_arrival final : public watcher {
public:
    MAILQUAY_DECL proxy_arrival(shard& home, std::shared_ptr<listener_setup const> setup, std::unique_ptr<transport> stream,
                                session_info peer);
    MAILQUAY_DECL ~proxy_arrival() override;
    proxy_arrival(proxy_arrival const&) = delete;
    proxy_arrival& operator=(proxy_arrival const&) = delete;

    /// Reads what is there already, then waits.
    MAILQUAY_DECL void begin() noexcept;
    MAILQUAY_DECL void ready(readiness what) noexcept override;
    /// Ends it if its time is over.
    MAILQUAY_DECL void tick(std::chrono::steady_clock::time_point now) noexcept;
    /// Says 421 and ends: the server stops.
    MAILQUAY_DECL void stop() noexcept;
    /// Ends at once, without a word.
    MAILQUAY_DECL void leave() noexcept;

private:
    friend class shard;

    bool read();
    void refuse(std::string_view why) noexcept;
    void admit(proxy_header told);
    std::unique_ptr<transport> let_go() noexcept;

    shard* home_;
    std::shared_ptr<listener_setup const> setup_;
    std::unique_ptr<transport> stream_;
    session_info peer_;
    std::string octets_;                    // of the header, as far as it has come
    std::chrono::steady_clock::time_point until_;
    std::size_t place_ = 0;                 // in the list
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/proxy_arrival.ipp>
#endif
