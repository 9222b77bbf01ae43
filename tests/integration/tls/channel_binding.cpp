// SCRAM with channel binding through TLS as it is: what the client's library says of the connection is what the server binds to.

#include <mailquay/sasl/mechanisms.hpp>
#include <mailquay/sasl/user_table.hpp>
#include <mailquay/tls/context.hpp>

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/scram_client.hpp"
#include "support/tls_client.hpp"

#include <string>

namespace test_channel_binding {

using namespace mailquay;
using namespace mailquay_test;
using sasl::scram_hash;

/// A client and a server that have shaken hands.
struct connection {
    std::unique_ptr<tls_stream> server;
    tls_client client;
    session_info info{ip_endpoint{*ip_address::parse("192.0.2.7"), 40000}, ip_endpoint{*ip_address::parse("192.0.2.1"), 587}};

    connection(tls::context& with, int version)
        : server(with.accept(session_info{})), client([&](SSL* ssl) {
              SSL_set_min_proto_version(ssl, version);
              SSL_set_max_proto_version(ssl, version);
          }) {
        auto const ended = shake_hands(*server, client);
        REQUIRE(ended);
        REQUIRE(*ended == tls_stream::state::established);
        info.set_tls(server->info());
    }

    /// RFC 9266, as the client's end has it.
    std::string exporter() const {
        std::string octets(32, '\0');
        auto* const into = reinterpret_cast<unsigned char*>(octets.data());
        REQUIRE(SSL_export_keying_material(client.ssl(), into, octets.size(), "EXPORTER-Channel-Binding", 24, nullptr, 0, 1) == 1);
        return octets;
    }
    /// RFC 5929: the client's Finished message comes first.
    std::string unique() const {
        std::string octets(64, '\0');
        octets.resize(SSL_get_finished(client.ssl(), octets.data(), octets.size()));
        return octets;
    }
    std::string up(std::string const& text) {
        auto const read = read_all(*server, client.encrypt(text));
        REQUIRE(read);
        return *read;
    }
    std::string down(std::string const& text) {
        REQUIRE(*server->write(text) == text.size());
        client.receive(output_of(*server));
        return client.decrypt();
    }
    /// The whole exchange, each message under TLS.
    answer log_in(auth_exchange& with, scram_client& speaks) {
        answer const first = say(with, up(speaks.first()));
        if (first.kind != answer::challenge) return first;
        answer last = say(with, up(speaks.final(down(first.text))));
        if (last.kind == answer::success) last.last = down(last.last);
        return last;
    }
};

tls::context make_context() {
    auto const one = make_certificate();
    return tls::context{{.certificates = {{.chain_pem = one.chain, .key_pem = one.key}}}};
}

TEST_CASE("SCRAM-SHA-512-PLUS binds to the TLS connection it runs in, and to no other", "[sasl][tls][binding]") {
    struct way {
        int version;
        char const* binding;
    };
    auto const [version, binding] = GENERATE(way{TLS1_3_VERSION, "tls-exporter"}, way{TLS1_2_VERSION, "tls-unique"}, way{TLS1_2_VERSION, "tls-exporter"});
    INFO(binding << " in " << std::hex << version);
    tls::context context = make_context();
    sasl::mechanism_settings quick;
    quick.scram_iterations = 4096;
    sasl::mechanisms all{sasl::user_table{{"alice", "wonderland"}}, quick};
    connection here{context, version}, elsewhere{context, version};
    auto const octets = [&, which = std::string{binding}](connection const& of) { return which == "tls-unique" ? of.unique() : of.exporter(); };
    std::string const header = "p=" + std::string{binding} + ",,";
    REQUIRE(all.offered(here.info).front() == "SCRAM-SHA-512-PLUS");

    scram_client alice{scram_hash::sha512, "alice", "wonderland", header, octets(here)};
    answer const done = here.log_in(*all.begin("SCRAM-SHA-512-PLUS", here.info), alice);
    CHECK(done == success("alice", alice.expected_last()));

    // Who sits between has two connections, and the right password does not help.
    REQUIRE(octets(elsewhere) != octets(here));
    scram_client relayed{scram_hash::sha512, "alice", "wonderland", header, octets(elsewhere)};
    CHECK(here.log_in(*all.begin("SCRAM-SHA-512-PLUS", here.info), relayed) == denied);
    scram_client wrong{scram_hash::sha512, "alice", "builder", header, octets(here)};
    CHECK(here.log_in(*all.begin("SCRAM-SHA-512-PLUS", here.info), wrong) == denied);
}

TEST_CASE("tls-unique is refused in TLS 1.3, where it is not defined (RFC 9266)", "[sasl][tls][binding]") {
    tls::context context = make_context();
    sasl::mechanisms all{sasl::user_table{{"alice", "wonderland"}}};
    connection here{context, TLS1_3_VERSION};
    scram_client alice{scram_hash::sha512, "alice", "wonderland", "p=tls-unique,,", here.unique()};
    CHECK(here.log_in(*all.begin("SCRAM-SHA-512-PLUS", here.info), alice) == denied);
}

}  // namespace test_channel_binding
