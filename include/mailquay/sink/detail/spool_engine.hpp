#pragma once

#include <mailquay/sink/detail/spool_journal.hpp>
#include <mailquay/sink/spool_queue.hpp>
#include <mailquay/sink/spool_settings.hpp>

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::detail {

/// Whether somebody still waits for a message. Whoever comes first, committer or writer's end, decides.
enum class spool_wait : std::uint8_t {
    waiting,
    answered,
    abandoned,  // he was told that it failed: it is cancelled once it is kept
};

/// A record that waits for the committer.
struct spool_item {
    journal_record record{};
    bool synced = true;             // `done` is called when it is synced; else when it is written
    bool give_back = false;         // a change that ends the claim
    bool flush = false;             // a change that makes due because an operator says so
    bool withdraws = false;         // a cancel that nobody asked for, as nobody waited for the message any more
    bool large = false;             // a message whose content is in a file of its own
    std::size_t recipients = 0;     // of a message
    std::shared_ptr<std::atomic<spool_wait>> wait{};  // of a message that somebody waits for
    spool_queue::when_done done{};
};

/// A message may be on the disk or not, and neither can be undone now.
inline std::error_code spool_cannot_say() noexcept { return std::make_error_code(std::errc::state_not_recoverable); }

/// Octets that the outcomes of a message may take in the journal: each may come alone, in a record of its own.
constexpr std::uint64_t spool_outcome_room(std::uint64_t recipients) noexcept {
    constexpr std::uint64_t reply = 400, fields = 6 + 5 + reply + 6 + 16;
    constexpr std::uint64_t notice = 256;  // and what else is written once
    return notice + recipients * ((spool_record_header::octets + fields + 7) / 8 * 8);
}

/// A message as the index has it: small, for there may be a million.
struct spool_entry {
    std::uint64_t offset = 0;
    std::uint64_t octets = 0;  // of the content
    std::int64_t due = 0;  // milliseconds of the steady clock
    std::uint64_t accepted_ms = 0;
    std::uint64_t released_ms = 0;
    std::uint32_t segment = 0;
    std::uint32_t meta_octets = 0;
    std::uint32_t recipients = 0;
    std::uint32_t done = 0;
    std::uint32_t attempts = 0;
    bool held : 1 = false;
    bool claimed : 1 = false;
    bool large : 1 = false;
    bool flushed : 1 = false;
    std::string progress{};  // outcomes and notices as fields; most messages have none

    std::uint64_t record_octets() const noexcept;
};

/// Journal, index and committer of one spool folder.
///
/// The committer thread alone writes the journal and changes the index; others look at the index, claim, and hand it records.
class MAILQUAY_API spool_engine final : public spool_queue, private journal_reader {
public:
    spool_engine(std::string folder, sinks::spool_settings settings);
    ~spool_engine() override;

    /// @return false if too much waits already; the item is not taken
    bool submit(std::unique_ptr<spool_item>& item);
    /// Whether a message of this size may come now, by what was last known.
    bool has_room(std::uint64_t octets) const noexcept;
    /// The same as an answer; none if it may.
    std::optional<verdict> refusal(std::uint64_t octets) const;
    std::string large_path(std::string_view id) const { return folder_ + "/large/" + std::string(id); }
    std::string large_folder() const { return folder_ + "/large"; }
    file_operations& files() const noexcept { return *settings_.files; }
    sinks::spool_settings const& settings() const noexcept { return settings_; }
    std::uint64_t wall_ms() const noexcept;
    /// @{ Octets of a large file that no record names yet. @return false if the spool would take more of the disk than it may
    bool grow_large(std::uint64_t octets) noexcept;
    void settle_large(std::uint64_t octets, bool kept) noexcept;
    /// @}

    std::optional<claimed_message> claim() override;
    std::optional<std::chrono::milliseconds> due_in() const override;
    void on_due(std::function<void()> wake) override;
    void change(transaction_id id, spool_change what, when_done done) override;
    void remove(transaction_id id, when_done done) override;
    void add(new_queued_message message, when_done done) override;
    std::vector<ordered_notice> ordered_notices() const override;
    bool may_expire() const override;
    void clock_ok() override;
    std::vector<queued_message> list(transaction_id after, std::size_t most) const override;
    std::size_t size() const override;
    std::optional<queued_message> find(transaction_id id) const override;
    result<claimed_message> look_at(transaction_id id) const override;
    bool flush(transaction_id id) override;
    std::vector<spool_damage> damaged() const override;

private:
    using key = std::uint64_t;
    using index_map = std::map<key, spool_entry>;
    using item_list = std::vector<std::unique_ptr<spool_item>>;

    // at start
    void take_folder();
    void recover();
    void compare_large_files();
    void on_record(spool_segment& in, std::uint64_t offset, spool_record_header const& header, std::string_view meta) override;
    void on_damage(spool_segment& in, std::uint64_t offset, std::string_view octets, std::string_view id) override;
    void on_torn_tail(spool_segment& in, std::uint64_t offset, std::string_view octets) override;
    void on_unreadable(spool_segment& in, std::uint64_t offset, std::uint64_t octets) override;

    // the committer
    void run();
    void commit(std::span<std::unique_ptr<spool_item>> batch);
    void commit_group(std::span<std::unique_ptr<spool_item>> group);
    void poisoned(std::span<std::unique_ptr<spool_item>> group, std::error_code why);
    void finish(spool_item& item, std::error_code failed);
    void keep_house();
    void look_at_clock();
    void reclaim();
    result<void> sync_journal();
    result<void> new_segment(std::uint64_t needed, bool urgent);
    std::uint64_t outcome_octets() const;
    bool keep_reserve(std::uint64_t octets);
    void refuse_known(item_list& batch);
    void cancel_abandoned(item_list& batch);
    void remove_large();
    bool any_poisoned() const noexcept;
    result<void> rescue();
    result<void> move_messages(std::span<key const> keys, bool from_disk, std::vector<key>* lost);
    result<void> write_now(std::span<journal_record* const> records);
    std::string mark_fields() const;
    bool is_held_back() const noexcept { return !accepting_.load(std::memory_order_relaxed); }
    void update_room();

    // the index; `index_mutex_` is held
    void apply(journal_record const& record, bool give_back, bool flush = false);
    void insert(journal_record const& record);
    void apply_change(index_map::iterator place, std::string_view fields);
    void withhold(transaction_id const& id);
    void settle_notice(key notice);
    void erase_if_finished(index_map::iterator place);
    void erase(index_map::iterator place);
    void put_due(key id, spool_entry& entry, std::uint64_t due_ms, std::uint64_t wait_ms);
    void drop_due(key id, spool_entry const& entry);
    spool_state state_of(spool_entry const& entry) const;
    queued_message summary(key id, spool_entry const& entry) const;
    result<claimed_message> load(key id, spool_entry const& entry, std::shared_ptr<spool_segment> segment, bool whole) const;
    std::int64_t steady_ms() const noexcept;
    static key key_of(transaction_id const& id) noexcept;
    void wake_reader();

    // damage
    void note_damage(std::uint32_t segment, std::uint64_t offset, std::string_view octets, std::string_view id, std::string_view why) const;
    void copy_damage(std::string const& name, std::string_view octets) const;
    std::string octets_of(spool_entry const& entry, spool_segment const* segment) const;
    void keep_content(std::string_view id, std::string_view name) const;
    void forget_lost(std::span<key const> lost);

    std::string folder_;
    sinks::spool_settings settings_;
    int lock_ = -1;
    spool_journal journal_;

    std::mutex mutable index_mutex_{};
    index_map index_{};
    std::set<std::pair<std::int64_t, key>> due_{};
    std::unordered_map<key, key> notices_{};  // ordered notice: the message it is about
    std::uint64_t large_octets_ = 0;
    std::uint64_t outcome_octets_ = 0;  // that records of outcomes may yet need
    std::function<void()> wake_reader_{};

    std::mutex queue_mutex_{};
    std::condition_variable queue_wake_{};
    item_list waiting_{};
    std::size_t waiting_octets_ = 0;
    bool ending_ = false;

    std::atomic<bool> accepting_{true};
    std::atomic<bool> room_left_{true};
    std::atomic<std::uint64_t> large_room_{0};  // octets that a file of its own may take
    std::atomic<std::uint64_t> used_{0};        // of the disk, without the next
    std::atomic<std::uint64_t> growing_{0};     // large files that no record names yet
    std::atomic<std::int64_t> frozen_until_{0};  // steady milliseconds

    // the committer's own
    bool unsynced_ = false;
    std::int64_t sync_by_ = 0;
    std::int64_t next_round_ = 0;
    std::uint64_t wall_seen_ = 0;
    std::int64_t steady_seen_ = 0;
    std::uint64_t wall_on_disk_ = 0;
    std::vector<transaction_id> to_cancel_{};  // refused or done, but a poisoned segment may tell otherwise
    std::vector<transaction_id> abandoned_{};  // kept, but nobody waits for them any more: cancelled next
    std::int64_t move_again_ = 0;
    std::vector<key> changed_{};               // by records that are not synced
    std::vector<transaction_id> gone_{};       // likewise
    bool recovering_ = true;
    bool reserved_ = true;                     // room for all outcomes is kept
    std::vector<key> ids_{};                   // kept for its capacity
    std::vector<std::string> large_to_remove_{};
    std::uint64_t frozen_on_disk_ = 0;
    std::size_t damaged_at_start_ = 0;
    std::string unfinished_{};  // at start: the ends of segments that are no records
    std::thread committer_{};
};

struct spool_shared {
    std::shared_ptr<spool_engine> engine;
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/spool_engine.ipp>
#include <mailquay/sink/impl/spool_index.ipp>
#endif
