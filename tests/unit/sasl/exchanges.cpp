#include <mailquay/sasl/detail/exchanges.hpp>

#include "support/catch.hpp"
#include "support/json_lite.hpp"
#include "support/sasl_client.hpp"
#include "support/test_data.hpp"

#include <mailquay/sasl/mechanisms.hpp>
#include <mailquay/sasl/user_table.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace test_sasl_exchanges {
using namespace mailquay;
using namespace mailquay_test;
namespace detail = sasl::detail;

/// Whom the vectors are about.
std::shared_ptr<detail::mechanism_state> everybody() {
    auto all = std::make_shared<detail::mechanism_state>();
    all->users = std::make_shared<sasl::user_table>(sasl::user_table{{"tim", "tanstaaftanstaaf"}, {"tim s", "tanstaaftanstaaf"}});
    all->external = true;
    all->bearer.scope = "https://mail.example.com/";
    all->bearer.openid_configuration = "https://example.com/.well-known/openid-configuration";
    return all;
}

/// One answer to whatever token comes.
sasl::token_checker always(std::optional<std::string> owner) {
    return [owner](sasl::token_request) -> eventual<result<std::optional<std::string>>> { return result<std::optional<std::string>>{owner}; };
}

std::vector<std::string> list_of(std::string const& text) {
    std::vector<std::string> items;
    std::string_view rest = std::string_view{text}.substr(1, text.size() - 2);
    while (!rest.empty()) {
        items.emplace_back(rest.substr(0, rest.find(',')));
        rest.remove_prefix(std::min(rest.size(), items.back().size() + 1));
    }
    return items;
}

void run_login(json_object const& one) {
    auto const prompts = list_of(one.string("prompts")), replies = list_of(one.string("replies"));
    REQUIRE(prompts.size() == 2);
    REQUIRE(replies.size() == 2);
    auto const client = tls_client();
    detail::login_exchange server{everybody(), client, "LOGIN"};
    CHECK(say_nothing(server) == challenge(*base64_decode(prompts[0])));
    CHECK(say(server, *base64_decode(replies[0])) == challenge(*base64_decode(prompts[1])));
    CHECK(say(server, *base64_decode(replies[1])) == success("tim"));
    CHECK(sasl::identities_of(client).mechanism == "LOGIN");
}

void run_cram_md5(json_object const& one) {
    auto const client = clear_client();
    detail::cram_md5_exchange server{everybody(), client, one.string("challenge")};
    CHECK(say_nothing(server) == challenge(one.string("challenge")));
    if (one.has("challenge_base64")) CHECK(base64_encode(one.string("challenge")) == one.string("challenge_base64"));
    if (one.has("response_base64")) CHECK(base64_encode(one.string("response")) == one.string("response_base64"));
    CHECK(say(server, one.string("response")) == (one.string("ok") == "true" ? success(one.string("user")) : denied));
}

void run_external(json_object const& one) {
    tls_info facts;
    facts.client_verified = true;
    facts.client_identity = "fred@example.com";
    auto const client = tls_client(facts);
    detail::external_exchange server{everybody(), client, "EXTERNAL"};
    CHECK(say(server, one.string("message")) == success("fred@example.com"));
}

void run_bearer(json_object const& one, std::string const& mechanism) {
    bool const good = one.string("ok") == "true";
    std::string const user = mechanism == "XOAUTH2" ? one.string("user") : one.string("authzid");
    // The flow of a refusal is described without its message where any refused one will do.
    std::string const message = one.has("base64") ? *base64_decode(one.string("base64")) : "user=someuser@example.com\1auth=Bearer refused\1\1";
    auto const all = everybody();
    // Who is refused by the message alone is so with any token.
    bool const by_token = one.has("server_challenge_json");
    all->check_token = always(good ? std::optional{user} : by_token ? std::nullopt : std::optional<std::string>{"anybody"});
    auto const client = tls_client();
    detail::bearer_exchange server{all, client, mechanism};
    answer const first = say(server, message);
    if (good) {
        CHECK(first == success(user));
        return;
    }
    REQUIRE(first.kind == answer::challenge);
    std::string const wanted = one.string("server_challenge_json");
    if (mechanism == "OAUTHBEARER" && by_token) {
        CHECK(first.text == wanted);
        CHECK(base64_encode(first.text) == one.string("server_challenge_base64"));
    } else {
        // Ours names fewer schemes than Google's, or the vector does not say which words stand there.
        CHECK(first.text.starts_with(mechanism == "XOAUTH2" ? R"({"status":"401")" : R"({"status":"invalid_)"));
    }
    std::string const dummy = one.has("client_dummy_base64") ? *base64_decode(one.string("client_dummy_base64")) : "\1";
    CHECK(say(server, dummy) == denied);
}

TEST_CASE("the vectors of LOGIN, CRAM-MD5, EXTERNAL and bearer tokens run as they say", "[sasl][vectors]") {
    auto const text = read_data("sasl/vectors.json");
    if (!text) {
        WARN("no test data: vectors passed over");
        return;
    }
    std::map<std::string, int> seen;
    for (auto const& one : json_objects(*text, "vectors")) {
        std::string const mechanism = one.string("mechanism");
        INFO(mechanism << ": " << one.string("source"));
        ++seen[mechanism];
        if (mechanism == "LOGIN") run_login(one);
        if (mechanism == "CRAM-MD5") run_cram_md5(one);
        if (mechanism == "EXTERNAL") run_external(one);
        if (mechanism == "OAUTHBEARER" || mechanism == "XOAUTH2") run_bearer(one, mechanism);
    }
    CHECK(seen["LOGIN"] == 1);
    CHECK(seen["CRAM-MD5"] == 3);
    CHECK(seen["EXTERNAL"] == 2);
    CHECK(seen["OAUTHBEARER"] == 4);
    CHECK(seen["XOAUTH2"] == 2);
}

}  // namespace test_sasl_exchanges
