#include <mailquay/handler/profile.hpp>

#include <mailquay/base/decimal.hpp>

#include <type_traits>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL std::string_view to_string(tls_mode mode) noexcept {
    switch (mode) {
        case tls_mode::none: return "none";
        case tls_mode::starttls: return "starttls";
        case tls_mode::implicit: return "implicit";
        case tls_mode::required: return "required";
    }
    return {};
}

MAILQUAY_DECL std::string_view to_string(auth_mode mode) noexcept {
    switch (mode) {
        case auth_mode::off: return "off";
        case auth_mode::offered: return "offered";
        case auth_mode::required: return "required";
    }
    return {};
}

MAILQUAY_DECL std::string_view to_string(proxy_mode mode) noexcept {
    switch (mode) {
        case proxy_mode::off: return "off";
        case proxy_mode::accepted: return "accepted";
        case proxy_mode::required: return "required";
    }
    return {};
}

MAILQUAY_DECL std::string_view to_string(policy_scope scope) noexcept {
    switch (scope) {
        case policy_scope::everybody: return "everybody";
        case policy_scope::unauthenticated: return "unauthenticated";
        case policy_scope::nobody: return "nobody";
    }
    return {};
}

MAILQUAY_DECL profile profile::mx() {
    profile made;
    made.name = "mx";
    made.dialect = mailquay::dialect::smtp;
    made.auth = auth_mode::off;
    made.received_client = mailquay::received_client::full;
    made.policies_for = policy_scope::everybody;
    made.limits.messages = 1000;
    return made;
}

MAILQUAY_DECL profile profile::submission() {
    profile made;
    made.name = "submission";
    made.dialect = mailquay::dialect::smtp;
    made.tls = tls_mode::required;
    made.auth = auth_mode::required;
    made.policies_for = policy_scope::unauthenticated;
    made.limits.text_line_octets = 998;
    made.fix_header = true;
    made.extensions_on = {"DSN", "FUTURERELEASE", "DELIVERBY", "MT-PRIORITY"};
    return made;
}

MAILQUAY_DECL profile profile::lmtp() {
    profile made;
    made.name = "lmtp";
    made.dialect = mailquay::dialect::lmtp;
    made.banner = "LMTP";
    made.tls = tls_mode::none;
    made.auth = auth_mode::off;
    made.policies_for = policy_scope::nobody;
    made.limits.messages = 1000;
    made.limits.connections_per_address = 0;
    return made;
}

MAILQUAY_DECL std::optional<profile> find_profile(std::string_view name) {
    if (name == "mx") return profile::mx();
    if (name == "submission") return profile::submission();
    if (name == "lmtp") return profile::lmtp();
    return std::nullopt;
}

MAILQUAY_DECL session_limits combined(session_limits servers, limit_overrides const& own) noexcept {
    auto take = [](auto& limit, auto const& instead) {
        if (instead) limit = *instead;
    };
    take(servers.message_octets, own.message_octets);
    take(servers.recipients, own.recipients);
    take(servers.recipient_domains, own.recipient_domains);
    take(servers.command_line_octets, own.command_line_octets);
    take(servers.text_line_octets, own.text_line_octets);
    take(servers.hops, own.hops);
    take(servers.header_octets, own.header_octets);
    take(servers.header_fields, own.header_fields);
    take(servers.messages, own.messages);
    return servers;
}

MAILQUAY_DECL std::vector<std::string> problems(profile const& of, profile_surroundings const& at) {
    std::vector<std::string> found;
    auto wrong = [&](std::string_view setting, std::string_view value, std::string_view why, std::string_view cure) {
        found.push_back("profile \"" + of.name + "\": " + std::string(setting) + " = " + std::string(value) + ": " + std::string(why) + "; " +
                        std::string(cure));
    };
    bool const lmtp = of.dialect == dialect::lmtp;
    bool const has_authenticator = at.has_authenticator || of.authentication != nullptr;
    if (lmtp && at.port == std::uint16_t{25})
        wrong("dialect", "lmtp", "LMTP must not be served on TCP port 25 (RFC 2033 §5)", "listen on port 24, another port or a UNIX socket");
    if (of.tls && *of.tls != tls_mode::none && !at.has_tls)
        wrong("tls", to_string(*of.tls), "there is no TLS provider", "give the server a certificate, or set tls = none");
    if (of.auth && *of.auth != auth_mode::off && !has_authenticator)
        wrong("auth", to_string(*of.auth), "there is no authenticator", "call server.authentication(...), or set auth = off");
    if (of.auth == auth_mode::required && !of.auth_without_tls && (of.tls == tls_mode::none || (!of.tls && !at.has_tls)))
        wrong("auth", "required", "without TLS no password is taken", "give the server a certificate and set tls = required or implicit, or set auth_without_tls");
    if (of.proxy && *of.proxy != proxy_mode::off && !at.has_trusted_proxies)
        wrong("proxy", to_string(*of.proxy), "no proxy is trusted, so no PROXY header would be read", "name the proxies in trusted_proxies");
    if (of.hostname && of.hostname->empty()) wrong("hostname", "\"\"", "the name is empty", "leave it out to use the server's");
    if (of.limits.recipients && *of.limits.recipients < 100) {
        std::string value;
        append_decimal(value, *of.limits.recipients);
        wrong("limits.recipients", value, "RFC 5321 §4.5.3.1.8 asks for at least 100", "raise it");
    }
    return found;
}

namespace detail {

inline void describe_line(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\n");
}

template <class T>
void describe_setting(std::string& out, std::string_view name, std::optional<T> const& value, std::string_view absent = "the server's") {
    std::string text;
    if (!value) {
        text = absent;
    } else if constexpr (std::is_same_v<T, std::string>) {
        text = *value;
    } else if constexpr (std::is_enum_v<T>) {
        text = to_string(*value);
    } else {
        append_decimal(text, *value);
    }
    describe_line(out, name, text);
}

inline std::string_view describe_name(line_ending_policy policy) noexcept {
    switch (policy) {
        case line_ending_policy::refuse: return "refuse";
        case line_ending_policy::normalise: return "normalise";
        case line_ending_policy::keep: return "keep";
    }
    return {};
}

inline std::string_view describe_name(unknown_parameters what) noexcept {
    switch (what) {
        case unknown_parameters::refuse: return "refuse";
        case unknown_parameters::ignore: return "ignore";
        case unknown_parameters::hand_over: return "hand_over";
    }
    return {};
}

inline std::string_view describe_name(received_client what) noexcept {
    switch (what) {
        case received_client::full: return "full";
        case received_client::hidden: return "hidden";
        case received_client::none: return "none";
    }
    return {};
}

template <class T>
std::optional<std::string> describe_named(std::optional<T> const& value) {
    if (!value) return std::nullopt;
    return std::string(describe_name(*value));
}

}  // namespace detail

MAILQUAY_DECL std::string describe(profile const& shown) {
    std::string out;
    auto list = [&](std::string_view name, auto const& own) {
        detail::describe_line(out, name, own ? "its own (" + std::to_string(own->size()) + ")" : std::string("the server's"));
    };
    auto one = [&](std::string_view name, bool own) { detail::describe_line(out, name, own ? "its own" : "the server's"); };
    std::string extensions{"the server's"};
    for (std::string const& keyword : shown.extensions_on) extensions.append(", ").append(keyword);
    if (!shown.extensions_on.empty()) extensions.append(" as far as the sink promises them");

    detail::describe_line(out, "name", shown.name);
    detail::describe_line(out, "dialect", !shown.dialect                          ? "the server's"
                                          : *shown.dialect == dialect::lmtp ? "lmtp"
                                                                            : "smtp");
    detail::describe_setting(out, "hostname", shown.hostname);
    detail::describe_setting(out, "banner", shown.banner);
    detail::describe_setting(out, "tls", shown.tls, "the server's: starttls where it has a certificate, else none");
    detail::describe_setting(out, "auth", shown.auth);
    detail::describe_line(out, "auth_without_tls", shown.auth_without_tls ? "yes" : "no");
    detail::describe_setting(out, "proxy", shown.proxy);
    detail::describe_setting(out, "policies_for", shown.policies_for);
    detail::describe_setting(out, "line_endings", detail::describe_named(shown.line_endings));
    detail::describe_setting(out, "unknown_parameters", detail::describe_named(shown.unknown));
    detail::describe_setting(out, "received_client", detail::describe_named(shown.received_client));
    detail::describe_line(out, "fix_header", shown.fix_header ? "yes" : "no");
    detail::describe_line(out, "extensions", extensions);
    detail::describe_setting(out, "limits.message_octets", shown.limits.message_octets);
    detail::describe_setting(out, "limits.recipients", shown.limits.recipients);
    detail::describe_setting(out, "limits.recipient_domains", shown.limits.recipient_domains);
    detail::describe_setting(out, "limits.command_line_octets", shown.limits.command_line_octets);
    detail::describe_setting(out, "limits.text_line_octets", shown.limits.text_line_octets);
    detail::describe_setting(out, "limits.hops", shown.limits.hops);
    detail::describe_setting(out, "limits.header_octets", shown.limits.header_octets);
    detail::describe_setting(out, "limits.header_fields", shown.limits.header_fields);
    detail::describe_setting(out, "limits.messages", shown.limits.messages);
    detail::describe_setting(out, "limits.connections_per_address", shown.limits.connections_per_address);
    list("recipients", shown.recipients);
    list("policies", shown.policies);
    list("filters", shown.filters);
    one("sink", shown.sink != nullptr);
    one("authentication", shown.authentication != nullptr);
    return out;
}

}  // namespace mailquay::inline MAILQUAY_ABI
