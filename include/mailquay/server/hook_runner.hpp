#pragma once

#include <mailquay/handler/eventual.hpp>
#include <mailquay/protocol/reply.hpp>
#include <mailquay/server/ref.hpp>
#include <mailquay/session/delivery.hpp>
#include <mailquay/session/event.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>

namespace mailquay::inline MAILQUAY_ABI {

class connection;

/// Which question a hook answers.
enum class hook_stage : std::uint8_t { connect, early_talk, peer, hello, mail, recipient, start, headers, chunk, finish, auth, command };

/// A question put to a hook, as far as its answer needs it again.
struct hook_question {
    hook_question(mailquay::ticket asked, hook_stage where, transaction const* of = nullptr, recipient const* whom = nullptr) noexcept
        : ticket(asked), stage(where), mail(of), to(whom) {}

    mailquay::ticket ticket;
    hook_stage stage;
    transaction const* mail;  ///< valid until the hook has answered, as is `to`
    recipient const* to;
};

/// One hook that answers later, from its start to its answer. Keeps its connection, and with it everything the hook was
/// given a reference to, alive as long.
///
/// Thread safety: unsafe; use the shard's executor.
class MAILQUAY_API hook_frame {
public:
    hook_frame(connection& asks, hook_question asked);
    hook_frame(hook_frame const&) = delete;
    hook_frame& operator=(hook_frame const&) = delete;
    /// A frame that ends without an answer (its loop was destroyed) tells the connection so.
    virtual ~hook_frame();

    /// The one terminal signal. The hook still answers, or ends with an exception, when it noticed.
    virtual void cancel() noexcept = 0;

protected:
    /// @{ Hands the answer over, once. Without an exception in `failed`, `given` counts.
    void answered(std::exception_ptr failed, verdict given) noexcept;
    void answered(std::exception_ptr failed, delivery given) noexcept;
    void answered(std::exception_ptr failed, reply given) noexcept;
    void answered(std::exception_ptr failed, auth_step given) noexcept;
    /// @}

private:
    friend class connection;
    ref<connection> owner_;
    hook_frame* next_ = nullptr;
    std::chrono::steady_clock::time_point began_{};
    std::chrono::steady_clock::time_point cancelled_at_{};
    hook_question asked_;
    bool linked_ = true;
    bool withdrawn_ = false;  // the session waits for it no more
    bool cancelled_ = false;
};

/// Runs hooks that answer later.
///
/// Thread safety: unsafe; use the shard's executor.
class MAILQUAY_API hook_runner {
public:
    virtual ~hook_runner();
    /// @{ Starts it. The answer may come before `start()` returns.
    virtual void start(eventual<verdict> hook, connection& asks, hook_question asked) = 0;
    virtual void start(eventual<delivery> hook, connection& asks, hook_question asked) = 0;
    virtual void start(eventual<reply> hook, connection& asks, hook_question asked) = 0;
    virtual void start(eventual<auth_step> hook, connection& asks, hook_question asked) = 0;
    /// @}
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/server/impl/hook_runner.ipp>
#endif
