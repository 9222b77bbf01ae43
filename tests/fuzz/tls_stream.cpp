// A server's TLS stream takes any octets in place of a handshake, and of records after one: it ends in the same state however
// they are cut, owes no more than its bound, and gives plain text only once it is established.

#include <mailquay/tls/context.hpp>

#include "support/certificates.hpp"
#include "support/tls_client.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace fuzz_tls_stream {

using namespace mailquay;
using namespace mailquay_test;

void expect(bool holds, char const* what) {
    if (holds) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

tls::context& context() {
    static tls::context made = [] {
        auto const one = make_certificate();
        return tls::context{{.certificates = {{.chain_pem = one.chain, .key_pem = one.key}}}};
    }();
    return made;
}

struct outcome {
    tls_stream::state state;
    std::string plain;
    std::error_code failure;

    bool operator==(outcome const&) const = default;
};

/// Gives `input` to the stream in pieces, as a handshake and then as records.
outcome play(tls_stream& server, std::string_view input, std::size_t piece) {
    outcome made{server.current(), {}, {}};
    std::size_t owed = 0;
    std::array<char, 64> room;
    while (!input.empty()) {
        std::string_view const part = input.substr(0, piece);
        input.remove_prefix(part.size());
        if (server.wants_input()) server.lend(part);
        if (server.current() == tls_stream::state::handshake) {
            auto const now = server.handshake();
            if (!now && !made.failure) made.failure = now.error();
            auto const plain = server.read(room);
            if (server.current() == tls_stream::state::handshake) expect(plain && *plain == 0, "plain text before the handshake is complete");
        }
        while (server.current() == tls_stream::state::established) {
            auto const got = server.read(room);
            if (!got) {
                made.failure = got.error();
                break;
            }
            if (*got == 0) break;
            made.plain.append(room.data(), *got);
        }
        if (!server.wants_input()) server.keep_rest();
        owed += output_of(server).size();
        if (server.current() == tls_stream::state::failed || server.current() == tls_stream::state::closed) break;
    }
    expect(owed < 1024 * 1024, "more output than any handshake has");
    server.close_notify();
    output_of(server);
    expect(!server.has_output(), "output is left after all was taken");
    server.input_closed();
    made.state = server.current();
    return made;
}

void run(std::string_view input) {
    if (input.empty()) return;
    unsigned const steer = static_cast<unsigned char>(input.front());
    input.remove_prefix(1);
    std::size_t const piece = 1 + (steer >> 1) % 40;

    if ((steer & 1) == 0) {
        auto whole = context().accept(session_info{});
        auto cut = context().accept(session_info{});
        outcome const one = play(*whole, input, ~std::size_t{0});
        outcome const other = play(*cut, input, piece);
        expect(one == other, "the outcome depends on how the octets were cut");
        return;
    }
    // Behind a true handshake: none of these octets is a record with a true tag.
    auto server = context().accept(session_info{});
    tls_client client;
    auto const shaken = shake_hands(*server, client);
    expect(shaken && *shaken == tls_stream::state::established, "the true handshake fails");
    outcome const made = play(*server, input, piece);
    expect(made.plain.empty(), "plain text out of forged records");
}

}  // namespace fuzz_tls_stream

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz_tls_stream::run({reinterpret_cast<char const*>(data), size});
    return 0;
}
