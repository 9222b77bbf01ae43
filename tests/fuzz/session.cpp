// A session gives the same replies, events and messages however its input is cut and however late the host answers, and
// keeps what it promises at every step (`session_host` checks that).

#include <mailquay/session/extensions/xclient.hpp>
#include <mailquay/session/extensions/xforward.hpp>

#include "support/session_host.hpp"

#include <mailquay/session/extensions/prdr.hpp>

#include <mailquay/session/extensions/starttls.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace fuzz_session {

using namespace mailquay_test;

/// Octets of the input that steer the run.
class steering {
public:
    explicit steering(std::string_view& input) : input_(input) {}
    unsigned next() {
        if (input_.empty()) return 0;
        auto const value = static_cast<unsigned char>(input_.front());
        input_.remove_prefix(1);
        return value;
    }

private:
    std::string_view& input_;
};

session_config make_config(unsigned first, unsigned second) {
    session_config config;
    config.hostname = "mx.example.org";
    config.extensions = extension_registry::standard();
    config.extensions.add(std::make_shared<extensions::prdr>());
    config.extensions.add(std::make_shared<extensions::starttls>());
    if (first & 1) config.dialect = dialect::lmtp;
    config.line_endings = static_cast<line_ending_policy>((first >> 1) % 3);
    config.leniency.space_after_colon = config.leniency.missing_brackets = (first & 8) != 0;
    config.hold_headers = (first & 16) != 0;
    if (first & 32) config.limits.recipients_in_flight = 3;
    if (first & 64) config.limits.message_octets = 60;
    config.id_in_refusals = (first & 128) != 0;
    if (second & 1) config.limits.recipients = 2;
    if (second & 2) config.limits.command_line_octets = 40;
    if (second & 4) config.limits.text_line_octets = 12;
    config.refuse_nul = (second & 8) != 0;
    config.strict_eight_bit = (second & 16) != 0;
    if (second & 32) {
        config.budgets = {3, 3, 2, 4, 5, 4};
        config.limits.messages = 2;
    }
    if (second & 64) {
        config.answer_verify = config.answer_expand = true;
        config.unknown = unknown_parameters::hand_over;
        for (auto const& one : extension_registry::opt_in().all()) config.extensions.add(one);
    }
    if (second & 128) {
        config.limits.hops = 2;
        config.limits.header_fields = 4;
        config.limits.header_octets = 64;
    }
    return config;
}

/// Says no to what the octets of an address or a message ask for, so that it does not depend on how they came.
host_hooks make_hooks() {
    host_hooks hooks;
    auto const judge = [](std::string_view text) {
        if (text.find("no") != std::string_view::npos) return reject(550, "5.1.1", "No such user\n" + std::string(text));
        if (text.find("later") != std::string_view::npos) return defer().after(std::chrono::seconds{2});
        if (text.find("bye") != std::string_view::npos) return reject().then_close();
        if (text.find("slow") != std::string_view::npos) return accept().after(std::chrono::milliseconds{1500});
        return accept();
    };
    hooks.on_hello = judge;
    hooks.on_peer = [judge](session_info const& client) { return judge(client.verified_ptr()); };
    hooks.on_mail = [judge](transaction const& mail) { return judge(mail.reverse_path().wire); };
    hooks.on_recipient = [judge](transaction const&, recipient const& to) {
        auto given = judge(to.wire());
        return given.accepts() ? given.mailbox("box") : given;
    };
    hooks.on_started = [judge](transaction const& mail) {
        return mail.recipients().size() == 2 ? judge(mail.recipients()[1].domain()) : accept();
    };
    hooks.on_headers = [judge](transaction const&, std::string_view header) {
        auto const given = judge(header.substr(0, 12));
        // A fault of the message that is seen first spares it the question, so this one may neither close nor wait.
        return given.refuses() ? reject() : accept();
    };
    hooks.on_complete = [judge](transaction const& mail, std::string_view octets) {
        if (octets.find("each") == std::string_view::npos) return delivery{judge(octets)};
        std::vector<verdict> each;
        for (recipient const& to : mail.recipients()) each.push_back(judge(to.local_part()));
        return delivery{std::move(each)};
    };
    return hooks;
}

/// Whether a line may hold a command after which a client must wait (RFC 2920 §3.1). It may begin anywhere: behind the octets of a
/// chunk.
bool may_end_group(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i) {
        std::string_view const word = line.substr(i);
        for (std::size_t size : {4u, 7u, 8u})
            if (word.size() >= size && ends_group(parse_verb(word.substr(0, size)))) return true;
    }
    return false;
}

/// Cut behind each line that may end a group, wherever it stands and whatever is wrong with it.
std::vector<std::string_view> groups(std::string_view input) {
    std::vector<std::string_view> found;
    std::size_t group_start = 0;
    std::size_t line_start = 0;
    while (line_start < input.size()) {
        std::size_t const end = input.find("\r\n", line_start);
        if (end == std::string_view::npos) break;
        std::string_view const line = input.substr(line_start, end - line_start);
        line_start = end + 2;
        if (!may_end_group(line)) continue;
        found.push_back(input.substr(group_start, line_start - group_start));
        group_start = line_start;
    }
    if (group_start < input.size()) found.push_back(input.substr(group_start));
    return found;
}

void play(session_host& host, std::string_view input, unsigned seed, bool cut, unsigned end) {
    host.connect();
    std::uint32_t state = seed * 2654435761u + 1u;
    for (std::string_view group : groups(input)) {
        if (!host.over() && host.talk().securing()) host.handshake_done({.protocol = "TLSv1.3"});
        while (cut && !group.empty()) {
            state = state * 1664525u + 1013904223u;
            std::size_t const piece = 1 + (state >> 24) % (seed % 3 == 0 ? 1u : seed % 3 == 1 ? 7u : 64u);
            host.send(group.substr(0, piece));
            group.remove_prefix(std::min(piece, group.size()));
        }
        host.send(group);
    }
    if (!host.over()) switch (end % 4) {
        case 0: host.close_input(); break;
        case 1: host.lose(); break;
        case 2: host.stop_now(); break;
        case 3: host.wait(std::chrono::seconds{310}); break;
    }
    host.check_end();
}

void run(std::string_view input) {
    steering steer{input};
    unsigned const first = steer.next();
    unsigned const second = steer.next();
    unsigned const seed = steer.next();
    unsigned const way = steer.next();
    session_config config = make_config(first, second);
    if (way & 64) {
        config.extensions.add(std::make_shared<extensions::xclient>(network_set{"192.0.2.0/24"}));
        config.extensions.add(std::make_shared<extensions::xforward>(network_set{"0.0.0.0/0", "::/0"}));
        config.trusted_xclient_login = (way & 128) != 0;
    }
    session_info const client{ip_endpoint{ip_address::from_v4({192, 0, 2, 1}), 4321}, {}};
    host_hooks const hooks = make_hooks();

    session_host whole{config, hooks, manner{}, client.begun_anew()};
    play(whole, input, 0, false, way);
    manner const how{way >> 2 & 3, (way & 16) != 0, (way & 32) != 0};
    session_host other{config, hooks, how, client.begun_anew()};
    play(other, input, seed, true, way);
    auto const expect_same = [&](bool same, char const* what) {
        if (same) return;
        auto const told = [](session_host const& host) {
            std::string text = "\n";
            for (auto const& one : host.events()) text.append("[").append(visible(one)).append("] ");
            return text + "\n" + visible(host.output());
        };
        throw script_failure(std::string(what) + " differ\nwhole:" + told(whole) + "\nother:" + told(other));
    };
    expect_same(whole.output() == other.output(), "replies");
    expect_same(whole.closed_as() == other.closed_as(), "reasons of the end");
    expect_same(whole.messages().size() == other.messages().size(), "numbers of messages");
    for (std::size_t i = 0; i < whole.messages().size(); ++i)
        expect_same(whole.messages()[i].octets == other.messages()[i].octets, "messages");
    // Whether a fault is seen before the held header is shown depends on how the octets came.
    auto const events = [](session_host const& host) {
        auto all = host.events();
        std::erase(all, "headers_complete");
        return all;
    };
    if (config.limits.recipients_in_flight == 1) expect_same(events(whole) == events(other), "events");

    // One question is overtaken by something else.
    session_host third{config, hooks, manner{1, (way & 16) != 0}, client.begun_anew()};
    third.interrupt = static_cast<interruption>(1 + (seed >> 5) % 4);
    third.interrupt_at = seed % 32;
    play(third, input, 0, false, way);
    expect_that(third.messages().size() <= whole.messages().size() + 1, "more messages than without an interruption");
}

}  // namespace fuzz_session

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    try {
        fuzz_session::run({reinterpret_cast<char const*>(data), size});
    } catch (mailquay_test::script_failure const& e) {
        std::fprintf(stderr, "%s\n", e.what());
        std::abort();
    }
    return 0;
}
