#include "support/conversation.hpp"

#include <mailquay/base/decimal.hpp>
#include <mailquay/protocol/timestamp.hpp>
#include <mailquay/session/extensions/deliver_by.hpp>
#include <mailquay/session/extensions/dsn.hpp>
#include <mailquay/session/extensions/future_release.hpp>
#include <mailquay/session/extensions/mt_priority.hpp>
#include <mailquay/session/extensions/xclient.hpp>
#include <mailquay/session/extensions/xforward.hpp>
#include <mailquay/session/extensions/auth.hpp>
#include <mailquay/session/extensions/starttls.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

namespace mailquay_test {

namespace conversation_reader {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    throw script_failure("\\x needs two hexadecimal digits");
}

std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        if (++i == text.size()) throw script_failure("\\ at the end of a line");
        switch (text[i]) {
            case 'r': out += '\r'; break;
            case 'n': out += '\n'; break;
            case 't': out += '\t'; break;
            case '0': out += '\0'; break;
            case '\\': out += '\\'; break;
            case 'x':
                if (i + 2 >= text.size()) throw script_failure("\\x needs two hexadecimal digits");
                out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
                i += 2;
                break;
            case '{': {
                auto const colon = text.find(':', i);
                auto const end = text.find('}', i);
                if (colon == std::string_view::npos || end == std::string_view::npos || colon > end)
                    throw script_failure("expected \\{count:text}");
                auto const times = std::stoul(std::string(text.substr(i + 1, colon - i - 1)));
                auto const piece = unescaped(text.substr(colon + 1, end - colon - 1));
                for (std::size_t n = 0; n < times; ++n) out += piece;
                i = end;
                break;
            }
            default: throw script_failure("unknown escape \\" + std::string(1, text[i]));
        }
    }
    return out;
}

/// The words of a setting.
class words {
public:
    explicit words(std::string_view text) : in_(std::string(text)) {}
    std::string next() {
        std::string word;
        if (!(in_ >> word)) throw script_failure("a word is missing");
        return word;
    }
    std::uint64_t number() {
        auto const word = next();
        auto const value = parse_decimal<std::uint64_t>(word);
        if (!value) throw script_failure("not a number: " + word);
        return *value;
    }
    std::chrono::seconds seconds() {
        auto word = next();
        if (word.ends_with('s')) word.pop_back();
        auto const value = parse_decimal<unsigned>(word);
        if (!value) throw script_failure("not a number of seconds: " + word);
        return std::chrono::seconds{*value};
    }
    std::vector<std::string> rest() {
        std::vector<std::string> all;
        for (std::string word; in_ >> word;) all.push_back(word);
        return all;
    }
    std::string line() {
        std::string text;
        std::getline(in_ >> std::ws, text);
        return text;
    }
    void end() {
        if (std::string word; in_ >> word) throw script_failure("too much: " + word);
    }

private:
    std::istringstream in_;
};

/// "@ answer STAGE PATTERN KIND [CODE ENHANCED TEXT]": what the host says where PATTERN matches what it is asked about.
struct rule {
    std::string stage;
    std::string pattern;
    verdict given{};
};

verdict make_verdict(words& in) {
    auto kind = in.next();
    auto const modifier = kind.find('+');
    std::string modifiers = modifier == std::string::npos ? std::string{} : kind.substr(modifier);
    kind = kind.substr(0, modifier);
    verdict_kind const what = kind == "accept"   ? verdict_kind::accept
                              : kind == "reject" ? verdict_kind::reject
                              : kind == "defer"  ? verdict_kind::defer
                              : kind == "pass"   ? verdict_kind::pass
                                                 : throw script_failure("neither accept, reject, defer nor pass: " + kind);
    verdict made = verdict::make(what);
    auto const reply_line = in.line();
    if (!reply_line.empty()) {
        std::istringstream parts{reply_line};
        int code = 0;
        std::string enhanced, text;
        parts >> code >> enhanced;
        std::getline(parts >> std::ws, text);
        made = verdict::make(what, code, enhanced, unescaped(text));
    }
    if (modifiers.find("+close") != std::string::npos) made.then_close();
    if (auto const at = modifiers.find("+after="); at != std::string::npos)
        made.after(std::chrono::seconds{std::stoi(modifiers.substr(at + 7))});
    return made;
}

/// "@ answer auth PATTERN KIND ...": what the mechanism says to a response. PATTERN is matched against "MECHANISM:response",
/// or "MECHANISM" alone where AUTH has no initial response.
struct auth_rule {
    std::string pattern;
    auth_step given{};
};

auth_step make_auth_step(words& in) {
    static std::map<std::string, auth_problem> const problems{{"fail", auth_problem::credentials},
                                                              {"unavailable", auth_problem::unavailable},
                                                              {"expired", auth_problem::expired},
                                                              {"too-weak", auth_problem::too_weak},
                                                              {"needs-tls", auth_problem::needs_tls},
                                                              {"unknown-mechanism", auth_problem::unknown_mechanism},
                                                              {"no-initial-response", auth_problem::initial_response},
                                                              {"malformed", auth_problem::malformed}};
    auto const kind = in.next();
    auto const rest = in.rest();
    auto const word = [&](std::size_t at) { return at < rest.size() ? unescaped(rest[at]) : std::string{}; };
    if (kind == "succeed") return succeed(word(0), word(1));
    if (kind == "continue") return continue_with(word(0));
    if (kind == "refuse") return refuse_with(word(0));
    auto const found = problems.find(kind);
    if (found == problems.end()) throw script_failure("unknown answer of a mechanism: " + kind);
    return fail(found->second);
}

struct rules {
    std::vector<rule> all;
    std::vector<auth_rule> auth;
    std::vector<std::string> recipients;
    bool any_recipient = true;

    verdict ask(std::string_view stage, std::string_view about, verdict usual) const {
        for (rule const& one : all)
            if (one.stage == stage && matches_glob(one.pattern, about)) return one.given;
        return usual;
    }
};

/// Makes the hooks of `talk` ask `given`.
void install(script& talk, std::shared_ptr<rules> given) {
    host_hooks& hooks = talk.hooks;
    hooks.on_connect = [given](session_info&) { return given->ask("connect", "", accept()); };
    hooks.on_early_talk = [given] { return given->ask("early-talk", "", reject()); };
    hooks.on_peer = [given](session_info const& client) { return given->ask("peer", client.client().address.to_string(), accept()); };
    hooks.on_hello = [given](std::string_view name) { return given->ask("hello", name, accept()); };
    hooks.on_mail = [given](transaction const& mail) { return given->ask("mail", mail.reverse_path().wire, accept()); };
    hooks.on_recipient = [given](transaction const&, recipient const& to) {
        std::string const normal = std::string(to.local_part()) + "@" + std::string(to.domain());
        bool const known = given->any_recipient ||
                           std::any_of(given->recipients.begin(), given->recipients.end(),
                                       [&](auto const& pattern) { return matches_glob(pattern, normal); });
        return given->ask("rcpt", normal, known ? accept() : pass());
    };
    hooks.on_started = [given](transaction const& mail) { return given->ask("data", mail.reverse_path().wire, accept()); };
    hooks.on_headers = [given](transaction const&, std::string_view header) { return given->ask("headers", header, accept()); };
    hooks.on_chunk = [given](transaction const&, std::string_view so_far) { return given->ask("chunk", so_far, accept()); };
    hooks.on_complete = [given](transaction const& mail, std::string_view octets) {
        verdict const all = given->ask("end", octets, accept());
        bool const each = std::any_of(given->all.begin(), given->all.end(), [](rule const& one) { return one.stage == "deliver"; });
        if (!each) return delivery{all};
        std::vector<verdict> outcomes;
        for (recipient const& to : mail.recipients()) outcomes.push_back(given->ask("deliver", to.wire(), all));
        return delivery{std::move(outcomes)};
    };
    hooks.on_auth = [given](std::string_view mechanism, std::optional<std::string_view> response) {
        std::string about{mechanism};
        if (response) about.append(1, ':').append(*response);
        for (auth_rule const& one : given->auth)
            if (matches_glob(one.pattern, about)) return one.given;
        return response ? fail() : continue_with("");
    };
    auto const say = [given](std::string_view stage, std::string_view about) {
        verdict const found = given->ask(stage, about, reject(550, "5.1.1", "Unknown"));
        reply made{found.code(), std::string(found.enhanced()), std::string(found.text())};
        return found.closes() ? std::move(made).then_close() : made;
    };
    hooks.on_tls = [given] { return given->ask("tls", "", accept()); };
    hooks.on_verify = [say](std::string_view argument) { return say("verify", argument); };
    hooks.on_expand = [say](std::string_view argument) { return say("expand", argument); };
    hooks.on_custom = [say](std::string_view verb, std::string_view argument) {
        return say("verb", std::string(verb) + (argument.empty() ? "" : " ") + std::string(argument));
    };
}

/// "@ verb NAME": an extension of a host's own, whose verb may come between transactions.
struct verb_extension final : extension {
    explicit verb_extension(std::string verb) : name(std::move(verb)), list{name} {}
    std::string_view keyword() const noexcept override { return name; }
    std::span<std::string_view const> verbs() const noexcept override { return list; }
    bool verb_allowed(std::string_view, session_state at) const noexcept override { return at == session_state::ready; }
    std::string name;
    std::string_view list[1];
};

/// "@ with KEYWORD [LIMIT]", "@ with all".
void enable(extension_registry& into, words& in) {
    auto const keyword = in.next();
    auto const values = in.rest();
    std::string const value = values.empty() ? std::string{} : values.front();
    auto const seconds = [&] {
        auto const number = parse_decimal<unsigned>(value);
        if (!number) throw script_failure("not a number of seconds: " + value);
        return std::chrono::seconds{*number};
    };
    auto const all = extension_registry::opt_in();
    if (value.empty()) {
        bool found = false;
        for (auto const& one : all.all())
            if (keyword == "all" || one->keyword() == keyword) into.add(one), found = true;
        if (!found) throw script_failure("unknown extension " + keyword);
    } else if (keyword == "DSN" && value == "authenticated") {
        into.add(std::make_shared<extensions::dsn>(extensions::dsn::offered_to::authenticated));
    } else if (keyword == "DELIVERBY") {
        into.add(std::make_shared<extensions::deliver_by>(seconds()));
    } else if (keyword == "FUTURERELEASE") {
        into.add(std::make_shared<extensions::future_release>(seconds()));
    } else if (keyword == "MT-PRIORITY") {
        into.add(std::make_shared<extensions::mt_priority>(value));
    } else {
        throw script_failure("unknown setting of " + keyword);
    }
}

/// What MAIL asked, as M= has it.
std::string described(envelope const& mail) {
    delivery_request const& asked = mail.requests;
    std::string text;
    auto const add = [&](std::string_view name, std::string_view value) {
        text.append(text.empty() ? "" : " ").append(name).append(value);
    };
    if (asked.ret != dsn_return::unsaid) add("RET=", to_string(asked.ret));
    if (!asked.envid.empty()) add("ENVID=", asked.envid);
    if (asked.requiretls) add("REQUIRETLS", "");
    if (asked.by)
        add("BY=", std::to_string(asked.by->seconds) + (asked.by->mode == by_mode::notify ? ";N" : ";R") + (asked.by->trace ? "T" : ""));
    if (asked.hold) {
        std::string when;
        append_timestamp(when, asked.hold->release);
        add(asked.hold->interval ? "HOLDFOR=" : "HOLDUNTIL=", when);
    }
    if (asked.priority)
        add("MT-PRIORITY=", std::to_string(asked.priority->value) + " of " + std::to_string(asked.priority->asked));
    for (auto const& one : mail.unknown_parameters) add("", one);
    return text;
}

/// What one RCPT asked, as M+ has it.
std::string described(recipient_request const& asked) {
    std::string text;
    auto const add = [&](std::string_view name, std::string_view value) {
        text.append(text.empty() ? "" : " ").append(name).append(value);
    };
    if (asked.notify != dsn_notify::unsaid) add("NOTIFY=", to_string(asked.notify));
    if (!asked.original.empty()) add("ORCPT=", asked.original.type + ';' + asked.original.address);
    if (asked.valid_since) {
        std::string when;
        append_timestamp(when, asked.valid_since->when);
        if (asked.valid_since->action != rrvs_action::unsaid) when += asked.valid_since->action == rrvs_action::go_on ? ";C" : ";R";
        add("RRVS=", when);
    }
    for (auto const& one : asked.unknown) add("", one);
    return text;
}

/// @return whether `name` is a setting
bool set(std::string const& name, words& in, script& talk, rules& given, bool& whole_only) {
    session_config& config = talk.config;
    auto const flag = [&](bool& which) { which = true; };
    auto const budget = [&](error_budgets& budgets) {
        auto const which = in.next();
        auto const number = static_cast<unsigned>(in.number());
        std::map<std::string, unsigned*> const known{{"syntax", &budgets.syntax},
                                                     {"sequence", &budgets.sequence},
                                                     {"recipients", &budgets.recipients},
                                                     {"recipients-slow", &budgets.recipients_slow},
                                                     {"junk", &budgets.junk},
                                                     {"auth", &budgets.auth}};
        auto const found = known.find(which);
        if (found == known.end()) throw script_failure("unknown budget " + which);
        *found->second = number;
    };
    auto const number = [&](auto& which) { which = static_cast<std::remove_reference_t<decltype(which)>>(in.number()); };
    if (name == "whole-only") flag(whole_only);
    else if (name == "lmtp") config.dialect = dialect::lmtp;
    else if (name == "hostname") config.hostname = in.next();
    else if (name == "banner") config.banner = in.line();
    else if (name == "max-size") number(config.limits.message_octets);
    else if (name == "max-recipients") number(config.limits.recipients);
    else if (name == "max-recipient-domains") number(config.limits.recipient_domains);
    else if (name == "max-null-sender-recipients") number(config.limits.null_sender_recipients);
    else if (name == "max-messages") number(config.limits.messages);
    else if (name == "max-hops") number(config.limits.hops);
    else if (name == "max-command-line") number(config.limits.command_line_octets);
    else if (name == "max-text-line") number(config.limits.text_line_octets);
    else if (name == "max-header") number(config.limits.header_octets);
    else if (name == "max-header-fields") number(config.limits.header_fields);
    else if (name == "max-drain") number(config.limits.drain_octets);
    else if (name == "in-flight") number(config.limits.recipients_in_flight);
    else if (name == "budget") budget(config.budgets);
    else if (name == "greeting-delay") config.timeouts.greeting_delay = in.seconds();
    else if (name == "least-rate") number(config.timeouts.least_octets_per_second);
    else if (name == "line-endings") {
        auto const which = in.next();
        config.line_endings = which == "refuse"      ? line_ending_policy::refuse
                              : which == "normalise" ? line_ending_policy::normalise
                              : which == "keep"      ? line_ending_policy::keep
                                                     : throw script_failure("unknown policy " + which);
    } else if (name == "unknown-parameters") {
        auto const which = in.next();
        config.unknown = which == "refuse"      ? unknown_parameters::refuse
                         : which == "ignore"    ? unknown_parameters::ignore
                         : which == "hand-over" ? unknown_parameters::hand_over
                                                : throw script_failure("unknown choice " + which);
    } else if (name == "allow") {
        auto const which = in.next();
        if (which == "space-after-colon") config.leniency.space_after_colon = true;
        else if (which == "missing-brackets") config.leniency.missing_brackets = true;
        else if (which == "bare-lf-in-commands") config.leniency.bare_lf_in_commands = true;
        else throw script_failure("unknown leniency " + which);
    } else if (name == "forbid") {
        auto const which = in.next();
        if (which == "trailing-space") config.leniency.trailing_space = false;
        else if (which == "underscore-in-hello-name") config.leniency.underscore_in_hello_name = false;
        else throw script_failure("unknown leniency " + which);
    } else if (name == "with") enable(config.extensions, in);
    else if (name == "verb") config.extensions.add(std::make_shared<verb_extension>(in.next()));
    else if (name == "without") config.extensions.remove(in.next());
    else if (name == "refuse-nul") flag(config.refuse_nul);
    else if (name == "strict-eight-bit") flag(config.strict_eight_bit);
    else if (name == "refuse-talking-ahead") flag(config.refuse_talking_ahead);
    else if (name == "hold-headers") flag(config.hold_headers);
    else if (name == "require-authentication") flag(config.require_authentication);
    else if (name == "starttls") config.extensions.add(std::make_shared<extensions::starttls>());
    else if (name == "require-tls") flag(config.require_tls);
    else if (name == "tls-first") flag(config.tls_first);
    else if (name == "id-in-refusals") flag(config.id_in_refusals);
    else if (name == "answer-verify") flag(config.answer_verify);
    else if (name == "answer-expand") flag(config.answer_expand);
    else if (name == "user") {
        auto const user = in.next();
        auto const make = talk.make_info;
        talk.make_info = [make, user] {
            auto info = make();
            info.set_user(user);
            return info;
        };
    } else if (name == "secure") {
        auto const make = talk.make_info;
        talk.make_info = [make] {
            auto info = make();
            info.set_tls({.protocol = "TLSv1.3", .cipher = "TLS_AES_256_GCM_SHA384"});
            return info;
        };
    } else if (name == "trust-xclient" || name == "trust-xforward") {
        network_set trusted;
        for (auto const& network : in.rest())
            if (!trusted.add(network)) throw script_failure("no network: " + network);
        if (name == "trust-xclient") config.extensions.add(std::make_shared<extensions::xclient>(trusted));
        else config.extensions.add(std::make_shared<extensions::xforward>(trusted));
    } else if (name == "trust-xclient-login") {
        flag(config.trusted_xclient_login);
    } else if (name == "client") {
        auto const address = ip_address::parse(in.next());
        if (!address) throw script_failure("no address");
        auto const source = in.next();
        std::map<std::string, address_source> const known{{"socket", address_source::socket}, {"proxy", address_source::proxy},
                                                          {"local", address_source::local}, {"direct", address_source::direct},
                                                          {"health-check", address_source::health_check}};
        auto const found = known.find(source);
        if (found == known.end()) throw script_failure("unknown source " + source);
        auto const make = talk.make_info;
        talk.make_info = [make, address, from = found->second] {
            auto info = make();
            info.set_client({*address, 40'000}, from);
            return info;
        };
    } else if (name == "recipients") {
        given.any_recipient = false;
        given.recipients = in.rest();
    } else if (name == "auth") {
        bool const clear = talk.config.extensions.find("AUTH") != nullptr;  // "@ auth-without-tls" came before
        auto const names = in.rest();
        auto const offers = [names](session_info const& client) {
            mechanisms offered = names;
            if (!client.tls_is_the_clients()) std::erase(offered, "EXTERNAL");
            return offered;
        };
        talk.config.extensions.add(std::make_shared<extensions::auth>(offers, clear));
    } else if (name == "auth-without-tls") {
        config.extensions.add(std::make_shared<extensions::auth>([](session_info const&) { return mechanisms{}; }, true));
    } else if (name == "max-auth-line") number(config.limits.auth_line_octets);
    else if (name == "tls") {
        auto const make = talk.make_info;
        talk.make_info = [make] {
            auto info = make();
            info.set_tls(tls_info{"TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519"});
            return info;
        };
    } else if (name == "answer") {
        rule one{in.next(), unescaped(in.next()), {}};
        if (one.stage == "auth") {
            given.auth.push_back({std::move(one.pattern), make_auth_step(in)});
            return true;
        }
        one.given = make_verdict(in);
        given.all.push_back(std::move(one));
    } else {
        return false;
    }
    in.end();
    return true;
}

/// @return whether `name` is something that happens
bool happen(std::string const& name, words& in, script& talk) {
    if (name == "after") talk.after(in.seconds());
    else if (name == "handshake-done") talk.handshake_done();
    else if (name == "handshake-fails") talk.handshake_failed();
    else if (name == "client-closes") talk.input_closed();
    else if (name == "connection-lost") talk.connection_lost();
    else if (name == "stop") talk.stop();
    else if (name == "stop-now") talk.stop_now();
    else return false;
    in.end();
    return true;
}

/// What the M-lines of one place say of the last message.
struct wanted_message {
    std::optional<std::string> sender{};
    std::vector<std::string> recipients{};
    std::optional<std::string> asked{};           ///< M=
    std::vector<std::string> recipients_asked{};  ///< M+
    std::optional<std::string> octets{};
};

void check_message(session_host const& host, wanted_message const& want) {
    expect_that(!host.messages().empty(), "no message was accepted");
    taken_message const& got = host.messages().back();
    if (want.sender) expect_that(got.mail.reverse_path == *want.sender, "the sender is " + visible(got.mail.reverse_path));
    if (!want.recipients.empty()) {
        std::vector<std::string> names;
        std::string all;
        for (auto const& to : got.mail.recipients) {
            names.push_back(to.address);
            all += " " + to.address;
        }
        expect_that(names == want.recipients, "the recipients are" + visible(all));
    }
    if (want.asked) expect_that(described(got.mail) == *want.asked, "MAIL asked " + visible(described(got.mail)));
    for (std::size_t i = 0; i < want.recipients_asked.size(); ++i) {
        expect_that(i < got.mail.recipients.size(), "more M+ lines than recipients");
        auto const asked = described(got.mail.recipients[i].requests);
        expect_that(asked == want.recipients_asked[i], "recipient " + std::to_string(i + 1) + " asked " + visible(asked));
    }
    if (want.octets && got.octets != *want.octets)
        throw script_failure("the message is\n    " + visible(got.octets.substr(0, 2000)) + "\nnot\n    " + visible(want.octets->substr(0, 2000)));
}

}  // namespace conversation_reader

conversation conversation::parse(std::string_view text, std::string name) {
    using namespace conversation_reader;
    conversation made;
    made.name_ = std::move(name);
    script& talk = *made.talk_;
    auto const given = std::make_shared<rules>();
    std::optional<wanted_message> want;
    bool begun = false;
    std::size_t number = 0;

    auto const settle_message = [&] {
        if (!want) return;
        talk.check([wanted = *want](session_host const& host) { check_message(host, wanted); });
        want.reset();
    };
    try {
        while (!text.empty()) {
            ++number;
            auto const end = std::min(text.find('\n'), text.size());
            std::string_view const line = text.substr(0, end);
            text.remove_prefix(std::min(end + 1, text.size()));
            if (line.empty() || line[0] == '#') continue;
            std::string_view const mark = line.substr(0, 2);
            std::string_view const rest = line.size() > 3 ? line.substr(3) : std::string_view{};
            if (line.size() > 2 && line[2] != ' ' && mark != "@ ") throw script_failure("expected a space behind " + std::string(mark));
            if (mark != "M<" && mark != "M>" && mark != "M=" && mark != "M+" && mark != "M|" && mark != "M-") settle_message();
            if (mark == "@ ") {
                words in{line.substr(2)};
                auto const what = in.next();
                if (!begun && set(what, in, talk, *given, made.whole_only_)) continue;
                if (!happen(what, in, talk)) throw script_failure("unknown or too late: @ " + what);
            } else if (mark == "C:") {
                talk.octets(unescaped(rest) + "\r\n");
            } else if (mark == "C-") {
                talk.octets(unescaped(rest));
            } else if (mark == "S:") {
                if (rest == "(closed)") talk.closed();
                else talk.server_line(rest);
            } else if (mark == "S=") {
                talk.server(rest);
            } else if (mark == "M:") {
                talk.messages(rest == "none" ? 0 : std::stoul(std::string(rest)));
            } else if (mark == "M<" || mark == "M>" || mark == "M=" || mark == "M+" || mark == "M|" || mark == "M-") {
                if (!want) want.emplace();
                if (mark == "M<") want->sender = std::string(rest);
                else if (mark == "M>") want->recipients.emplace_back(rest);
                else if (mark == "M=") want->asked = unescaped(rest);
                else if (mark == "M+") want->recipients_asked.push_back(unescaped(rest));
                else want->octets = want->octets.value_or("") + unescaped(rest) + (mark == "M|" ? "\r\n" : "");
            } else {
                throw script_failure("expected #, @, C:, C-, S: or M");
            }
            begun = true;
        }
        settle_message();
    } catch (std::exception const& e) {
        throw script_failure(made.name_ + ":" + std::to_string(number) + ": " + e.what());
    }
    install(talk, given);
    return made;
}

conversation conversation::read(std::filesystem::path const& file) {
    std::ifstream in{file, std::ios::binary};
    if (!in) throw script_failure(file.string() + ": cannot be read");
    std::string const text{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
    return parse(text, file.string());
}

void conversation::run() const {
    try {
        if (whole_only_) return talk_->run_whole();
        talk_->run_every_way();
    } catch (script_failure const& e) {
        throw script_failure(name_ + ": " + e.what());
    }
}

std::vector<std::filesystem::path> conversation_files(std::filesystem::path const& folder) {
    std::vector<std::filesystem::path> found;
    for (auto const& one : std::filesystem::recursive_directory_iterator(folder))
        if (one.is_regular_file() && one.path().extension() == ".smtp") found.push_back(one.path());
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace mailquay_test
