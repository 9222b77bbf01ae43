#include <mailquay/sink/spool_record.hpp>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

inline void append_if_said(std::string& to, spool_tag tag, std::string_view value) {
    if (!value.empty()) append_spool_field(to, tag, value);
}

/// A number of a fixed size that may be negative.
template <std::size_t Octets>
std::string signed_octets(std::int64_t number) {
    std::string octets(Octets, '\0');
    for (std::size_t i = 0; i < Octets; ++i) octets[i] = static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i));
    return octets;
}
template <std::size_t Octets>
std::int64_t signed_number(std::string_view from) noexcept {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < Octets; ++i) number |= std::uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
    constexpr std::size_t above = 64 - 8 * Octets;
    return static_cast<std::int64_t>(number << above) >> above;
}

/// Takes a field that holds an enumerator of 0 to `last`.
template <class Enum>
bool take_enumerator(spool_field const& field, Enum last, Enum& into) noexcept {
    auto const number = field.number();
    if (!number || *number > static_cast<std::uint64_t>(last)) return false;
    into = static_cast<Enum>(*number);
    return true;
}

// ---- written

inline void append_spool_requests(std::string& to, delivery_request const& from) {
    if (from.ret != dsn_return::unsaid) append_spool_number(to, spool_tag::return_content, static_cast<std::uint64_t>(from.ret));
    append_if_said(to, spool_tag::envelope_id, from.envid);
    if (from.requiretls) append_spool_number(to, spool_tag::requiretls, 1);
    if (from.by) {
        std::string by = signed_octets<4>(from.by->seconds);
        by += static_cast<char>(from.by->mode);
        by += from.by->trace ? '\1' : '\0';
        append_spool_field(to, spool_tag::deliver_by, by);
    }
    if (from.hold) {
        append_spool_field(to, spool_tag::release, signed_octets<8>(from.hold->release.time_since_epoch().count()));
        if (from.hold->interval) append_spool_field(to, spool_tag::hold_for, signed_octets<8>(from.hold->interval->count()));
    }
    if (from.priority)
        append_spool_field(to, spool_tag::priority, signed_octets<1>(from.priority->value) + signed_octets<1>(from.priority->asked));
}

inline void append_spool_requests(std::string& to, recipient_request const& from) {
    if (from.notify != dsn_notify::unsaid) append_spool_number(to, spool_tag::recipient_notify, static_cast<std::uint64_t>(from.notify));
    append_if_said(to, spool_tag::recipient_original_type, from.original.type);
    append_if_said(to, spool_tag::recipient_original, from.original.address);
    if (from.valid_since) {
        std::string since = signed_octets<8>(from.valid_since->when.time_since_epoch().count());
        since += static_cast<char>(from.valid_since->action);
        append_spool_field(to, spool_tag::recipient_valid_since, since);
    }
    for (std::string const& one : from.unknown) append_spool_field(to, spool_tag::recipient_parameter, one);
}

inline void append_spool_recipient(std::string& to, envelope_recipient const& from, std::string& inside) {
    inside.clear();
    append_spool_field(inside, spool_tag::recipient_address, from.address);
    append_if_said(inside, spool_tag::recipient_mailbox, from.mailbox);
    for (std::string const& member : from.deliver_to) append_spool_field(inside, spool_tag::recipient_member, member);
    append_spool_requests(inside, from.requests);
    append_spool_field(to, spool_tag::recipient, inside);
}

inline void append_spool_forwarded(std::string& to, forwarded_client const& from) {
    std::string inside;
    append_if_said(inside, spool_tag::forwarded_name, from.name);
    append_if_said(inside, spool_tag::forwarded_address, from.address);
    if (from.port != 0) append_spool_number(inside, spool_tag::forwarded_port, from.port);
    append_if_said(inside, spool_tag::forwarded_protocol, from.protocol);
    append_if_said(inside, spool_tag::forwarded_hello, from.hello_name);
    append_if_said(inside, spool_tag::forwarded_ident, from.ident);
    if (from.source != forwarded_client::origin::unknown)
        append_spool_number(inside, spool_tag::forwarded_source, static_cast<std::uint64_t>(from.source));
    append_spool_field(to, spool_tag::forwarded, inside);
}

// ---- read: nothing for a field that is not known here, false for a value that cannot be

inline std::optional<bool> apply_to_requests(spool_field const& field, recipient_request& into) {
    switch (field.tag) {
        case spool_tag::recipient_notify: {
            dsn_notify read{};
            bool const known = take_enumerator(field, dsn_notify::never, read);
            if (known) into.notify = read;
            return known;
        }
        case spool_tag::recipient_original_type: into.original.type = field.value; return true;
        case spool_tag::recipient_original: into.original.address = field.value; return true;
        case spool_tag::recipient_valid_since: {
            if (field.value.size() != 9) return false;
            if (static_cast<unsigned char>(field.value[8]) > static_cast<unsigned>(rrvs_action::refuse)) return false;
            into.valid_since = valid_since{std::chrono::sys_seconds{std::chrono::seconds{signed_number<8>(field.value)}},
                                           static_cast<rrvs_action>(field.value[8])};
            return true;
        }
        case spool_tag::recipient_parameter: into.unknown.emplace_back(field.value); return true;
        default: return std::nullopt;
    }
}

inline bool read_spool_recipient(std::string_view fields, envelope& into) {
    envelope_recipient one;
    spool_fields inside{fields};
    while (auto const field = inside.next()) {
        if (field->tag == spool_tag::recipient_address) one.address = field->value;
        if (field->tag == spool_tag::recipient_mailbox) one.mailbox = field->value;
        if (field->tag == spool_tag::recipient_member) one.deliver_to.emplace_back(field->value);
        if (!apply_to_requests(*field, one.requests).value_or(true)) return false;
    }
    into.recipients.push_back(std::move(one));
    return inside.complete();
}

inline bool read_spool_forwarded(std::string_view fields, envelope& into) {
    forwarded_client told;
    spool_fields inside{fields};
    while (auto const field = inside.next()) {
        switch (field->tag) {
            case spool_tag::forwarded_name: told.name = field->value; break;
            case spool_tag::forwarded_address: told.address = field->value; break;
            case spool_tag::forwarded_port: told.port = static_cast<std::uint16_t>(field->number().value_or(0)); break;
            case spool_tag::forwarded_protocol: told.protocol = field->value; break;
            case spool_tag::forwarded_hello: told.hello_name = field->value; break;
            case spool_tag::forwarded_ident: told.ident = field->value; break;
            case spool_tag::forwarded_source:
                if (!take_enumerator(*field, forwarded_client::origin::remote, told.source)) return false;
                break;
            default: break;
        }
    }
    into.forwarded = std::move(told);
    return inside.complete();
}

inline std::optional<bool> apply_to_requests(spool_field const& field, delivery_request& into) {
    switch (field.tag) {
        case spool_tag::return_content: return take_enumerator(field, dsn_return::headers, into.ret);
        case spool_tag::envelope_id: into.envid = field.value; return true;
        case spool_tag::requiretls: into.requiretls = field.number().value_or(0) != 0; return true;
        case spool_tag::deliver_by: {
            if (field.value.size() != 6) return false;
            if (static_cast<unsigned char>(field.value[4]) > static_cast<unsigned>(by_mode::return_to_sender)) return false;
            into.by = mailquay::deliver_by{static_cast<std::int32_t>(signed_number<4>(field.value)), static_cast<by_mode>(field.value[4]),
                                 field.value[5] != '\0'};
            return true;
        }
        case spool_tag::release:
            if (field.value.size() != 8) return false;
            if (!into.hold) into.hold.emplace();
            into.hold->release = std::chrono::sys_seconds{std::chrono::seconds{signed_number<8>(field.value)}};
            return true;
        case spool_tag::hold_for:
            if (field.value.size() != 8) return false;
            if (!into.hold) into.hold.emplace();
            into.hold->interval = std::chrono::seconds{signed_number<8>(field.value)};
            return true;
        case spool_tag::priority:
            if (field.value.size() != 2) return false;
            into.priority = priority_request{static_cast<std::int8_t>(signed_number<1>(field.value)),
                                             static_cast<std::int8_t>(signed_number<1>(field.value.substr(1)))};
            return true;
        default: return std::nullopt;
    }
}

inline std::optional<bool> apply_to_envelope(spool_field const& field, envelope& into) {
    switch (field.tag) {
        case spool_tag::reverse_path: into.reverse_path = field.value; return true;
        case spool_tag::recipient: return read_spool_recipient(field.value, into);
        case spool_tag::hello_name: into.hello_name = field.value; return true;
        case spool_tag::client: {
            auto const read = ip_endpoint::parse(field.value);
            if (read) into.client = *read;
            return read.has_value();
        }
        case spool_tag::user: into.user = field.value; return true;
        case spool_tag::auth: into.auth.emplace(field.value); return true;
        case spool_tag::secure: into.secure = field.number().value_or(0) != 0; return true;
        case spool_tag::smtputf8: into.smtputf8 = field.number().value_or(0) != 0; return true;
        case spool_tag::body_type: return take_enumerator(field, body_type::binary_mime, into.body);
        case spool_tag::declared_size: into.declared_size = field.number(); return true;
        case spool_tag::parameter: into.unknown_parameters.emplace_back(field.value); return true;
        case spool_tag::forwarded: return read_spool_forwarded(field.value, into);
        default: return apply_to_requests(field, into.requests);
    }
}

}  // namespace detail

MAILQUAY_DECL void append_spool_envelope(std::string& to, envelope const& from) {
    append_spool_field(to, spool_tag::reverse_path, from.reverse_path);
    std::string inside;
    for (envelope_recipient const& one : from.recipients) detail::append_spool_recipient(to, one, inside);
    detail::append_if_said(to, spool_tag::hello_name, from.hello_name);
    if (!from.client.address.is_none()) append_spool_field(to, spool_tag::client, from.client.to_string());
    detail::append_if_said(to, spool_tag::user, from.user);
    if (from.auth) append_spool_field(to, spool_tag::auth, *from.auth);
    if (from.secure) append_spool_number(to, spool_tag::secure, 1);
    if (from.smtputf8) append_spool_number(to, spool_tag::smtputf8, 1);
    if (from.body != body_type::seven_bit) append_spool_number(to, spool_tag::body_type, static_cast<std::uint64_t>(from.body));
    if (from.declared_size) append_spool_number(to, spool_tag::declared_size, *from.declared_size);
    detail::append_spool_requests(to, from.requests);
    for (std::string const& one : from.unknown_parameters) append_spool_field(to, spool_tag::parameter, one);
    if (from.forwarded) detail::append_spool_forwarded(to, *from.forwarded);
}

MAILQUAY_DECL std::optional<stored_envelope> read_spool_envelope(std::string_view fields, transaction_id const& id) {
    stored_envelope read;
    read.envelope.id = id.view();
    spool_fields all{fields};
    while (auto const field = all.next()) {
        if (read.state.apply(*field)) continue;
        auto const known = detail::apply_to_envelope(*field, read.envelope);
        if (known && !*known) return std::nullopt;
        if (!known) append_spool_field(read.unknown, field->tag, field->value);
    }
    if (!all.complete()) return std::nullopt;
    if (read.state.released_ms == 0) read.state.released_ms = read.state.accepted_ms;
    if (read.state.due_ms == 0) read.state.due_ms = read.state.accepted_ms;
    return read;
}

MAILQUAY_DECL void copy_spool_envelope(std::string& to, std::string_view fields) {
    spool_state no_more_needed;
    spool_fields all{fields};
    while (auto const field = all.next())
        if (!no_more_needed.apply(*field)) append_spool_field(to, field->tag, field->value);
}

}  // namespace mailquay::inline MAILQUAY_ABI
