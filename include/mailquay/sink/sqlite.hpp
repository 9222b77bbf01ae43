#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/handler/message_sink.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace mailquay::inline MAILQUAY_ABI::sinks {

struct sqlite_settings {
    /// Octets of a message, which is held in memory until it is in the database; more is 552 5.3.4.
    std::uint64_t max_octets = 50 * 1024 * 1024;
    /// Octets of all messages in memory together; above it the client is told 451 4.3.2.
    std::uint64_t memory_octets = 256 * 1024 * 1024;
    /// Content of messages that wait for the database, in all; above it the client is told 451 4.3.2.
    std::size_t waiting_octets = 128 * 1024 * 1024;
    /// Fields of a header section that get rows of their own; the content has them all.
    std::size_t header_fields = 1000;
    /// How long another process may have the database; then 451 4.3.0.
    unsigned busy_ms = 10'000;
    logger log{};
};

/// Final delivery into an SQLite database, which a program then asks by SQL.
///
/// | table | columns |
/// |---|---|
/// | `messages` | `id`, `received` (seconds since 1970), `reverse_path`, `hello`, `client`, `user`, `secure`, `smtputf8`, `body`, `octets`, `content` |
/// | `recipients` | `message` (its id), `number` (in RCPT order), `address`, `mailbox`, `deliver_to` (one member of an alias in a line) |
/// | `header_fields` | `message`, `number`, `name` (as sent), `value` (unfolded) |
///
/// `content` is our Received field and the message as it came, a BLOB.
///
/// **Durable.** One thread writes; all messages that wait are one transaction, synced once (write-ahead log, `synchronous=EXTRA`)
/// before their 250. All recipients get one verdict. A full disk is 452 4.3.1, told at MAIL already where the file system has too
/// little left; other failures are 451 4.3.0.
///
/// Writers may outlive the sink; an executor whose coroutines wait for a message must outlive that. Thread safety: called by all
/// shards at once. Other processes may read and delete meanwhile.
///
/// @code  server.sink(sinks::sqlite{"mail.db"});  @endcode
class MAILQUAY_API sqlite final : public message_sink {
public:
    /// Opens the database, or makes it.
    /// @throws std::runtime_error naming path, reason and cure
    explicit sqlite(std::string file, sqlite_settings settings = {});
    ~sqlite() override;
    sqlite(sqlite&&) noexcept;

    eventual<opened> open(transaction const& mail) override;
    promises promised() const override;
    bool takes_any_recipients() const noexcept override { return true; }
    bool has_room(std::uint64_t octets) const override;

    struct shared;

private:
    std::shared_ptr<shared> shared_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sinks

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/sqlite.ipp>
#endif
