#pragma once

#include <mailquay/sink/files.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdlib.h>
#include <string>
#include <system_error>
#include <vector>

namespace mailquay_test {

/// The operating system's files, of which one call fails: the one at `fail_at` among those that could (0 is the first).
/// Notes the order of calls.
struct failing_files final : mailquay::file_operations {
    int fail_at = -1;
    int error = EIO;
    int calls = 0;
    std::string failed{};             ///< the name of the call that failed
    std::string only{};               ///< count and fail this call alone; empty: all
    std::vector<std::string> order{};
    int open_files = 0;

    mailquay::result<int> create(std::string const& path) override {
        if (fails("create")) return why();
        auto made = real->create(path);
        if (made) ++open_files;
        return made;
    }
    mailquay::result<void> write(int file, std::span<std::string_view const> pieces) override {
        if (fails("write")) {
            (void)real->write(file, pieces.first(1));
            return why();
        }
        return real->write(file, pieces);
    }
    mailquay::result<int> open(std::string const& path) override {
        if (fails("open")) return why();
        auto opened = real->open(path);
        if (opened) ++open_files;
        return opened;
    }
    mailquay::result<void> write_at(int file, std::uint64_t offset, std::span<std::string_view const> pieces) override {
        if (fails("write_at")) {
            (void)real->write_at(file, offset, pieces.first(1));
            return why();
        }
        return real->write_at(file, offset, pieces);
    }
    mailquay::result<std::size_t> read_at(int file, std::uint64_t offset, std::span<char> to) override {
        if (fails("read_at")) return why();
        return real->read_at(file, offset, to);
    }
    mailquay::result<std::uint64_t> size(int file) override {
        if (fails("size")) return why();
        return real->size(file);
    }
    mailquay::result<void> allocate(int file, std::uint64_t octets) override {
        return fails("allocate") ? why() : real->allocate(file, octets);
    }
    mailquay::result<void> forget_cached(int file) override { return real->forget_cached(file); }
    mailquay::result<std::vector<std::string>> list(std::string const& folder) override {
        if (fails("list")) return why();
        return real->list(folder);
    }
    mailquay::result<void> sync_data(int file) override { return fails("sync_data") ? why() : real->sync_data(file); }
    mailquay::result<void> copy(int from, std::uint64_t offset, int to) override {
        return fails("copy") ? why() : real->copy(from, offset, to);
    }
    mailquay::result<void> sync(int file) override { return fails("sync") ? why() : real->sync(file); }
    mailquay::result<void> close(int file) override {
        --open_files;
        auto closed = real->close(file);
        return fails("close") ? why() : closed;
    }
    mailquay::result<void> move(std::string const& from, std::string const& to) override {
        return fails("move") ? why() : real->move(from, to);
    }
    mailquay::result<void> remove(std::string const& path) override {
        order.push_back("remove");
        return real->remove(path);
    }
    mailquay::result<void> make_folder(std::string const& path) override {
        return fails("make_folder") ? why() : real->make_folder(path);
    }
    mailquay::result<void> sync_folder(std::string const& path) override {
        return fails("sync_folder") ? why() : real->sync_folder(path);
    }
    mailquay::result<std::uint64_t> free_octets(std::string const& path) override {
        if (room) return *room;
        return real->free_octets(path);
    }

    std::shared_ptr<std::uint64_t> room{};  ///< what `free_octets()` says, if set

private:
    bool fails(std::string const& name) {
        order.push_back(name);
        if (!only.empty() && name != only) return false;
        if (calls++ != fail_at) return false;
        failed = name;
        return true;
    }
    std::error_code why() const { return {error, std::system_category()}; }

    std::shared_ptr<mailquay::file_operations> real = mailquay::system_files();
};

/// A folder of its own that goes with the object.
class temporary_folder {
public:
    temporary_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "mailquay-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::system_category(), "mkdtemp");
        path_ = name;
    }
    ~temporary_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    temporary_folder(temporary_folder const&) = delete;
    temporary_folder& operator=(temporary_folder const&) = delete;

    std::string path(std::string const& inside = {}) const { return inside.empty() ? path_ : path_ + "/" + inside; }
    /// Contents by name; empty if there is no such folder.
    std::map<std::string, std::string> files(std::string const& inside) const {
        std::map<std::string, std::string> found;
        std::error_code ec;
        for (auto const& one : std::filesystem::directory_iterator(path(inside), ec)) {
            std::ifstream in(one.path(), std::ios::binary);
            found[one.path().filename()] = std::string(std::istreambuf_iterator<char>(in), {});
        }
        return found;
    }

private:
    std::string path_;
};

}  // namespace mailquay_test
