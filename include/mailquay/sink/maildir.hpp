#pragma once

#include <mailquay/handler/message_sink.hpp>
#include <mailquay/handler/uses_workers.hpp>
#include <mailquay/sink/files.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI::detail {
struct maildir_shared;
}

namespace mailquay::inline MAILQUAY_ABI::sinks {

/// Where a maildir sink puts mailboxes.
enum class maildir_layout : std::uint8_t {
    single,       ///< all of them into one maildir: DIR/{tmp,new,cur}
    per_mailbox,  ///< DIR/<mailbox>/{tmp,new,cur}, made when mail for it comes; names by `safe_mailbox_name()`
};

struct maildir_settings {
    maildir_layout layout = maildir_layout::single;
    /// Octets of a message kept in memory; more goes to the file in tmp as it comes. Most mail is smaller, and is then
    /// written by one job of the workers.
    std::size_t memory_octets = 128 * 1024;
    /// Files in tmp that nobody wrote to for so long were left by a crash, and are removed at start.
    std::chrono::hours stale_after{36};
    /// Asked for each mailbox before a message is filed there: `accept()`, or what its recipients are told, mostly
    /// `defer(replies::mailbox_full)` (452 4.2.2). Absent: all is taken. Runs on the workers, may block, and is called by several at
    /// once; if it throws, 451 4.3.0.
    /// @param mailbox  as in Delivered-To
    /// @param octets   of the file that is to be added
    std::function<verdict(std::string_view mailbox, std::uint64_t octets)> quota{};
    /// The Maildir++ folder of the mailbox in which a recipient's mail is filed, with levels divided by '.' or '/', such as
    /// "Lists.asio": by the extension of his address, say, or by the sender. Empty: the mailbox itself. The folder is made when the
    /// first mail for it comes; what cannot be in its name becomes '_' (`maildir_folder_name()`). Absent: no folders. Asked at
    /// DATA on the executor of the session: must not block; if it throws, 451 4.3.0. A mailbox that was named twice gets one file,
    /// in the folder of its first recipient. For the members of an alias it is asked once.
    std::function<std::string(transaction const& mail, recipient const& to)> folder{};
    /// The last part of file names; empty: the machine's name.
    std::string hostname{};
    /// Absent: those of the server.
    std::shared_ptr<mailquay::workers> workers{};
    /// Absent: the operating system's.
    std::shared_ptr<file_operations> files{};
};

/// The name that a folder has on the disk: ".Lists.asio" for "Lists.asio" or "Lists/asio"; empty for the mailbox itself. Total: empty
/// levels are left out; '&' (IMAP's shift character), control characters and octets outside ASCII become '_'; cut at 128 octets.
MAILQUAY_DECL std::string maildir_folder_name(std::string_view folder);

/// Final delivery into maildirs: one file per resolved mailbox of the transaction, durable before the client is told 250.
///
/// A file holds Return-Path, Delivered-To (the resolved mailbox, or the address as sent where nothing was resolved), our
/// Received field, then the message with CRLF line ends; Return-Path fields that came with it are left out (RFC 5321 §4.4). A
/// Delivered-To with the same value that is there already tells of a loop: 554 5.4.6.
///
/// **Recipients.** One that was resolved to a mailbox, or to the members of an alias, is filed under these names; each
/// mailbox gets one file, however often it was named. Members of an alias that are addresses elsewhere are filed like
/// mailboxes: use a sink that forwards if there are any. `maildir_layout::per_mailbox` needs resolved recipients: others are
/// answered 451 4.3.0.
///
/// **Folders** (Maildir++): see `maildir_settings::folder`; quota and Delivered-To are those of the mailbox.
///
/// **Quota.** `maildir_settings::quota` is asked for each mailbox; with `commit::each` one that is full costs its own recipients
/// alone.
///
/// **Durable.** Written to tmp, synced, moved to new (never over another file), new synced: all on the workers, and only then
/// 250. With `commit::all_or_none` a failure takes back what was moved before; with `commit::each` every recipient gets his
/// own verdict, and an alias counts when all its members have it. No room (ENOSPC, EDQUOT, EFBIG) is 452 4.3.1, other
/// failures 451 4.3.0. An abandoned message leaves nothing: its file in tmp, if it came that far, is removed by the workers
/// or, if they are busy, at once.
///
/// **Names** are `seconds.M<microseconds>P<pid>Q<number>.hostname`, files have mode 0600, folders 0700.
///
/// Lifetime: writers may outlive the sink. Thread safety: called by all shards at once.
///
/// @code  server.sink(sinks::maildir{"mail"});  @endcode
class MAILQUAY_API maildir final : public message_sink, public uses_workers {
public:
    /// Makes the folders that are missing and removes stale files from tmp.
    /// @throws std::runtime_error naming path, reason and cure
    explicit maildir(std::string folder, maildir_settings settings = {});
    ~maildir() override;
    maildir(maildir&&) noexcept;

    /// No effect if the settings named workers.
    void lend(std::shared_ptr<mailquay::workers> pool) override;
    /// Throws std::logic_error if no workers were lent.
    eventual<opened> open(transaction const& mail) override;
    /// Binary content, a verdict per recipient, and all that final delivery at once keeps: REQUIRETLS, DELIVERBY,
    /// MT-PRIORITY.
    promises promised() const override;
    /// By what the file system said last; if that was too little, a worker looks again for the next who asks.
    bool takes_any_recipients() const noexcept override { return true; }
    bool has_room(std::uint64_t octets) const override;

private:
    std::shared_ptr<detail::maildir_shared> shared_;
    std::shared_ptr<mailquay::workers> pool_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sinks

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/maildir.ipp>
#endif
