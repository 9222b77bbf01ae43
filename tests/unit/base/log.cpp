#include <mailquay/base/log.hpp>

#include "support/catch.hpp"

#include <array>
#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

using mailquay::log_level;
using mailquay::logger;

namespace test_log {

/// A logger that keeps what it is told.
struct kept {
    std::shared_ptr<std::vector<std::pair<log_level, std::string>>> lines =
        std::make_shared<std::vector<std::pair<log_level, std::string>>>();

    logger at(log_level threshold) const {
        return {threshold,
                [lines = lines](log_level level, std::string_view line) { lines->emplace_back(level, line); }};
    }
};

/// What `body` writes to standard error.
template <class Body>
std::string standard_error_of(Body body) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    int const saved = ::dup(STDERR_FILENO);
    REQUIRE(::dup2(ends[1], STDERR_FILENO) >= 0);
    body();
    REQUIRE(::dup2(saved, STDERR_FILENO) >= 0);
    ::close(saved);
    ::close(ends[1]);
    std::string text;
    std::array<char, 4096> buffer{};
    for (;;) {
        auto const got = ::read(ends[0], buffer.data(), buffer.size());
        if (got <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    return text;
}

}  // namespace test_log

TEST_CASE("a line is built only when its level is enabled", "[base][log]") {
    test_log::kept kept;
    logger const log = kept.at(log_level::info);
    int built = 0;
    auto line = [&built] {
        ++built;
        return std::string{"line"};
    };

    log.trace(line);
    log.debug(line);
    CHECK(built == 0);
    log.info(line);
    log.warning(line);
    log.error(line);

    CHECK(built == 3);
    REQUIRE(kept.lines->size() == 3);
    CHECK(kept.lines->at(0) == std::pair{log_level::info, std::string{"line"}});
    CHECK(kept.lines->at(1).first == log_level::warning);
    CHECK(kept.lines->at(2).first == log_level::error);
}

TEST_CASE("a logger without a sink builds nothing", "[base][log]") {
    bool built = false;
    auto line = [&built] {
        built = true;
        return "line";
    };

    logger{}.error(line);
    logger{log_level::trace, nullptr}.error(line);
    logger{}.with_level(log_level::trace).error(line);

    CHECK_FALSE(built);
    CHECK(logger{}.level() == log_level::off);
    CHECK_FALSE(logger{}.enabled(log_level::error));
}

TEST_CASE("the threshold off silences every level", "[base][log]") {
    test_log::kept kept;

    kept.at(log_level::off).error("line");

    CHECK(kept.lines->empty());
}

TEST_CASE("ready strings of any kind are logged as they are", "[base][log]") {
    test_log::kept kept;
    logger const log = kept.at(log_level::trace);
    std::string const owned = "owned";

    log.info("literal");
    log.info(owned);
    log.info(std::string_view{"view"});
    log.info([] { return "made"; });

    REQUIRE(kept.lines->size() == 4);
    CHECK(kept.lines->at(0).second == "literal");
    CHECK(kept.lines->at(1).second == "owned");
    CHECK(kept.lines->at(2).second == "view");
    CHECK(kept.lines->at(3).second == "made");
}

TEST_CASE("neither a sink nor a line that throws reaches the caller", "[base][log]") {
    int calls = 0;
    logger const log{log_level::trace, [&calls](log_level, std::string_view) {
                         ++calls;
                         throw std::runtime_error("disk full");
                     }};

    CHECK_NOTHROW(log.error("line"));
    CHECK_NOTHROW(log.error([]() -> std::string { throw 7; }));

    CHECK(calls == 1);
    STATIC_REQUIRE(noexcept(log.error("line")));
}

TEST_CASE("copies share the sink, each with its own threshold", "[base][log]") {
    test_log::kept kept;
    logger const quiet = kept.at(log_level::error);
    logger const chatty = quiet.with_level(log_level::debug);

    quiet.debug("not heard");
    chatty.debug("heard");
    quiet.error("heard too");

    REQUIRE(kept.lines->size() == 2);
    CHECK(kept.lines->at(0).second == "heard");
    CHECK(kept.lines->at(1).second == "heard too");
}

TEST_CASE("levels have names that are read in any case", "[base][log]") {
    for (auto level :
         {log_level::trace, log_level::debug, log_level::info, log_level::warning, log_level::error, log_level::off}) {
        CHECK(mailquay::parse_log_level(mailquay::to_string(level)) == level);
    }
    CHECK(mailquay::to_string(log_level::warning) == "warning");
    CHECK(mailquay::parse_log_level("INFO") == log_level::info);
    CHECK_FALSE(mailquay::parse_log_level(""));
    CHECK_FALSE(mailquay::parse_log_level("warn"));
    CHECK_FALSE(mailquay::parse_log_level("info "));
}

TEST_CASE("standard error gets one line per call, with time in UTC and level", "[base][log]") {
    std::string const written = test_log::standard_error_of([] {
        logger const log = logger::to_stderr(log_level::info);
        log.debug("not written");
        log.info("listening smtp 127.0.0.1:2525");
        log.error("forged\nline\x1b[2J\r");
    });

    std::regex const expected{R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info listening smtp 127\.0\.0\.1:2525\n)"
                              R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z error forged\?line\?\[2J\?\n)"};
    INFO(written);
    CHECK(std::regex_match(written, expected));
}
