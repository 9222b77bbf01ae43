#pragma once

#include <mailquay/server/epoll_reactor.hpp>

#ifdef __linux__

#include <mailquay/server/asio_compat.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>

#include <sys/epoll.h>
#include <unistd.h>

namespace mailquay::inline MAILQUAY_ABI {

/// What is known of a watcher, packed into the pointer that it keeps for its reactor: an idle connection costs nothing here.
struct epoll_reactor::record {
    static constexpr std::uintptr_t watched = 1;
    static constexpr std::uintptr_t wants_to_read = 2;
    static constexpr std::uintptr_t wants_to_write = 4;
    static constexpr std::uintptr_t missed = 8;  // octets came, or the end, while nobody wanted to read
    static constexpr std::uintptr_t ended = 16;  // no more will come: an edge that is told once, with the octets before it
    static constexpr unsigned descriptor_shift = 8;

    static std::uintptr_t of(watcher& who) noexcept { return reinterpret_cast<std::uintptr_t>(registration(who)); }
    static void set(watcher& who, std::uintptr_t bits) noexcept { registration(who) = reinterpret_cast<void*>(bits); }
    static int descriptor(std::uintptr_t bits) noexcept { return static_cast<int>(bits >> descriptor_shift); }
    static std::uintptr_t wants(readiness what) noexcept {
        return (has(what, readiness::readable) ? wants_to_read : 0) | (has(what, readiness::writable) ? wants_to_write : 0);
    }
};

struct epoll_reactor::set : std::enable_shared_from_this<set> {
    set(asio::any_io_executor const& runs_on, batch_listener* hears, loop_turns const* own)
        : handle(runs_on), told(hears), turns(own) {
        int const made = ::epoll_create1(EPOLL_CLOEXEC);
        if (made < 0) throw std::system_error(errno, std::system_category(), "mailquay: no epoll set; raise the limit of open files (ulimit -n)");
        handle.assign(made);
    }

    std::error_code control(int operation, watcher& who, int descriptor, std::uint32_t events) noexcept {
        epoll_event asked{};
        asked.events = events | EPOLLIN | EPOLLRDHUP | EPOLLET;
        asked.data.ptr = &who;
        if (::epoll_ctl(handle.native_handle(), operation, descriptor, &asked) == 0) return {};
        return {errno, std::system_category()};
    }
    /// Asks for an edge of what is there already.
    void look_again(watcher& who) noexcept {
        std::uintptr_t const bits = record::of(who) & ~(record::missed | record::ended);
        record::set(who, bits);
        control(EPOLL_CTL_MOD, who, record::descriptor(bits), (bits & record::wants_to_write) != 0 ? std::uint32_t{EPOLLOUT} : 0);
    }

    /// Has Asio tell when the set holds events.
    void wait() {
        if (waits || batch_end != nullptr || over || watching == 0) return;
        waits = true;
        handle.async_wait(asio::posix::descriptor_base::wait_read, [self = shared_from_this()](std::error_code) {
            self->waits = false;
            self->batches();
        });
    }
    void batches() {
        if (over || watching == 0) return;
        bool const found = batch(std::chrono::milliseconds{0});
        if (turns != nullptr) stay(found);
        wait();
    }
    /// Goes on without Asio while batches follow each other quickly, and nothing else went on there of late.
    void stay(bool found) {
        auto const began = clock::now();
        bool const ran_others = turns->count > turns_seen + 1;  // what was run since is more than the batches before these
        if (ran_others) others_ran = began;
        bool const quick = began - last_batch < quick_succession && began - others_ran >= turn_of_others;
        auto const stays = [this] { return !over && watching != 0 && told != nullptr && told->awaits_readiness_alone(); };
        // Not the rest of the time: a wait that ends before the kernel's own tick would cost a timer of its own.
        while (found && quick && stays() && clock::now() < began + longest_stay) found = batch(longest_stay);
        last_batch = clock::now();
        turns_seen = turns->count;
    }
    /// Tells what the set holds, or what comes within `patience`. @return whether there was anything
    bool batch(std::chrono::milliseconds patience) {
        std::array<epoll_event, 256> events;
        int const found =
            ::epoll_wait(handle.native_handle(), events.data(), static_cast<int>(events.size()), static_cast<int>(patience.count()));
        if (found <= 0) return false;
        announced = false;
        batch_next = events.data();
        batch_end = events.data() + found;
        while (batch_next != batch_end) {
            epoll_event const one = *batch_next++;
            if (one.data.ptr != nullptr) tell(*static_cast<watcher*>(one.data.ptr), one.events);
        }
        batch_next = batch_end = nullptr;
        return true;
    }
    void tell(watcher& who, std::uint32_t events) noexcept {
        bool const broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
        bool const readable = broken || (events & (EPOLLIN | EPOLLRDHUP)) != 0;
        bool const writable = broken || (events & EPOLLOUT) != 0;
        std::uintptr_t bits = record::of(who);
        if (broken || (events & EPOLLRDHUP) != 0) bits |= record::ended;
        auto what = readiness::none;
        if (readable && (bits & record::wants_to_read) == 0) bits |= record::missed;
        if (readable && (bits & record::wants_to_read) != 0) what = what | readiness::readable;
        if (writable && (bits & record::wants_to_write) != 0) what = what | readiness::writable;
        record::set(who, bits & ~record::wants(what));
        if (what == readiness::none) return;
        if (!std::exchange(announced, true) && told != nullptr) told->batch_begins();
        who.ready(what);
    }
    /// What this batch still holds of `who` is not told any more.
    void forget(watcher& who) noexcept {
        for (epoll_event* one = batch_next; one != batch_end; ++one)
            if (one->data.ptr == &who) one->data.ptr = nullptr;
    }
    void end() noexcept {
        over = true;
        told = nullptr;
        batch_next = batch_end;
        std::error_code failure;
        handle.close(failure);
    }

    using clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds quick_succession{1};
    static constexpr std::chrono::milliseconds longest_stay{10};
    static constexpr std::chrono::milliseconds turn_of_others{50};

    asio_compat::descriptor handle;
    batch_listener* told;
    loop_turns const* turns;  // null: others have work on this thread
    std::uint64_t turns_seen = 0;
    clock::time_point last_batch{};
    clock::time_point others_ran{};
    epoll_event* batch_next = nullptr;  // of the batch that is told now
    epoll_event* batch_end = nullptr;
    std::size_t watching = 0;
    bool announced = false;  // the batch that is told now
    bool waits = false;
    bool over = false;
};

MAILQUAY_DECL epoll_reactor::epoll_reactor(asio::any_io_executor runs_on, batch_listener* told, loop_turns const* own)
    : set_(std::make_shared<set>(std::move(runs_on), told, own)) {}

MAILQUAY_DECL epoll_reactor::~epoll_reactor() { set_->end(); }

MAILQUAY_DECL void epoll_reactor::tell(batch_listener* told) noexcept { set_->told = told; }

MAILQUAY_DECL std::error_code epoll_reactor::watch(watcher& who, int descriptor) {
    if (auto const failure = set_->control(EPOLL_CTL_ADD, who, descriptor, 0)) return failure;
    ++set_->watching;
    record::set(who, static_cast<std::uintptr_t>(descriptor) << record::descriptor_shift | record::watched);
    set_->wait();
    return {};
}

MAILQUAY_DECL void epoll_reactor::want(watcher& who, readiness what) {
    std::uintptr_t const before = record::of(who);
    if (before == 0) return;
    record::set(who, before | record::wants(what));
    // The set tells of writing only while somebody waits for it. An end that came with the last octets was told with them.
    bool const writes = has(what, readiness::writable) && (before & record::wants_to_write) == 0;
    if (writes || (has(what, readiness::readable) && (before & (record::missed | record::ended)) != 0)) set_->look_again(who);
}

MAILQUAY_DECL void epoll_reactor::resume(watcher& who, readiness what) {
    std::uintptr_t const before = record::of(who);
    if (before == 0) return;
    record::set(who, before | record::wants(what));
    set_->look_again(who);
}

MAILQUAY_DECL void epoll_reactor::unwatch(watcher& who) noexcept {
    std::uintptr_t const bits = record::of(who);
    if (bits == 0) return;
    epoll_event none{};
    ::epoll_ctl(set_->handle.native_handle(), EPOLL_CTL_DEL, record::descriptor(bits), &none);
    record::set(who, 0);
    set_->forget(who);
    if (--set_->watching != 0 || !set_->waits) return;
    std::error_code failure;
    set_->handle.cancel(failure);  // nothing keeps the context busy any more
}

}  // namespace mailquay::inline MAILQUAY_ABI

#endif  // __linux__
