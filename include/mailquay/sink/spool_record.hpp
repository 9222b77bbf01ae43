#pragma once

#include <mailquay/message/transaction_id.hpp>
#include <mailquay/session/envelope.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The records of a spool's journal, as octets: `docs/spool.md` has the format. No I/O.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
namespace mailquay::inline MAILQUAY_ABI {

/// What a record says.
enum class spool_record_type : std::uint8_t {
    message = 1,  ///< this message is in the queue, in this state
    change = 2,   ///< outcomes, a new due time, a hold ... of a message that is there
    cancel = 3,   ///< the message is gone: refused after all, or deleted
    mark = 4,     ///< what stands before was synced together with this
};

/// The head of a record: it is followed by `meta_octets` of fields and `body_octets` of content, then zeros up to a multiple
/// of 8.
struct MAILQUAY_API spool_record_header {
    static constexpr std::size_t octets = 48;

    std::uint64_t salt = 0;  ///< of the segment: nobody outside can make octets that look like a record of it
    spool_record_type type = spool_record_type::message;
    std::uint32_t meta_octets = 0;
    std::uint64_t body_octets = 0;
    transaction_id id{};  ///< none for a mark
    std::uint32_t meta_checksum = 0;
    std::uint32_t body_checksum = 0;

    /// Octets of the whole record.
    std::uint64_t record_octets() const noexcept { return (octets + meta_octets + body_octets + 7) / 8 * 8; }
    /// Writes `octets` octets, with their own checksum.
    MAILQUAY_DECL void write(char* to) const noexcept;
    /// @param from  at least `octets` octets
    /// @return nothing unless they are a header with this salt whose checksum is right
    MAILQUAY_DECL static std::optional<spool_record_header> read(std::string_view from, std::uint64_t salt) noexcept;
};

/// What the fields of a record mean. Numbers are for ever; unknown ones are kept and written again.
enum class spool_tag : std::uint16_t {
    // of the envelope
    reverse_path = 1,
    recipient = 2,  // holds fields itself
    hello_name = 3,
    client = 4,
    user = 5,
    secure = 6,
    smtputf8 = 7,
    body_type = 8,
    declared_size = 9,
    recipient_address = 10,
    recipient_mailbox = 11,
    recipient_member = 12,
    auth = 13,          // empty for <>
    return_content = 14,
    envelope_id = 15,
    requiretls = 16,
    deliver_by = 17,    // seconds (4 octets, signed), by_mode (1), trace (1)
    release = 18,       // seconds since 1970 (8 octets, signed)
    hold_for = 19,      // seconds, where HOLDFOR said so
    priority = 20,      // value (1 octet, signed), asked (likewise)
    parameter = 21,     // that the library does not know
    forwarded = 22,     // holds fields itself
    recipient_notify = 23,
    recipient_original_type = 24,
    recipient_original = 25,
    recipient_valid_since = 26,  // seconds since 1970 (8 octets, signed), rrvs_action (1)
    recipient_parameter = 27,
    // of the state
    accepted = 32,  // milliseconds since 1970
    released = 33,
    due = 34,
    wait = 35,  // milliseconds that it waits at most until due, whatever the clock says
    attempts = 36,
    held = 37,
    delay_told = 38,
    outcome = 39,  // of one recipient; holds its number, kind and reply
    dsn_ordered = 40,
    dsn_settled = 41,
    large_octets = 42,  // the content is in a file of its own
    large_checksum = 43,
    bounce = 44,
    attempted = 45,
    outcome_notice = 46,  // recipient (4 octets), id of the notice that tells of its outcome
    // of what XFORWARD told
    forwarded_name = 48,
    forwarded_address = 49,
    forwarded_port = 50,
    forwarded_protocol = 51,
    forwarded_hello = 52,
    forwarded_ident = 53,
    forwarded_source = 54,
    // of a mark
    group_start = 64,
    wall_time = 65,
    frozen = 66,
};

/// One field: tag (2 octets), length (4), value. Views what was read.
struct spool_field {
    spool_tag tag{};
    std::string_view value{};

    /// The value as a number of up to 8 octets, lowest first; nothing if it is longer.
    MAILQUAY_DECL std::optional<std::uint64_t> number() const noexcept;
};

/// @{ Appends a field.
MAILQUAY_DECL void append_spool_field(std::string& to, spool_tag tag, std::string_view value);
MAILQUAY_DECL void append_spool_number(std::string& to, spool_tag tag, std::uint64_t number);
/// @}

/// Reads fields one by one.
class MAILQUAY_API spool_fields {
public:
    explicit spool_fields(std::string_view octets) noexcept : left_(octets) {}
    /// Nothing at the end, and where a field is cut off.
    MAILQUAY_DECL std::optional<spool_field> next() noexcept;
    /// Whether the end was reached with nothing left over.
    bool complete() const noexcept { return left_.empty(); }

private:
    std::string_view left_;
};

/// What became of one recipient.
enum class outcome_kind : std::uint8_t {
    deferred = 0,   ///< to be tried again
    delivered = 1,
    relayed = 2,    ///< to a hop that sends no DSN
    failed = 3,
    expired = 4,
    expanded = 5,
};
MAILQUAY_DECL std::string_view to_string(outcome_kind kind) noexcept;

/// What became of the recipient at `recipient` (in RCPT order).
struct recipient_outcome {
    std::uint32_t recipient = 0;
    outcome_kind kind = outcome_kind::deferred;
    std::string reply{};  ///< of the next hop, or why not; kept up to 400 octets
    transaction_id notice{};  ///< that tells the sender of it; none if nobody is told

    bool is_final() const noexcept { return kind != outcome_kind::deferred; }
};

/// A message's content in a file of its own.
struct large_body {
    std::uint64_t octets = 0;
    std::uint32_t checksum = 0;
};

/// Whether, and how readily, a message that fails is returned.
enum class bounce : std::uint8_t {
    always,      ///< for those we know
    restrained,  ///< header only, at a bounded rate
    never,
};

/// Where a queued message stands. Times are milliseconds since 1970.
struct MAILQUAY_API spool_state {
    std::uint64_t accepted_ms = 0;
    std::uint64_t released_ms = 0;  ///< its lifetime counts from here
    std::uint64_t due_ms = 0;
    std::uint64_t wait_ms = 0;
    std::uint32_t attempts = 0;
    bool held = false;
    bool delay_told = false;
    mailquay::bounce bounce = mailquay::bounce::restrained;
    std::vector<recipient_outcome> outcomes{};    ///< the newest of each recipient that has one, by number
    std::vector<transaction_id> dsns{};           ///< ordered and not in the queue yet
    std::optional<large_body> large{};

    /// Takes a field over. @return false if it is none of the state's
    MAILQUAY_DECL bool apply(spool_field const& field);
    /// The newest outcome of a recipient; null if none.
    MAILQUAY_DECL recipient_outcome const* outcome_of(std::uint32_t recipient) const noexcept;
    MAILQUAY_DECL void set_outcome(recipient_outcome outcome);
    /// Recipients that need nothing more.
    MAILQUAY_DECL std::size_t final_outcomes() const noexcept;
    MAILQUAY_DECL void append_to(std::string& fields) const;
};

MAILQUAY_DECL void append_spool_outcome(std::string& to, recipient_outcome const& outcome);

/// A message record's fields, taken apart.
struct stored_envelope {
    mailquay::envelope envelope{};
    spool_state state{};
    std::string unknown{};  ///< fields of a later version, whole, to be written again; not those inside a recipient
};

/// The fields of `from`, all that it holds; what is absent or at its default takes no octet. Its id goes into the record's header.
MAILQUAY_DECL void append_spool_envelope(std::string& to, envelope const& from);
/// @return nothing if the fields are cut off or one has a value that it cannot have
MAILQUAY_DECL std::optional<stored_envelope> read_spool_envelope(std::string_view fields, transaction_id const& id);
/// Appends those of the fields that are not the state's as they are: what another version wrote into them stays.
MAILQUAY_DECL void copy_spool_envelope(std::string& to, std::string_view fields);

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sink/impl/spool_envelope.ipp>
#include <mailquay/sink/impl/spool_record.ipp>
#endif
