#pragma once

#include <mailquay/sink/impl/spool_rescue.ipp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

// What cannot be read any more: it costs its message alone, and no octet of it is thrown away.

namespace mailquay::inline MAILQUAY_ABI::detail {

constexpr std::string_view lost_content_name = "large-";
constexpr std::string_view unfinished_content_name = "unfinished-";
constexpr std::string_view unfinished_name = "unfinished";

MAILQUAY_DECL void spool_engine::on_damage(spool_segment& in, std::uint64_t offset, std::string_view octets, std::string_view id) {
    ++damaged_at_start_;
    note_damage(in.number, offset, octets, id, "not what was written");
}

MAILQUAY_DECL void spool_engine::on_torn_tail(spool_segment& in, std::uint64_t offset, std::string_view octets) {
    settings_.log.warning([&] {
        return fmt::format("spool: {} octets at {} of {} were never finished, or are damaged; kept in damaged/", octets.size(), offset, in.path);
    });
    copy_damage(fmt::format("{:010}-{:012}-{}", in.number, offset, unfinished_name), octets);
    unfinished_.append(octets);
}

MAILQUAY_DECL void spool_engine::on_unreadable(spool_segment& in, std::uint64_t offset, std::uint64_t octets) {
    settings_.log.error([&] { return fmt::format("spool: {} octets at {} of {} cannot be read; they are taken for zeros", octets, offset, in.path); });
}

MAILQUAY_DECL void spool_engine::note_damage(std::uint32_t segment, std::uint64_t offset, std::string_view octets, std::string_view id,
                                             std::string_view why) const {
    std::string const name = fmt::format("{:010}-{:012}-{}", segment, offset, id.empty() ? "unknown" : id);
    settings_.log.error([&] {
        return fmt::format("spool: damage: {} octets at {} of segment {}, message {}: {}; kept as damaged/{}", octets.size(), offset,
                           segment, id.empty() ? "unknown" : id, why, name);
    });
    copy_damage(name, octets);
}

MAILQUAY_DECL void spool_engine::copy_damage(std::string const& name, std::string_view octets) const {
    std::string const path = folder_ + "/damaged/" + name;
    auto file = files().create(path);
    if (!file && file.error().value() == EEXIST) {
        // Known from earlier; one that is empty was not finished then.
        file = files().open(path);
        auto const size = file ? files().size(*file) : result<std::uint64_t>{file.error()};
        if (file && (!size || *size != 0)) {
            (void)files().close(*file);
            return;
        }
    }
    auto const not_kept = [&](std::error_code why) {
        settings_.log.error([&] { return fmt::format("spool: {} octets for {} cannot be kept: {}", octets.size(), path, why.message()); });
    };
    if (!file) return not_kept(file.error());
    std::array<std::string_view, 1> const pieces{octets};
    auto written = files().write_at(*file, 0, pieces);
    if (written) written = files().sync(*file);
    (void)files().close(*file);
    if (!written) (void)files().remove(path);
    if (written) written = files().sync_folder(folder_ + "/damaged");
    if (!written) not_kept(written.error());
}

MAILQUAY_DECL std::string spool_engine::octets_of(spool_entry const& entry, spool_segment const* segment) const {
    std::string octets;
    if (segment == nullptr) return octets;
    octets.resize(static_cast<std::size_t>(entry.record_octets()));
    std::vector<unreadable_octets> missing;
    auto const got = read_around_damage(files(), segment->file, entry.offset, octets, missing);
    octets.resize(got ? *got : 0);
    return octets;
}

MAILQUAY_DECL void spool_engine::keep_content(std::string_view id, std::string_view name) const {
    std::string const to = fmt::format("{}/damaged/{}{}", folder_, name, id);
    auto const moved = files().move(large_path(id), to);
    if (!moved) return;  // there is none; or it stays where it is
    (void)files().sync_folder(folder_ + "/damaged");
    (void)files().sync_folder(large_folder());
    settings_.log.warning([&] { return fmt::format("spool: the content of message {} is kept as {}", id, to); });
}

MAILQUAY_DECL void spool_engine::forget_lost(std::span<key const> lost) {
    std::vector<transaction_id> with_content;
    {
        std::lock_guard const lock{index_mutex_};
        for (key const id : lost) {
            auto const place = index_.find(id);
            if (place == index_.end()) continue;
            bool const large = place->second.large;
            erase(place);
            if (!large) continue;
            large_to_remove_.pop_back();
            with_content.push_back(transaction_id::from_number(id));
        }
    }
    for (transaction_id const& one : with_content) keep_content(one.view(), lost_content_name);
}

// Files that no record names were left by a crash, unless it was the record that was damaged; a record whose file is not there
// is damage.
MAILQUAY_DECL void spool_engine::compare_large_files() {
    auto const names = files().list(large_folder());
    if (!names) refuse_spool(large_folder(), names.error().message(), "see whether the disk is well");
    std::set<key> whole;
    for (std::string const& name : *names) {
        std::string const path = large_folder() + "/" + name;
        auto const id = transaction_id::parse(name);
        auto const known = id ? find(*id) : std::nullopt;
        if (!known) {
            // The octet that is damaged may be one of the id: so it is not asked which message the damage touched.
            if (id && damaged_at_start_ != 0) keep_content(name, lost_content_name);
            else if (id && unfinished_.find(name) != unfinished_.npos) keep_content(name, unfinished_content_name);
            else (void)files().remove(path);
            continue;
        }
        auto const file = files().open(path);
        if (!file) continue;
        if (auto const size = files().size(*file); size && *size == known->octets) whole.insert(key_of(*id));
        (void)files().close(*file);
    }
    std::vector<key> lost;
    for (auto const& [id, entry] : index_) {
        if (!entry.large || whole.contains(id)) continue;
        ++damaged_at_start_;
        lost.push_back(id);
        note_damage(entry.segment, entry.offset, octets_of(entry, journal_.find(entry.segment).get()), transaction_id::from_number(id).view(),
                    "its file is missing or cut off");
    }
    forget_lost(lost);
    unfinished_ = {};
    large_to_remove_.clear();
    changed_.clear();
    gone_.clear();
    recovering_ = false;
}

MAILQUAY_DECL std::vector<spool_damage> spool_engine::damaged() const {
    std::vector<spool_damage> all;
    auto const names = files().list(folder_ + "/damaged");
    if (!names) return all;
    for (std::string_view const name : *names) {
        spool_damage one;
        one.file = fmt::format("damaged/{}", name);
        auto const first = name.find('-');
        auto const second = name.find('-', first + 1);
        if (name.starts_with(lost_content_name) || name.starts_with(unfinished_content_name)) {
            one.unfinished = name.starts_with(unfinished_content_name);
            one.id = name.substr(first + 1);
        } else if (first != name.npos && second != name.npos) {
            std::from_chars(name.data(), name.data() + first, one.segment);
            std::from_chars(name.data() + first + 1, name.data() + second, one.offset);
            one.id = name.substr(second + 1);
            one.unfinished = one.id == unfinished_name;
            if (one.unfinished || one.id == "unknown") one.id.clear();
        } else {
            continue;
        }
        all.push_back(std::move(one));
    }
    std::sort(all.begin(), all.end(), [](spool_damage const& a, spool_damage const& b) { return a.file < b.file; });
    return all;
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
