#include <mailquay/sasl/host_credentials.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"
#include "support/sasl_client.hpp"

#include <mailquay/sasl/mechanisms.hpp>

namespace test_sasl_host_credentials {

using namespace mailquay;
using namespace mailquay_test;

TEST_CASE("a function that checks passwords makes PLAIN and LOGIN work", "[sasl][host]") {
    sasl::mechanisms all{sasl::checked_by{[](std::string user, secret password) -> eventual<result<bool>> {
        if (user == "away") return result<bool>{std::make_error_code(std::errc::timed_out)};
        return later<result<bool>>(user == "alice" && password.reveal() == "wonderland");
    }}};
    auto const client = tls_client();
    CHECK(all.offered(client) == mailquay::mechanisms{"PLAIN", "LOGIN"});
    CHECK(say(*all.begin("PLAIN", client), plain("alice", "wonderland")) == success("alice"));
    CHECK(say(*all.begin("PLAIN", client), plain("alice", "x")) == denied);
    CHECK(say(*all.begin("PLAIN", client), plain("away", "x")) == temporary);
}

TEST_CASE("a function that looks users up makes SCRAM work too", "[sasl][host]") {
    sasl::credential_forms forms;
    forms.scram[1] = true;
    forms.scram_iterations[1] = 5000;
    using found = result<std::shared_ptr<sasl::credentials const>>;
    sasl::mechanisms all{sasl::looked_up_by{forms, [](std::string user) -> eventual<found> {
        if (user != "alice") return found{nullptr};
        auto const kept = std::make_shared<sasl::credentials>();
        kept->verifiers.push_back(sasl::make_scram_verifier(sasl::scram_hash::sha256, secret_view{"wonderland"}, "salt", 5000));
        return later<found>(std::shared_ptr<sasl::credentials const>{kept});
    }}};
    auto const client = tls_client();
    CHECK(all.offered(client) == mailquay::mechanisms{"SCRAM-SHA-256", "PLAIN", "LOGIN"});
    auto const server = all.begin("SCRAM-SHA-256", client);
    CHECK(scram_client{sasl::scram_hash::sha256, "alice", "wonderland"}.log_in(*server).kind == answer::success);
    auto const nobody = all.begin("SCRAM-SHA-256", client);
    CHECK(scram_client{sasl::scram_hash::sha256, "bob", "wonderland"}.log_in(*nobody) == denied);
    CHECK(say(*all.begin("PLAIN", client), plain("alice", "wonderland")) == success("alice"));
    CHECK(say(*all.begin("PLAIN", client), plain("bob", "wonderland")) == denied);
}

}  // namespace test_sasl_host_credentials
