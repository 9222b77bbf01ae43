#pragma once

#include <mailquay/sink/detail/spool_engine.hpp>

#include <mailquay/handler/storage_errors.hpp>
#include <mailquay/protocol/replies.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

namespace mailquay::inline MAILQUAY_ABI::detail {

constexpr std::uint64_t clock_jump_ms = 60 * 60 * 1000;
constexpr std::int64_t clock_freeze_ms = 24 * 60 * 60 * 1000;

inline bool is_message(spool_item const& item) noexcept { return item.record.header.type == spool_record_type::message; }

[[noreturn]] inline void refuse_spool(std::string const& path, std::string const& why, std::string const& cure) {
    throw std::runtime_error("sinks::spool: \"" + path + "\" cannot be used: " + why + "; " + cure);
}

MAILQUAY_DECL spool_engine::spool_engine(std::string folder, sinks::spool_settings settings)
    : folder_(std::move(folder)),
      settings_(std::move(settings)),
      journal_(folder_ + "/journal", settings_.files, std::max<std::uint64_t>(settings_.segment_octets, 4096)) {
    if (settings_.max_octets != 0 && settings_.max_octets < 2 * settings_.segment_octets)
        throw std::invalid_argument(fmt::format("sinks::spool: max_octets is {}, less than two segments of {} octets, so no message would find room; "
                                                "raise max_octets, or lower segment_octets", settings_.max_octets, settings_.segment_octets));
    take_folder();
    try {
        recover();
        committer_ = std::thread{[this] { run(); }};
    } catch (...) {
        ::close(lock_);
        throw;
    }
}

MAILQUAY_DECL spool_engine::~spool_engine() {
    {
        std::lock_guard const lock{queue_mutex_};
        ending_ = true;
    }
    queue_wake_.notify_one();
    committer_.join();
    ::close(lock_);
}

// ---- at start

MAILQUAY_DECL void spool_engine::take_folder() {
    char const* const cure = "let the process own it, or name another folder";
    if (folder_.empty()) refuse_spool(folder_, "the name is empty", cure);
    std::error_code ec;
    std::filesystem::path const parent = std::filesystem::path(folder_).parent_path();
    std::vector<std::string> grown{parent.empty() ? "." : parent.string()};  // folders with a new name in them
    for (auto at = parent; !at.empty() && !std::filesystem::exists(at, ec); at = at.parent_path())
        grown.push_back(at.has_parent_path() ? at.parent_path().string() : ".");
    if (!parent.empty()) std::filesystem::create_directories(parent, ec);
    for (char const* inside : {"", "/journal", "/large", "/damaged"}) {
        std::string const path = folder_ + inside;
        if (auto const made = files().make_folder(path); !made) refuse_spool(path, made.error().message(), cure);
    }
    if (auto const synced = files().sync_folder(folder_); !synced) refuse_spool(folder_, synced.error().message(), cure);
    for (std::string const& one : grown) (void)files().sync_folder(one);

    // A lock of the system goes with the process that holds it, however it ends.
    std::string const path = folder_ + "/lock";
    lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock_ < 0) refuse_spool(path, std::error_code(errno, std::system_category()).message(), cure);
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
        char owner[32] = {};
        auto const got = ::pread(lock_, owner, sizeof owner - 1, 0);
        std::string who{owner, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
        while (!who.empty() && (who.back() == '\n' || who.back() == '\0')) who.pop_back();
        ::close(lock_);
        refuse_spool(folder_, "process " + who + " has it", "end that process, or name another folder");
    }
    std::string const mine = fmt::format("{}\n", ::getpid());
    if (::ftruncate(lock_, 0) != 0 || ::pwrite(lock_, mine.data(), mine.size(), 0) < 0) {
        std::string const why = std::error_code(errno, std::system_category()).message();
        ::close(lock_);
        refuse_spool(path, why, cure);
    }
}

MAILQUAY_DECL void spool_engine::recover() {
    auto const begun = settings_.clock->steady();
    wall_seen_ = wall_ms();
    steady_seen_ = steady_ms();
    if (auto const read = journal_.recover(*this); !read) {
        int const why = read.error().value();
        refuse_spool(journal_.folder(), read.error().message(),
                     why == EACCES || why == EPERM   ? "let the process own every file in it"
                     : why == EMFILE || why == ENFILE ? "let the process open more files (ulimit -n): one for each file of the journal"
                                                      : "see whether the disk is well");
    }
    compare_large_files();
    if (frozen_on_disk_ != 0) frozen_until_ = steady_ms() + static_cast<std::int64_t>(std::min<std::uint64_t>(frozen_on_disk_, clock_freeze_ms));
    if (wall_on_disk_ != 0 && wall_seen_ > wall_on_disk_ + clock_jump_ms) {
        frozen_until_ = steady_ms() + clock_freeze_ms;
        settings_.log.warning([&] {
            return fmt::format("spool: the clock is {} s ahead of the last run; nothing expires for a day, or until clock-ok",
                               (wall_seen_ - wall_on_disk_) / 1000);
        });
    }
    reclaim();
    update_room();
    settings_.log.info([&] {
        auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(settings_.clock->steady() - begun);
        return fmt::format("spool: {} messages in {} files read in {} ms, {} damaged places", index_.size(),
                           journal_.segments().size(), took.count(), damaged_at_start_);
    });
}

MAILQUAY_DECL void spool_engine::on_record(spool_segment& in, std::uint64_t offset, spool_record_header const& header, std::string_view meta) {
    if (header.type == spool_record_type::mark) {
        spool_fields fields{meta};
        frozen_on_disk_ = 0;
        while (auto const field = fields.next()) {
            if (field->tag == spool_tag::wall_time) wall_on_disk_ = field->number().value_or(0);
            if (field->tag == spool_tag::frozen) frozen_on_disk_ = field->number().value_or(0);
        }
        return;
    }
    journal_record record;
    record.header = header;
    record.meta = meta;
    record.segment = in.number;
    record.offset = offset;
    std::lock_guard const lock{index_mutex_};
    apply(record, false);
}

// ---- handing over

MAILQUAY_DECL bool spool_engine::submit(std::unique_ptr<spool_item>& item) {
    std::size_t const octets = item->record.body.size() + item->record.meta.size() + sizeof(spool_item);
    bool was_empty;
    {
        std::lock_guard const lock{queue_mutex_};
        if (ending_) return false;
        if (item->record.header.type == spool_record_type::message && !waiting_.empty() &&
            waiting_octets_ + octets > settings_.waiting_octets)
            return false;
        was_empty = waiting_.empty();
        waiting_octets_ += octets;
        waiting_.push_back(std::move(item));
    }
    if (was_empty) queue_wake_.notify_one();
    return true;
}

MAILQUAY_DECL bool spool_engine::has_room(std::uint64_t octets) const noexcept {
    if (!room_left_.load(std::memory_order_relaxed) || !accepting_.load(std::memory_order_relaxed)) return false;
    if (settings_.max_octets != 0 && octets > settings_.max_octets) return false;
    // A small one goes into a segment, whose room is taken already.
    return octets <= settings_.memory_octets || octets <= large_room_.load(std::memory_order_relaxed);
}

MAILQUAY_DECL bool spool_engine::grow_large(std::uint64_t octets) noexcept {
    std::uint64_t const growing = growing_.fetch_add(octets) + octets;
    return settings_.max_octets == 0 || used_.load() + growing <= settings_.max_octets;
}

MAILQUAY_DECL void spool_engine::settle_large(std::uint64_t octets, bool kept) noexcept {
    if (kept) used_ += octets;  // until all is counted anew
    growing_ -= octets;
}

MAILQUAY_DECL std::optional<verdict> spool_engine::refusal(std::uint64_t octets) const {
    if (has_room(octets)) return std::nullopt;
    return defer(replies::no_storage).because("spool: no room");
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail

#include <mailquay/sink/impl/spool_commit.ipp>
#include <mailquay/sink/impl/spool_damage.ipp>
#include <mailquay/sink/impl/spool_housekeeping.ipp>
#include <mailquay/sink/impl/spool_rescue.ipp>
