#pragma once

#include <mailquay/server/listen_socket.hpp>
#include <mailquay/server/listener_setup.hpp>
#include <mailquay/server/reactor.hpp>
#include <mailquay/server/shard.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace mailquay::inline MAILQUAY_ABI {

/// Accepts the connections of one socket on one shard: all that wait, at each readiness.
///
/// When the process runs out of descriptors or memory (EMFILE, ENFILE, ENOBUFS, ENOMEM) it pauses, 100 ms at first and
/// twice as long each time up to 1 s, with one log line per pause; other listeners go on.
///
/// Thread safety: unsafe; use the shard's executor.
class MAILQUAY_API listener final : public watcher {
public:
    MAILQUAY_DECL listener(shard& home, std::unique_ptr<accept_source> source, std::shared_ptr<listener_setup const> setup);
    MAILQUAY_DECL ~listener() override;
    listener(listener const&) = delete;
    listener& operator=(listener const&) = delete;

    /// @return why the socket cannot be watched, or none
    MAILQUAY_DECL std::error_code start();
    /// Takes what waits and tells each 421; accepts no more. @return how many there were
    MAILQUAY_DECL std::size_t stop() noexcept;
    /// Accepting goes on after a pause, if it is time.
    MAILQUAY_DECL void accept_again() noexcept;
    /// What connections from now on get.
    void use(std::shared_ptr<listener_setup const> setup) noexcept { setup_ = std::move(setup); }

    MAILQUAY_DECL void ready(readiness what) noexcept override;
    bool paused() const noexcept { return pause_.count() != 0; }
    std::uint64_t refused() const noexcept { return refused_; }

private:
    void accept_all();
    void take(accepted_socket const& taken);
    void pause(std::error_code why);

    ref<shard> home_;
    std::unique_ptr<accept_source> source_;
    std::shared_ptr<listener_setup const> setup_;
    std::chrono::milliseconds pause_{0};
    std::chrono::milliseconds next_pause_{100};
    std::uint64_t refused_ = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/listener.ipp>
#endif
