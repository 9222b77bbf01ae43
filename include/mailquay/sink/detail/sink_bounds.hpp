#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/sink/files.hpp>

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// What a file system has left, as it was last seen. Thread safety: safe.
class free_room {
public:
    explicit free_room(std::string folder) : folder_(std::move(folder)) { look(); }

    /// The folder that a file is in.
    static std::string folder_of(std::string const& file) {
        auto const slash = file.rfind('/');
        return slash == file.npos ? std::string{"."} : slash == 0 ? std::string{"/"} : file.substr(0, slash);
    }
    /// Blocks. What cannot be told is room enough: then writing tells.
    void look() {
        auto const left = files_->free_octets(folder_);
        octets_.store(left ? *left : std::numeric_limits<std::uint64_t>::max(), std::memory_order_relaxed);
        looking_.store(false);
    }
    bool has(std::uint64_t octets) const noexcept { return octets_.load(std::memory_order_relaxed) >= octets; }
    /// Whether it is the caller who has to see to it that `look()` is called.
    bool begin_looking() noexcept { return !looking_.exchange(true); }
    void give_up_looking() noexcept { looking_.store(false); }

private:
    std::string folder_;
    std::shared_ptr<file_operations> files_ = system_files();
    std::atomic<std::uint64_t> octets_{0};
    std::atomic<bool> looking_{false};
};

/// Octets that the messages of a sink hold in memory, all together. Thread safety: safe.
struct memory_bound {
    std::uint64_t most = 0;
    std::atomic<std::uint64_t> held{0};

    explicit memory_bound(std::uint64_t octets) noexcept : most(octets) {}
};

/// The part of one message; given back with the object. Thread safety: distinct objects: safe. Shared objects: unsafe.
class memory_share {
public:
    explicit memory_share(std::shared_ptr<memory_bound> of) noexcept : of_(std::move(of)) {}
    memory_share(memory_share&& other) noexcept : of_(std::move(other.of_)), octets_(std::exchange(other.octets_, 0)) {}
    memory_share& operator=(memory_share&& other) noexcept {
        std::swap(of_, other.of_);
        std::swap(octets_, other.octets_);
        return *this;
    }
    ~memory_share() { give_back(); }

    /// @return false if there would be too much; then nothing is added. A message alone is never too much.
    bool add(std::uint64_t octets) noexcept {
        std::uint64_t const before = of_->held.fetch_add(octets);
        if (before + octets > of_->most && before != octets_) {
            of_->held -= octets;
            return false;
        }
        octets_ += octets;
        return true;
    }
    void give_back() noexcept {
        if (of_) of_->held -= std::exchange(octets_, 0);
    }

private:
    std::shared_ptr<memory_bound> of_;
    std::uint64_t octets_ = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail
