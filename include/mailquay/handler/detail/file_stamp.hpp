#pragma once

#include <mailquay/base/config.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <sys/stat.h>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// Tells one state of a file from another: which file it is, its size, and when it was changed in any way. What is written in place
/// may keep its size and its time of writing, but not that of its change.
///
/// Thread safety: distinct objects: safe. Shared objects: safe to read.
struct file_stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;        ///< octets
    std::int64_t changed_at = 0;  ///< nanoseconds since 1970, as fine as the file system has them

    /// @return the file's state now; none if it cannot be looked at
    static std::optional<file_stamp> of(std::string const& path) noexcept {
        struct stat found {};
        if (::stat(path.c_str(), &found) != 0) return std::nullopt;
        file_stamp made;
        made.device = static_cast<std::uint64_t>(found.st_dev);
        made.inode = static_cast<std::uint64_t>(found.st_ino);
        made.size = static_cast<std::int64_t>(found.st_size);
        made.changed_at = std::int64_t{found.st_ctim.tv_sec} * 1'000'000'000 + found.st_ctim.tv_nsec;
        return made;
    }
    friend bool operator==(file_stamp const&, file_stamp const&) = default;
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail
