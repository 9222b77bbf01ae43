#pragma once

#include <mailquay/client/next_hop.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/decimal.hpp>

#include <algorithm>
#include <system_error>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL result<next_hop> next_hop::parse(std::string_view text) {
    constexpr std::size_t most_path_octets = 107;  // sun_path with its NUL
    next_hop made;
    if (text.starts_with("unix:")) {
        made.unix_path = text.substr(5);
        if (made.unix_path.empty()) return std::make_error_code(std::errc::invalid_argument);
        if (made.unix_path.size() > most_path_octets) return std::make_error_code(std::errc::filename_too_long);
        return made;
    }
    std::string_view host = text, port;
    if (text.starts_with('[')) {
        auto const closing = text.find(']');
        if (closing == text.npos) return std::make_error_code(std::errc::invalid_argument);
        host = text.substr(1, closing - 1);
        port = text.substr(closing + 1);
        if (!ip_address::parse(host)) return std::make_error_code(std::errc::invalid_argument);
    } else if (auto const colon = text.find(':'); colon != text.npos && text.find(':', colon + 1) == text.npos) {
        host = text.substr(0, colon);
        port = text.substr(colon);
    }
    if (!port.empty()) {
        auto const number = port.front() == ':' ? parse_decimal<std::uint16_t>(port.substr(1)) : std::nullopt;
        if (!number || *number == 0) return std::make_error_code(std::errc::invalid_argument);
        made.port = *number;
    }
    bool const well = !host.empty() && host.size() <= 253 && (ip_address::parse(host) || host.find(':') == host.npos) &&
                      std::none_of(host.begin(), host.end(), [](char c) { return is_control(c) || c == ' ' || c == '/' || c == '@'; });
    if (!well) return std::make_error_code(std::errc::invalid_argument);
    made.host = host;
    return made;
}

MAILQUAY_DECL std::string next_hop::key() const {
    if (!pool_key.empty()) return pool_key;
    std::string made = to_lower_copy(to_string());
    auto const add_text = [&made](std::string_view part) {
        made += '|';
        append_decimal(made, part.size());
        made += ':';
        made += part;
    };
    auto const add = [&made](std::uint64_t value) {
        made += '|';
        append_decimal(made, value);
    };
    std::vector<std::string> sorted;  // a set that was shuffled is the same destination
    for (ip_endpoint const& one : addresses) sorted.push_back(one.to_string());
    std::sort(sorted.begin(), sorted.end());
    for (std::string const& one : sorted) add_text(one);
    hop_settings const& with = settings;
    add(static_cast<std::uint64_t>(with.protocol));
    add_text(with.hello_name);
    client_limits const& bounds = with.limits;
    for (std::uint64_t const one : {std::uint64_t{bounds.reply.line_octets}, std::uint64_t{bounds.reply.text_octets},
                                    std::uint64_t{bounds.reply.octets}, std::uint64_t{bounds.window_octets}, std::uint64_t{bounds.recipients},
                                    std::uint64_t{bounds.challenges}, std::uint64_t{bounds.transactions}, std::uint64_t{bounds.least_rate}})
        add(one);
    add(static_cast<std::uint64_t>(with.tls));
    add(static_cast<std::uint64_t>(with.verify));
    add_text(with.tls_name);
    for (std::string const& one : with.tls_names) add_text(one);
    for (tlsa_record const& one : with.tlsa) {
        add(one.usage * 65536u + one.selector * 256u + one.matching_type);
        add_text(one.data);
    }
    add(with.name_is_secure);
    add(reinterpret_cast<std::uintptr_t>(with.credentials.get()));
    add(with.credentials_in_clear);
    add(with.pipelining);
    add(static_cast<std::uint64_t>(with.chunking));
    add(static_cast<std::uint64_t>(with.eight_bit));
    add(with.priority_field);
    add(with.prdr);
    add(with.refuse_own_name);
    add(with.xforward);
    // A connection that speaks for one client speaks for no other.
    add((with.xclient ? 1u : 0u) + (with.proxy ? 2u : 0u));
    if (with.xclient) {
        xclient_values const& who = *with.xclient;
        add_text(who.address ? who.address->to_string() : std::string{"-"});
        add(who.port.value_or(0));
        add_text(who.destination ? who.destination->to_string() : std::string{"-"});
        add(who.destination_port.value_or(0));
        add(!who.extended ? 0 : *who.extended ? 1 : 2);
        for (auto const* const text : {&who.name, &who.reverse_name, &who.hello_name, &who.login}) add_text(text->value_or("-"));
    }
    if (with.proxy) {
        proxy_header const& who = *with.proxy;
        add(static_cast<std::uint64_t>(who.subject) * 256u + who.version);
        add_text(who.source.to_string());
        add_text(who.destination.to_string());
        for (auto const* const text : {&who.source_path, &who.destination_path, &who.facts.alpn, &who.facts.authority, &who.facts.unique_id, &who.facts.netns})
            add_text(*text);
    }
    return made;
}

MAILQUAY_DECL std::string next_hop::to_string() const {
    if (!unix_path.empty()) return "unix:" + unix_path;
    std::string made = host.find(':') == host.npos ? host : '[' + host + ']';
    made += ':';
    append_decimal(made, port);
    return made;
}

}  // namespace mailquay::inline MAILQUAY_ABI
