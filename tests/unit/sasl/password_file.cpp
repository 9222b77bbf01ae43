#include <mailquay/sasl/password_file.hpp>

#include "support/catch.hpp"
#include "support/inline_workers.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace test_password_file {
using namespace mailquay;
using sasl::password_file;

struct hand_clock final : mailquay::clock {
    std::chrono::steady_clock::time_point now{std::chrono::seconds{1000}};
    std::chrono::steady_clock::time_point steady() const noexcept override { return now; }
    std::chrono::system_clock::time_point wall() const noexcept override { return {}; }
};

struct bench {
    std::filesystem::path folder = std::filesystem::temp_directory_path() / ("mailquay-passwd-" + std::to_string(::getpid()));
    std::filesystem::path file = folder / "passwd";
    std::shared_ptr<hand_clock> time = std::make_shared<hand_clock>();
    std::shared_ptr<std::vector<std::string>> lines = std::make_shared<std::vector<std::string>>();

    bench() { std::filesystem::create_directories(folder); }
    ~bench() { std::filesystem::remove_all(folder); }
    // As the documentation says: a new file, renamed.
    void write(std::string const& text) const {
        std::ofstream{folder / "new", std::ios::binary} << text;
        std::filesystem::rename(folder / "new", file);
    }
    password_file open(std::size_t octets = 1024 * 1024) const {
        sasl::password_file_settings settings;
        settings.time = time;
        settings.octets = octets;
        settings.log = logger{log_level::info, [kept = lines](log_level, std::string_view line) { kept->emplace_back(line); }};
        return password_file{file, settings};
    }
    std::string why_not(std::string const& text, std::size_t octets = 1024 * 1024) const {
        write(text);
        try {
            open(octets);
        } catch (std::runtime_error const& wrong) {
            return wrong.what();
        }
        return {};
    }
};

bool knows(password_file& users, std::string user) { return mailquay_test::waited(users.find(std::move(user))).value() != nullptr; }

std::string const bcrypt = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";  // "secret"


TEST_CASE("a password file has users, comments and empty lines, ended as on any system", "[sasl][password_file]") {
    bench b;
    b.write("# who may send\n\nalice:" + bcrypt + "\r\nbob@example.org:{PLAIN}builder:x\ngone:!\nlast:{BLF-CRYPT}" + bcrypt);
    auto users = b.open();

    CHECK(users.size() == 4);
    CHECK(*mailquay_test::waited(users.check("alice", secret{std::string_view{"secret"}}, nullptr)));
    CHECK_FALSE(*mailquay_test::waited(users.check("alice", secret{std::string_view{"Secret"}}, nullptr)));
    CHECK(*mailquay_test::waited(users.check("bob@example.org", secret{std::string_view{"builder:x"}}, nullptr)));
    CHECK_FALSE(*mailquay_test::waited(users.check("gone", secret{std::string_view{"!"}}, nullptr)));
    CHECK(*mailquay_test::waited(users.check("last", secret{std::string_view{"secret"}}, nullptr)));
    CHECK_FALSE(knows(users, "carol"));
}

TEST_CASE("several lines give one user several forms, and what all have is offered", "[sasl][password_file]") {
    bench b;
    std::string const verifier = to_string(make_scram_verifier(sasl::scram_hash::sha256, secret_view{"secret"}, "saltsaltsaltsalt", 4096));
    b.write("alice:" + bcrypt + "\nalice:" + verifier + "\nbob:" + verifier + "\n");
    auto const forms = b.open().forms();
    CHECK(forms.scram[1]);
    CHECK_FALSE(forms.scram[2]);
    CHECK_FALSE(forms.passwords);
    CHECK(forms.hash == bcrypt);
}

TEST_CASE("a bad line is named with file and number, without what it holds", "[sasl][password_file]") {
    bench b;
    std::string const wrong = b.why_not("alice:" + bcrypt + "\nbob:hunter2\n");
    CHECK(wrong.find(b.file.string() + ": line 2: ") != std::string::npos);
    CHECK(wrong.find("hunter2") == std::string::npos);
    CHECK(b.why_not("alice\n").find("line 1: no colon") != std::string::npos);
    CHECK(b.why_not("#\n:" + bcrypt).find("line 2: the name is empty") != std::string::npos);
    CHECK(b.why_not("alice:" + bcrypt + "\nalice:" + bcrypt).find("line 2: a second hash") != std::string::npos);
    CHECK(b.why_not("a:{PLAIN}" + std::string(5000, 'x')).find("line 1: is longer") != std::string::npos);
    CHECK(b.why_not("alice:" + bcrypt, 10).find("password_file_settings::octets") != std::string::npos);
    CHECK(b.why_not("alice:" + bcrypt).empty());
    std::filesystem::remove(b.file);
    CHECK_THROWS_AS(b.open(), std::runtime_error);
}

TEST_CASE("a changed file is read again, at most once in the time set", "[sasl][password_file]") {
    bench b;
    b.write("alice:" + bcrypt + "\n");
    auto users = b.open();
    auto const pool = std::make_shared<mailquay_test::inline_workers>();
    users.lend(pool);
    b.write("bob:" + bcrypt + "\n");

    CHECK(knows(users, "alice"));
    CHECK(pool->jobs == 0);
    b.time->now += std::chrono::seconds{1};
    CHECK(knows(users, "bob"));
    CHECK_FALSE(knows(users, "alice"));
    CHECK(pool->jobs == 1);
    CHECK(b.lines->size() == 1);

    b.time->now += std::chrono::seconds{1};
    CHECK(knows(users, "bob"));
    CHECK(pool->jobs == 2);
    CHECK(b.lines->size() == 1);  // looked at, not read
}

TEST_CASE("a bad new file, and one that is gone, keep the one before", "[sasl][password_file]") {
    bench b;
    b.write("alice:" + bcrypt + "\n");
    auto users = b.open();

    b.write("alice:" + bcrypt + "\nbob:hunter2\n");
    b.time->now += std::chrono::seconds{1};
    CHECK(knows(users, "alice"));
    CHECK_FALSE(knows(users, "bob"));
    REQUIRE(b.lines->size() == 1);
    CHECK(b.lines->back().find("line 2") != std::string::npos);
    CHECK(b.lines->back().find("hunter2") == std::string::npos);
    b.time->now += std::chrono::seconds{1};
    CHECK(knows(users, "alice"));
    CHECK(b.lines->size() == 1);  // told once

    std::filesystem::remove(b.file);
    b.time->now += std::chrono::seconds{1};
    CHECK(knows(users, "alice"));
    CHECK(b.lines->size() == 2);

    b.write("bob:" + bcrypt + "\n");
    b.time->now += std::chrono::seconds{1};
    CHECK(knows(users, "bob"));
}

/// No file can be opened while it lives.
struct no_descriptors {
    rlimit before{};
    no_descriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before);
        rlimit none = before;
        none.rlim_cur = 0;
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    ~no_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before); }
};

TEST_CASE("a file that could not be read is tried until it can be, and told once", "[sasl][password_file]") {
    bench b;
    b.write("alice:" + bcrypt + "\n");
    auto users = b.open();
    b.write("bob:" + bcrypt + "\n");
    {
        no_descriptors const out;
        for (int i = 0; i < 3; ++i) {
            b.time->now += std::chrono::seconds{1};
            static_cast<void>(knows(users, "alice"));
        }
    }
    CHECK(b.lines->size() == 1);
    CHECK(knows(users, "alice"));
    b.time->now += std::chrono::seconds{1};
    CHECK(knows(users, "bob"));
}

TEST_CASE("a file of mode 0 at first is read once its mode is right", "[sasl][password_file]") {
    if (::geteuid() == 0) return;  // reads whatever the mode
    bench b;
    b.write("alice:" + bcrypt + "\n");
    auto users = b.open();
    std::ofstream{b.folder / "new", std::ios::binary} << "bob:" + bcrypt + "\n";
    std::filesystem::permissions(b.folder / "new", std::filesystem::perms::none);
    std::filesystem::rename(b.folder / "new", b.file);
    b.time->now += std::chrono::seconds{1};
    CHECK(knows(users, "alice"));
    std::filesystem::permissions(b.file, std::filesystem::perms::owner_read);
    b.time->now += std::chrono::seconds{1};
    CHECK(knows(users, "bob"));
}

TEST_CASE("a change in place is seen although size and time of writing are the same", "[sasl][password_file]") {
    bench b;
    b.write("alice:" + bcrypt + "\n");
    auto const written = std::filesystem::last_write_time(b.file);
    auto users = b.open();
    std::this_thread::sleep_for(std::chrono::milliseconds{20});  // file systems tell times apart that lie a tick from each other
    std::ofstream{b.file, std::ios::binary} << "carol:" + bcrypt + "\n";
    std::filesystem::last_write_time(b.file, written);
    b.time->now += std::chrono::seconds{1};
    CHECK(knows(users, "carol"));
}

TEST_CASE("a file without users is refused at start and later", "[sasl][password_file]") {
    bench b;
    for (char const* const nobody : {"", "# nobody yet\n\n"}) {
        std::string const told = b.why_not(nobody);
        CHECK(told.find(b.file.string()) != std::string::npos);
        CHECK(told.find("names no user; write") != std::string::npos);
    }

    b.write("alice:" + bcrypt + "\n");
    auto users = b.open();
    std::ofstream{b.file, std::ios::binary | std::ios::trunc};  // as an editor or a shell does that writes in place
    b.time->now += std::chrono::seconds{1};
    CHECK(knows(users, "alice"));
    CHECK(users.size() == 1);
    REQUIRE(b.lines->size() == 1);
    CHECK(b.lines->back().find("names no user") != std::string::npos);

    b.write("alice:!\n");
    b.time->now += std::chrono::seconds{1};
    CHECK_FALSE(*mailquay_test::waited(users.check("alice", secret{std::string_view{"secret"}}, nullptr)));
    CHECK(b.lines->size() == 2);
}

}  // namespace test_password_file
