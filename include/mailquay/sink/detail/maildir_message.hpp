#pragma once

#include <mailquay/handler/message_sink.hpp>
#include <mailquay/sink/files.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

namespace sinks {
enum class maildir_layout : std::uint8_t;
}

namespace detail {

// What a maildir and its messages share, without the workers: a job may hold the last share of this, and must not end the
// pool it runs on.
struct maildir_shared {
    std::string folder;
    sinks::maildir_layout layout;
    std::size_t memory_octets;
    std::string hostname;  // as file names have it
    std::function<verdict(std::string_view, std::uint64_t)> quota;
    std::function<std::string(transaction const&, recipient const&)> folder_of;
    std::shared_ptr<file_operations> files;
    std::atomic<std::uint64_t> free_octets{0};  // as seen last
    std::atomic<bool> looking{false};           // a worker is asked to look again

    std::string fresh_name() const;
    void look_at_free_octets();
};

/// A message on its way into maildirs: what the writer and its jobs on the workers have in common. The writer and a job never
/// touch it at the same time, but for `abandoned`. Its destructor takes away what is left in tmp.
class maildir_message {
public:
    maildir_message(std::shared_ptr<maildir_shared> into, transaction const& mail);
    maildir_message(maildir_message const&) = delete;
    maildir_message& operator=(maildir_message const&) = delete;
    ~maildir_message();

    /// @{ Jobs: they block.
    verdict spill();
    delivery commit_as(commit how);
    /// @}

    bool has_unresolved() const noexcept { return unresolved_; }
    std::size_t mailboxes() const noexcept { return targets_.size(); }
    void delivered_before_to(std::string_view value);

    std::string buffer;                  // octets of the message that are in no file yet
    std::atomic<bool> abandoned{false};  // nobody waits any more: publish nothing
    std::atomic<bool> settled{false};    // committed or refused: nothing is left in tmp

private:
    struct target {
        std::string shown;      // in Delivered-To
        std::string maildir;    // of the mailbox
        std::string folder;     // that holds tmp, new and cur: the maildir, or a folder in it
        std::string head{};     // our fields
        std::string name{};     // of the file
        int file = -1;
        bool in_tmp = false;
        bool in_new = false;
        std::optional<verdict> failure{};
    };
    // Targets that stand or fall together, and what the one who named them is told.
    using group = std::vector<std::size_t>;

    std::size_t target_for(std::string id, std::string_view shown, std::string_view mailbox, std::string_view folder);
    void write_heads(transaction const& mail);
    std::string in(target const& one, std::string_view sub_folder) const;
    std::vector<bool> wanted(std::vector<group> const& groups) const;
    result<void> make_mailbox(target const& one);
    result<void> create(target& one);
    result<void> write_whole(target& one);
    result<void> finish_file(target& one);
    result<void> move_to_new(target& one);
    void ask_quota();
    void write_all(std::vector<group> const& groups);
    void publish(std::vector<group> const& groups);
    void take_back_unwanted(std::vector<group> const& groups);
    void close(target& one) noexcept;
    void remove_from_tmp(target& one) noexcept;
    void fail(target& one, std::error_code why);

    std::shared_ptr<maildir_shared> into_;
    std::vector<target> targets_;
    std::unordered_map<std::string, std::size_t> by_id_;
    std::vector<group> recipients_;  // in RCPT order
    std::uint64_t spilled_octets_ = 0;
    bool spilled_ = false;           // the first target's file holds the message up to `buffer`
    bool unresolved_ = false;
};

}  // namespace detail
}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/maildir_message.ipp>
#endif
