#include <mailquay/sink/files.hpp>

#include "support/catch.hpp"
#include "support/failing_files.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

TEST_CASE("a file is made once, for its owner alone, and written piece after piece", "[sink][files]") {
    mailquay_test::temporary_folder folder;
    auto const files = mailquay::system_files();
    std::string const path = folder.path("a");

    int const file = files->create(path).value();
    std::vector<std::string_view> pieces(20, "ab");
    pieces[3] = "";
    CHECK(files->write(file, pieces));
    CHECK(files->sync(file));
    CHECK(files->close(file));

    struct stat facts {};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0600);
    CHECK(facts.st_size == 38);
    CHECK(files->create(path).error().value() == EEXIST);
    CHECK(files->create(folder.path("no/such")).error().value() == ENOENT);
}

TEST_CASE("copy takes what lies behind the offset, over any size", "[sink][files]") {
    mailquay_test::temporary_folder folder;
    auto const files = mailquay::system_files();
    std::string octets;
    for (int i = 0; i < 700'000; ++i) octets += static_cast<char>(i % 251);
    int const from = files->create(folder.path("from")).value();
    int const to = files->create(folder.path("to")).value();
    std::array<std::string_view, 1> const all{octets};
    std::array<std::string_view, 1> const head{"head"};

    CHECK(files->write(from, all));
    CHECK(files->write(to, head));
    CHECK(files->copy(from, 5, to));

    CHECK(files->close(from));
    CHECK(files->close(to));
    CHECK(folder.files("")["to"] == "head" + octets.substr(5));
}

TEST_CASE("move never replaces a file", "[sink][files]") {
    mailquay_test::temporary_folder folder;
    auto const files = mailquay::system_files();
    for (char const* name : {"a", "b"}) CHECK(files->close(files->create(folder.path(name)).value()));

    CHECK(files->move(folder.path("a"), folder.path("b")).error().value() == EEXIST);
    CHECK(files->move(folder.path("a"), folder.path("c")));
    CHECK(files->move(folder.path("a"), folder.path("d")).error().value() == ENOENT);
    CHECK(folder.files("").size() == 2);
    CHECK(files->remove(folder.path("c")));
    CHECK(files->remove(folder.path("c")).error().value() == ENOENT);
}

TEST_CASE("a folder may be there already, a file in its place is an error", "[sink][files]") {
    mailquay_test::temporary_folder folder;
    auto const files = mailquay::system_files();

    CHECK(files->make_folder(folder.path("f")));
    CHECK(files->make_folder(folder.path("f")));
    CHECK(files->sync_folder(folder.path("f")));
    CHECK(files->close(files->create(folder.path("file")).value()));
    CHECK(files->make_folder(folder.path("file")).error().value() == ENOTDIR);
    CHECK(files->make_folder(folder.path("no/such")).error().value() == ENOENT);
    CHECK_FALSE(files->sync_folder(folder.path("nowhere")));
    CHECK(files->free_octets(folder.path()).value() > 0);
}

TEST_CASE("a full device is told as such", "[sink][files]") {
    int const full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full < 0) return;
    std::array<std::string_view, 1> const octets{"x"};
    CHECK(mailquay::system_files()->write(full, octets).error().value() == ENOSPC);
    CHECK(mailquay::system_files()->close(full));
    CHECK(mailquay::system_files()->sync(-1).error().value() == EBADF);
}
