#include <mailquay/sink/maildir.hpp>

#include "support/catch.hpp"
#include "support/failing_files.hpp"
#include "support/inline_workers.hpp"
#include "support/made_transaction.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace test_maildir_durability {

using namespace mailquay;
using mailquay_test::waited;

/// Notes which folders were synced.
struct noted_files final : file_operations {
    mailquay_test::failing_files real{};
    std::vector<std::string> synced{};

    result<int> create(std::string const& path) override { return real.create(path); }
    result<void> write(int file, std::span<std::string_view const> pieces) override { return real.write(file, pieces); }
    result<int> open(std::string const& path) override { return real.open(path); }
    result<void> write_at(int file, std::uint64_t offset, std::span<std::string_view const> pieces) override {
        return real.write_at(file, offset, pieces);
    }
    result<std::size_t> read_at(int file, std::uint64_t offset, std::span<char> room) override {
        return real.read_at(file, offset, room);
    }
    result<std::uint64_t> size(int file) override { return real.size(file); }
    result<void> allocate(int file, std::uint64_t octets) override { return real.allocate(file, octets); }
    result<void> forget_cached(int file) override { return real.forget_cached(file); }
    result<std::vector<std::string>> list(std::string const& in) override { return real.list(in); }
    result<void> sync_data(int file) override { return real.sync_data(file); }
    result<void> copy(int from, std::uint64_t offset, int to) override { return real.copy(from, offset, to); }
    result<void> sync(int file) override { return real.sync(file); }
    result<void> close(int file) override { return real.close(file); }
    result<void> move(std::string const& from, std::string const& to) override { return real.move(from, to); }
    result<void> remove(std::string const& path) override { return real.remove(path); }
    result<void> make_folder(std::string const& path) override { return real.make_folder(path); }
    result<void> sync_folder(std::string const& path) override {
        synced.push_back(path);
        return real.sync_folder(path);
    }
    result<std::uint64_t> free_octets(std::string const& path) override { return real.free_octets(path); }

    bool has_synced(std::string const& path) const { return std::find(synced.begin(), synced.end(), path) != synced.end(); }
};

struct place {
    mailquay_test::temporary_folder folder{};
    std::shared_ptr<noted_files> files = std::make_shared<noted_files>();

    sinks::maildir sink(std::string const& inside, std::size_t memory_octets = 128 * 1024) {
        sinks::maildir_settings settings;
        settings.memory_octets = memory_octets;
        settings.workers = std::make_shared<mailquay_test::inline_workers>();
        settings.files = files;
        return sinks::maildir{folder.path(inside), settings};
    }
};

TEST_CASE("folders that are made at start survive a loss of power, with those above them", "[sink][maildir]") {
    place at;
    (void)at.sink("deep/er/mail");

    CHECK(at.files->has_synced(at.folder.path("deep/er/mail")));
    CHECK(at.files->has_synced(at.folder.path("deep/er")));
    CHECK(at.files->has_synced(at.folder.path("deep")));
    CHECK(at.files->has_synced(at.folder.path()));

    at.files->synced.clear();
    (void)at.sink("deep/er/mail");
    CHECK_FALSE(at.files->has_synced(at.folder.path("deep/er")));
}

TEST_CASE("why a message could not be stored is told to the log, not to the client", "[sink][maildir]") {
    auto const memory_octets = GENERATE(std::size_t{0}, std::size_t{128 * 1024});
    place at;
    auto sink = at.sink("mail", memory_octets);
    mailquay_test::made_transaction given;
    given.to("b@example.org", "b@example.org");
    at.files->real.only = "write";
    at.files->real.fail_at = 0;
    at.files->real.error = EROFS;
    at.files->real.calls = 0;

    auto opened = waited(sink.open(given.mail));
    REQUIRE(opened);
    verdict said = waited((*opened)->write(std::string_view{"\r\nhello\r\n"}));
    if (!said.refuses()) said = waited((*opened)->finish(commit::all_or_none)).combined();

    REQUIRE(said.refuses());
    CHECK(said.rule() == "maildir: " + std::error_code{EROFS, std::system_category()}.message());
    CHECK(said.text().find("Read-only") == std::string_view::npos);
}

}  // namespace test_maildir_durability
