#include <mailquay/server/server_config.hpp>

#include <mailquay/session/extensions/prdr.hpp>

#include <mailquay/session/extensions/auth.hpp>
#include <mailquay/session/extensions/deliver_by.hpp>

#include "support/catch.hpp"

using namespace mailquay;
using Catch::Contains;

TEST_CASE("the defaults are well but for the hostname", "[server][server_config]") {
    CHECK(problems(server_config{.hostname = "mx.example.org"}).empty());
    auto const found = problems(server_config{});
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], Contains("hostname is empty") && Contains("set it"));
}

TEST_CASE("each setting that cannot be is named with its value and the cure", "[server][server_config]") {
    server_config config{.hostname = "mx.example.org"};
    std::string name;
    SECTION("shards") { config.shards = 0, name = "shards is 0"; }
    SECTION("parked_octets") { config.parked_octets = 100, name = "parked_octets is 100"; }
    SECTION("hook_frames") { config.hook_frames = 0, name = "hook_frames is 0"; }
    SECTION("worker_threads") { config.worker_threads = 0, name = "worker_threads is 0"; }
    SECTION("worker_queue") { config.worker_queue = 0, name = "worker_queue is 0"; }
    SECTION("proxy_header_time") { config.proxy_header_time = std::chrono::seconds{0}, name = "proxy_header_time is 0"; }
    SECTION("trusted_xclient_login") { config.trusted_xclient_login = true, name = "trusted_xclient_login is set"; }
    SECTION("backlog") { config.listening.backlog = 0, name = "listening.backlog is 0"; }
    SECTION("unix_mode") { config.listening.unix_mode = 010000, name = "listening.unix_mode is 010000"; }
    SECTION("hurry_above_percent") { config.connections.hurry_above_percent = 101, name = "hurry_above_percent is 101"; }
    SECTION("without_message") { config.timeouts.without_message = std::chrono::seconds{0}, name = "timeouts.without_message is 0 s"; }
    SECTION("recipients") { config.limits.recipients = 1, name = "limits.recipients is 1"; }
    auto const found = problems(config);
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], Contains(name));
}

TEST_CASE("XCLIENT is there for whom it trusts, and XFORWARD for the same unless others are named", "[server][server_config]") {
    server_config config{.hostname = "mx.example.org"};
    session_info client{ip_endpoint{*ip_address::parse("192.0.2.1"), 1}, {}};
    auto const offered = [&](std::string_view keyword) {
        auto const made = make_session_config(config, profile::mx(), {});
        auto const* const found = made.extensions.find(keyword);
        return found != nullptr && found->offered(client);
    };
    CHECK_FALSE(offered("XCLIENT"));
    CHECK_FALSE(offered("XFORWARD"));
    config.trusted_xclient = network_set{"192.0.2.1"};
    CHECK(offered("XCLIENT"));
    CHECK(offered("XFORWARD"));
    config.trusted_xforward = network_set{"192.0.2.2"};
    CHECK_FALSE(offered("XFORWARD"));
    config.trusted_xforward = network_set{};
    CHECK(make_session_config(config, profile::mx(), {}).extensions.find("XFORWARD") == nullptr);
    config.trusted_xclient_login = true;
    CHECK(make_session_config(config, profile::mx(), {}).trusted_xclient_login);
}

TEST_CASE("MAIL AUTH= is believed from those who may say who the client is, and from nobody else", "[server][server_config][auth]") {
    struct nobody final : authenticator {
        mechanisms offered(session_info const&) const override { return {"PLAIN"}; }
        std::unique_ptr<auth_exchange> begin(std::string_view, session_info const&) override { return nullptr; }
    };
    server_config config{.hostname = "mx.example.org"};
    profile kind = profile::mx();
    kind.auth = auth_mode::offered;
    auto const believed = [&](std::string_view from, address_source source = address_source::socket) {
        session_info client{ip_endpoint{*ip_address::parse(from), 1}, {}, source};
        auto const made = make_session_config(config, kind, {}, std::make_shared<nobody>());
        auto const* const auth = dynamic_cast<extensions::auth const*>(made.extensions.find("AUTH"));
        REQUIRE(auth != nullptr);
        return auth->believes(client);
    };
    CHECK_FALSE(believed("192.0.2.1"));
    config.trusted_xclient = network_set{"192.0.2.1"};
    CHECK(believed("192.0.2.1"));
    CHECK_FALSE(believed("192.0.2.1", address_source::local));
    CHECK_FALSE(believed("192.0.2.2"));
    config.trusted_xforward = network_set{"192.0.2.2"};
    CHECK(believed("192.0.2.1"));
    CHECK(believed("192.0.2.2"));
    CHECK_FALSE(believed("192.0.2.3"));
}

TEST_CASE("a profile says otherwise in part, and the sink bounds what is announced", "[server][server_config]") {
    server_config config{.hostname = "mx.example.org", .limits = {.message_octets = 1000}};
    profile kind = profile::lmtp();
    kind.hostname = "lmtp.example.org";
    kind.limits.recipients = 200;
    promises sink;
    sink.utf8 = false;
    sink.max_size = 500;

    auto const made = make_session_config(config, kind, sink);

    CHECK(made.dialect == dialect::lmtp);
    CHECK(made.hostname == "lmtp.example.org");
    CHECK(made.limits.recipients == 200);
    CHECK(made.limits.message_octets == 500);
    CHECK(made.extensions.find("SMTPUTF8") == nullptr);
    CHECK(made.extensions.find("8BITMIME") != nullptr);
    sink.eight_bit = false;
    CHECK(make_session_config(config, kind, sink).extensions.find("8BITMIME") == nullptr);
    sink.max_size = 5000;
    CHECK(make_session_config(config, kind, sink).limits.message_octets == 1000);
}

TEST_CASE("BINARYMIME and PRDR are offered only where the sink promises what they need", "[server][server_config]") {
    server_config config{.hostname = "mx.example.org"};
    config.extensions.add(std::make_shared<extensions::prdr>());
    promises sink;

    auto const none = make_session_config(config, profile{}, sink);
    CHECK(none.extensions.find("CHUNKING") != nullptr);
    CHECK(none.extensions.find("BINARYMIME") == nullptr);
    CHECK(none.extensions.find("PRDR") == nullptr);

    sink.binary = sink.per_recipient = true;
    auto const both = make_session_config(config, profile{}, sink);
    CHECK(both.extensions.find("BINARYMIME") != nullptr);
    CHECK(both.extensions.find("PRDR") != nullptr);

    config.refuse_nul = true;
    CHECK(make_session_config(config, profile{}, sink).extensions.find("BINARYMIME") == nullptr);
}

TEST_CASE("opt-in extensions are announced when they are asked for and the sink keeps them", "[server][server_config]") {
    server_config config{.hostname = "mx.example.org"};
    config.enable = {"requiretls", "RRVS", "DELIVERBY"};
    promises sink;
    sink.requiretls = true;
    sink.owner_since = true;
    CHECK(problems(config).empty());
    CHECK(unkept_extensions(config, sink) == std::vector<std::string>{"DELIVERBY"});

    auto const made = make_session_config(config, profile::mx(), sink);

    CHECK(made.extensions.find("REQUIRETLS") != nullptr);
    CHECK(made.extensions.find("RRVS") != nullptr);
    CHECK(made.extensions.find("DELIVERBY") == nullptr);
    CHECK(made.extensions.find("MT-PRIORITY") == nullptr);
    CHECK(make_session_config({.hostname = "mx.example.org"}, profile::mx(), sink).extensions.find("REQUIRETLS") == nullptr);
}

TEST_CASE("a standard extension that is enabled by name must be kept, too", "[server][server_config]") {
    server_config config{.hostname = "mx.example.org"};
    promises sink;
    sink.utf8 = false;
    CHECK(unkept_extensions(config, sink).empty());
    config.enable = {"smtputf8"};
    CHECK(unkept_extensions(config, sink) == std::vector<std::string>{"SMTPUTF8"});
    sink.utf8 = true;
    CHECK(unkept_extensions(config, sink).empty());
}

TEST_CASE("\"all\" announces every extension, and the unkept ones are told", "[server][server_config]") {
    server_config config{.hostname = "mx.example.org"};
    config.enable = {"all"};
    promises sink;
    sink.utf8 = false;
    sink.priority = true;
    auto const made = make_session_config(config, profile::mx(), sink);
    for (char const* name : {"DSN", "REQUIRETLS", "DELIVERBY", "FUTURERELEASE", "MT-PRIORITY", "RRVS", "SMTPUTF8", "8BITMIME"}) {
        INFO(name);
        CHECK(made.extensions.find(name) != nullptr);
    }
    CHECK(made.extensions.find("DSN")->offered(session_info{}));
    auto const unkept = unkept_extensions(config, sink);
    CHECK(unkept == std::vector<std::string>{"SMTPUTF8", "BINARYMIME", "DSN", "REQUIRETLS", "DELIVERBY", "FUTURERELEASE", "RRVS", "PRDR"});
}

TEST_CASE("DSN is on for users where the sink keeps it, and for strangers only by name", "[server][server_config]") {
    server_config config{.hostname = "mx.example.org"};
    promises sink;
    sink.dsn = true;
    auto const kind = GENERATE(profile::mx(), profile::submission());
    session_info user;
    user.set_user("alice");

    auto const by_itself = make_session_config(config, kind, sink);
    REQUIRE(by_itself.extensions.find("DSN") != nullptr);
    CHECK_FALSE(by_itself.extensions.find("DSN")->offered(session_info{}));
    CHECK(by_itself.extensions.find("DSN")->offered(user));

    config.enable = {"DSN"};
    CHECK(make_session_config(config, kind, sink).extensions.find("DSN")->offered(session_info{}));
    CHECK(make_session_config({.hostname = "mx.example.org"}, kind, promises{}).extensions.find("DSN") == nullptr);
}

TEST_CASE("a profile's extensions are on as far as the sink keeps them, without complaint", "[server][server_config]") {
    server_config const config{.hostname = "mx.example.org"};
    promises sink;
    sink.hold = true;
    auto const made = make_session_config(config, profile::submission(), sink);
    CHECK(made.extensions.find("FUTURERELEASE") != nullptr);
    CHECK(made.extensions.find("DELIVERBY") == nullptr);
    CHECK(unkept_extensions(config, sink).empty());
}

TEST_CASE("an extension with settings of the host's own stays when it is enabled by name too", "[server][server_config]") {
    server_config config{.hostname = "mx.example.org"};
    config.extensions.add(std::make_shared<extensions::deliver_by>(std::chrono::seconds{60}));
    config.enable = {"DELIVERBY"};
    promises sink;
    sink.deliver_by = true;
    CHECK(make_session_config(config, profile::mx(), sink).extensions.find("DELIVERBY")->announcement({}, {}) == "60");
    sink.deliver_by = false;
    CHECK(unkept_extensions(config, sink) == std::vector<std::string>{"DELIVERBY"});
}

TEST_CASE("a keyword that nobody has is a fault that names it", "[server][server_config]") {
    server_config config{.hostname = "mx.example.org"};
    config.enable = {"SIZE", "FROBNICATE"};
    auto const found = problems(config);
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], Contains("FROBNICATE"));
}
