#include <mailquay/core.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

// What the documents say of the code is compared with the code.
namespace test_readme {

std::filesystem::path root() {
    char const* const told = std::getenv("MAILQUAY_SOURCE_DIR");
    return told != nullptr ? std::filesystem::path{told} : std::filesystem::current_path();
}

std::string read(std::string const& name) {
    std::ifstream in{root() / name, std::ios::binary};
    INFO("MAILQUAY_SOURCE_DIR names the folder of the source tree; looked for " << (root() / name));
    REQUIRE(in);
    return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

// All matches of `pattern` in `text`, as first group -> second group.
std::map<std::string, std::string> pairs(std::string const& text, std::string const& pattern) {
    std::map<std::string, std::string> found;
    std::regex const wanted{pattern};
    for (std::sregex_iterator at{text.begin(), text.end(), wanted}, end; at != end; ++at) found[(*at)[1]] = (*at)[2];
    return found;
}

// The part of `text` between two marks, both excluded.
std::string between(std::string const& text, std::string const& first, std::string const& last) {
    auto const begin = text.find(first);
    INFO("between " << first << " and " << last);
    REQUIRE(begin != text.npos);
    auto const end = text.find(last, begin + first.size());
    REQUIRE(end != text.npos);
    return text.substr(begin + first.size(), end - begin - first.size());
}

// Members of a struct with their initializers: "unsigned hops = 100;", "std::chrono::seconds hook{60};".
std::map<std::string, std::string> defaults_of(std::string const& header, std::string const& name) {
    std::string const body = between(read("include/mailquay/" + header), "struct " + name + " {", "\n};");
    std::map<std::string, std::string> found;
    std::regex const member{R"(\n    [A-Za-z][\w:<>]* (\w+)(?: = ([^;]+)|\{([^;]*)\});)"};
    for (std::sregex_iterator at{body.begin(), body.end(), member}, end; at != end; ++at)
        found[(*at)[1]] = (*at)[2].matched ? (*at)[2].str() : (*at)[3].str();
    return found;
}

TEST_CASE("the hello program in README.md is the one that is compiled", "[readme]") {
    auto const shown = between(read("README.md"), "<!-- examples/01_hello.cpp -->\n```cpp\n", "```\n<!-- end -->");

    CHECK(shown == read("examples/01_hello.cpp"));
}

TEST_CASE("files that documents link to exist", "[readme]") {
    for (std::string const document :
         {"README.md", "docs/architecture.md", "docs/authentication.md", "docs/conversations.md", "docs/examples.md", "docs/handlers.md",
          "docs/logging.md", "docs/replies.md", "docs/rfcs.md", "docs/settings.md"}) {
        auto const folder = std::filesystem::path{document}.parent_path();
        for (auto const& [link, ignored] : pairs(read(document), R"(\]\(([^)#\s]+)(#[^)\s]*)?\))")) {
            INFO(document << " links to " << link);
            CHECK(std::filesystem::exists(root() / folder / link));
        }
    }
}

TEST_CASE("headers and tests that docs/rfcs.md names exist", "[readme]") {
    std::string const text = read("docs/rfcs.md");
    auto const headers = pairs(text, "`([a-z0-9_/]+\\.hpp)(`)");
    auto const tests = pairs(text, "`((?:unit|integration)/[A-Za-z0-9_/]+\\.(?:cpp|py))(`)");
    auto const conversations = pairs(text, "(conversations/[a-z0-9-]{2,})()");
    CHECK(headers.size() > 20);
    CHECK(tests.size() > 20);
    CHECK(conversations.size() > 5);

    for (auto const& [name, ignored] : headers)
        CHECK((std::filesystem::exists(root() / "include/mailquay" / name) ? "" : name) == "");
    for (auto const& [name, ignored] : tests)
        CHECK((std::filesystem::exists(root() / "tests" / name) ? "" : name) == "");
    for (auto const& [name, ignored] : conversations)
        CHECK((std::filesystem::exists(root() / "tests" / name) ? "" : name) == "");
}

TEST_CASE("docs/replies.md lists the replies of protocol/replies.hpp", "[readme][replies]") {
    auto const documented = pairs(read("docs/replies.md"), R"(\| `(\w+)` \| `([^`]*)` \|)");
    std::map<std::string, std::string> present;
    std::string const header = read("include/mailquay/protocol/replies.hpp");
    std::regex const reply{R"re(reply_text (\w+)\{(\d+), "([^"]*)", "([^"]*)"\})re"};
    for (std::sregex_iterator at{header.begin(), header.end(), reply}, end; at != end; ++at) {
        std::string line = (*at)[2];
        for (std::size_t const part : {3u, 4u})
            if (!(*at)[part].str().empty()) line += ' ' + (*at)[part].str();
        present[(*at)[1]] = line;
    }

    CHECK(present.size() > 70);
    CHECK(documented == present);
}

TEST_CASE("docs/settings.md has every default as it is", "[readme][settings]") {
    std::string const text = read("docs/settings.md");
    struct table {
        std::string header;
        std::string name;
        std::set<std::string> elsewhere;  // members that are structs with a table of their own, or no settings
    };
    for (table const& one :
         {table{"session/limits.hpp", "session_limits", {}}, table{"session/limits.hpp", "session_timeouts", {}},
          table{"session/limits.hpp", "error_budgets", {}}, table{"server/admission.hpp", "connection_limits", {}},
          table{"session/session_config.hpp", "leniency", {}},
          table{"sasl/mechanism_settings.hpp", "mechanism_settings", {}}, table{"sasl/guarded.hpp", "guard_limits", {"time"}},
          table{"sasl/password_file.hpp", "password_file_settings", {"log", "time"}},
          table{"sasl/dovecot.hpp", "dovecot_settings", {"log"}},
          table{"server/server_config.hpp",
                "server_config",
                {"limits", "timeouts", "budgets", "leniency", "extensions", "connections", "listening", "log"}}}) {
        if (!std::filesystem::exists(root() / "include/mailquay" / one.header)) continue;
        std::string const section = between(text + "\n## ", "## `" + one.name + "`\n", "\n## ");
        auto const documented = pairs(section, R"(\| `(\w+)` \| `\{?([^`]*?)\}?` \|)");
        auto present = defaults_of(one.header, one.name);
        for (std::string const& name : one.elsewhere) present.erase(name);

        INFO(one.name);
        CHECK_FALSE(present.empty());
        CHECK(documented == present);
    }
}

TEST_CASE("rungs of the ladder are short, listed, and say how to try them", "[readme]") {
    std::string const index = read("docs/examples.md");
    int rungs = 0;
    for (auto const& entry : std::filesystem::directory_iterator{root() / "examples"}) {
        std::string const name = entry.path().filename().string();
        if (entry.path().extension() != ".cpp") continue;
        ++rungs;
        std::string const source = read("examples/" + name);
        INFO(name);
        CHECK(std::count(source.begin(), source.end(), '\n') < 150);
        CHECK(index.find("(../examples/" + name + ")") != index.npos);
        CHECK(source.find("./" + entry.path().stem().string()) < source.find("#include"));
    }
    CHECK(rungs >= 10);
}

}  // namespace test_readme
