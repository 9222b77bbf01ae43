// Observers are told what happened, after the fact. They answer nothing, so they cannot get in the way.
//
//   ./11_observer & swaks --server 127.0.0.1:2525 --to alice@example.org,eve@example.org
#include <mailquay/mailquay.hpp>

#include <asio/io_context.hpp>

#include <iostream>

using namespace mailquay;

namespace {

// Counts, as a metrics exporter would. It is told only of what it wants.
class tally final : public observer {
public:
    observation_kind wants() const noexcept override {
        return observation_kind::message_accepted | observation_kind::recipient_refused | observation_kind::closed;
    }

    void on_event(observation const& what) noexcept override {
        switch (what.kind) {
            case observation_kind::message_accepted: octets_ += what.octets, ++accepted_; break;
            case observation_kind::recipient_refused: ++refused_; break;
            default: break;
        }
        std::cout << to_string(what.kind) << " from " << what.client->client().to_string() << ": " << accepted_
                  << " messages, " << octets_ << " octets, " << refused_ << " recipients refused" << std::endl;
    }

private:
    std::uint64_t octets_ = 0;
    unsigned accepted_ = 0;
    unsigned refused_ = 0;
};

}  // namespace

int main() {
    asio::io_context io;
    server server{io, {.hostname = "mx.example.org"}};
    server.recipients(recipient_table{"alice@example.org"}).sink(sinks::discard{}).observers(tally{});
    server.listen("127.0.0.1:2525");
    io.run();
}
