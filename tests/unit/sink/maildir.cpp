#include <mailquay/sink/maildir.hpp>

#include "support/catch.hpp"
#include "support/failing_files.hpp"
#include "support/inline_workers.hpp"
#include "support/made_transaction.hpp"

#include <mailquay/protocol/replies.hpp>
#include <mailquay/server/worker_pool.hpp>
#include <mailquay/sink/mbox.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace test_maildir {

using namespace mailquay;
using mailquay_test::waited;
using sinks::maildir;
using sinks::maildir_layout;
using sinks::maildir_settings;

struct place {
    mailquay_test::temporary_folder folder{};
    std::shared_ptr<mailquay_test::failing_files> files = std::make_shared<mailquay_test::failing_files>();
    std::shared_ptr<mailquay_test::inline_workers> workers = std::make_shared<mailquay_test::inline_workers>();

    maildir sink(maildir_layout layout = maildir_layout::single, std::size_t memory_octets = 128 * 1024) {
        maildir_settings settings;
        settings.layout = layout;
        settings.memory_octets = memory_octets;
        settings.hostname = "mx.example.org";
        settings.workers = workers;
        settings.files = files;
        return maildir{folder.path("mail"), settings};
    }
    auto kept(std::string const& sub_folder = "new") const { return folder.files("mail/" + sub_folder); }
    std::vector<std::string> contents(std::string const& sub_folder = "new") const {
        std::vector<std::string> all;
        for (auto const& [name, content] : kept(sub_folder)) all.push_back(content);
        std::sort(all.begin(), all.end());
        return all;
    }
};

delivery deliver(maildir& sink, transaction const& mail, std::string_view message, commit how = commit::all_or_none,
                 std::size_t chunk = 1000) {
    auto opened = waited(sink.open(mail));
    if (!opened) return opened.error();
    for (; !message.empty(); message.remove_prefix(std::min(chunk, message.size())))
        if (verdict said = waited((*opened)->write(message.substr(0, chunk))); said.refuses()) return said;
    return waited((*opened)->finish(how));
}

std::string filed(mailquay_test::made_transaction const& given, std::string const& to, std::string const& message) {
    return "Return-Path: <sender@example.net>\r\nDelivered-To: " + to + "\r\n" + std::string(given.mail.received_field()) + message;
}

std::string const small = "Subject: hello\r\n\r\nline\r\n.dot\r\n\r\n";

TEST_CASE("a message is one file in new, with Return-Path, Delivered-To and Received on top", "[sink][maildir]") {
    place at;
    auto sink = at.sink();
    mailquay_test::made_transaction given;
    given.to("Alice@Example.org", "alice@example.org");

    auto const said = deliver(sink, given.mail, small);

    CHECK(said.is_single());
    CHECK(said.combined().accepts());
    CHECK(at.contents() == std::vector{filed(given, "alice@example.org", small)});
    CHECK(at.kept("tmp").empty());
    CHECK(at.kept("cur").empty());
    CHECK(at.files->open_files == 0);
    CHECK(at.workers->jobs == 1);
    std::string const name = at.kept().begin()->first;
    CHECK_THAT(name, Catch::Matchers::Matches("[0-9]{10}\\.M[0-9]+P[0-9]+Q[0-9]+\\.mx\\.example\\.org"));
    struct stat facts {};
    REQUIRE(::stat(at.folder.path("mail/new/" + name).c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0600);
}

TEST_CASE("the file is synced before it is moved, and new before the answer", "[sink][maildir]") {
    place at;
    auto sink = at.sink();
    at.files->order.clear();
    mailquay_test::made_transaction given;
    given.to("a@example.org", "a");

    REQUIRE(deliver(sink, given.mail, small).combined().accepts());

    CHECK(at.files->order == std::vector<std::string>{"create", "write", "sync", "close", "move", "sync_folder"});
}

TEST_CASE("a recipient with a mailbox and addresses is filed in all of them, by each sink of final delivery", "[sink][maildir][mbox]") {
    place at;
    mailquay_test::made_transaction given;
    given.to("team@example.org", "a", {"b", "c"}).to("c@example.org", "c");

    SECTION("maildir") {
        auto sink = at.sink(maildir_layout::per_mailbox);
        CHECK(deliver(sink, given.mail, small).combined().accepts());
        for (std::string const mailbox : {"a", "b", "c"})
            CHECK(at.contents(mailbox + "/new") == std::vector{filed(given, mailbox, small)});
    }
    SECTION("mbox") {
        sinks::mbox_settings settings;
        settings.workers = at.workers;
        sinks::mbox sink{at.folder.path("box"), settings};
        auto opened = waited(sink.open(given.mail));
        REQUIRE(opened);
        CHECK(waited((*opened)->write(small)).accepts());
        CHECK(waited((*opened)->finish(commit::all_or_none)).combined().accepts());
        std::string const box = at.folder.files("").at("box");
        for (std::string const mailbox : {"a", "b", "c"}) {
            std::string const field = "\nDelivered-To: " + mailbox + "\n";
            CHECK(box.find(field) != box.npos);
            CHECK(box.find(field) == box.rfind(field));
        }
    }
}

TEST_CASE("each resolved mailbox gets one file however often it was named", "[sink][maildir]") {
    place at;
    auto sink = at.sink();
    mailquay_test::made_transaction given("");
    given.to("alice@example.org", "alice").to("ALICE@example.org", "alice").to("team@example.org", {}, {"alice", "bob"});
    given.to("carol@example.org").to("carol@example.org");

    auto const said = deliver(sink, given.mail, small, commit::each);

    REQUIRE(said.each().size() == 5);
    for (std::size_t i = 0; i < 5; ++i) CHECK(said.accepted_for(i));
    auto const all = at.contents();
    REQUIRE(all.size() == 3);
    CHECK(all[0].find("Return-Path: <>\r\nDelivered-To: alice\r\nReceived: ") == 0);
    CHECK(all[1].find("Return-Path: <>\r\nDelivered-To: bob\r\nReceived: ") == 0);
    CHECK(all[2].find("Return-Path: <>\r\nDelivered-To: carol@example.org\r\nReceived: ") == 0);
}

TEST_CASE("a large message goes through tmp and is the same, for each mailbox", "[sink][maildir]") {
    place at;
    auto sink = at.sink(maildir_layout::single, 4096);
    mailquay_test::made_transaction given;
    for (int i = 0; i < 20; ++i) given.to("u@example.org", "user" + std::to_string(i));
    std::string message = "Return-Path: <old>\r\nSubject: big\r\n\r\n";
    std::string kept = "Subject: big\r\n\r\n";
    while (kept.size() < 300'000) {
        std::string const line = std::to_string(kept.size()) + std::string(70, 'x') + "\r\n";
        message += line;
        kept += line;
    }

    REQUIRE(deliver(sink, given.mail, message, commit::all_or_none, 1777).combined().accepts());

    auto const all = at.contents();
    REQUIRE(all.size() == 20);
    for (int i = 0; i < 20; ++i)
        CHECK(std::find(all.begin(), all.end(), filed(given, "user" + std::to_string(i), kept)) != all.end());
    CHECK(at.kept("tmp").empty());
    CHECK(at.files->open_files == 0);
}

TEST_CASE("Return-Path fields of the message are removed, those of its body stay", "[sink][maildir]") {
    place at;
    auto sink = at.sink();
    mailquay_test::made_transaction given;
    given.to("a@example.org", "a");

    REQUIRE(deliver(sink, given.mail, "return-path:\r\n <x>\r\nA: b\r\nReturn-Path: <y>\r\n\r\nReturn-Path: z\r\n", commit::all_or_none, 3)
                .combined()
                .accepts());

    CHECK(at.contents() == std::vector{filed(given, "a", "A: b\r\n\r\nReturn-Path: z\r\n")});
}

TEST_CASE("a Delivered-To of the same mailbox tells of a loop", "[sink][maildir]") {
    place at;
    auto sink = at.sink();
    mailquay_test::made_transaction given;
    given.to("a@example.org", "a@example.org").to("b@example.org", "b@example.org");
    std::string const looped = "Delivered-To:  A@example.org\r\n\r\nbody\r\n";

    auto const whole = deliver(sink, given.mail, looped).combined();
    CHECK(whole.code() == 554);
    CHECK(whole.enhanced() == "5.4.6");
    CHECK(at.kept().empty());

    auto const each = deliver(sink, given.mail, looped, commit::each);
    CHECK_FALSE(each.accepted_for(0));
    CHECK(each.accepted_for(1));
    CHECK(at.contents() == std::vector{filed(given, "b@example.org", looped)});
    CHECK(deliver(sink, given.mail, "A: b\r\n\r\nDelivered-To: a@example.org\r\n").combined().accepts());
}

TEST_CASE("a layout of one maildir per mailbox makes them on demand under safe names", "[sink][maildir]") {
    place at;
    auto sink = at.sink(maildir_layout::per_mailbox);
    mailquay_test::made_transaction given;
    given.to("x@example.org", "alice@example.org").to("y@example.org", "../../Evil").to("z@example.org", "tmp");

    for (int i = 0; i < 2; ++i) REQUIRE(deliver(sink, given.mail, small).combined().accepts());

    CHECK(at.contents("alice@example.org/new").size() == 2);
    CHECK(at.contents("%2E.%2F..%2F%45vil/new") == std::vector(2, filed(given, "../../Evil", small)));
    CHECK(at.contents("tmp/new").size() == 2);
    CHECK(at.contents("alice@example.org/tmp").empty());
    CHECK(at.kept("new").empty());
    CHECK(std::distance(std::filesystem::directory_iterator(at.folder.path()), {}) == 1);

    mailquay_test::made_transaction unresolved;
    unresolved.to("a@example.org");
    CHECK(deliver(sink, unresolved.mail, small).combined().code() == 451);
}

TEST_CASE("folders are those of Maildir++, made on demand, and hold one file for a mailbox", "[sink][maildir]") {
    place at;
    maildir_settings settings;
    settings.workers = at.workers;
    settings.files = at.files;
    settings.folder = [](transaction const&, recipient const& to) {
        std::string_view const local = to.local_part();
        auto const plus = local.find('+');
        return std::string(plus == std::string_view::npos ? std::string_view{} : local.substr(plus + 1));
    };
    auto const layout = GENERATE(maildir_layout::single, maildir_layout::per_mailbox);
    settings.layout = layout;
    std::string const alice = layout == maildir_layout::single ? "" : "alice/";
    maildir sink{at.folder.path("mail"), settings};
    mailquay_test::made_transaction given;
    given.to("alice+lists.asio@example.org", "alice").to("alice+other@example.org", "alice").to("bob@example.org", "bob");

    for (int i = 0; i < 2; ++i) REQUIRE(deliver(sink, given.mail, small).combined().accepts());

    CHECK(at.contents(alice + ".lists.asio/new") == std::vector(2, filed(given, "alice", small)));
    CHECK(at.contents(alice + ".lists.asio/tmp").empty());
    CHECK(std::filesystem::is_directory(at.folder.path("mail/" + alice + ".lists.asio/cur")));
    CHECK(std::filesystem::is_regular_file(at.folder.path("mail/" + alice + ".lists.asio/maildirfolder")));
    CHECK_FALSE(std::filesystem::exists(at.folder.path("mail/" + alice + ".other")));
    CHECK(at.contents(layout == maildir_layout::single ? "new" : "bob/new") == std::vector(2, filed(given, "bob", small)));
    CHECK(at.files->open_files == 0);
}

TEST_CASE("a folder is in its maildir whatever its name says", "[sink][maildir]") {
    CHECK(sinks::maildir_folder_name("") == "");
    CHECK(sinks::maildir_folder_name("Lists") == ".Lists");
    CHECK(sinks::maildir_folder_name("Lists/asio") == ".Lists.asio");
    CHECK(sinks::maildir_folder_name("../../etc") == ".etc");
    CHECK(sinks::maildir_folder_name("..") == "");
    CHECK(sinks::maildir_folder_name("a&b\n\xC3\xA4") == ".a_b___");
    CHECK(sinks::maildir_folder_name(std::string(1000, 'x')).size() == 129);
}

TEST_CASE("a full mailbox takes nothing, and costs others nothing where each has a verdict", "[sink][maildir][quota]") {
    for (std::size_t memory_octets : {std::size_t{100'000}, std::size_t{1000}}) {
        place at;
        std::vector<std::pair<std::string, std::uint64_t>> asked;
        maildir_settings settings;
        settings.layout = maildir_layout::per_mailbox;
        settings.memory_octets = memory_octets;
        settings.workers = at.workers;
        settings.files = at.files;
        settings.quota = [&](std::string_view mailbox, std::uint64_t octets) -> verdict {
            asked.emplace_back(mailbox, octets);
            return mailbox == "full" ? defer(replies::mailbox_full) : accept();
        };
        maildir sink{at.folder.path("mail"), settings};
        mailquay_test::made_transaction given;
        given.to("f@example.org", "full").to("a@example.org", "alice").to("c@example.org", {}, {"alice", "full"});
        std::string const message = "A: b\r\n\r\n" + std::string(5000, 'x');

        auto const together = deliver(sink, given.mail, message).combined();
        CHECK(together.code() == 452);
        CHECK(together.enhanced() == "4.2.2");
        CHECK(at.kept("alice/new").empty());
        CHECK(at.kept("alice/tmp").empty());
        CHECK(at.kept("full/tmp").empty());

        asked.clear();
        auto const said = deliver(sink, given.mail, message, commit::each);
        REQUIRE(said.each().size() == 3);
        auto const each = said.each();
        CHECK(each[0].code() == 452);
        CHECK(each[1].accepts());
        CHECK(each[2].code() == 452);
        CHECK(at.contents("alice/new") == std::vector{filed(given, "alice", message)});
        CHECK(at.kept("full/new").empty());
        CHECK(at.kept("full/tmp").empty());
        REQUIRE(asked.size() == 2);
        CHECK(asked[1] == std::pair{std::string("alice"), std::uint64_t{filed(given, "alice", message).size()}});
    }
}

TEST_CASE("an abandoned message leaves nothing", "[sink][maildir]") {
    for (bool busy : {false, true}) {
        place at;
        auto sink = at.sink(maildir_layout::single, 4096);
        mailquay_test::made_transaction given;
        given.to("a@example.org", "a");
        {
            auto writer = std::move(*waited(sink.open(given.mail)));
            CHECK(waited(writer->write(std::string(3000, 'x'))).accepts());
            CHECK(at.kept("tmp").empty());
            CHECK(waited(writer->write(std::string(3000, 'x'))).accepts());
            CHECK(at.kept("tmp").size() == 1);
            at.workers->busy = busy;
        }
        CHECK(at.kept("tmp").empty());
        CHECK(at.kept("new").empty());
        CHECK(at.files->open_files == 0);
    }
}

TEST_CASE("whatever step fails, the refusal is temporary and nothing stays behind", "[sink][maildir]") {
    struct failure {
        int error;
        int code;
        std::string enhanced;
    };
    for (auto const& [error, code, enhanced] :
         {failure{EIO, 451, "4.3.0"}, failure{ENOSPC, 452, "4.3.1"}, failure{EDQUOT, 452, "4.3.1"}, failure{EFBIG, 452, "4.3.1"},
          failure{EMFILE, 451, "4.3.0"}}) {
        for (auto layout : {maildir_layout::single, maildir_layout::per_mailbox}) {
            for (std::size_t memory_octets : {std::size_t{100'000}, std::size_t{2000}}) {
                bool reached_the_end = false;
                for (int step = 0; !reached_the_end; ++step) {
                    REQUIRE(step < 100);
                    place at;
                    auto sink = at.sink(layout, memory_octets);
                    mailquay_test::made_transaction given;
                    given.to("a@example.org", "a").to("b@example.org", "b").to("c@example.org", "c");
                    at.files->calls = 0;
                    at.files->fail_at = step;
                    at.files->error = error;

                    auto const said = deliver(sink, given.mail, "A: b\r\n\r\n" + std::string(5000, 'x')).combined();

                    CAPTURE(step, at.files->failed, error);
                    reached_the_end = at.files->failed.empty();
                    CHECK(said.accepts() == reached_the_end);
                    if (!reached_the_end) {
                        CHECK(said.code() == code);
                        CHECK(said.enhanced() == enhanced);
                    }
                    std::size_t files_left = 0;
                    for (auto const& one : std::filesystem::recursive_directory_iterator(at.folder.path()))
                        files_left += one.is_regular_file() ? 1u : 0u;
                    CHECK(files_left == (reached_the_end ? 3u : 0u));
                    CHECK(at.files->open_files == 0);
                }
            }
        }
    }
}

TEST_CASE("with a verdict for each, a failure refuses those it concerns and no others", "[sink][maildir]") {
    for (std::string step : {"create", "write", "sync", "close", "move"}) {
        for (int which = 0; which < 3; ++which) {
            place at;
            auto sink = at.sink();
            mailquay_test::made_transaction given;
            given.to("a@example.org", "a").to("b@example.org", "b").to("both@example.org", {}, {"b", "c"});
            at.files->only = step;
            at.files->calls = 0;
            at.files->fail_at = which;

            auto const said = deliver(sink, given.mail, small, commit::each);

            CAPTURE(step, which);
            REQUIRE(said.each().size() == 3);
            CHECK(said.accepted_for(0) == (which != 0));
            CHECK(said.accepted_for(1) == (which != 1));
            CHECK(said.accepted_for(2) == (which == 0));
            std::vector<std::string> want;
            for (std::string box : {"a", "b", "c"}) {
                bool const kept = box == "a" ? which != 0 : box == "b" ? which != 1 : which == 0;
                if (kept) want.push_back(filed(given, box, small));
            }
            CHECK(at.contents() == want);
            CHECK(at.kept("tmp").empty());
            CHECK(at.files->open_files == 0);
        }
    }
}

TEST_CASE("when the folder cannot be synced all of it is taken back, also with a verdict for each", "[sink][maildir]") {
    place at;
    auto sink = at.sink();
    mailquay_test::made_transaction given;
    given.to("a@example.org", "a").to("b@example.org", "b");
    at.files->only = "sync_folder";
    at.files->calls = 0;
    at.files->fail_at = 0;

    auto const said = deliver(sink, given.mail, small, commit::each);

    CHECK_FALSE(said.accepted_for(0));
    CHECK_FALSE(said.accepted_for(1));
    CHECK(at.kept().empty());
}

TEST_CASE("a name that is taken is not replaced", "[sink][maildir]") {
    place at;
    auto sink = at.sink();
    mailquay_test::made_transaction given;
    given.to("a@example.org", "a");
    for (std::string step : {"create", "move"}) {
        at.files->only = step;
        at.files->calls = 0;
        at.files->fail_at = 0;
        at.files->error = EEXIST;
        CHECK(deliver(sink, given.mail, small).combined().accepts());
    }
    CHECK(at.contents() == std::vector(2, filed(given, "a", small)));
    CHECK(at.kept("tmp").empty());
}

TEST_CASE("busy workers and a full disk are told before the body", "[sink][maildir]") {
    place at;
    auto sink = at.sink();
    mailquay_test::made_transaction given;
    given.to("a@example.org", "a");
    given.edit().parameters().size = 10 * 1024 * 1024;
    at.files->room = std::make_shared<std::uint64_t>(12 * 1024 * 1024);
    REQUIRE(deliver(sink, given.mail, small).combined().accepts());

    *at.files->room = 1024 * 1024;
    REQUIRE(deliver(sink, given.mail, small).combined().accepts());
    auto const full = waited(sink.open(given.mail));
    REQUIRE_FALSE(full);
    CHECK(full.error().code() == 452);
    CHECK(full.error().enhanced() == "4.3.1");

    at.workers->busy = true;
    CHECK(waited(sink.open(given.mail)).error().code() == 451);
    at.workers->busy = false;
    *at.files->room = 100 * 1024 * 1024;
    auto writer = std::move(*waited(sink.open(given.mail)));
    at.workers->busy = true;
    auto const said = waited(writer->finish(commit::all_or_none)).combined();
    CHECK(said.code() == 451);
    CHECK(said.enhanced() == "4.3.2");
}

TEST_CASE("whether there is room is answered without waiting, and looked up anew for the next who asks", "[sink][maildir]") {
    place at;
    at.files->room = std::make_shared<std::uint64_t>(1000);
    auto sink = at.sink();
    CHECK(sink.has_room(1000));
    *at.files->room = 2000;
    CHECK_FALSE(sink.has_room(1001));
    CHECK(sink.has_room(2000));
    CHECK_FALSE(sink.has_room(2001));
    at.workers->busy = true;
    *at.files->room = 3000;
    CHECK_FALSE(sink.has_room(2001));
    at.workers->busy = false;
    CHECK_FALSE(sink.has_room(2001));
    CHECK(sink.has_room(3000));
}

TEST_CASE("a writer that is gone before its job runs publishes nothing", "[sink][maildir]") {
    struct holding_workers final : mailquay::workers {
        std::vector<mailquay::unique_function<void()>> held;
        bool post(mailquay::unique_function<void()> job) override {
            held.push_back(std::move(job));
            return true;
        }
        asio::awaitable<void> run(mailquay::unique_function<void()> job) override {
            post(std::move(job));
            co_return;  // as if the wait was cut off
        }
    };
    place at;
    auto const workers = std::make_shared<holding_workers>();
    maildir_settings settings;
    settings.workers = workers;
    settings.files = at.files;
    maildir sink{at.folder.path("mail"), settings};
    mailquay_test::made_transaction given;
    given.to("a@example.org", "a");
    auto writer = std::move(*waited(sink.open(given.mail)));
    (void)waited(writer->write(small));
    asio::io_context io;
    auto answer = writer->finish(commit::all_or_none);
    asio::co_spawn(io, std::move(answer).wait(), [](std::exception_ptr, delivery) {});
    io.run();
    REQUIRE(workers->held.size() == 1);

    writer.reset();
    for (auto& job : workers->held) job();
    workers->held.clear();

    CHECK(at.kept("new").empty());
    CHECK(at.kept("tmp").empty());
    CHECK(at.files->open_files == 0);
}

TEST_CASE("stale files in tmp go at start, fresh ones and those in new stay", "[sink][maildir]") {
    for (auto layout : {maildir_layout::single, maildir_layout::per_mailbox}) {
        place at;
        std::string const box = layout == maildir_layout::single ? "mail" : "mail/alice";
        for (std::string sub_folder : {"tmp", "new"}) std::filesystem::create_directories(at.folder.path(box + "/" + sub_folder));
        for (std::string name : {"tmp/old", "tmp/fresh", "new/old"}) {
            std::ofstream{at.folder.path(box + "/" + name)} << "x";
            auto const age = name.ends_with("old") ? std::chrono::hours{37} : std::chrono::hours{35};
            std::filesystem::last_write_time(at.folder.path(box + "/" + name), std::filesystem::file_time_type::clock::now() - age);
        }

        auto sink = at.sink(layout);

        CHECK(at.folder.files(box + "/tmp").size() == 1);
        CHECK(at.folder.files(box + "/tmp").count("fresh") == 1);
        CHECK(at.folder.files(box + "/new").size() == 1);
    }
}

TEST_CASE("a folder that cannot be used is an error at start, naming path and cure", "[sink][maildir]") {
    place at;
    std::ofstream{at.folder.path("file")} << "x";
    auto const fault = [](std::string const& path) -> std::string {
        try {
            maildir sink{path};
        } catch (std::runtime_error const& wrong) {
            return wrong.what();
        }
        return "none";
    };
    for (std::string path : {at.folder.path("file"), at.folder.path("file/mail"), std::string{}, std::string{"/proc/mailquay"}}) {
        CAPTURE(path);
        CHECK(fault(path).find("sinks::maildir: folder \"" + path) == 0);
        CHECK(fault(path).find("name another folder") != std::string::npos);
    }
    CHECK(fault(at.folder.path("deep/er/mail/")) == "none");
    CHECK(std::filesystem::is_directory(at.folder.path("deep/er/mail/new")));
    maildir none{at.folder.path("mail")};
    mailquay_test::made_transaction given;
    given.to("a@example.org");
    CHECK_THROWS_AS(none.open(given.mail), std::logic_error);
}

TEST_CASE("a host name in file names cannot leave the folder", "[sink][maildir]") {
    place at;
    maildir_settings settings;
    settings.hostname = "a/b:c d\n";
    settings.workers = at.workers;
    maildir sink{at.folder.path("mail"), settings};
    mailquay_test::made_transaction given;
    given.to("a@example.org");
    REQUIRE(deliver(sink, given.mail, small).combined().accepts());
    CHECK(at.kept().begin()->first.ends_with(".a\\057b\\072c_d_"));
}

TEST_CASE("maildir promises what final delivery at once keeps", "[sink][maildir]") {
    place at;
    auto const kept = at.sink().promised();
    CHECK((kept.binary && kept.per_recipient && kept.requiretls && kept.deliver_by && kept.priority && kept.utf8 && kept.eight_bit));
    CHECK_FALSE(kept.dsn);
    CHECK_FALSE(kept.hold);
}

TEST_CASE("many messages at once on real workers all arrive", "[sink][maildir]") {
    place at;
    at.files = nullptr;
    maildir_settings settings;
    settings.memory_octets = 4096;
    maildir sink{at.folder.path("mail"), settings};
    sink.lend(std::make_shared<mailquay::worker_pool>());
    asio::io_context io;
    struct one_message {
        mailquay_test::made_transaction given{};
        std::unique_ptr<message_writer> writer{};
        bool accepted = false;
    };
    std::vector<std::unique_ptr<one_message>> all;
    for (int i = 0; i < 50; ++i) {
        auto& one = *all.emplace_back(std::make_unique<one_message>());
        one.given.to("a@example.org", "a").to("b@example.org", "b");
        one.writer = std::move(*waited(sink.open(one.given.mail)));
        REQUIRE(waited(one.writer->write(std::string(i % 2 == 0 ? 100 : 9000, 'x'))).accepts());
        auto answer = one.writer->finish(commit::all_or_none);
        asio::co_spawn(io, std::move(answer).wait(),
                       [&one](std::exception_ptr failed, delivery said) { one.accepted = !failed && said.combined().accepts(); });
    }
    io.run();
    CHECK(std::all_of(all.begin(), all.end(), [](auto const& one) { return one->accepted; }));
    all.clear();
    CHECK(at.kept().size() == 100);
    CHECK(at.kept("tmp").empty());
}

}  // namespace test_maildir
