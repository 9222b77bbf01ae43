#include <mailquay/sink/sqlite.hpp>

#include "support/catch.hpp"
#include "support/failing_files.hpp"
#include "support/failing_sqlite.hpp"
#include "support/inline_workers.hpp"
#include "support/made_transaction.hpp"

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <sqlite3.h>

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace test_sqlite_sink {

using namespace mailquay;
using mailquay_test::waited;

verdict send(sinks::sqlite& sink, mailquay_test::made_transaction& given, std::string_view content) {
    auto opened = waited(sink.open(given.mail));
    if (!opened) return opened.error();
    verdict said = waited((*opened)->write(content));
    if (said.refuses()) return said;
    return waited((*opened)->finish(commit::all_or_none)).combined();
}

// All rows of a query: columns by "|", rows by LF.
std::string ask(std::string const& file, char const* query) {
    sqlite3* db = nullptr;
    REQUIRE(::sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK);
    std::string text;
    auto const add = [](void* to, int columns, char** values, char**) {
        for (int i = 0; i < columns; ++i) *static_cast<std::string*>(to) += std::string(i == 0 ? "" : "|") + (values[i] != nullptr ? values[i] : "");
        *static_cast<std::string*>(to) += "\n";
        return 0;
    };
    CHECK(::sqlite3_exec(db, query, add, &text, nullptr) == SQLITE_OK);
    ::sqlite3_close(db);
    return text;
}

TEST_CASE("a message is in the database with its envelope, header fields and content", "[sink][sqlite]") {
    mailquay_test::temporary_folder folder;
    std::string const file = folder.path("mail.db");
    sinks::sqlite sink{file};
    mailquay_test::made_transaction given;
    given.to("b@example.org", "bob").to("list@example.org", {}, {"c@example.org", "d@example.org"});

    CHECK(send(sink, given, "Subject: folded\r\n value\r\nX-Other: 1\r\n\r\nbody\r\n").accepts());

    CHECK(ask(file, "SELECT reverse_path, body, octets FROM messages") == "sender@example.net|7BIT|45\n");
    CHECK(ask(file, "SELECT id FROM messages") == std::string(given.mail.id()) + "\n");
    CHECK(ask(file, "SELECT number, address, mailbox, deliver_to FROM recipients ORDER BY number") ==
          "0|b@example.org|bob|\n1|list@example.org||c@example.org\nd@example.org\n");
    CHECK(ask(file, "SELECT name, value FROM header_fields ORDER BY number") == "Subject|folded value\nX-Other|1\n");
    CHECK(ask(file, "SELECT CAST(content AS TEXT) FROM messages").ends_with("\r\n\r\nbody\r\n\n"));
}

TEST_CASE("messages that come together are all there", "[sink][sqlite]") {
    mailquay_test::temporary_folder folder;
    std::string const file = folder.path("mail.db");
    std::atomic<int> accepted{0};
    {
        sinks::sqlite sink{file};
        std::vector<std::thread> clients;
        for (int i = 0; i < 20; ++i)
            clients.emplace_back([&] {
                mailquay_test::made_transaction given;
                given.to("b@example.org");
                if (send(sink, given, "Subject: one of many\r\n\r\n").accepts()) ++accepted;
            });
        for (auto& one : clients) one.join();
    }
    CHECK(accepted == 20);
    CHECK(ask(file, "SELECT count(*) FROM messages") == "20\n");
}

TEST_CASE("a message that cannot be stored is 451, and costs no other", "[sink][sqlite]") {
    mailquay_test::temporary_folder folder;
    std::string const file = folder.path("mail.db");
    sinks::sqlite sink{file};
    mailquay_test::made_transaction given, other;
    given.to("b@example.org");
    other.to("b@example.org");

    CHECK(send(sink, given, "x\r\n").accepts());
    CHECK(send(sink, given, "the same id again\r\n").code() == 451);
    CHECK(send(sink, other, "x\r\n").accepts());
    CHECK(ask(file, "SELECT count(*), (SELECT count(*) FROM recipients) FROM messages") == "2|2\n");
}

TEST_CASE("a disk that fails is told, whatever fails, and SQLite goes on when it is well", "[sink][sqlite]") {
    mailquay_test::failing_sqlite disk;
    mailquay_test::temporary_folder folder;
    std::string const file = folder.path("mail.db");
    sinks::sqlite sink{file};
    auto const send_one = [&](std::string_view content) {
        mailquay_test::made_transaction given;
        given.to("b@example.org");
        return send(sink, given, content);
    };
    CHECK(send_one("before\r\n").accepts());

    disk.fail_sync = SQLITE_IOERR_FSYNC;
    CHECK(send_one("never synced\r\n").code() == 451);
    CHECK(send_one("never synced\r\n").code() == 451);
    disk.fail_sync = SQLITE_OK;
    CHECK(send_one("well again\r\n").accepts());

    disk.fail_write = SQLITE_IOERR_WRITE;
    CHECK(send_one("never written\r\n").code() == 451);
    disk.fail_write = SQLITE_FULL;
    verdict const full = send_one("no room\r\n");
    CHECK(full.code() == 452);
    CHECK(full.enhanced() == "4.3.1");
    disk.fail_write = SQLITE_READONLY;
    CHECK(send_one("read-only\r\n").code() == 451);
    disk.fail_write = SQLITE_OK;
    CHECK(send_one("and again\r\n").accepts());

    CHECK(ask(file, "SELECT CAST(content AS TEXT) LIKE '%before%' OR CAST(content AS TEXT) LIKE '%again%' FROM messages") == "1\n1\n1\n");
}

TEST_CASE("a message that nobody waits for any more is not stored", "[sink][sqlite]") {
    mailquay_test::temporary_folder folder;
    std::string const file = folder.path("mail.db");
    sinks::sqlite sink{file};
    sqlite3* other = nullptr;
    REQUIRE(::sqlite3_open_v2(file.c_str(), &other, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK);
    REQUIRE(::sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);  // nothing is stored until it ends
    asio::io_context io;
    std::optional<delivery> first, second;
    auto const begin = [&](std::optional<delivery>* into) {
        mailquay_test::made_transaction given;
        given.to("b@example.org");
        auto writer = std::move(*waited(sink.open(given.mail)));
        (void)waited(writer->write(std::string_view{"x"}));
        auto finishing = writer->finish(commit::all_or_none);
        asio::co_spawn(io, mailquay_test::keep_awaited<delivery>(std::move(finishing).wait(), into), [](std::exception_ptr) {});
        io.poll();
        return writer;
    };
    auto const kept = begin(&first);
    begin(&second).reset();
    ::sqlite3_close(other);
    io.restart();
    io.run();
    REQUIRE(first);
    CHECK(first->combined().accepts());
    REQUIRE(second);
    CHECK(second->combined().code() == 451);
    CHECK(ask(file, "SELECT count(*) FROM messages") == "1\n");
}

TEST_CASE("a database that is not on a disk is refused", "[sink][sqlite]") {
    CHECK_THROWS_WITH(sinks::sqlite(":memory:"), Catch::Contains("not kept on a disk"));
}

TEST_CASE("messages in memory are bounded all together", "[sink][sqlite]") {
    mailquay_test::temporary_folder folder;
    sinks::sqlite_settings settings;
    settings.memory_octets = 1000;
    sinks::sqlite sink{folder.path("mail.db"), settings};
    mailquay_test::made_transaction one, two;
    one.to("b@example.org");
    two.to("b@example.org");
    {
        auto first = waited(sink.open(one.mail));
        REQUIRE(first);
        CHECK(waited((*first)->write(std::string(700, 'x'))).accepts());
        CHECK(send(sink, two, std::string(700, 'x')).code() == 451);
        // One message alone is bounded by its own size only.
        CHECK(waited((*first)->write(std::string(700, 'x'))).accepts());
        CHECK(waited((*first)->finish(commit::all_or_none)).combined().accepts());
    }
    CHECK(send(sink, two, std::string(700, 'x')).accepts());
}

TEST_CASE("SQLite knows at MAIL whether there is room", "[sink][sqlite]") {
    mailquay_test::temporary_folder folder;
    sinks::sqlite sink{folder.path("mail.db")};
    CHECK(sink.has_room(1));
    CHECK_FALSE(sink.has_room(std::uint64_t{1} << 62));
}

TEST_CASE("sizes are bounded and promised", "[sink][sqlite]") {
    mailquay_test::temporary_folder folder;
    sinks::sqlite_settings settings;
    settings.max_octets = 10;
    sinks::sqlite sink{folder.path("mail.db"), settings};
    mailquay_test::made_transaction given;
    given.to("b@example.org");

    CHECK(send(sink, given, "more than ten octets").code() == 552);
    CHECK(sink.promised().max_size == 10u);
    CHECK(sink.promised().binary);
    CHECK(sink.promised().per_recipient);
    CHECK_THROWS_WITH(sinks::sqlite(folder.path("no/such.db")), Catch::Contains("name a file"));
}

}  // namespace test_sqlite_sink
