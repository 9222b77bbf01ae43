#pragma once

#include <mailquay/sink/files.hpp>
#include <mailquay/sink/spool_record.hpp>

#include <cerrno>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// One file of the journal. Readers hold it, so that it stays readable when its name is gone already.
struct MAILQUAY_API spool_segment {
    spool_segment() = default;
    spool_segment(spool_segment const&) = delete;
    spool_segment& operator=(spool_segment const&) = delete;
    ~spool_segment();

    std::shared_ptr<file_operations> files{};
    std::string path{};
    std::uint32_t number = 0;
    std::uint64_t salt = 0;  // from the file's name, where damage inside the file cannot reach it
    int file = -1;
    std::uint64_t size = 0;  // octets on the disk
    std::uint64_t end = 0;   // where the next record goes
    std::uint64_t live = 0;  // octets of records that are needed
    bool poisoned = false;   // a write or sync failed: nothing more goes into it
};

/// A record on its way into the journal, and where it came to lie.
struct journal_record {
    spool_record_header header{};
    std::string meta{};
    std::string body{};
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;
    char head[spool_record_header::octets] = {};

    std::uint64_t octets() const noexcept { return header.record_octets(); }
    /// Fills in sizes and the checksum of `meta`; `body_checksum` is the caller's, who saw the octets pass.
    void seal(spool_record_type type, transaction_id id, std::uint32_t body_checksum);
};

/// What the journal is told when it reads itself at start.
struct journal_reader {
    virtual ~journal_reader() = default;
    virtual void on_record(spool_segment& in, std::uint64_t offset, spool_record_header const& header, std::string_view meta) = 0;
    /// Octets that are no record, or a record whose content is not what was written.
    virtual void on_damage(spool_segment& in, std::uint64_t offset, std::string_view octets, std::string_view id) = 0;
    /// Octets behind the last record that are not zero.
    virtual void on_torn_tail(spool_segment& in, std::uint64_t offset, std::string_view octets) = 0;
    /// Octets that the disk does not give. Where records are or may have been there, `on_damage()` follows.
    virtual void on_unreadable(spool_segment& in, std::uint64_t offset, std::uint64_t octets) = 0;
};

/// What is there is not what was written.
inline std::error_code damaged_octets() noexcept { return {EILSEQ, std::system_category()}; }

/// Octets that the disk does not give.
struct unreadable_octets {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
};

/// Fills `room` from `offset` on, as `file_operations::read_at()` does. What cannot be read (EIO) is zero, and added to `missing`.
MAILQUAY_DECL result<std::size_t> read_around_damage(file_operations& files, int file, std::uint64_t offset, std::span<char> room,
                                                     std::vector<unreadable_octets>& missing);

/// The files of a spool's journal: appends records, makes new segments, removes the oldest.
///
/// Segments are removed oldest first only: then an outcome never goes before the message it speaks of.
///
/// Thread safety: unsafe; the committer's alone. Records of a segment may be read meanwhile.
class MAILQUAY_API spool_journal {
public:
    spool_journal(std::string folder, std::shared_ptr<file_operations> files, std::uint64_t segment_octets);

    spool_journal(spool_journal const&) = delete;
    spool_journal& operator=(spool_journal const&) = delete;
    ~spool_journal();

    /// Reads all segments that are there, from the oldest on.
    result<void> recover(journal_reader& reader);

    /// Octets that still fit into the active segment, a mark behind them.
    std::uint64_t room() const noexcept;
    /// Begins a new segment with room for at least `needed` octets.
    /// @param urgent  may use the room kept for outcomes when the disk is full
    result<void> rotate(std::uint64_t needed, bool urgent);
    /// Keeps files ready, so that `octets` of outcomes can be written to a full disk.
    result<void> reserve(std::uint64_t octets);
    /// Writes all records one after the other. Precondition: they fit.
    /// @param mark  the fields of a mark behind them; empty: none
    result<void> append(std::span<journal_record* const> records, std::string_view mark);
    result<void> sync();
    /// The active segment takes nothing more, for good.
    void poison_active() noexcept;

    bool has_active() const noexcept { return active_ != nullptr; }
    spool_segment* active() const noexcept { return active_.get(); }
    std::shared_ptr<spool_segment> find(std::uint32_t number) const noexcept;
    std::deque<std::shared_ptr<spool_segment>> const& segments() const noexcept { return segments_; }
    /// Removes a segment's file; the caller syncs the folder.
    result<void> remove(std::uint32_t number);
    result<void> sync_folder() { return files_->sync_folder(folder_); }
    std::uint64_t octets_on_disk() const noexcept;
    std::string const& folder() const noexcept { return folder_; }

    /// Octets of a record of the journal, as they are on the disk; checked.
    /// @return EILSEQ if they are not what was written
    static result<journal_record> read(spool_segment& from, std::uint64_t offset, bool with_body);

    static constexpr std::uint64_t mark_octets = 128;

private:
    struct spare {
        std::string path;
        int file;
    };
    result<spare> make_file(std::string const& path, std::uint64_t octets);
    std::string path_of(std::uint32_t number, std::uint64_t salt) const;
    void scan(spool_segment& in, std::string_view octets, std::span<unreadable_octets const> missing, journal_reader& reader);

    std::string folder_;
    std::shared_ptr<file_operations> files_;
    std::uint64_t segment_octets_;
    std::uint32_t last_number_ = 0;
    std::uint32_t spares_made_ = 0;
    std::mutex mutable list_mutex_{};  // readers look segments up
    std::deque<std::shared_ptr<spool_segment>> segments_;  // oldest first, the active one among them
    std::shared_ptr<spool_segment> active_;
    std::vector<spare> spares_;
    std::vector<std::string_view> pieces_;  // kept for its capacity
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/spool_journal.ipp>
#endif
