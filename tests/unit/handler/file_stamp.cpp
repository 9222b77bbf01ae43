#include <mailquay/handler/detail/file_stamp.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <thread>

namespace test_file_stamp {

using mailquay::detail::file_stamp;

TEST_CASE("a file's stamp changes with whatever is changed of it", "[file_stamp]") {
    std::string folder = std::filesystem::temp_directory_path() / "mailquay-test-XXXXXX";
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    std::string const path = folder + "/file";
    CHECK_FALSE(file_stamp::of(path));
    std::ofstream{path} << "one";
    auto const first = file_stamp::of(path);
    REQUIRE(first);
    CHECK(first == file_stamp::of(path));
    CHECK(first->size == 3);

    // The same size, and the time of writing set back: the time of the change cannot be.
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    struct stat before {};
    REQUIRE(::stat(path.c_str(), &before) == 0);
    std::ofstream{path} << "two";
    timespec const times[2] = {before.st_atim, before.st_mtim};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
    auto const second = file_stamp::of(path);
    REQUIRE(second);
    CHECK(second->size == first->size);
    CHECK(second != first);

    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    CHECK(file_stamp::of(path) != second);
    std::filesystem::remove_all(folder);
}

}  // namespace test_file_stamp
