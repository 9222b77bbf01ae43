// Whatever a client says without knowing a password, in any mechanism, guarded or not: nobody gets in, and every exchange ends.
//
// An input is a few exchanges, parted by FD; each an octet for the mechanism and responses, parted by FF. In them FC alone stands
// for no initial response, and FE for the nonce of the server's last message: nobody would guess that one.

#include <mailquay/base/random.hpp>
#include <mailquay/sasl/guarded.hpp>
#include <mailquay/sasl/mechanisms.hpp>
#include <mailquay/sasl/user_table.hpp>
#include <mailquay/server/memory_store.hpp>

#include "support/run_eventual.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace fuzz_sasl_exchange {

using namespace mailquay;

// The number of each stands in the seeds.
constexpr char const* names[] = {"EXTERNAL",    "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1",        "OAUTHBEARER",
                                 "XOAUTH2",     "PLAIN",              "LOGIN",            "CRAM-MD5",      "SCRAM-SHA-512-PLUS", "SCRAM-SHA-512"};
constexpr unsigned char through_guard = 0x40;

// Verifiers whose keys are no digest of anything known, and cost nothing to try; and a password that no input holds.
sasl::mechanisms make() {
    sasl::user_table users;
    std::string const key20 = "AAECAwQFBgcICQoLDA0ODxAREhM=", key32 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    std::string const key64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";
    users.add_hashed("alice", "SCRAM-SHA-1$4096:c2FsdA==$" + key20 + ":" + key20);
    users.add_hashed("alice", "SCRAM-SHA-256$4096:c2FsdA==$" + key32 + ":" + key32);
    users.add_hashed("alice", "SCRAM-SHA-512$4096:c2FsdA==$" + key64 + ":" + key64);
    users.add("alice", secret_view{std::to_string(random_u64()) + std::to_string(random_u64())});
    sasl::mechanism_settings settings;
    settings.salt_key = std::string(32, 'k');
    settings.cram_md5 = true;
    sasl::mechanisms all{users, settings};
    all.bearer_tokens([](sasl::token_request) -> eventual<result<std::optional<std::string>>> {
        return result<std::optional<std::string>>{std::optional<std::string>{}};
    });
    all.certificates([](tls_info const&) { return std::optional<std::string>{}; });
    return all;
}

session_info make_client() {
    tls_info facts;
    facts.channel_binding_exporter = std::string(32, 'e');
    facts.client_verified = true;
    session_info client{ip_endpoint{*ip_address::parse("192.0.2.7"), 25}, ip_endpoint{}};
    client.set_tls(std::move(facts));
    return client;
}

/// Takes what stands before the next `mark` from `rest`, and the mark.
std::string_view take(std::string_view& rest, char mark) {
    std::string_view const part = rest.substr(0, rest.find(mark));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    return part;
}

std::string nonce_of(std::string const& challenge) {
    return challenge.starts_with("r=") ? challenge.substr(2, challenge.find(',') - 2) : std::string{};
}

void converse(auth_exchange& server, std::string_view text, asio::io_context& io) {
    std::string nonce;
    for (int steps = 0; steps < 8; ++steps) {
        bool const last = text.find('\xff') == std::string_view::npos;
        std::string_view const part = take(text, '\xff');
        std::string response;
        for (char const c : part) c == '\xfe' ? response += nonce : response += c;
        secret_view const given = steps == 0 && part == "\xfc" ? secret_view{} : secret_view{std::string_view{response}};
        auth_step const step = mailquay_test::run(io, server.next(given));
        if (std::holds_alternative<auth_success>(step)) std::abort();
        if (std::holds_alternative<auth_failure>(step) || last) return;
        auto const& more = std::get<auth_continue>(step);
        nonce = nonce_of(more.challenge);
    }
}

}  // namespace fuzz_sasl_exchange

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_sasl_exchange;
    static sasl::mechanisms all = make();
    static session_info const client = make_client();
    static asio::io_context io;
    sasl::guard_limits few;
    few.per_client = 3;
    few.per_user_and_network = 2;
    few.per_user = 2;
    sasl::guarded guarded{std::ref(all), std::make_shared<memory_store>(), few};

    std::string_view rest{reinterpret_cast<char const*>(data), size};
    for (int exchanges = 0; exchanges < 8 && !rest.empty(); ++exchanges) {
        std::string_view const text = take(rest, '\xfd');
        if (text.empty()) continue;
        auto const which = static_cast<unsigned char>(text[0]);
        authenticator& asked = which & through_guard ? static_cast<authenticator&>(guarded) : all;
        auto const exchange = asked.begin(names[(which & ~through_guard) % std::size(names)], client);
        if (!exchange) std::abort();
        converse(*exchange, text.substr(1), io);
    }
    return 0;
}
