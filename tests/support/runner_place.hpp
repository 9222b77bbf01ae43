#pragma once

#include <mailquay/relay/queue_runner.hpp>

#include "support/scripted_carrier.hpp"
#include "support/spool_place.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

namespace mailquay_test {

/// A spool with a runner, in time that is moved by hand.
struct runner_place : spool_place {
    asio::io_context io{};
    asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
    std::shared_ptr<scripted_carrier> carrier = std::make_shared<scripted_carrier>();
    mailquay::runner_settings how{};
    mailquay::router where = mailquay::route_by_mx();
    std::optional<mailquay::queue_runner> runner{};

    runner_place() {
        settings.segment_octets = 256 * 1024;
        how.hostname = "mx.example.org";
        how.clock = clock;
        how.workers = std::make_shared<inline_workers>();
        how.jitter_percent = 0;
    }
    ~runner_place() {
        stop_runner();
        stop();  // the spool's thread may still be handing an answer to `io`, which goes before it
    }

    void begin() {
        if (!sink) start();
        runner.emplace(io.get_executor(), queue, carrier, where, how);
        runner->start();
    }
    void stop_runner() {
        if (!runner) return;
        bool ended = false;
        runner->stop(std::chrono::milliseconds{0}, [&] { ended = true; });
        until([&] { return ended; }, "the runner ends");
        runner.reset();
        io.poll();
    }
    /// As if the process were killed: nothing more is written, and all starts again from the disk.
    void kill() {
        disk->read_only = true;
        stop_runner();
        stop();
        disk->read_only = false;
    }
    void until(std::function<bool()> const& condition, std::string const& what) {
        auto const end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) throw std::runtime_error("not in time: " + what);
            io.run_one_for(std::chrono::milliseconds{5});
        }
    }
    /// Nothing is in the runner's hands, and nothing due.
    void settle() {
        until([&] {
            auto const due = queue->due_in();
            auto const seen = runner->counts();
            return seen.in_memory == 0 && seen.under_way == 0 && (!due || *due > std::chrono::milliseconds{0}) && queue->ordered_notices().empty();
        }, "the queue settles");
    }
    void pass(std::chrono::milliseconds some) {
        clock->pass(some);
        runner->wake();
        io.poll();
        settle();
    }
    /// Sends one, for these recipients. @return its id
    std::string mail(std::vector<std::string> const& to, std::function<void(made_transaction&)> const& change = {}, std::string const& from = "sender@example.net") {
        made_transaction given{from};
        for (auto const& one : to) given.to(one);
        if (change) change(given);
        std::string id;
        if (!send(given, "From: <sender@example.net>\r\nMessage-ID: <m@example.net>\r\nSubject: s\r\n\r\nbody\r\n", &id).accepts())
            throw std::runtime_error("not accepted");
        return id;
    }
    /// Messages in the queue from the null sender to this address: their contents.
    std::vector<std::string> notices_to(std::string const& address) {
        std::vector<std::string> found;
        for (auto const& one : queue->list({}, 1000)) {
            auto const seen = queue->look_at(one.id);
            if (seen && seen->stored.envelope.reverse_path.empty() && seen->stored.envelope.recipients.front().address == address)
                found.push_back(content_of(one.id.view()));
        }
        return found;
    }
};

inline bool holds(std::string const& text, std::string_view piece) { return text.find(piece) != text.npos; }

/// Notices stay in the queue; each address has a destination of its own, its domain.
inline mailquay::router by_domain() {
    return [](std::string_view address) -> mailquay::result<mailquay::destination, std::string> {
        if (address == "sender@example.net") return std::string("450 4.3.0 not now");
        return mailquay::destination{mailquay::delivery_way::mx, std::string(address.substr(address.find('@') + 1))};
    };
}

}  // namespace mailquay_test
