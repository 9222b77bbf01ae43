#include <mailquay/sink/files.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL file_operations::~file_operations() = default;

namespace detail {

inline std::error_code last_file_error() noexcept { return {errno, std::system_category()}; }

class operating_system_files final : public file_operations {
public:
    result<int> create(std::string const& path) override {
        int const file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (file < 0) return last_file_error();
        return file;
    }

    result<void> write(int file, std::span<std::string_view const> pieces) override {
        std::array<iovec, 8> vectors;
        while (!pieces.empty()) {
            std::size_t const count = std::min(pieces.size(), vectors.size());
            for (std::size_t i = 0; i < count; ++i) vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
            if (auto written = write_all(file, std::span{vectors}.first(count)); !written) return written;
            pieces = pieces.subspan(count);
        }
        return {};
    }

    result<void> copy(int from, std::uint64_t offset, int to) override {
        std::vector<char> piece(256 * 1024);
        for (;;) {
            auto const got = ::pread(from, piece.data(), piece.size(), static_cast<off_t>(offset));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return last_file_error();
            if (got == 0) return {};
            std::array<std::string_view, 1> const octets{std::string_view{piece.data(), static_cast<std::size_t>(got)}};
            if (auto written = write(to, octets); !written) return written;
            offset += static_cast<std::uint64_t>(got);
        }
    }

    result<int> open(std::string const& path) override {
        int const file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (file < 0) return last_file_error();
        return file;
    }

    result<void> write_at(int file, std::uint64_t offset, std::span<std::string_view const> pieces) override {
        std::array<iovec, 256> vectors;
        while (!pieces.empty()) {
            std::size_t const count = std::min(pieces.size(), vectors.size());
            for (std::size_t i = 0; i < count; ++i) vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
            auto const left = write_vectors(std::span{vectors}.first(count), [&](iovec* first, int many) {
                auto const wrote = ::pwritev(file, first, many, static_cast<off_t>(offset));
                if (wrote > 0) offset += static_cast<std::uint64_t>(wrote);
                return wrote;
            });
            if (!left) return left;
            pieces = pieces.subspan(count);
        }
        return {};
    }

    result<std::size_t> read_at(int file, std::uint64_t offset, std::span<char> room) override {
        std::size_t filled = 0;
        while (filled < room.size()) {
            auto const got = ::pread(file, room.data() + filled, room.size() - filled, static_cast<off_t>(offset + filled));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return last_file_error();
            if (got == 0) break;
            filled += static_cast<std::size_t>(got);
        }
        return filled;
    }

    result<std::uint64_t> size(int file) override {
        struct stat facts {};
        if (::fstat(file, &facts) != 0) return last_file_error();
        return static_cast<std::uint64_t>(facts.st_size);
    }

    result<void> allocate(int file, std::uint64_t octets) override {
        int const failed = ::posix_fallocate(file, 0, static_cast<off_t>(octets));
        if (failed != 0) return std::error_code{failed, std::system_category()};
        return {};
    }

    result<void> forget_cached(int file) override {
        int const failed = ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
        if (failed != 0) return std::error_code{failed, std::system_category()};
        return {};
    }

    result<std::vector<std::string>> list(std::string const& folder) override {
        std::vector<std::string> names;
        std::error_code failed;
        for (std::filesystem::directory_iterator at{folder, failed}, end; !failed && at != end; at.increment(failed))
            names.push_back(at->path().filename().string());
        if (failed) return std::error_code{failed.value(), std::system_category()};
        return names;
    }

    result<void> sync_data(int file) override {
        while (::fdatasync(file) != 0)
            if (errno != EINTR) return last_file_error();
        return {};
    }

    result<void> sync(int file) override {
        while (::fsync(file) != 0)
            if (errno != EINTR) return last_file_error();
        return {};
    }

    result<void> close(int file) override {
        if (::close(file) != 0 && errno != EINTR) return last_file_error();
        return {};
    }

    result<void> move(std::string const& from, std::string const& to) override {
#ifdef RENAME_NOREPLACE
        if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
        if (errno != EINVAL && errno != ENOSYS) return last_file_error();
#endif
        if (::link(from.c_str(), to.c_str()) != 0) return last_file_error();
        ::unlink(from.c_str());  // what stays there has another name as well, and is stale some day
        return {};
    }

    result<void> remove(std::string const& path) override {
        if (::unlink(path.c_str()) != 0) return last_file_error();
        return {};
    }

    result<void> make_folder(std::string const& path) override {
        if (::mkdir(path.c_str(), 0700) == 0) return {};
        int const why = errno;
        struct stat facts {};
        if (why == EEXIST && ::stat(path.c_str(), &facts) == 0) {
            if (S_ISDIR(facts.st_mode)) return {};
            return std::error_code{ENOTDIR, std::system_category()};
        }
        return std::error_code{why, std::system_category()};
    }

    result<void> sync_folder(std::string const& path) override {
        int const folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0) return last_file_error();
        auto synced = sync(folder);
        ::close(folder);
        return synced;
    }

    result<std::uint64_t> free_octets(std::string const& path) override {
        struct statvfs facts {};
        if (::statvfs(path.c_str(), &facts) != 0) return last_file_error();
        return std::uint64_t{facts.f_bavail} * facts.f_frsize;
    }

private:
    static result<void> write_all(int file, std::span<iovec> vectors) {
        return write_vectors(vectors, [file](iovec* first, int many) { return ::writev(file, first, many); });
    }

    template <class Write>
    static result<void> write_vectors(std::span<iovec> vectors, Write write) {
        while (!vectors.empty()) {
            auto const wrote = write(vectors.data(), static_cast<int>(vectors.size()));
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote < 0) return last_file_error();
            for (auto left = static_cast<std::size_t>(wrote); !vectors.empty();) {
                iovec& first = vectors.front();
                std::size_t const taken = std::min(left, first.iov_len);
                first.iov_base = static_cast<char*>(first.iov_base) + taken;
                first.iov_len -= taken;
                left -= taken;
                if (first.iov_len != 0) break;
                vectors = vectors.subspan(1);
            }
        }
        return {};
    }
};

}  // namespace detail

MAILQUAY_DECL std::shared_ptr<file_operations> system_files() {
    static auto const one = std::make_shared<detail::operating_system_files>();
    return one;
}

}  // namespace mailquay::inline MAILQUAY_ABI
