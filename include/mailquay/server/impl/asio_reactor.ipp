#pragma once

#include <mailquay/server/asio_reactor.hpp>

#include <mailquay/server/asio_compat.hpp>
#include <mailquay/server/ref.hpp>

namespace mailquay::inline MAILQUAY_ABI {

struct asio_reactor::common {
    asio::any_io_executor runs_on;
    batch_listener* told = nullptr;
};

/// One watched descriptor. Shared by its registration and the waits under way, all on the same executor.
struct asio_reactor::watched {
    watched(std::shared_ptr<common> shared, watcher& tells) : all(std::move(shared)), handle(all->runs_on), who(&tells) {}
    ~watched() {
        if (handle.is_open()) handle.release();  // the transport owns it
    }

    void wait(readiness direction) {
        bool& waits = direction == readiness::readable ? waits_to_read : waits_to_write;
        if (waits || who == nullptr) return;
        waits = true;
        auto const kind = direction == readiness::readable ? asio::posix::descriptor_base::wait_read
                                                           : asio::posix::descriptor_base::wait_write;
        handle.async_wait(kind, [self = ref<watched>{this}, direction](std::error_code failure) { self->waited(direction, failure); });
    }
    void waited(readiness direction, std::error_code failure) {
        (direction == readiness::readable ? waits_to_read : waits_to_write) = false;
        if (who == nullptr || failure == asio::error::operation_aborted) return;
        if (all->told != nullptr) all->told->batch_begins();
        who->ready(failure ? readiness::gone : direction);
    }

    void retain() noexcept { ++shares; }
    void release() noexcept {
        if (--shares == 0) delete this;
    }

    std::shared_ptr<common> all;
    asio_compat::descriptor handle;
    watcher* who;
    unsigned shares = 0;
    bool waits_to_read = false;
    bool waits_to_write = false;
};

MAILQUAY_DECL asio_reactor::asio_reactor(asio::any_io_executor runs_on, batch_listener* told)
    : common_(std::make_shared<common>(common{std::move(runs_on), told})) {}

MAILQUAY_DECL asio_reactor::~asio_reactor() { common_->told = nullptr; }

MAILQUAY_DECL void asio_reactor::tell(batch_listener* told) noexcept { common_->told = told; }

MAILQUAY_DECL std::error_code asio_reactor::watch(watcher& who, int descriptor) {
    ref<watched> made{new watched{common_, who}};
    std::error_code failure;
    made->handle.assign(descriptor, failure);
    if (failure) return failure;
    made->retain();  // the registration's share
    registration(who) = made.get();
    return {};
}

MAILQUAY_DECL void asio_reactor::want(watcher& who, readiness what) {
    auto* const one = static_cast<watched*>(registration(who));
    if (one == nullptr) return;
    if (has(what, readiness::readable)) one->wait(readiness::readable);
    if (has(what, readiness::writable)) one->wait(readiness::writable);
}

// A new wait sees what is there already.
MAILQUAY_DECL void asio_reactor::resume(watcher& who, readiness what) { want(who, what); }

MAILQUAY_DECL void asio_reactor::unwatch(watcher& who) noexcept {
    auto* const one = static_cast<watched*>(std::exchange(registration(who), nullptr));
    if (one == nullptr) return;
    one->who = nullptr;
    if (one->handle.is_open()) one->handle.release();
    one->release();
}

}  // namespace mailquay::inline MAILQUAY_ABI
