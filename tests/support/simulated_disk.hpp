#pragma once

#include <mailquay/sink/files.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace mailquay_test {

/// A disk in memory that can lose power: what was written is cached, and only what was synced is there afterwards.
///
/// A sync that is made to fail behaves as that of Linux: the pages that could not be written are called clean, so the next sync
/// succeeds and writes nothing of them.
///
/// Thread safety: safe.
class simulated_disk final : public mailquay::file_operations {
public:
    /// @{ The n-th next call fails (0: none of them does).
    std::atomic<int> fail_sync{0};
    std::atomic<int> fail_write{0};
    /// @}
    std::atomic<int> open_error{0};  ///< of `open()`, while it is not 0
    std::atomic<int> error{EIO};
    std::atomic<bool> read_only{false};
    std::atomic<std::chrono::milliseconds> sync_takes{std::chrono::milliseconds{0}};
    std::atomic<std::uint64_t> room{std::uint64_t{1} << 40};  ///< octets left
    std::atomic<int> syncs{0};

    /// Everything that was not synced is gone; all descriptors are dead.
    void cut_power() {
        std::lock_guard const lock{mutex_};
        names_ = durable_names_;
        for (auto& [number, one] : nodes_) {
            (void)number;
            one->cached = one->durable;
            one->clean.clear();
        }
        open_.clear();
    }
    /// Plans a loss of power right after the `calls`-th call from now that changes something. The disk works on as if nothing
    /// had happened, as nobody is there to see it; `found_after_cut()` is what lies on it when power comes back.
    void cut_power_after(unsigned calls, unsigned seed) {
        std::lock_guard const lock{mutex_};
        calls_left_ = calls;
        chance_.seed(seed);
    }
    bool is_cut() const { return cut_.load(); }
    /// All that was synced; of what was not, each page by chance, and of the changes of names some of the first.
    std::shared_ptr<simulated_disk> found_after_cut() const { return found_; }

    /// Changes an octet where it lies.
    void damage(std::string const& path, std::uint64_t at) {
        std::lock_guard const lock{mutex_};
        auto& one = *nodes_.at(names_.at(path));
        one.cached.at(at) = static_cast<char>(one.cached.at(at) ^ 0x5a);
        one.durable = one.cached;
    }
    /// The page at `at` cannot be read any more.
    void lose_page(std::string const& path, std::uint64_t at) {
        std::lock_guard const lock{mutex_};
        nodes_.at(names_.at(path))->lost.insert(at / read_octets);
    }
    std::string content(std::string const& path) {
        std::lock_guard const lock{mutex_};
        return nodes_.at(names_.at(path))->cached;
    }
    std::vector<std::string> paths() {
        std::lock_guard const lock{mutex_};
        std::vector<std::string> all;
        for (auto const& [path, number] : names_) {
            (void)number;
            all.push_back(path);
        }
        return all;
    }

    mailquay::result<int> create(std::string const& path) override {
        std::lock_guard const lock{mutex_};
        if (read_only) return failure(EROFS);
        if (names_.contains(path)) return failure(EEXIST);
        int const number = ++last_;
        nodes_[number] = std::make_shared<node>();
        names_[path] = number;
        renamed("", path, number);
        return opened(nodes_[number]);
    }
    mailquay::result<int> open(std::string const& path) override {
        std::lock_guard const lock{mutex_};
        if (open_error != 0) return failure(open_error);
        auto const found = names_.find(path);
        if (found == names_.end()) return failure(ENOENT);
        return opened(nodes_[found->second]);
    }
    mailquay::result<void> write(int file, std::span<std::string_view const> pieces) override {
        std::uint64_t at = 0;
        {
            std::lock_guard const lock{mutex_};
            if (!open_.contains(file)) return failure(EBADF);
            at = open_[file]->cached.size();
        }
        return write_at(file, at, pieces);
    }
    mailquay::result<void> write_at(int file, std::uint64_t offset, std::span<std::string_view const> pieces) override {
        std::lock_guard const lock{mutex_};
        if (read_only) return failure(EROFS);
        if (!open_.contains(file)) return failure(EBADF);
        node& one = *open_[file];
        bool const fails = fail_write != 0 && --fail_write == 0;
        for (std::string_view piece : pieces) {
            if (fails) piece = piece.substr(0, piece.size() / 2);
            if (auto const grown = grow(one, offset + piece.size()); !grown) return grown;
            std::copy(piece.begin(), piece.end(), one.cached.begin() + static_cast<std::ptrdiff_t>(offset));
            for (std::uint64_t page = offset / page_octets; page <= (offset + piece.size()) / page_octets; ++page) one.clean.erase(page);
            offset += piece.size();
            if (fails) return failure(error);
        }
        changed();
        return {};
    }
    mailquay::result<std::size_t> read_at(int file, std::uint64_t offset, std::span<char> to) override {
        std::lock_guard const lock{mutex_};
        if (!open_.contains(file)) return failure(EBADF);
        std::string const& from = open_[file]->cached;
        if (offset >= from.size()) return std::size_t{0};
        std::size_t const count = std::min<std::size_t>(to.size(), from.size() - offset);
        for (std::uint64_t const page : open_[file]->lost)
            if (page * read_octets < offset + count && offset < (page + 1) * read_octets) return failure(EIO);
        std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(offset), count, to.begin());
        return count;
    }
    mailquay::result<std::uint64_t> size(int file) override {
        std::lock_guard const lock{mutex_};
        return std::uint64_t{open_[file]->cached.size()};
    }
    mailquay::result<void> allocate(int file, std::uint64_t octets) override {
        std::lock_guard const lock{mutex_};
        if (read_only) return failure(EROFS);
        auto const grown = grow(*open_[file], octets);
        changed();
        return grown;
    }
    mailquay::result<void> forget_cached(int file) override {
        std::lock_guard const lock{mutex_};
        node& one = *open_[file];
        for (std::uint64_t const page : one.clean)  // clean only by name: what is on the disk is read again
            for (std::uint64_t at = page * page_octets; at < std::min<std::uint64_t>((page + 1) * page_octets, one.cached.size()); ++at)
                one.cached[at] = at < one.durable.size() ? one.durable[at] : '\0';
        return {};
    }
    mailquay::result<std::vector<std::string>> list(std::string const& folder) override {
        std::lock_guard const lock{mutex_};
        std::vector<std::string> all;
        for (auto const& [path, number] : names_) {
            (void)number;
            if (path.starts_with(folder + "/") && path.find('/', folder.size() + 1) == path.npos) all.push_back(path.substr(folder.size() + 1));
        }
        return all;
    }
    mailquay::result<void> copy(int from, std::uint64_t offset, int to) override {
        std::string octets;
        {
            std::lock_guard const lock{mutex_};
            octets = open_[from]->cached.substr(offset);
        }
        std::string_view const piece{octets};
        return write(to, {&piece, 1});
    }
    mailquay::result<void> sync(int file) override { return sync_data(file); }
    mailquay::result<void> sync_data(int file) override {
        if (auto const takes = sync_takes.load(); takes.count() != 0) std::this_thread::sleep_for(takes);
        std::lock_guard const lock{mutex_};
        if (!open_.contains(file)) return failure(EBADF);
        ++syncs;
        node& one = *open_[file];
        if (fail_sync != 0 && --fail_sync == 0) {
            for (std::uint64_t page = 0; page * page_octets < one.cached.size(); ++page)
                if (page_of(one.cached, page) != page_of(one.durable, page)) one.clean.insert(page);
            return failure(error);
        }
        if (read_only) return failure(EROFS);
        std::string const before = one.durable;
        one.durable = one.cached;
        for (std::uint64_t const page : one.clean)
            for (std::uint64_t at = page * page_octets; at < std::min<std::uint64_t>((page + 1) * page_octets, one.durable.size()); ++at)
                one.durable[at] = at < before.size() ? before[at] : '\0';
        changed();
        return {};
    }
    mailquay::result<void> close(int file) override {
        std::lock_guard const lock{mutex_};
        open_.erase(file);
        return {};
    }
    mailquay::result<void> move(std::string const& from, std::string const& to) override {
        std::lock_guard const lock{mutex_};
        auto const found = names_.find(from);
        if (found == names_.end()) return failure(ENOENT);
        if (names_.contains(to)) return failure(EEXIST);
        int const number = found->second;
        names_.erase(found);
        names_[to] = number;
        renamed(from, to, number);
        return {};
    }
    mailquay::result<void> remove(std::string const& path) override {
        std::lock_guard const lock{mutex_};
        auto const found = names_.find(path);
        if (found == names_.end()) return failure(ENOENT);
        room += nodes_[found->second]->cached.size();
        names_.erase(found);
        renamed(path, "", 0);
        return {};
    }
    mailquay::result<void> make_folder(std::string const&) override { return {}; }
    mailquay::result<void> sync_folder(std::string const& path) override {
        std::lock_guard const lock{mutex_};
        std::erase_if(durable_names_, [&](auto const& one) { return one.first.starts_with(path + "/"); });
        for (auto const& one : names_)
            if (one.first.starts_with(path + "/")) durable_names_.insert(one);
        std::erase_if(unsynced_, [&](name_change const& one) { return (one.to.empty() ? one.from : one.to).starts_with(path + "/"); });
        changed();
        return {};
    }
    mailquay::result<std::uint64_t> free_octets(std::string const&) override {
        std::lock_guard const lock{mutex_};
        return room.load();
    }

private:
    static constexpr std::uint64_t page_octets = 512;
    static constexpr std::uint64_t read_octets = 4096;
    struct node {
        std::string cached{};
        std::string durable{};
        std::set<std::uint64_t> clean{};  // pages that a failed sync gave up
        std::set<std::uint64_t> lost{};   // that cannot be read
    };

    struct name_change {
        std::string from{};  // empty: made new
        std::string to{};    // empty: removed
        int number = 0;
    };

    void renamed(std::string from, std::string to, int number) {
        unsynced_.push_back({std::move(from), std::move(to), number});
        changed();
    }
    void changed() {
        if (calls_left_ == 0 || --calls_left_ != 0) return;
        found_ = std::make_shared<simulated_disk>();
        found_->room = room.load();
        found_->last_ = last_;
        found_->names_ = durable_names_;
        std::size_t const kept = chance_() % (unsynced_.size() + 1);
        for (std::size_t i = 0; i < kept; ++i) {
            found_->names_.erase(unsynced_[i].from);
            if (!unsynced_[i].to.empty()) found_->names_[unsynced_[i].to] = unsynced_[i].number;
        }
        found_->durable_names_ = found_->names_;
        for (auto const& [number, one] : nodes_) {
            auto& left = *(found_->nodes_[number] = std::make_shared<node>());
            left.durable = one->durable;
            if (chance_() % 2 == 0) left.durable.resize(one->cached.size(), '\0');
            for (std::uint64_t page = 0; page * page_octets < left.durable.size(); ++page) {
                std::string_view const newer = page_of(one->cached, page);
                if (one->clean.contains(page) || chance_() % 2 == 0) continue;
                std::copy_n(newer.begin(), std::min<std::size_t>(newer.size(), left.durable.size() - page * page_octets),
                            left.durable.begin() + static_cast<std::ptrdiff_t>(page * page_octets));
            }
            left.cached = left.durable;
            left.lost = one->lost;
        }
        cut_ = true;
    }

    static std::error_code failure(int number) { return {number, std::system_category()}; }
    static std::string_view page_of(std::string_view text, std::uint64_t page) {
        return page * page_octets < text.size() ? text.substr(page * page_octets, page_octets) : std::string_view{};
    }
    mailquay::result<void> grow(node& one, std::uint64_t octets) {
        if (octets <= one.cached.size()) return {};
        std::uint64_t const more = octets - one.cached.size();
        if (more > room) return failure(ENOSPC);
        room -= more;
        one.cached.resize(octets, '\0');
        return {};
    }
    int opened(std::shared_ptr<node> which) {
        int const file = 1000 + ++last_;
        open_[file] = std::move(which);
        return file;
    }

    std::mutex mutex_{};
    std::map<std::string, int> names_{};
    std::map<std::string, int> durable_names_{};
    std::map<int, std::shared_ptr<node>> nodes_{};
    std::map<int, std::shared_ptr<node>> open_{};
    int last_ = 0;
    std::vector<name_change> unsynced_{};
    unsigned calls_left_ = 0;
    std::mt19937 chance_{};
    std::atomic<bool> cut_{false};
    std::shared_ptr<simulated_disk> found_{};
};

}  // namespace mailquay_test
