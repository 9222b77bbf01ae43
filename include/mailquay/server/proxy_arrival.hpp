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
#include <vector>

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
/// Lifetime: owned by its shard's `proxy_arrivals`, which the end of each member but `begin()` and `tick()` may have left.
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
    friend class proxy_arrivals;

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

/// The arrivals of a shard. Adding and erasing are O(1).
///
/// Thread safety: unsafe; use the shard's executor.
class proxy_arrivals {
public:
    proxy_arrival& add(std::unique_ptr<proxy_arrival> added) {
        added->place_ = all_.size();
        all_.push_back(std::move(added));
        return *all_.back();
    }
    /// Destroys it.
    void erase(proxy_arrival& gone) noexcept {
        std::size_t const place = gone.place_;
        std::unique_ptr<proxy_arrival> const last = std::move(all_[place]);
        if (place + 1 != all_.size()) {
            all_[place] = std::move(all_.back());
            all_[place]->place_ = place;
        }
        all_.pop_back();
    }
    /// Calls `visit` for each; it may end that one.
    template <class Visit>
    void each(Visit visit) noexcept {
        // From the back: the one that takes the place of an erased one was visited.
        for (std::size_t i = all_.size(); i-- > 0;) visit(*all_[i]);
    }
    std::size_t size() const noexcept { return all_.size(); }

private:
    std::vector<std::unique_ptr<proxy_arrival>> all_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/proxy_arrival.ipp>
#endif
