// AUTH gives the same replies, events and users however the input is cut and however late the mechanism answers; and what a
// session promises of an exchange holds at every step (`session_host` checks that).

#include <mailquay/session/extensions/auth.hpp>

#include "support/session_host.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <tuple>

namespace fuzz_auth {

using namespace mailquay_test;

session_config make_config(unsigned choices) {
    session_config config;
    config.hostname = "mx.example.org";
    config.extensions = extension_registry::standard();
    auto const offers = [](session_info const& client) { return client.secure() ? mechanisms{"PLAIN", "LOGIN"} : mechanisms{"LOGIN"}; };
    config.extensions.add(std::make_shared<extensions::auth>(offers, (choices & 1) == 0));
    config.require_authentication = (choices & 2) != 0;
    if (choices & 4) config.limits.command_line_octets = 40;
    if (choices & 8) config.limits.auth_line_octets = 60;
    if (choices & 16) config.budgets = {3, 3, 2, 4, 2, 4};
    config.leniency.bare_lf_in_commands = (choices & 32) != 0;
    return config;
}

session_info make_info(unsigned choices) {
    session_info made;
    if (choices & 64) made.set_tls(tls_info{"TLSv1.3"});
    return made;
}

/// Says what the response asks for.
host_hooks make_hooks() {
    host_hooks hooks;
    hooks.on_auth = [](std::string_view mechanism, std::optional<std::string_view> response) {
        if (!response) return mechanism == "LOGIN" ? continue_with("Username:") : continue_with("");
        if (response->empty()) return fail(auth_problem::malformed);
        switch (static_cast<unsigned char>(response->front()) % 8) {
            case 0: return succeed(std::string(*response));
            case 1: return continue_with(std::string(*response));
            case 2: return succeed("alice", "last");
            case 3: return fail();
            case 4: return fail(auth_problem::unavailable);
            case 5: return continue_with("");
            default: return fail(static_cast<auth_problem>(response->size() % 8));
        }
    };
    return hooks;
}

void play(session_host& host, std::string_view input, unsigned seed, bool cut, bool bare_lf) {
    host.connect();
    std::string_view const line_end = bare_lf ? "\n" : "\r\n";
    std::uint32_t state = seed * 2654435761u + 1u;
    // Line by line, as a client that waits: what lies behind a refused DATA makes a difference by design.
    while (!input.empty()) {
        std::size_t const end = input.find(line_end);
        std::string_view line = input.substr(0, end == std::string_view::npos ? input.size() : end + line_end.size());
        input.remove_prefix(line.size());
        while (cut && !line.empty()) {
            state = state * 1664525u + 1013904223u;
            std::size_t const piece = 1 + (state >> 24) % (seed % 2 == 0 ? 1u : 9u);
            host.send(line.substr(0, piece));
            line.remove_prefix(std::min(piece, line.size()));
        }
        host.send(line);
    }
    if (!host.over()) host.close_input();
    host.check_end();
}

void run(std::string_view input) {
    unsigned char steer[3] = {};
    for (unsigned char& one : steer) {
        if (input.empty()) break;
        one = static_cast<unsigned char>(input.front());
        input.remove_prefix(1);
    }
    auto const [choices, seed, way] = std::tuple{unsigned{steer[0]}, unsigned{steer[1]}, unsigned{steer[2]}};
    session_config const config = make_config(choices);
    host_hooks const hooks = make_hooks();
    bool const bare_lf = config.leniency.bare_lf_in_commands;

    session_host whole{config, hooks, manner{}, make_info(choices)};
    play(whole, input, 0, false, bare_lf);
    session_host other{config, hooks, manner{way & 3, (way & 4) != 0}, make_info(choices)};
    play(other, input, seed, true, bare_lf);
    expect_that(whole.output() == other.output(), "replies differ\n" + visible(whole.output()) + "\n--\n" + visible(other.output()));
    expect_that(whole.events() == other.events(), "events differ");
    expect_that(whole.talk().info().user() == other.talk().info().user(), "users differ");

    // One question is overtaken by something else.
    session_host third{config, hooks, manner{1, (way & 4) != 0}, make_info(choices)};
    third.interrupt = static_cast<interruption>(1 + (way >> 3) % 4);
    third.interrupt_at = seed % 8;
    play(third, input, 0, false, bare_lf);
}

}  // namespace fuzz_auth

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    try {
        fuzz_auth::run({reinterpret_cast<char const*>(data), size});
    } catch (mailquay_test::script_failure const& e) {
        std::fprintf(stderr, "%s\n", e.what());
        std::abort();
    }
    return 0;
}
