// Where mail goes: a sink of your own, which sees the octets as they arrive and never holds a whole message.
//
//   ./04_streaming_sink & swaks --server 127.0.0.1:2525 --to alice@example.org --body @/etc/services
//
// For each message the server asks `open()` for a writer, hands it the octets by `write()`, and asks `finish()`
// last. Only then is the client told 250, so answer `accept()` when the message is kept for good. A writer that
// is destroyed without `finish()` was abandoned: the client is gone, or somebody refused.
#include <mailquay/mailquay.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>

using namespace mailquay;

namespace {

// Counts lines, octets and octets above 127.
class counting_writer final : public message_writer {
public:
    explicit counting_writer(std::string id) : id_(std::move(id)) {}
    ~counting_writer() override {
        if (!finished_) std::cout << id_ << " abandoned after " << octets_ << " octets" << std::endl;
    }

    eventual<verdict> write(std::span<char const> octets) override {
        octets_ += octets.size();
        lines_ += std::ranges::count(octets, '\n');
        foreign_ += std::ranges::count_if(octets, [](char c) { return static_cast<unsigned char>(c) > 127; });
        if (lines_ > 100'000) return reject(554, "5.6.0", "That many lines are no letter");
        return accept();
    }

    eventual<delivery> finish(commit) override {
        finished_ = true;
        std::cout << id_ << ' ' << lines_ << " lines, " << octets_ << " octets, " << foreign_ << " not ASCII"
                  << std::endl;
        return accept().with_text("counted " + std::to_string(lines_) +
                                  " lines");  // reaches the client behind 250 2.0.0
    }

private:
    std::string id_;
    std::size_t octets_ = 0;
    std::ptrdiff_t lines_ = 0;
    std::ptrdiff_t foreign_ = 0;
    bool finished_ = false;
};

// Any class with this member is a sink; derive from `message_sink` to promise more than the defaults.
struct counting_sink {
    std::unique_ptr<message_writer> open(transaction const& mail) {
        return std::make_unique<counting_writer>(std::string(mail.id()));
    }
};

}  // namespace

int main() {
    asio::io_context io;
    server server{io, {.hostname = "mx.example.org"}};

    server.recipients([](recipient const&) { return accept(); }).sink(counting_sink{});
    server.listen("127.0.0.1:2525");
    io.run();
}
