// A message sent by BDAT is what was sent, refused or repaired by the rule, whether it comes as one chunk or as many, whole or in
// pieces.

#include "support/session_host.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace fuzz_bdat {

using namespace mailquay_test;

/// What must become of the octets; nothing: refused.
std::optional<std::string> by_the_rule(std::string_view octets, line_ending_policy policy, bool binary) {
    if (binary || policy == line_ending_policy::keep) return std::string(octets);
    std::string repaired;
    bool bare = false;
    for (std::size_t i = 0; i < octets.size(); ++i) {
        bool const crlf = octets[i] == '\r' && i + 1 < octets.size() && octets[i + 1] == '\n';
        bool const line_end = octets[i] == '\r' || octets[i] == '\n';
        bare = bare || (line_end && !crlf);
        repaired += line_end ? "\r\n" : std::string(1, octets[i]);
        if (crlf) ++i;
    }
    if (bare && policy == line_ending_policy::refuse) return std::nullopt;
    return repaired;
}

/// The message in chunks of these sizes, each at least 1; the last, perhaps empty, is LAST.
std::string chunks(std::string_view octets, std::string_view sizes) {
    std::string sent;
    for (char const c : sizes) {
        std::size_t const size = std::min<std::size_t>(1 + static_cast<unsigned char>(c) % 100u, octets.size());
        if (size == 0) break;
        sent.append("BDAT ").append(std::to_string(size)).append("\r\n").append(octets.substr(0, size));
        octets.remove_prefix(size);
    }
    return sent.append("BDAT ").append(std::to_string(octets.size())).append(" LAST\r\n").append(octets);
}

void check(session_config const& config, manner how, std::string_view sent, std::size_t piece, bool binary,
           std::optional<std::string> const& wanted) {
    host_hooks const hooks;
    session_host host{config, hooks, how};
    host.connect();
    host.send("EHLO c\r\n");
    std::string const envelope = std::string("MAIL FROM:<a@b.example>") + (binary ? " BODY=BINARYMIME" : "") + "\r\nRCPT TO:<c@d.example>\r\n";
    std::string const all = envelope + std::string(sent) + "NOOP\r\n";
    for (std::size_t at = 0; at < all.size(); at += piece) host.send(std::string_view{all}.substr(at, piece));
    expect_that(!host.over(), "the session ended");
    expect_that(host.output().ends_with("250 2.0.0 OK\r\n"), "the command behind the message was not answered");
    expect_that(host.messages().size() == (wanted ? 1u : 0u), wanted ? "refused" : "accepted");
    if (wanted) expect_that(host.messages()[0].octets == *wanted, "another message: " + visible(host.messages()[0].octets));
    if (!wanted) expect_that(host.output().find("550 5.6.11") != std::string::npos, "refused for another reason");
    host.lose();
    host.check_end();
}

void run(std::string_view input) {
    if (input.size() < 3) return;
    auto const steer = static_cast<unsigned char>(input[0]);
    auto const piece = 1 + static_cast<unsigned char>(input[1]) % 90u;
    std::size_t const count = std::min<std::size_t>(static_cast<unsigned char>(input[2]) % 8u, input.size() - 3);
    auto const sizes = input.substr(3, count);
    auto const octets = input.substr(3 + count);

    session_config config;
    config.hostname = "mx.example.org";
    config.extensions = extension_registry::standard();
    config.line_endings = static_cast<line_ending_policy>(steer % 3);
    config.hold_headers = (steer & 4) != 0;
    config.limits.hops = config.limits.header_fields = 1'000'000;
    config.limits.header_octets = 64 * 1024 * 1024;
    bool const binary = (steer & 8) != 0;
    manner const how{steer >> 4 & 3u, (steer & 64) != 0};

    auto const wanted = by_the_rule(octets, config.line_endings, binary);
    check(config, manner{}, chunks(octets, {}), 1'000'000, binary, wanted);
    check(config, manner{}, chunks(octets, sizes), 1'000'000, binary, wanted);
    check(config, how, chunks(octets, sizes), piece, binary, wanted);
}

}  // namespace fuzz_bdat

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    try {
        fuzz_bdat::run({reinterpret_cast<char const*>(data), size});
    } catch (mailquay_test::script_failure const& e) {
        std::fprintf(stderr, "%s\n", e.what());
        std::abort();
    }
    return 0;
}
