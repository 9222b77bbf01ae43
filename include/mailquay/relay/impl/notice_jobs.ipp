#pragma once

#include <mailquay/sink/files.hpp>
#include <mailquay/sink/spool_queue.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>

// What making a notice asks of the workers.

namespace mailquay::inline MAILQUAY_ABI::detail {

// Of the header section, what is returned at most.
constexpr std::uint64_t notice_header_octets = 256 * 1024;

/// Reads the beginning of a message, on a worker. What could not be read is missing.
struct read_job {
    claimed_message const* from;
    std::string* into;
    std::uint64_t most;
    bool header_alone;

    void operator()() const {
        try {
            into->resize(static_cast<std::size_t>(std::min(from->octets, most)));
            auto const got = from->read(0, *into);
            into->resize(got ? *got : 0);
            if (!header_alone) return;
            if (auto const end = into->find("\r\n\r\n"); end != into->npos) into->resize(end + 2);
        } catch (std::exception const&) {
            into->clear();
        }
    }
};

/// Writes a message whose sender is not told, and what would have been told, on a worker.
struct undeliverable_job {
    claimed_message const* from;
    std::string const* text;
    std::string folder;
    std::size_t most;
    std::error_code* failed;

    void operator()() const {
        try {
            auto const kept = keep(*system_files());
            if (!kept) *failed = kept.error();
        } catch (std::exception const&) {
            *failed = std::make_error_code(std::errc::not_enough_memory);
        }
    }

private:
    result<void> keep(file_operations& files) const {
        std::error_code ec;
        std::filesystem::create_directories(folder, ec);
        if (ec) return ec;
        auto const there = files.list(folder);
        if (!there) return there.error();
        if (there->size() / 2 >= most) return std::make_error_code(std::errc::no_buffer_space);
        std::string const path = folder + "/" + std::string(from->id.view());
        auto const notice = write_file(files, path + ".notice", [&](int file) { return put(files, file, *text); });
        if (!notice) return notice;
        auto const message = write_file(files, path + ".eml", [&](int file) { return copy(files, file); });
        if (!message) return message;
        return files.sync_folder(folder);  // the queue lets go of the message next
    }

    result<void> copy(file_operations& files, int file) const {
        std::string piece(64 * 1024, '\0');
        for (std::uint64_t at = 0; at < from->octets;) {
            auto const got = from->read(at, piece);
            if (!got) return got.error();
            if (*got == 0) return std::make_error_code(std::errc::io_error);
            if (auto const written = put(files, file, std::string_view{piece}.substr(0, *got)); !written) return written;
            at += *got;
        }
        return {};
    }

    static result<void> put(file_operations& files, int file, std::string_view octets) {
        std::array<std::string_view, 1> const pieces{octets};
        return files.write(file, pieces);
    }

    template <class Fill>
    static result<void> write_file(file_operations& files, std::string const& path, Fill fill) {
        auto file = files.create(path);
        if (!file && file.error() == std::errc::file_exists) {  // of an earlier try
            if (auto const gone = files.remove(path); !gone) return gone;
            file = files.create(path);
        }
        if (!file) return file.error();
        result<void> done = fill(*file);
        if (done) done = files.sync(*file);
        auto const closed = files.close(*file);
        return done ? closed : done;
    }
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail
