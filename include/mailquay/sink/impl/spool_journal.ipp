#include <mailquay/sink/detail/spool_journal.hpp>

#include <mailquay/base/crc32c.hpp>
#include <mailquay/base/random.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

namespace mailquay::inline MAILQUAY_ABI::detail {

MAILQUAY_DECL spool_segment::~spool_segment() {
    if (file >= 0) (void)files->close(file);
}

MAILQUAY_DECL void journal_record::seal(spool_record_type type, transaction_id id, std::uint32_t body_checksum) {
    header.type = type;
    header.id = id;
    header.meta_octets = static_cast<std::uint32_t>(meta.size());
    header.body_octets = body.size();
    header.meta_checksum = crc32c(meta);
    header.body_checksum = body_checksum;
}

MAILQUAY_DECL spool_journal::spool_journal(std::string folder, std::shared_ptr<file_operations> files, std::uint64_t segment_octets)
    : folder_(std::move(folder)), files_(std::move(files)), segment_octets_(segment_octets) {}

MAILQUAY_DECL spool_journal::~spool_journal() {
    for (spare const& one : spares_) (void)files_->close(one.file);
}

MAILQUAY_DECL std::string spool_journal::path_of(std::uint32_t number, std::uint64_t salt) const {
    return fmt::format("{}/{:010}-{:016x}.seg", folder_, number, salt);
}

// "0000000012-0123456789abcdef.seg"
inline std::optional<std::pair<std::uint32_t, std::uint64_t>> parse_segment_name(std::string_view name) {
    constexpr std::size_t digits = 10, hex = 16;
    if (name.size() != digits + 1 + hex + 4 || name[digits] != '-' || !name.ends_with(".seg")) return std::nullopt;
    std::pair<std::uint32_t, std::uint64_t> read{};
    auto const number = std::from_chars(name.data(), name.data() + digits, read.first);
    auto const salt = std::from_chars(name.data() + digits + 1, name.data() + digits + 1 + hex, read.second, 16);
    if (number.ptr != name.data() + digits || salt.ptr != name.data() + digits + 1 + hex) return std::nullopt;
    return read;
}

MAILQUAY_DECL result<std::size_t> read_around_damage(file_operations& files, int file, std::uint64_t offset, std::span<char> room,
                                                     std::vector<unreadable_octets>& missing) {
    constexpr std::size_t page_octets = 4096;  // systems read by pages: one of them fails, not its neighbours
    auto const whole = files.read_at(file, offset, room);
    if (whole || whole.error().value() != EIO) return whole;
    std::size_t at = 0;
    while (at < room.size()) {
        std::uint64_t const from = offset + at;
        std::size_t const count = std::min<std::size_t>(page_octets - static_cast<std::size_t>(from % page_octets), room.size() - at);
        auto const got = files.read_at(file, from, room.subspan(at, count));
        if (got) {
            at += *got;
            if (*got < count) break;
            continue;
        }
        if (got.error().value() != EIO) return got.error();
        std::fill_n(room.begin() + static_cast<std::ptrdiff_t>(at), count, '\0');
        if (!missing.empty() && missing.back().to == from) missing.back().to += count;
        else missing.push_back({from, from + count});
        at += count;
    }
    return at;
}

MAILQUAY_DECL result<void> spool_journal::recover(journal_reader& reader) {
    auto names = files_->list(folder_);
    if (!names) return names.error();
    std::sort(names->begin(), names->end());
    std::string octets;
    for (std::string const& name : *names) {
        std::string const path = folder_ + "/" + name;
        if (name.starts_with("reserve-")) {
            (void)files_->remove(path);
            continue;
        }
        auto const parsed = parse_segment_name(name);
        if (!parsed) continue;
        auto const one = std::make_shared<spool_segment>();
        one->files = files_;
        one->path = path;
        one->number = parsed->first;
        one->salt = parsed->second;
        auto const file = files_->open(path);
        if (!file) return file.error();
        one->file = *file;
        auto const size = files_->size(*file);
        if (!size) return size.error();
        one->size = one->end = *size;
        last_number_ = std::max(last_number_, one->number);
        segments_.push_back(one);

        octets.resize(static_cast<std::size_t>(*size));
        std::vector<unreadable_octets> missing;
        auto const got = read_around_damage(*files_, *file, 0, octets, missing);
        if (!got) return got.error();
        // A disk that gives nothing at all has lost more than some messages.
        if (!missing.empty() && missing.front().from == 0 && missing.front().to == *size) return std::error_code{EIO, std::system_category()};
        for (unreadable_octets const& gone : missing) reader.on_unreadable(*one, gone.from, gone.to - gone.from);
        scan(*one, std::string_view{octets}.substr(0, *got), missing, reader);
        // What is told to be there from now on must survive a loss of power as well: the last run may have ended between
        // writing and syncing.
        if (auto const synced = files_->sync_data(*file); !synced) return synced.error();
    }
    return {};
}

// A segment is allocated ahead: most of it may be zeros.
inline std::size_t octets_before_zeros(std::string_view text) noexcept {
    static constexpr std::array<char, 4096> zeros{};
    while (text.size() >= zeros.size() && std::memcmp(text.data() + text.size() - zeros.size(), zeros.data(), zeros.size()) == 0)
        text.remove_suffix(zeros.size());
    return text.find_last_not_of('\0') + 1;  // none: 0
}

MAILQUAY_DECL void spool_journal::scan(spool_segment& in, std::string_view octets, std::span<unreadable_octets const> missing,
                                       journal_reader& reader) {
    constexpr std::size_t step = 8;  // records begin at multiples of it
    char salt[8];
    for (std::size_t i = 0; i < sizeof salt; ++i) salt[i] = static_cast<char>(in.salt >> (8 * i));
    std::size_t at = 0;
    // Damage is what something readable stands behind; else it is a tail that was never finished.
    struct place {
        std::size_t from, to;
        std::string_view id;
    };
    std::vector<place> unread;
    constexpr std::size_t nowhere = std::string_view::npos;
    std::size_t bad_from = nowhere;
    auto const close_gap = [&](std::size_t to) {
        if (bad_from == nowhere) return;
        std::string_view const gap = octets.substr(bad_from, to - bad_from);
        std::string_view id = gap.size() >= spool_record_header::octets ? gap.substr(24, transaction_id::octets) : std::string_view{};
        if (!transaction_id::parse(id)) id = {};
        unread.push_back({bad_from, to, id});
        bad_from = nowhere;
    };
    auto const report_damage = [&] {
        for (place const& one : unread) reader.on_damage(in, one.from, octets.substr(one.from, one.to - one.from), one.id);
        unread.clear();
    };
    while (at < octets.size()) {
        auto const header = spool_record_header::read(octets.substr(at), in.salt);
        if (!header || header->record_octets() > octets.size() - at) {
            if (bad_from == nowhere) bad_from = at;
            do at = octets.find({salt, sizeof salt}, at + 1);
            while (at != std::string_view::npos && at % step != 0);
            if (at == std::string_view::npos) at = octets.size();
            continue;
        }
        close_gap(at);
        auto const whole = static_cast<std::size_t>(header->record_octets());
        std::string_view const meta = octets.substr(at + spool_record_header::octets, header->meta_octets);
        std::string_view const body = octets.substr(at + spool_record_header::octets + header->meta_octets,
                                                    static_cast<std::size_t>(header->body_octets));
        if (crc32c(meta) == header->meta_checksum && crc32c(body) == header->body_checksum) {
            report_damage();
            reader.on_record(in, at, *header, meta);
        } else {
            unread.push_back({at, at + whole, octets.substr(at + 24, header->id.view().size())});
        }
        at += whole;
    }
    close_gap(octets.size());
    if (unread.empty()) return;
    std::size_t from = unread.front().from;
    std::size_t to = from + octets_before_zeros(octets.substr(from));
    // What cannot be read may have been anything.
    auto const first = std::find_if(missing.begin(), missing.end(), [&](unreadable_octets const& one) { return one.to > from; });
    if (first != missing.end()) {
        if (to == from) from = std::max(from, static_cast<std::size_t>(first->from));
        to = std::max(to, static_cast<std::size_t>(missing.back().to));
        return reader.on_damage(in, from, octets.substr(from, to - from), unread.front().id);
    }
    if (to != from) reader.on_torn_tail(in, from, octets.substr(from, to - from));
}

MAILQUAY_DECL std::uint64_t spool_journal::room() const noexcept {
    if (!active_ || active_->end + mark_octets > active_->size) return 0;
    return active_->size - active_->end - mark_octets;
}

MAILQUAY_DECL result<spool_journal::spare> spool_journal::make_file(std::string const& path, std::uint64_t octets) {
    auto const file = files_->create(path);
    if (!file) return file.error();
    result<void> made = files_->allocate(*file, octets);
    if (made) made = files_->sync(*file);
    if (made) return spare{path, *file};
    (void)files_->close(*file);
    (void)files_->remove(path);
    return made.error();
}

MAILQUAY_DECL result<void> spool_journal::rotate(std::uint64_t needed, bool urgent) {
    std::uint64_t const size = std::max(segment_octets_, needed + 2 * mark_octets);
    std::uint32_t const number = last_number_ + 1;
    std::uint64_t const salt = random_u64();
    std::string const path = path_of(number, salt);
    auto made = make_file(path, size);
    if (!made && urgent && size == segment_octets_ && !spares_.empty()) {
        spare const kept = spares_.back();
        if (auto const moved = files_->move(kept.path, path); !moved) return moved.error();
        spares_.pop_back();
        made = spare{path, kept.file};
    }
    if (!made) return made.error();
    auto const next = std::make_shared<spool_segment>();
    next->files = files_;
    next->path = path;
    next->number = number;
    next->salt = salt;
    next->file = made->file;
    next->size = size;
    last_number_ = number;
    if (auto const synced = sync_folder(); !synced) {
        (void)files_->remove(path);
        return synced.error();
    }
    {
        std::lock_guard const lock{list_mutex_};
        segments_.push_back(next);
    }
    active_ = next;
    return {};
}

MAILQUAY_DECL result<void> spool_journal::reserve(std::uint64_t octets) {
    // A record does not go over the end of a file: the last octets of each may stay unused.
    std::uint64_t const usable = segment_octets_ - std::max(segment_octets_ / 16, 2 * mark_octets);
    std::uint64_t const wanted = std::max<std::uint64_t>(1, (octets + usable - 1) / usable);
    while (spares_.size() < wanted) {
        auto made = make_file(fmt::format("{}/reserve-{}", folder_, ++spares_made_), segment_octets_);
        if (!made) return made.error();
        spares_.push_back(*std::move(made));
    }
    while (spares_.size() > wanted + 1) {
        (void)files_->close(spares_.back().file);
        (void)files_->remove(spares_.back().path);
        spares_.pop_back();
    }
    return {};
}

MAILQUAY_DECL result<void> spool_journal::append(std::span<journal_record* const> records, std::string_view mark) {
    assert(active_);
    static constexpr char zeros[8] = {};
    pieces_.clear();
    std::uint64_t at = active_->end;
    auto const add = [&](journal_record& one) {
        one.header.salt = active_->salt;
        one.header.write(one.head);
        one.segment = active_->number;
        one.offset = at;
        pieces_.emplace_back(one.head, sizeof one.head);
        if (!one.meta.empty()) pieces_.emplace_back(one.meta);
        if (!one.body.empty()) pieces_.emplace_back(one.body);
        std::uint64_t const whole = one.octets();
        auto const pad = static_cast<std::size_t>(whole - sizeof one.head - one.meta.size() - one.body.size());
        if (pad != 0) pieces_.emplace_back(zeros, pad);
        at += whole;
    };
    for (journal_record* one : records) add(*one);
    journal_record last;
    if (!mark.empty()) {
        last.meta = mark;
        append_spool_number(last.meta, spool_tag::group_start, active_->end);
        last.seal(spool_record_type::mark, {}, 0);
        add(last);
    }
    assert(at <= active_->size);
    auto const written = files_->write_at(active_->file, active_->end, pieces_);
    if (written) active_->end = at;
    return written;
}

MAILQUAY_DECL result<void> spool_journal::sync() { return files_->sync_data(active_->file); }

MAILQUAY_DECL void spool_journal::poison_active() noexcept {
    if (!active_) return;
    active_->poisoned = true;
    active_.reset();
}

MAILQUAY_DECL std::shared_ptr<spool_segment> spool_journal::find(std::uint32_t number) const noexcept {
    std::lock_guard const lock{list_mutex_};
    auto const found = std::lower_bound(segments_.begin(), segments_.end(), number,
                                        [](auto const& one, std::uint32_t wanted) { return one->number < wanted; });
    return found == segments_.end() || (*found)->number != number ? nullptr : *found;
}

MAILQUAY_DECL result<void> spool_journal::remove(std::uint32_t number) {
    auto const found = std::find_if(segments_.begin(), segments_.end(), [&](auto const& one) { return one->number == number; });
    if (found == segments_.end()) return {};
    auto const removed = files_->remove((*found)->path);
    if (!removed && removed.error().value() != ENOENT) return removed;
    std::lock_guard const lock{list_mutex_};
    segments_.erase(found);
    return {};
}

MAILQUAY_DECL std::uint64_t spool_journal::octets_on_disk() const noexcept {
    std::uint64_t sum = spares_.size() * segment_octets_;
    for (auto const& one : segments_) sum += one->size;
    return sum;
}

MAILQUAY_DECL result<journal_record> spool_journal::read(spool_segment& from, std::uint64_t offset, bool with_body) {
    char head[spool_record_header::octets];
    auto const got = from.files->read_at(from.file, offset, head);
    if (!got) return got.error();
    auto const header = spool_record_header::read({head, *got}, from.salt);
    if (!header || header->record_octets() > from.size - offset) return damaged_octets();
    journal_record record;
    record.header = *header;
    record.segment = from.number;
    record.offset = offset;
    record.meta.resize(header->meta_octets);
    if (with_body) record.body.resize(static_cast<std::size_t>(header->body_octets));
    auto const meta = from.files->read_at(from.file, offset + sizeof head, record.meta);
    if (!meta) return meta.error();
    auto const body = from.files->read_at(from.file, offset + sizeof head + record.meta.size(), record.body);
    if (!body) return body.error();
    if (*meta != record.meta.size() || crc32c(record.meta) != header->meta_checksum) return damaged_octets();
    if (with_body && (*body != record.body.size() || crc32c(record.body) != header->body_checksum)) return damaged_octets();
    return record;
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
