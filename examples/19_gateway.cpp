// A gateway: mail is passed on to another server while its client waits, and that server's reply is the client's. What it cannot take
// now is queued, and sent later.
//
//   ./19_gateway 127.0.0.1:2526 /tmp/gateway & swaks --server localhost:2525 --to alice@example.org
//
// It has no list of users: recipients of example.org are asked for there before they are accepted here, so that nothing has to be
// bounced. Needs the component relay.
#include <mailquay/mailquay.hpp>
#include <mailquay/relay/queue_runner.hpp>
#include <mailquay/relay/recipient_verifier.hpp>
#include <mailquay/relay/relay_now.hpp>
#include <mailquay/relay/smtp_carrier.hpp>
#include <mailquay/server/memory_store.hpp>

#include <asio/io_context.hpp>

#include <iostream>

using namespace mailquay;

int main(int argc, char** argv) {
    auto const inner = next_hop::parse(argc == 3 ? argv[1] : "");
    if (!inner) {
        std::cerr << "usage: 19_gateway HOST:PORT FOLDER\n";
        return 2;
    }
    asio::io_context io;
    client_config as;
    as.hello_name = "gateway.example.org";

    sinks::relay_now_settings passes;
    passes.client = as;
    passes.to = *inner;
    auto const spool = std::make_shared<sinks::spool>(argv[2]);

    verifier_settings asks;
    asks.domains = {"example.org"};
    recipient_verifier users{std::make_shared<client>(io, as), *inner, std::make_shared<memory_store>(), asks};

    // What waits goes to the same server, until it was taken or its sender was told.
    smtp_carrier_settings carries;
    carries.client = as;
    runner_settings delivers;
    delivers.hostname = as.hello_name;
    queue_runner runner{io.get_executor(), spool->queue(), std::make_shared<smtp_carrier>(io.get_executor(), carries),
                        route_to(delivery_way::smarthost, argv[1]), delivers};

    server server{io, {.hostname = as.hello_name}};
    server.recipients(users).sink(sinks::relay_now{io, passes}.overflow(spool));
    server.listen("127.0.0.1:2525");
    runner.start();
    io.run();
}
