#pragma once

#include <mailquay/handler/message_sink.hpp>
#include <mailquay/handler/uses_workers.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace mailquay::inline MAILQUAY_ABI::sinks {

struct mbox_settings {
    /// Octets of a message, which is held in memory; more is 552 5.3.4.
    std::uint64_t max_octets = 50 * 1024 * 1024;
    /// How long another program may have the file; then 451 4.3.0.
    std::chrono::seconds lock_wait{30};
    /// Another program's lock file that is older than this was left by a crash, and is removed. 0: never.
    std::chrono::seconds stale_lock{300};
    /// Absent: those of the server.
    std::shared_ptr<mailquay::workers> workers{};
};

/// Final delivery into one file in the mbox format (RFC 4155, with ">From " quoting of the kind mboxrd: nothing is lost).
///
/// Each resolved mailbox of a transaction gets an entry: a From_ line, Return-Path, Delivered-To and our Received field, the
/// message with LF line ends, an empty line. Return-Path fields that came with it are left out.
///
/// **Locking** is by `FILE.lock` and by fcntl(2) both, in this order, as mail readers do. A `FILE.lock` of this sink whose process
/// is gone is removed at once: it is itself locked (flock) as long as it counts.
///
/// **Durable**: appended and synced on the workers before 250. An entry that could not be written whole is cut off again; one that
/// a crash left unfinished is ended first, so that what follows is a message of its own. All recipients get one verdict. No room is
/// 452 4.3.1, told at MAIL already where the file system has too little left; other failures are 451 4.3.0.
///
/// Line ends become LF: binary content is not promised. Thread safety: called by all shards at once; several servers and
/// readers may share the file.
///
/// @code  server.sink(sinks::mbox{"inbox"});  @endcode
class MAILQUAY_API mbox final : public message_sink, public uses_workers {
public:
    /// Makes the file if it is missing.
    /// @throws std::runtime_error naming path, reason and cure
    explicit mbox(std::string file, mbox_settings settings = {});
    ~mbox() override;
    mbox(mbox&&) noexcept;

    /// No effect if the settings named workers.
    void lend(std::shared_ptr<mailquay::workers> pool) override;
    /// Throws std::logic_error if no workers were lent.
    eventual<opened> open(transaction const& mail) override;
    promises promised() const override;
    bool takes_any_recipients() const noexcept override { return true; }
    bool has_room(std::uint64_t octets) const override;

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sinks

namespace mailquay::inline MAILQUAY_ABI {

/// Appends `text` as an mbox has it: LF line ends, and one more ">" before each line of ">"s and "From ".
MAILQUAY_DECL void append_mbox_quoted(std::string& out, std::string_view text);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/mbox.ipp>
#endif
