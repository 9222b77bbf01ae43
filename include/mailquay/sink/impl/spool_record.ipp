#include <mailquay/sink/spool_record.hpp>

#include <mailquay/base/crc32c.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

inline void put_little(char* to, std::uint64_t number, std::size_t octets) noexcept {
    for (std::size_t i = 0; i < octets; ++i) to[i] = static_cast<char>(number >> (8 * i));
}
inline std::uint64_t get_little(std::string_view from, std::size_t at, std::size_t octets) noexcept {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < octets; ++i) number |= std::uint64_t{static_cast<unsigned char>(from[at + i])} << (8 * i);
    return number;
}

constexpr std::size_t spool_header_checked = spool_record_header::octets - 4;
constexpr std::size_t spool_field_head = 6;
constexpr std::size_t kept_reply_octets = 400;
constexpr unsigned char spool_version = 1;

}  // namespace detail

MAILQUAY_DECL void spool_record_header::write(char* to) const noexcept {
    std::fill(to, to + octets, '\0');
    detail::put_little(to, salt, 8);
    to[8] = static_cast<char>(type);
    to[9] = static_cast<char>(detail::spool_version);
    detail::put_little(to + 12, meta_octets, 4);
    detail::put_little(to + 16, body_octets, 8);
    std::copy(id.view().begin(), id.view().end(), to + 24);
    detail::put_little(to + 36, meta_checksum, 4);
    detail::put_little(to + 40, body_checksum, 4);
    detail::put_little(to + 44, crc32c({to, detail::spool_header_checked}), 4);
}

MAILQUAY_DECL std::optional<spool_record_header> spool_record_header::read(std::string_view from, std::uint64_t salt) noexcept {
    if (from.size() < octets || detail::get_little(from, 0, 8) != salt) return std::nullopt;
    if (detail::get_little(from, 44, 4) != crc32c(from.substr(0, detail::spool_header_checked))) return std::nullopt;
    auto const kind = static_cast<unsigned char>(from[8]);
    if (kind < 1 || kind > 4 || static_cast<unsigned char>(from[9]) != detail::spool_version) return std::nullopt;
    spool_record_header found;
    found.salt = salt;
    found.type = static_cast<spool_record_type>(kind);
    found.meta_octets = static_cast<std::uint32_t>(detail::get_little(from, 12, 4));
    found.body_octets = detail::get_little(from, 16, 8);
    if (found.body_octets > std::uint64_t{1} << 48) return std::nullopt;
    if (auto const named = transaction_id::parse(from.substr(24, transaction_id::octets))) found.id = *named;
    if (found.id.empty() && found.type != spool_record_type::mark) return std::nullopt;
    found.meta_checksum = static_cast<std::uint32_t>(detail::get_little(from, 36, 4));
    found.body_checksum = static_cast<std::uint32_t>(detail::get_little(from, 40, 4));
    return found;
}

MAILQUAY_DECL std::optional<std::uint64_t> spool_field::number() const noexcept {
    if (value.size() > 8) return std::nullopt;
    return detail::get_little(value, 0, value.size());
}

MAILQUAY_DECL void append_spool_field(std::string& to, spool_tag tag, std::string_view value) {
    char head[detail::spool_field_head];
    detail::put_little(head, static_cast<std::uint16_t>(tag), 2);
    detail::put_little(head + 2, value.size(), 4);
    to.append(head, sizeof head).append(value);
}

MAILQUAY_DECL void append_spool_number(std::string& to, spool_tag tag, std::uint64_t number) {
    char octets[8];
    detail::put_little(octets, number, 8);
    std::size_t length = 8;
    while (length > 1 && octets[length - 1] == '\0') --length;
    append_spool_field(to, tag, {octets, length});
}

MAILQUAY_DECL std::optional<spool_field> spool_fields::next() noexcept {
    if (left_.size() < detail::spool_field_head) return std::nullopt;
    auto const length = detail::get_little(left_, 2, 4);
    if (length > left_.size() - detail::spool_field_head) return std::nullopt;
    spool_field const found{static_cast<spool_tag>(detail::get_little(left_, 0, 2)), left_.substr(detail::spool_field_head, length)};
    left_.remove_prefix(detail::spool_field_head + length);
    return found;
}

MAILQUAY_DECL std::string_view to_string(outcome_kind kind) noexcept {
    switch (kind) {
        case outcome_kind::deferred: return "deferred";
        case outcome_kind::delivered: return "delivered";
        case outcome_kind::relayed: return "relayed";
        case outcome_kind::failed: return "failed";
        case outcome_kind::expired: return "expired";
        case outcome_kind::expanded: return "expanded";
    }
    return "unknown";
}

MAILQUAY_DECL void append_spool_outcome(std::string& to, recipient_outcome const& outcome) {
    char head[5];
    detail::put_little(head, outcome.recipient, 4);
    head[4] = static_cast<char>(outcome.kind);
    std::string value{head, sizeof head};
    value.append(outcome.reply, 0, detail::kept_reply_octets);
    append_spool_field(to, spool_tag::outcome, value);
    if (!outcome.notice.empty()) append_spool_field(to, spool_tag::outcome_notice, std::string(head, 4).append(outcome.notice.view()));
}

MAILQUAY_DECL recipient_outcome const* spool_state::outcome_of(std::uint32_t recipient) const noexcept {
    auto const found = std::find_if(outcomes.begin(), outcomes.end(), [&](auto const& one) { return one.recipient == recipient; });
    return found == outcomes.end() ? nullptr : &*found;
}

MAILQUAY_DECL void spool_state::set_outcome(recipient_outcome outcome) {
    auto const place = std::lower_bound(outcomes.begin(), outcomes.end(), outcome.recipient,
                                        [](auto const& one, std::uint32_t number) { return one.recipient < number; });
    if (place == outcomes.end() || place->recipient != outcome.recipient) {
        outcomes.insert(place, std::move(outcome));
    } else if (!place->is_final()) {  // what is done stays done
        *place = std::move(outcome);
    }
}

MAILQUAY_DECL std::size_t spool_state::final_outcomes() const noexcept {
    return static_cast<std::size_t>(std::count_if(outcomes.begin(), outcomes.end(), [](auto const& one) { return one.is_final(); }));
}

MAILQUAY_DECL bool spool_state::apply(spool_field const& field) {
    auto const number = field.number().value_or(0);
    switch (field.tag) {
        case spool_tag::accepted: accepted_ms = number; return true;
        case spool_tag::released: released_ms = number; return true;
        case spool_tag::due: due_ms = number; return true;
        case spool_tag::wait: wait_ms = number; return true;
        case spool_tag::attempts: attempts = static_cast<std::uint32_t>(number); return true;
        case spool_tag::attempted: ++attempts; return true;
        case spool_tag::held: held = number != 0; return true;
        case spool_tag::delay_told: delay_told = number != 0; return true;
        case spool_tag::bounce:
            if (number <= 2) bounce = static_cast<mailquay::bounce>(number);
            return true;
        case spool_tag::outcome: {
            if (field.value.size() < 5 || static_cast<unsigned char>(field.value[4]) > 5) return true;
            recipient_outcome read;
            read.recipient = static_cast<std::uint32_t>(detail::get_little(field.value, 0, 4));
            read.kind = static_cast<outcome_kind>(field.value[4]);
            read.reply = field.value.substr(5);
            set_outcome(std::move(read));
            return true;
        }
        case spool_tag::outcome_notice: {
            if (field.value.size() != 4 + transaction_id::octets) return true;
            auto const recipient = static_cast<std::uint32_t>(detail::get_little(field.value, 0, 4));
            auto const id = transaction_id::parse(field.value.substr(4));
            for (recipient_outcome& one : outcomes)
                if (id && one.recipient == recipient && one.notice.empty()) one.notice = *id;
            return true;
        }
        case spool_tag::dsn_ordered:
            if (auto const id = transaction_id::parse(field.value); id && std::find(dsns.begin(), dsns.end(), *id) == dsns.end())
                dsns.push_back(*id);
            return true;
        case spool_tag::dsn_settled:
            std::erase_if(dsns, [&](transaction_id const& one) { return one.view() == field.value; });
            return true;
        case spool_tag::large_octets:
            if (!large) large.emplace();
            large->octets = number;
            return true;
        case spool_tag::large_checksum:
            if (!large) large.emplace();
            large->checksum = static_cast<std::uint32_t>(number);
            return true;
        default: return false;
    }
}

MAILQUAY_DECL void spool_state::append_to(std::string& fields) const {
    append_spool_number(fields, spool_tag::accepted, accepted_ms);
    if (released_ms != accepted_ms) append_spool_number(fields, spool_tag::released, released_ms);
    if (due_ms != accepted_ms) append_spool_number(fields, spool_tag::due, due_ms);
    if (wait_ms != 0) append_spool_number(fields, spool_tag::wait, wait_ms);
    if (attempts != 0) append_spool_number(fields, spool_tag::attempts, attempts);
    if (held) append_spool_number(fields, spool_tag::held, 1);
    if (delay_told) append_spool_number(fields, spool_tag::delay_told, 1);
    append_spool_number(fields, spool_tag::bounce, static_cast<std::uint64_t>(bounce));
    for (recipient_outcome const& one : outcomes) append_spool_outcome(fields, one);
    for (transaction_id const& one : dsns) append_spool_field(fields, spool_tag::dsn_ordered, one.view());
    if (large) {
        append_spool_number(fields, spool_tag::large_octets, large->octets);
        append_spool_number(fields, spool_tag::large_checksum, large->checksum);
    }
}

}  // namespace mailquay::inline MAILQUAY_ABI
