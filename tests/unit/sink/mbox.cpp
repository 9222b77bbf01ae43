#include <mailquay/sink/mbox.hpp>

#include "support/catch.hpp"
#include "support/failing_files.hpp"
#include "support/inline_workers.hpp"
#include "support/made_transaction.hpp"

#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

namespace test_mbox {

using namespace mailquay;
using mailquay_test::waited;

struct place {
    mailquay_test::temporary_folder folder{};
    sinks::mbox_settings settings{};

    place() {
        settings.workers = std::make_shared<mailquay_test::inline_workers>();
        settings.lock_wait = std::chrono::seconds{0};
    }
    std::string file() const { return folder.files("").at("box"); }
    verdict send(sinks::mbox& sink, mailquay_test::made_transaction& given, std::string_view content) {
        auto opened = waited(sink.open(given.mail));
        REQUIRE(opened);
        CHECK(waited((*opened)->write(content)).accepts());
        return waited((*opened)->finish(commit::all_or_none)).combined();
    }
};

TEST_CASE("lines that look like the beginning of another message are quoted, and quoted ones once more", "[sink][mbox]") {
    std::string out;
    append_mbox_quoted(out, "From here\r\n>From there\r\nFromage\r\n From\r\n>>From\r\nlast");

    CHECK(out == ">From here\n>>From there\nFromage\n From\n>>From\nlast");
}

TEST_CASE("a message is appended with its trace fields, once for each mailbox", "[sink][mbox]") {
    place at;
    sinks::mbox sink{at.folder.path("box"), at.settings};
    mailquay_test::made_transaction given;
    given.received("");
    given.to("b@example.org", "bob").to("B@example.org", "bob").to("c@example.org", "carol");

    CHECK(at.send(sink, given, "Return-Path: <forged@example.com>\r\nSubject: s\r\n\r\nFrom me\r\n").accepts());

    std::string const text = at.file();
    CHECK(text.starts_with("From sender@example.net "));
    CHECK(text.find("\nReturn-Path: <sender@example.net>\nDelivered-To: bob\nSubject: s\n\n>From me\n\nFrom sender@") != text.npos);
    CHECK(text.find("Delivered-To: carol\n") != text.npos);
    CHECK(text.find("forged") == text.npos);
    CHECK(text.find('\r') == text.npos);
    CHECK(text.find("Delivered-To: bob") == text.rfind("Delivered-To: bob"));
}

TEST_CASE("a file that another program has locked is 451, and stays as it is", "[sink][mbox]") {
    place at;
    sinks::mbox sink{at.folder.path("box"), at.settings};
    mailquay_test::made_transaction given;
    given.to("b@example.org");

    int const lock = ::open(at.folder.path("box.lock").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    REQUIRE(lock >= 0);
    ::close(lock);
    CHECK(at.send(sink, given, "x\r\n").code() == 451);
    CHECK(at.file().empty());

    // One that nobody has any more is taken away.
    at.settings.stale_lock = std::chrono::seconds{1};
    timespec const old[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, at.folder.path("box.lock").c_str(), old, 0) == 0);
    at.settings.lock_wait = std::chrono::seconds{2};
    sinks::mbox again{at.folder.path("box"), at.settings};
    CHECK(at.send(again, given, "x\r\n").accepts());
    CHECK(at.folder.files("").size() == 1);
}

TEST_CASE("a lock of a process that is gone is taken away at once, and no other", "[sink][mbox]") {
    place at;
    sinks::mbox sink{at.folder.path("box"), at.settings};
    mailquay_test::made_transaction given;
    given.to("b@example.org");
    std::string const path = at.folder.path("box.lock");
    int const lock = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    REQUIRE(lock >= 0);
    REQUIRE(::write(lock, "mailquay 1\n", 11) == 11);

    // Its process is there: it has the file locked.
    REQUIRE(::flock(lock, LOCK_EX) == 0);
    CHECK(at.send(sink, given, "x\r\n").code() == 451);
    REQUIRE(::flock(lock, LOCK_UN) == 0);
    // Another program's: it locks nothing, and only its age tells.
    REQUIRE(::pwrite(lock, "12345678 1\n", 11, 0) == 11);
    CHECK(at.send(sink, given, "x\r\n").code() == 451);
    // Killed: the system's lock went with the process, the file did not.
    REQUIRE(::pwrite(lock, "mailquay 1\n", 11, 0) == 11);
    CHECK(at.send(sink, given, "x\r\n").accepts());
    CHECK(at.folder.files("").size() == 1);
    ::close(lock);
}

TEST_CASE("an entry that a crash left unfinished swallows no other", "[sink][mbox]") {
    char const* const left = GENERATE("From a Thu Jan  1 00:00:00 1970\nSubject: torn\n\nbod", "From a Thu Jan  1 00:00:00 1970\n",
                                      "From a Thu Jan  1 00:00:00 1970\nSubject: whole\n\nbody\n\n");
    place at;
    sinks::mbox sink{at.folder.path("box"), at.settings};
    mailquay_test::made_transaction given;
    given.to("b@example.org");
    int const file = ::open(at.folder.path("box").c_str(), O_WRONLY | O_CLOEXEC);
    REQUIRE(::write(file, left, std::string_view{left}.size()) > 0);
    ::close(file);

    CHECK(at.send(sink, given, "Subject: next\r\n\r\nbody\r\n").accepts());

    std::string const text = at.file();
    CHECK(text.starts_with(left));
    CHECK(text.find("\n\nFrom sender@example.net ") != text.npos);
    CHECK(text.find("\n\n\nFrom ") == text.npos);
    CHECK(text.ends_with("\nbody\n\n"));
}

TEST_CASE("an entry that could not be written whole is cut off again", "[sink][mbox]") {
    place at;
    sinks::mbox sink{at.folder.path("box"), at.settings};
    mailquay_test::made_transaction given;
    given.to("b@example.org");
    CHECK(at.send(sink, given, "Subject: first\r\n\r\nbody\r\n").accepts());
    std::string const before = at.file();

    // The system writes up to the limit, and then says that the file is too large.
    rlimit usual{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &usual) == 0);
    auto const handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit const small{before.size() + 300, usual.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    verdict const said = at.send(sink, given, std::string(1000, 'x') + "\r\n");
    bool const restored = ::setrlimit(RLIMIT_FSIZE, &usual) == 0;
    std::signal(SIGXFSZ, handler);

    REQUIRE(restored);
    CHECK(said.code() == 452);
    CHECK(at.file() == before);
}

TEST_CASE("mbox knows at MAIL whether there is room", "[sink][mbox]") {
    place at;
    sinks::mbox sink{at.folder.path("box"), at.settings};
    CHECK(sink.has_room(1));
    CHECK_FALSE(sink.has_room(std::uint64_t{1} << 62));
}

TEST_CASE("a message too large for memory is 552", "[sink][mbox]") {
    place at;
    at.settings.max_octets = 10;
    sinks::mbox sink{at.folder.path("box"), at.settings};
    mailquay_test::made_transaction given;
    given.to("b@example.org");

    auto opened = waited(sink.open(given.mail));
    REQUIRE(opened);
    CHECK(waited((*opened)->write(std::string_view{"more than ten octets"})).code() == 552);
    CHECK(sink.promised().max_size == 10u);
    CHECK_FALSE(sink.promised().binary);
    CHECK(sink.promised().requiretls);
}

TEST_CASE("a path that is no file is refused at start, with the cure", "[sink][mbox]") {
    place at;
    CHECK_THROWS_WITH(sinks::mbox(at.folder.path(), at.settings), Catch::Contains("name a file"));
    CHECK_THROWS_WITH(sinks::mbox(at.folder.path("no/such"), at.settings), Catch::Contains("name a file"));
    CHECK_THROWS(sinks::mbox("/dev/null", at.settings));
}

}  // namespace test_mbox
