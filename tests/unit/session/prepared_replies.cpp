#include <mailquay/session/prepared_replies.hpp>

#include <mailquay/session/extensions/requiretls.hpp>
#include <mailquay/session/extensions/starttls.hpp>
#include <mailquay/session/session_config.hpp>
#include <mailquay/session/session_info.hpp>

#include "support/catch.hpp"

#include <memory>
#include <string>

using namespace mailquay;

namespace {

/// Says something else each day.
struct of_the_day final : extension {
    std::string_view keyword() const noexcept override { return "X-DAY"; }
    std::string announcement_at(session_info const&, session_limits const&, std::chrono::system_clock::time_point wall) const override {
        return std::to_string(std::chrono::floor<std::chrono::days>(wall.time_since_epoch()).count());
    }
};

std::string greeting(session_config const& config) {
    reply_buffer out{16};
    out.append("before\r\n");
    append_greeting(out, config);
    return std::string{out.view()};
}

std::string ehlo(session_config const& config, session_info const& client, int day = 0) {
    reply_buffer out{16};
    out.append("before\r\n");
    append_ehlo(out, config, client, std::chrono::sys_days{std::chrono::days{day}});
    return std::string{out.view()};
}

/// The replies are the same prepared or not.
void check_same(session_config config) {
    config.hostname = "mx.example.org";
    session_config prepared = config;
    prepare_replies(prepared);
    REQUIRE(prepared.prepared);
    session_info clear, secure;
    secure.set_tls(tls_info{});
    CHECK(greeting(prepared) == greeting(config));
    for (session_info const* client : {&clear, &secure})
        for (int day : {0, 1}) CHECK(ehlo(prepared, *client, day) == ehlo(config, *client, day));
}

}  // namespace

TEST_CASE("replies made once say what those made anew say", "[session]") {
    check_same({});
    session_config standard;
    standard.extensions = extension_registry::standard();
    standard.limits.message_octets = 12'345;
    check_same(standard);

    auto const add = [](extension_registry& to) -> extension_registry& {
        to.add(std::make_shared<extensions::starttls>()).add(std::make_shared<of_the_day>());
        return to.add(std::make_shared<extensions::requiretls>());
    };
    session_config first, last, between;
    add(first.extensions);
    check_same(first);
    last.extensions = extension_registry::standard();
    add(last.extensions);
    check_same(last);
    add(between.extensions);
    auto const standard_ones = extension_registry::standard();
    for (auto const& one : standard_ones.all()) between.extensions.add(one);
    check_same(between);
}

TEST_CASE("replies made once are those of the limits they were made for", "[session]") {
    session_config config;
    config.hostname = "mx.example.org";
    config.extensions = extension_registry::standard();
    config.limits.message_octets = 1000;
    prepare_replies(config);
    CHECK(ehlo(config, {}).find("SIZE 1000\r\n") != std::string::npos);
    config.limits.message_octets = 2000;
    prepare_replies(config);
    CHECK(ehlo(config, {}).find("SIZE 2000\r\n") != std::string::npos);
    CHECK(greeting(config) == "before\r\n220 mx.example.org ESMTP\r\n");
}
