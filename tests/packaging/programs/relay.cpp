// A program on mailquay::relay: what is in a spool is delivered, here by a carrier that takes everything.
#include <mailquay/relay/queue_runner.hpp>
#include <mailquay/relay/smtp_carrier.hpp>
#include <mailquay/sink/spool.hpp>

#include <asio/io_context.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

struct taker final : mailquay::carrier {
    unsigned taken = 0;

    asio::awaitable<mailquay::carry_report> carry(std::shared_ptr<mailquay::consignment const> what, mailquay::outcomes_known told) override {
        std::vector<mailquay::carried> all;
        for (auto const& one : what->recipients) {
            mailquay::carried delivered;
            delivered.number = one.number;
            delivered.state = mailquay::carried_state::delivered;
            delivered.reply = "250 2.0.0 Ok";
            all.push_back(delivered);
            ++taken;
        }
        auto telling = told(all);
        co_await std::move(telling);
        co_return mailquay::carry_report{};
    }
};

}  // namespace

int main() {
    char name[] = "/tmp/mailquay-relay-XXXXXX";
    if (::mkdtemp(name) == nullptr) return 1;
    bool well = false;
    {
        asio::io_context io;
        mailquay::sinks::spool spool{std::string(name) + "/spool"};
        mailquay::new_queued_message mail;
        mail.envelope.id = mailquay::id_generator{}.next(std::chrono::system_clock::now()).view();
        mail.envelope.recipients.push_back({"bob@example.net", {}, {}});
        mail.octets = "Subject: x\r\n\r\nhello\r\n";
        bool const queued = !mailquay::add_and_wait(*spool.queue(), mail);

        auto const by = std::make_shared<taker>();
        mailquay::runner_settings how;
        how.hostname = "mx.example.org";
        mailquay::queue_runner runner{io.get_executor(), spool.queue(), by, mailquay::route_by_mx(), how};
        runner.start();
        for (int i = 0; i < 1000 && spool.queue()->size() != 0; ++i) io.run_one_for(std::chrono::milliseconds{10});
        well = queued && by->taken == 1 && spool.queue()->size() == 0;
        bool stopped = false;
        runner.stop(std::chrono::milliseconds{0}, [&] { stopped = true; });
        while (!stopped) io.run_one_for(std::chrono::milliseconds{10});
        mailquay::smtp_carrier const real{io.get_executor(), {}};
    }
    std::filesystem::remove_all(name);
    std::puts(well ? "relay: all is well" : "relay: failed");
    return well ? 0 : 1;
}
