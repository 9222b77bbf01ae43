// A hook that needs time is a coroutine. Other connections go on meanwhile; this one waits for its answer.
//
//   ./03_async_lookup & swaks --server 127.0.0.1:2525 --to alice@example.org
//
// The rule for coroutines (GCC 12 miscompiles others without a word): a `co_await` stands alone, as
//     auto x = co_await f(named);      co_await f(named);      co_return co_await f(named);
// and never in a condition, a ternary or braces. Parameters are taken by value, so that nothing dangles while it waits.
#include <mailquay/mailquay.hpp>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <iostream>
#include <set>
#include <string>

using namespace mailquay;

namespace {

// Stands for a directory that answers over the network.
class directory {
public:
    asio::awaitable<bool> knows(std::string name) {
        auto executor = co_await asio::this_coro::executor;
        asio::steady_timer network{executor, std::chrono::milliseconds{200}};
        co_await network.async_wait(asio::use_awaitable);  // throws when the server cancels the hook: let it
        co_return names_.contains(name);
    }

private:
    std::set<std::string> names_{"alice", "bob"};
};

asio::awaitable<verdict> look_up(directory& users, std::string name) {
    bool const known = co_await users.knows(name);
    if (known) co_return accept().mailbox(name);
    co_return reject(replies::no_such_user);
}

}  // namespace

int main() {
    asio::io_context io;
    directory users;
    server server{io, {.hostname = "mx.example.org"}};

    // A plain function may answer some questions at once and leave others to a coroutine: `eventual` is either.
    server.recipients([&users](recipient const& to) -> eventual<verdict> {
        if (to.domain() != "example.org") return pass();
        return look_up(users, std::string(to.local_part()));
    });
    server.sink(sinks::collect{[](received_message const& mail) { std::cout << mail.octets << std::endl; }});

    server.listen("127.0.0.1:2525");
    io.run();
}
