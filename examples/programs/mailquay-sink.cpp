// Accepts every message and forgets it: what a load test measures itself against.
//
//   mailquay-sink --listen 127.0.0.1:2525 --threads 2
#include "common/serve.hpp"

int main(int argc, char** argv) {
    return programs::run_server_main("mailquay-sink", [&] {
        programs::settings chosen;
        chosen.log_level = mailquay::log_level::warning;
        programs::flags all{"mailquay-sink", "Accepts all mail and discards it, for load tests."};
        programs::add_common_flags(all, chosen);
        programs::parse_or_exit(all, argc, argv);

        return programs::serve(chosen, [](mailquay::server& server) {
            server
                .recipients([](mailquay::transaction const&, mailquay::recipient const&) { return mailquay::accept(); })
                .sink(mailquay::sinks::discard{});
        });
    });
}
