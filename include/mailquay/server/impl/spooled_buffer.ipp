#pragma once

#include <mailquay/server/spooled_buffer.hpp>

#include <mailquay/handler/offload.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

inline std::error_code last_spool_error() noexcept { return {errno, std::generic_category()}; }

/// A file without a name; -1 with errno.
inline int open_unnamed_file(std::string const& directory) noexcept {
#ifdef O_TMPFILE
    int const unnamed = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    // Some file systems (overlay, NFS) have none.
    if (unnamed >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return unnamed;
#endif
    std::string name = directory + "/mailquay-XXXXXX";
    int const file = ::mkostemp(name.data(), O_CLOEXEC);
    if (file >= 0) ::unlink(name.c_str());
    return file;
}

inline std::error_code write_all(int file, std::uint64_t at, std::span<char const> octets) noexcept {
    while (!octets.empty()) {
        auto const written = ::pwrite(file, octets.data(), octets.size(), static_cast<off_t>(at));
        if (written < 0) {
            if (errno == EINTR) continue;
            return last_spool_error();
        }
        if (written == 0) return std::make_error_code(std::errc::io_error);
        octets = octets.subspan(static_cast<std::size_t>(written));
        at += static_cast<std::uint64_t>(written);
    }
    return {};
}

inline std::error_code read_all(int file, std::uint64_t at, std::span<char> room) noexcept {
    while (!room.empty()) {
        auto const got = ::pread(file, room.data(), room.size(), static_cast<off_t>(at));
        if (got < 0) {
            if (errno == EINTR) continue;
            return last_spool_error();
        }
        if (got == 0) return std::make_error_code(std::errc::io_error);  // what we wrote is not there
        room = room.subspan(static_cast<std::size_t>(got));
        at += static_cast<std::uint64_t>(got);
    }
    return {};
}

class spooled_buffer final : public message_buffer {
public:
    spooled_buffer(std::shared_ptr<workers> pool, std::shared_ptr<spooled_buffer_config const> config) noexcept
        : pool_(std::move(pool)), config_(std::move(config)) {}
    spooled_buffer(spooled_buffer const&) = delete;
    spooled_buffer& operator=(spooled_buffer const&) = delete;

    ~spooled_buffer() override {
        if (file_ < 0) return;
        // Giving the blocks of a big file back takes time.
        int const file = file_;
        bool taken = false;
        try {
            taken = pool_->post([file] { ::close(file); });
        } catch (...) {
        }
        if (!taken) ::close(file);
    }

    eventual<result<void>> write(std::span<char const> octets) override {
        std::uint64_t const most = config_->most_octets;
        if (most != 0 && octets.size() > most - size()) return result<void>{std::make_error_code(std::errc::file_too_large)};
        if (octets.size() > config_->memory_octets - gathered_.size()) return write_later(octets);
        gathered_.append(octets.data(), octets.size());
        return result<void>{};
    }

    eventual<result<std::size_t>> read(std::span<char> room) override {
        room = room.first(static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), size() - at_)));
        if (at_ < in_file_ && !room.empty()) return read_later(room);
        read_gathered(room);
        return result<std::size_t>{room.size()};
    }

    void rewind() noexcept override { at_ = 0; }
    std::uint64_t size() const noexcept override { return in_file_ + gathered_.size(); }

private:
    asio::awaitable<result<void>> write_later(std::span<char const> octets) {
        auto const spill_here = [this, octets] { return spill(octets); };
        auto spilt = offload(*pool_, spill_here);
        std::error_code const failed = co_await std::move(spilt).wait();
        if (failed) co_return result<void>{failed};
        in_file_ += gathered_.size() + octets.size();
        gathered_.clear();
        co_return result<void>{};
    }

    // On a worker. A failed one leaves the counts as they were.
    std::error_code spill(std::span<char const> octets) noexcept {
        try {
            if (file_ < 0) file_ = open_unnamed_file(config_->directory);
        } catch (...) {
            return std::make_error_code(std::errc::not_enough_memory);
        }
        if (file_ < 0) return last_spool_error();
        if (auto const failed = write_all(file_, in_file_, gathered_)) return failed;
        return write_all(file_, in_file_ + gathered_.size(), octets);
    }

    asio::awaitable<result<std::size_t>> read_later(std::span<char> room) {
        std::size_t const from_file = static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), in_file_ - at_));
        auto const read_here = [this, part = room.first(from_file)] { return read_all(file_, at_, part); };
        auto done = offload(*pool_, read_here);
        std::error_code const failed = co_await std::move(done).wait();
        if (failed) co_return result<std::size_t>{failed};
        at_ += from_file;
        read_gathered(room.subspan(from_file));
        co_return result<std::size_t>{room.size()};
    }

    void read_gathered(std::span<char> room) noexcept {
        if (room.empty()) return;
        std::memcpy(room.data(), gathered_.data() + (at_ - in_file_), room.size());
        at_ += room.size();
    }

    std::shared_ptr<workers> pool_;
    std::shared_ptr<spooled_buffer_config const> config_;
    std::string gathered_;       // what follows the octets in the file
    std::uint64_t in_file_ = 0;
    std::uint64_t at_ = 0;       // where the next read begins
    int file_ = -1;
};

}  // namespace detail

MAILQUAY_DECL spooled_buffers::spooled_buffers(std::shared_ptr<workers> pool, spooled_buffer_config config)
    : pool_(std::move(pool)) {
    if (!pool_) throw std::invalid_argument("spooled_buffers: no workers: files block, give a worker_pool");
    if (config.memory_octets == 0) throw std::invalid_argument("spooled_buffer_config::memory_octets is 0: give at least a chunk, 65536");
    if (config.directory.empty()) {
        char const* const named = std::getenv("TMPDIR");
        config.directory = named != nullptr && *named != '\0' ? named : "/var/tmp";
    }
    config_ = std::make_shared<spooled_buffer_config const>(std::move(config));
}

MAILQUAY_DECL spooled_buffers::~spooled_buffers() = default;

MAILQUAY_DECL std::unique_ptr<message_buffer> spooled_buffers::make() {
    return std::make_unique<detail::spooled_buffer>(pool_, config_);
}

}  // namespace mailquay::inline MAILQUAY_ABI
