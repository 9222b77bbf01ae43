#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/handler/clock.hpp>
#include <mailquay/handler/uses_workers.hpp>
#include <mailquay/sasl/credentials.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>

namespace mailquay::inline MAILQUAY_ABI::sasl {

/// How a `password_file` is read.
struct password_file_settings {
    /// How long a change may go unseen: a look-up asks the file system no more often than this.
    std::chrono::milliseconds recheck{1000};
    /// A larger file is refused: 64 MiB hold half a million users.
    std::size_t octets = 64 * 1024 * 1024;
    /// Told when the file was read again, and when a new one is bad.
    logger log{};
    /// Null: the machine's.
    std::shared_ptr<mailquay::clock> time{};
};

/// Users in a file: lines `name:credential`, as `add_credential()` reads them. Empty lines and lines that begin with `#` are
/// passed over. A name may have several lines with different forms. Nothing may stand behind the credential.
///
/// The file is read again when it was changed (its inode, size or time of change), on the workers that the server lends.
/// A new file counts as a whole or not at all: with a bad line in it the one before stays, and the log says which line.
/// One without users is bad too.
/// Replace the file by rename(2), or half of it may be read. One that is gone or cannot be read keeps the last one too, and
/// is tried again.
///
/// Keep it readable by the server alone: with SCRAM verifiers in it one can play the server, with `{PLAIN}` all is lost.
///
/// Thread safety: safe once given to a server. Copies share the users.
///
/// @code
/// server.authentication(mailquay::sasl::mechanisms{mailquay::sasl::password_file{"/etc/mail/passwd"}});
/// @endcode
class MAILQUAY_API password_file final : public credential_store, public uses_workers {
public:
    /// Reads the file. Throws `std::runtime_error` naming file, line and what is wrong, never the line itself.
    MAILQUAY_DECL explicit password_file(std::filesystem::path file, password_file_settings settings = {});
    MAILQUAY_DECL ~password_file() override;
    password_file(password_file const&) = default;
    password_file& operator=(password_file const&) = default;

    MAILQUAY_DECL void lend(std::shared_ptr<workers> pool) override;
    MAILQUAY_DECL eventual<result<std::shared_ptr<credentials const>>> find(std::string user) override;
    MAILQUAY_DECL credential_forms forms() const override;

    /// Users of the file as it was read last.
    MAILQUAY_DECL std::size_t size() const;

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/password_file.ipp>
#endif
