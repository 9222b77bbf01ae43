#pragma once

#include <mailquay/base/log.hpp>
#include <mailquay/sink/spool_queue.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI {

/// Does what one line of `mailquay-queue` asks. Blocks.
///
/// | line | answer |
/// |---|---|
/// | `list [AFTER]` | a line for each of the next 1000 messages behind the id `AFTER` |
/// | `damaged` | a line for each place that could not be read |
/// | `show ID` | state, envelope and outcomes, then the content after an empty line (its first 64 KiB) |
/// | `hold`, `release`, `delete`, `requeue`, `flush` with `ID` | how many messages it concerned |
/// | the same with `all [AFTER]` | the same for the next 1000 messages behind `AFTER`; a line `after ID` if there may be more |
/// | `clock-ok` | nothing: messages expire again |
///
/// What clients sent is scrubbed, so that it cannot steer a terminal.
///
/// @return `ok LF` and the answer, or `error WHY LF`
MAILQUAY_DECL std::string answer_spool_command(spool_queue& queue, std::string_view line);

/// Serves `answer_spool_command()` on a UNIX socket that the owner of the process alone may use: one line of at most 256
/// octets in, the answer out, one client at a time, 5 s for each to send and 30 s to take the answer.
///
/// Thread safety: made and destroyed by one thread; it has a thread of its own.
class MAILQUAY_API spool_control {
public:
    /// @param path  of the socket; one left by a process that is gone is replaced
    /// @throws std::runtime_error naming path, reason and cure
    spool_control(std::shared_ptr<spool_queue> queue, std::string path, logger log = {});
    spool_control(spool_control const&) = delete;
    spool_control& operator=(spool_control const&) = delete;
    ~spool_control();

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// Asks the server that has a spool. Blocks for 60 s at most.
/// @return the answer; ENOENT or ECONNREFUSED if there is none
MAILQUAY_DECL result<std::string> ask_spool(std::string const& path, std::string_view line);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/spool_control.ipp>
#endif
