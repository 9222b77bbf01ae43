#include <mailquay/server/spooled_buffer.hpp>

#include <mailquay/server/worker_pool.hpp>

#include "support/catch.hpp"
#include "support/run_eventual.hpp"

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

namespace test_spooled_buffer {
using namespace mailquay;
using namespace mailquay_test;

struct folder {
    std::string path = "/tmp/mailquay-test-XXXXXX";
    folder() {
        if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp");
    }
    ~folder() { std::filesystem::remove_all(path); }
    bool empty() const { return std::filesystem::is_empty(path); }
};

struct bench {
    folder dir{};
    asio::io_context io{};
    std::shared_ptr<worker_pool> pool = std::make_shared<worker_pool>(worker_pool_config{.threads = 2});

    std::unique_ptr<message_buffer> make(std::size_t memory, std::uint64_t most = 0) {
        return spooled_buffers{pool, {.memory_octets = memory, .most_octets = most, .directory = dir.path}}.make();
    }
    result<void> write(message_buffer& to, std::string const& octets) { return run(io, to.write(octets)); }
    std::string read_all(message_buffer& from, std::size_t step) {
        std::string all;
        std::string room(step, '\0');
        for (;;) {
            std::size_t const got = run(io, from.read(room)).value();
            all.append(room, 0, got);
            if (got < step) return all;
        }
    }
};

inline std::string numbered(std::size_t size) {
    std::string text;
    while (text.size() < size) text += std::to_string(text.size()) + "\r\n";
    text.resize(size);
    return text;
}

TEST_CASE("a small message stays in memory and is answered at once", "[buffer]") {
    bench b;
    auto const buffer = b.make(100);
    auto answer = buffer->write(std::string_view{"hello"});
    REQUIRE(answer.ready());
    CHECK(std::move(answer).value());
    CHECK(b.read_all(*buffer, 3) == "hello");
}

TEST_CASE("a message comes back whole whatever its size, its chunks and the room", "[buffer]") {
    bench b;
    std::size_t const memory = GENERATE(1u, 7u, 100u);
    std::size_t const chunk = GENERATE(1u, 7u, 64u, 1000u);
    std::size_t const room = GENERATE(5u, 100u, 4096u);
    std::string const text = numbered(700);
    auto const buffer = b.make(memory);
    for (std::size_t at = 0; at < text.size(); at += chunk) REQUIRE(b.write(*buffer, text.substr(at, chunk)));
    CHECK(buffer->size() == text.size());

    CHECK(b.read_all(*buffer, room) == text);
    buffer->rewind();
    CHECK(b.read_all(*buffer, room) == text);
    CHECK(b.dir.empty());
}

TEST_CASE("a message beyond the bound is refused as too large", "[buffer]") {
    bench b;
    auto const buffer = b.make(4, 10);
    CHECK(b.write(*buffer, "1234567890"));
    auto const refused = b.write(*buffer, "1");
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == std::errc::file_too_large);
}

TEST_CASE("a folder that is not there is an error of the write", "[buffer]") {
    bench b;
    spooled_buffers buffers{b.pool, {.memory_octets = 1, .most_octets = 0, .directory = b.dir.path + "/none"}};
    auto const buffer = buffers.make();
    auto const refused = b.write(*buffer, "1234");
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == std::errc::no_such_file_or_directory);
}

TEST_CASE("a full queue of the workers comes out of the write", "[buffer]") {
    struct no_workers final : workers {
        bool post(unique_function<void()>) override { return false; }
        asio::awaitable<void> run(unique_function<void()> job) override { return run_on_workers(*this, std::move(job)); }
    };
    bench b;
    spooled_buffers buffers{std::make_shared<no_workers>(), {.memory_octets = 1, .most_octets = 0, .directory = b.dir.path}};
    auto const buffer = buffers.make();
    CHECK_THROWS_AS(b.write(*buffer, "1234"), workers_busy);
}

TEST_CASE("buffers without workers or memory are a start-up error", "[buffer]") {
    CHECK_THROWS_AS(spooled_buffers{nullptr}, std::invalid_argument);
    bench b;
    CHECK_THROWS_AS((spooled_buffers{b.pool, {.memory_octets = 0}}), std::invalid_argument);
}

}  // namespace test_spooled_buffer
