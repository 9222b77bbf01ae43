// Nothing on a shard may block. What does (files, databases, crypt) runs on workers: threads with a bounded queue.
//
//   ./08_maildir_and_workers mail & swaks --server 127.0.0.1:2525 --to root@example.org; ls mail/root/new
//
// The maildir sink syncs each message to disk before the client is told 250, on the server's workers.
// `offload()` brings a function of your own there; the hook goes on where it was when the function is done.
#include <mailquay/mailquay.hpp>

#include <asio/io_context.hpp>

#include <fstream>
#include <iostream>
#include <string>

using namespace mailquay;

namespace {

// Reads the whole file at each question: slow, and it blocks.
verdict find_in_passwd(std::string const& name) {
    std::ifstream users{"/etc/passwd"};
    if (!users) return defer(replies::lookup_failed);  // our fault, so never 5xx
    for (std::string line; std::getline(users, line);)
        if (line.starts_with(name + ':')) return accept().mailbox(name);
    return reject(replies::no_such_user);
}

// Accepts the users of this machine.
class machine_users {
public:
    explicit machine_users(workers& pool) : pool_(pool) {}

    eventual<verdict> validate(transaction const&, recipient const& to) {
        if (to.domain() != "example.org") return pass();
        return offload(pool_, [name = std::string(to.local_part())] { return find_in_passwd(name); });
    }

private:
    workers& pool_;
};

}  // namespace

int main(int argc, char** argv) {
    asio::io_context io;
    worker_pool pool{{.threads = 2, .queue = 100}};  // a full queue is 451 4.3.2 to the client
    server server{io, {.hostname = "mx.example.org", .worker_threads = 4}};

    std::string const folder = argc > 1 ? argv[1] : "mail";
    server.recipients(machine_users{pool}).sink(sinks::maildir{folder, {.layout = sinks::maildir_layout::per_mailbox}});
    server.listen("127.0.0.1:2525");
    io.run();
}
