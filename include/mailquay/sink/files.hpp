#pragma once

#include <mailquay/base/result.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// What file sinks ask of the file system: the seam where tests make each step fail, and where a host puts another storage
/// behind. All calls block, so they are made on the workers (`remove()` of an abandoned file excepted).
///
/// Errors are those of the system, as `std::error_code` of `std::system_category()`.
///
/// Thread safety: called by all workers at once; a descriptor is used by one at a time.
struct MAILQUAY_API file_operations {
    virtual ~file_operations();

    /// Makes a new file, readable and writable by the owner alone. @return its descriptor; EEXIST if it is there
    virtual result<int> create(std::string const& path) = 0;
    /// Writes all pieces one after the other.
    virtual result<void> write(int file, std::span<std::string_view const> pieces) = 0;
    /// Opens a file that is there, to read and write it.
    virtual result<int> open(std::string const& path) = 0;
    /// Writes all pieces one after the other from `offset` on. May run beside `read_at()` of the same file.
    virtual result<void> write_at(int file, std::uint64_t offset, std::span<std::string_view const> pieces) = 0;
    /// Reads from `offset` on; fewer octets than there is room only at the end of the file.
    virtual result<std::size_t> read_at(int file, std::uint64_t offset, std::span<char> room) = 0;
    virtual result<std::uint64_t> size(int file) = 0;
    /// Makes the file `octets` long, with room on the disk for all of them; new ones read as zero.
    virtual result<void> allocate(int file, std::uint64_t octets) = 0;
    /// Drops what is cached of the file, so that `read_at()` tells what is on the disk.
    virtual result<void> forget_cached(int file) = 0;
    /// The names in a folder, in no order.
    virtual result<std::vector<std::string>> list(std::string const& folder) = 0;
    /// As `sync()`, but facts that reading needs not, such as times, may be lost.
    virtual result<void> sync_data(int file) = 0;
    /// Appends to `to` all octets of `from` behind `offset`.
    virtual result<void> copy(int from, std::uint64_t offset, int to) = 0;
    /// Returns when content and size would survive a loss of power. A file that failed here is not to be trusted again.
    virtual result<void> sync(int file) = 0;
    /// The descriptor is gone also when this fails.
    virtual result<void> close(int file) = 0;
    /// Gives a file another name on the same file system; EEXIST instead of replacing another.
    virtual result<void> move(std::string const& from, std::string const& to) = 0;
    virtual result<void> remove(std::string const& path) = 0;
    /// A folder for the owner alone; it is no error if it is there already. The folder above must be there.
    virtual result<void> make_folder(std::string const& path) = 0;
    /// Returns when the names in the folder would survive a loss of power.
    virtual result<void> sync_folder(std::string const& path) = 0;
    /// Octets that an ordinary user can still write on the file system of `path`.
    virtual result<std::uint64_t> free_octets(std::string const& path) = 0;
};

/// The operations of the operating system. Thread safety: safe.
MAILQUAY_DECL std::shared_ptr<file_operations> system_files();

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/files.ipp>
#endif
