#include <mailquay/session/extension_registry.hpp>

#include <mailquay/session/extensions/size.hpp>
#include <mailquay/session/extensions/smtputf8.hpp>

#include "support/catch.hpp"

#include <stdexcept>

namespace test_extension_registry {

using namespace mailquay;

struct named final : extension {
    std::string_view name;
    std::string_view parameters[1];
    std::string_view own_verbs[1];
    bool secure_only = false;

    named(std::string_view keyword_given, std::string_view parameter_given, std::string_view verb_given)
        : name(keyword_given), parameters{parameter_given}, own_verbs{verb_given} {}
    std::string_view keyword() const noexcept override { return name; }
    bool offered(session_info const& client) const noexcept override { return !secure_only || client.secure(); }
    std::span<std::string_view const> mail_keywords() const noexcept override { return parameters; }
    std::span<std::string_view const> recipient_keywords() const noexcept override { return parameters; }
    std::span<std::string_view const> verbs() const noexcept override { return own_verbs; }
};

std::string ehlo(extension_registry const& all, session_info const& client = {}) {
    std::string out;
    all.append_ehlo(out, "mx.example.org", client, {});
    return out;
}

TEST_CASE("EHLO of an empty registry is one line", "[extension_registry]") {
    extension_registry const none;
    CHECK(none.empty());
    CHECK(ehlo(none) == "250 mx.example.org\r\n");
}

TEST_CASE("the standard ones are found by name in any case", "[extension_registry]") {
    auto const all = extension_registry::standard();
    for (char const* name : {"PIPELINING", "SIZE", "8bitmime", "EnhancedStatusCodes", "chunking", "BINARYMIME", "limits", "help"}) CHECK(all.find(name) != nullptr);
    CHECK((all.find("SMTPUTF8") != nullptr) == extensions::smtputf8::built());
    CHECK(all.for_mail("size") == all.find("SIZE"));
    CHECK(all.for_mail("BODY") == all.find("8BITMIME"));
    CHECK(all.for_recipient("SIZE") == nullptr);
    CHECK(all.for_verb("SIZE") == nullptr);
    CHECK(ehlo(all).starts_with("250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n"));
    CHECK(ehlo(all).ends_with("\r\n250 HELP\r\n"));
}

TEST_CASE("what BINARYMIME needs takes it along when it goes", "[extension_registry]") {
    for (char const* needed : {"chunking", "8BITMIME"}) {
        auto all = extension_registry::standard();
        all.remove(needed);
        CHECK(all.find(needed) == nullptr);
        CHECK(all.find("BINARYMIME") == nullptr);
    }
    auto all = extension_registry::standard();
    all.remove("BINARYMIME");
    CHECK(all.find("CHUNKING") != nullptr);
    CHECK(all.find("8BITMIME") != nullptr);
}

TEST_CASE("the opt-in ones are not among the standard ones, and can all be added to them", "[extension_registry]") {
    auto all = extension_registry::standard();
    for (auto const& one : extension_registry::opt_in().all()) {
        INFO(one->keyword());
        CHECK(one->opt_in());
        CHECK(all.find(one->keyword()) == nullptr);
        all.add(one);
    }
    for (auto const& one : extension_registry::standard().all()) CHECK_FALSE(one->opt_in());
    CHECK(all.for_mail("holdfor") == all.find("FUTURERELEASE"));
    CHECK(all.for_recipient("ORCPT") == all.find("DSN"));
    std::string out;
    all.append_ehlo(out, "mx.example.org", session_info{}, {}, std::chrono::sys_days{std::chrono::year{2026} / 11 / 25});
    CHECK(out.find("250-FUTURERELEASE 2592000 2026-12-25T00:00:00Z\r\n") != std::string::npos);
}

TEST_CASE("one of the same keyword is replaced in its place", "[extension_registry]") {
    auto all = extension_registry::standard();
    auto const before = all.all().size();
    auto const mine = std::make_shared<named>("size", "SIZE", "SIZES");
    all.add(mine);
    CHECK(all.all().size() == before);
    CHECK(all.for_mail("SIZE") == mine.get());
    CHECK(all.for_verb("sizes") == mine.get());
}

TEST_CASE("a parameter or verb that is another's is refused by name", "[extension_registry]") {
    auto all = extension_registry::standard();
    CHECK_THROWS_AS(all.add(std::make_shared<named>("OTHER", "SIZE", "X")), std::invalid_argument);
    CHECK(all.find("OTHER") == nullptr);
    all.add(std::make_shared<named>("ONE", "P1", "V1"));
    CHECK_THROWS_AS(all.add(std::make_shared<named>("TWO", "P2", "v1")), std::invalid_argument);
    try {
        all.add(std::make_shared<named>("TWO", "p1", "V2"));
        FAIL("accepted");
    } catch (std::invalid_argument const& e) {
        std::string_view const what = e.what();
        CHECK(what.find("TWO") != std::string_view::npos);
        CHECK(what.find("ONE") != std::string_view::npos);
        CHECK(what.find("p1") != std::string_view::npos);
    }
}

TEST_CASE("what is removed is neither listed nor read", "[extension_registry]") {
    auto all = extension_registry::standard();
    all.remove("SIZE").remove("no such one");
    CHECK(all.find("SIZE") == nullptr);
    CHECK(all.for_mail("SIZE") == nullptr);
    CHECK(ehlo(all).find("SIZE") == std::string::npos);
}

TEST_CASE("what is not offered to a client is not listed for him", "[extension_registry]") {
    extension_registry all;
    auto const hidden = std::make_shared<named>("HIDDEN", "P", "V");
    hidden->secure_only = true;
    all.add(hidden);
    CHECK(ehlo(all) == "250 mx.example.org\r\n");
    session_info secure;
    secure.set_tls({});
    CHECK(ehlo(all, secure) == "250-mx.example.org\r\n250 HIDDEN\r\n");
}

TEST_CASE("one without a keyword is not listed, but read", "[extension_registry]") {
    extension_registry all;
    all.add(std::make_shared<named>("", "QUIET", "HUSH"));
    CHECK(ehlo(all) == "250 mx.example.org\r\n");
    CHECK(all.for_mail("QUIET") != nullptr);
}

}  // namespace test_extension_registry
