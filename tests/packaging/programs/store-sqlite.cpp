// A program on mailquay::store-sqlite.
#include <mailquay/server/worker_pool.hpp>
#include <mailquay/store/sqlite.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include <unistd.h>

asio::awaitable<void> count_twice(std::shared_ptr<mailquay::stores::sqlite> counters, std::int64_t* sum) {
    for (int i = 0; i < 2; ++i) {
        auto pending = counters->add("seen", 21, std::chrono::seconds{60});
        mailquay::result<std::int64_t> now = co_await std::move(pending).wait();
        if (now) *sum = *now;
    }
}

int main() {
    char folder[] = "/tmp/mailquay-packaging-XXXXXX";
    if (::mkdtemp(folder) == nullptr) return 1;
    std::string const file = std::string(folder) + "/state.db";
    std::int64_t sum = 0;
    {
        asio::io_context io;
        auto counters = std::make_shared<mailquay::stores::sqlite>(file, std::make_shared<mailquay::worker_pool>());
        asio::co_spawn(io, count_twice(counters, &sum), asio::detached);
        io.run();
    }
    for (char const* suffix : {"", "-wal", "-shm"}) (void)::unlink((file + suffix).c_str());
    (void)::rmdir(folder);
    if (sum != 42) return 2;
    std::puts("store-sqlite: all is well");
}
