// Whatever a client says without knowing a password, in any mechanism: nobody gets in, and every exchange ends.

#include <mailquay/sasl/guarded.hpp>
#include <mailquay/sasl/mechanisms.hpp>
#include <mailquay/sasl/user_table.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

namespace fuzz_sasl_exchange {

using namespace mailquay;

// A verifier whose keys are no digest of anything known, and cost nothing to try.
sasl::mechanisms make() {
    sasl::user_table users;
    std::string const key20 = "AAECAwQFBgcICQoLDA0ODxAREhM=", key32 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    users.add_hashed("alice", "SCRAM-SHA-1$4096:c2FsdA==$" + key20 + ":" + key20);
    users.add_hashed("alice", "SCRAM-SHA-256$4096:c2FsdA==$" + key32 + ":" + key32);
    sasl::mechanism_settings settings;
    settings.salt_key = std::string(32, 'k');
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

}  // namespace fuzz_sasl_exchange

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_sasl_exchange;
    static sasl::mechanisms all = make();
    static session_info const client = make_client();
    static mailquay::mechanisms const names = all.offered(client);
    if (size == 0) return 0;
    std::string_view rest{reinterpret_cast<char const*>(data) + 1, size - 1};
    auto const exchange = all.begin(names[data[0] % names.size()], client);
    if (!exchange) std::abort();
    // Responses are parted by an octet that none of them may hold.
    for (int steps = 0;; ++steps) {
        if (steps > 8) return 0;
        std::string const response{rest.substr(0, rest.find('\xff'))};
        auto answered = exchange->next(secret_view{std::string_view{response}});
        if (!answered.ready()) std::abort();
        auth_step const step = std::move(answered).value();
        if (std::holds_alternative<auth_success>(step)) std::abort();
        if (std::holds_alternative<auth_failure>(step) || response.size() >= rest.size()) return 0;
        rest.remove_prefix(response.size() + 1);
    }
}
