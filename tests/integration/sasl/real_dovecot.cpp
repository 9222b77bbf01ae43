#include <mailquay/sasl/dovecot.hpp>
#include <mailquay/sasl/mechanisms.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"
#include "support/sasl_client.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

/// `sasl::dovecot` against Dovecot itself, where it is installed and may be started (by root).
namespace test_real_dovecot {
using namespace mailquay;
using namespace mailquay_test;

class dovecot_process {
public:
    explicit dovecot_process(std::filesystem::path program) {
        std::filesystem::create_directories(folder);
        std::filesystem::permissions(folder, std::filesystem::perms{0755});
        std::ofstream{folder / "users"} << "alice:{PLAIN}wonderland\ncarol:::::::nopassword=y\n";
        std::ofstream{folder / "dovecot.conf"} << "base_dir = " << (folder / "run").string() << "\nlog_path = " << (folder / "log").string()
                                               << "\nprotocols =\nssl = no\nauth_mechanisms = plain login cram-md5 scram-sha-256 external\n"
                                                  "auth_ssl_username_from_cert = yes\n"
                                                  "auth_failure_delay = 1 secs\ndisable_plaintext_auth = yes\n"
                                                  "passdb {\n  driver = passwd-file\n  args = "
                                               << (folder / "users").string()
                                               << "\n}\nuserdb {\n  driver = static\n  args = uid=nobody gid=nogroup home=/nonexistent\n}\n"
                                                  "service auth {\n  unix_listener auth-client {\n    mode = 0666\n  }\n}\n"
                                                  // no wait that grows with each wrong password of an address
                                                  "service anvil {\n  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}\n";
        process_ = ::fork();
        if (process_ == 0) {
            ::execl(program.c_str(), "dovecot", "-F", "-c", (folder / "dovecot.conf").c_str(), static_cast<char*>(nullptr));
            ::_exit(127);
        }
    }
    ~dovecot_process() {
        ::kill(process_, SIGTERM);
        ::waitpid(process_, nullptr, 0);
        std::filesystem::remove_all(folder);
    }
    bool up() const {
        for (int i = 0; i < 300; ++i) {
            if (std::filesystem::exists(socket())) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds{100});
        }
        return false;
    }
    std::string socket() const { return (folder / "run/auth-client").string(); }

    std::filesystem::path folder = std::filesystem::temp_directory_path() / ("mailquay-dovecot-" + std::to_string(::getpid()));

private:
    pid_t process_ = -1;
};


TEST_CASE("the real Dovecot lets in who has the password, by each mechanism", "[sasl][dovecot][real]") {
    std::filesystem::path const program = "/usr/sbin/dovecot";
    if (!std::filesystem::exists(program) || ::getuid() != 0) {
        WARN("no Dovecot, or not root: passed over");
        return;
    }
    dovecot_process server{program};
    REQUIRE(server.up());
    asio::io_context io;
    sasl::dovecot all{server.socket()};
    auto const client = tls_client();
    CHECK(all.offered(client) == mailquay::mechanisms{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"});
    CHECK(all.offered(clear_client()) == mailquay::mechanisms{"CRAM-MD5", "SCRAM-SHA-256"});
    auto const next = [&](auth_exchange& to, std::string const& response) {
        return told(run(io, to.next(secret_view{std::string_view{response}})));
    };

    for (bool const right : {true, false}) {
        std::string const password = right ? "wonderland" : "builder";
        auto const expected = right ? success("alice") : denied;
        CHECK(next(*all.begin("PLAIN", client), plain("alice", password)) == expected);
        auto const asked = all.begin("PLAIN", client);
        CHECK(told(run(io, asked->next(secret_view{}))) == challenge(""));
        CHECK(next(*asked, plain("alice", password)) == expected);

        auto const login = all.begin("LOGIN", client);
        CHECK(told(run(io, login->next(secret_view{}))) == challenge("Username:"));
        CHECK(next(*login, "alice") == challenge("Password:"));
        CHECK(next(*login, password) == expected);

        auto const cram = all.begin("CRAM-MD5", client);
        answer const asks = told(run(io, cram->next(secret_view{})));
        CHECK(next(*cram, "alice " + sasl::detail::hmac_md5_hex(secret_view{password}, asks.text)) == expected);

        auto const scram = all.begin("SCRAM-SHA-256", client);
        scram_client speaks{sasl::scram_hash::sha256, "alice", password};
        std::string const last = speaks.final(next(*scram, speaks.first()).text);
        answer done = next(*scram, last);
        // Some versions send their proof as a challenge, and take the answer to it as the end.
        if (done.kind == answer::challenge) {
            CHECK(done.text == speaks.expected_last());
            done = next(*scram, "");
        }
        CHECK(done.kind == expected.kind);
        CHECK(done.text == expected.text);
    }
    CHECK(next(*all.begin("PLAIN", client), plain("nobody", "wonderland")) == denied);

    sasl::dovecot_settings settings;
    settings.certificate = [](tls_info const& tls) -> std::optional<std::string> { return tls.client_identity.substr(3); };
    sasl::dovecot named{server.socket(), settings};
    for (std::string const user : {"carol", "mallory"}) {
        tls_info facts;
        facts.client_verified = true;
        facts.client_identity = "CN=" + user;
        auto const certified = tls_client(facts);
        auto const external = named.begin("EXTERNAL", certified);
        REQUIRE(external);
        CHECK(told(run(io, external->next(secret_view{}))) == challenge(""));
        CHECK(next(*external, "") == (user == "carol" ? success("carol") : denied));
        CHECK(sasl::identities_of(certified).user == (user == "carol" ? "carol" : ""));
    }
}

}  // namespace test_real_dovecot
