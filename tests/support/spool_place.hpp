#pragma once

#include <mailquay/sink/spool.hpp>

#include "support/failing_files.hpp"
#include "support/inline_workers.hpp"
#include "support/made_transaction.hpp"
#include "support/simulated_disk.hpp"

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailquay_test {

/// A clock that stands until it is moved.
struct moved_clock final : mailquay::clock {
    std::atomic<std::int64_t> steady_ms{1'000'000};
    std::atomic<std::int64_t> wall_ms{1'800'000'000'000};

    std::chrono::steady_clock::time_point steady() const noexcept override {
        return std::chrono::steady_clock::time_point{std::chrono::milliseconds{steady_ms.load()}};
    }
    std::chrono::system_clock::time_point wall() const noexcept override {
        return std::chrono::system_clock::time_point{std::chrono::milliseconds{wall_ms.load()}};
    }
    /// Time goes on.
    void pass(std::chrono::milliseconds some) {
        steady_ms += some.count();
        wall_ms += some.count();
    }
};

/// A spool on a simulated disk, with a folder for its lock.
struct spool_place {
    temporary_folder folder{};
    std::shared_ptr<simulated_disk> disk = std::make_shared<simulated_disk>();
    std::shared_ptr<moved_clock> clock = std::make_shared<moved_clock>();
    mailquay::sinks::spool_settings settings{};
    std::optional<mailquay::sinks::spool> sink{};
    std::shared_ptr<mailquay::spool_queue> queue{};
    std::shared_ptr<std::vector<std::string>> log = std::make_shared<std::vector<std::string>>();

    spool_place() {
        settings.segment_octets = 16 * 1024;
        settings.memory_octets = 4 * 1024;
        settings.free_octets = 64 * 1024;
        settings.workers = std::make_shared<inline_workers>();
        settings.files = disk;
        settings.clock = clock;
    }

    void start() {
        std::filesystem::create_directories(folder.path("spool"));  // for the lock, which is the system's
        sink.emplace(folder.path("spool"), settings);
        queue = sink->queue();
    }
    void stop() {
        queue.reset();
        sink.reset();
    }
    void restart() {
        stop();
        start();
    }
    /// As if the machine lost its power now.
    void lose_power() {
        stop_writing();
        disk->cut_power();
        start();
    }

    /// Sends one message. @return what the client is told
    mailquay::verdict send(std::string_view content, std::string* id = nullptr, std::string_view to = "b@example.org") {
        made_transaction given;
        given.to(to);
        return send(given, content, id);
    }
    mailquay::verdict send(made_transaction& given, std::string_view content, std::string* id = nullptr) {
        if (id != nullptr) *id = given.mail.id();
        auto opened = waited(sink->open(given.mail));
        if (!opened) return opened.error();
        mailquay::verdict said = waited((*opened)->write(content));
        if (said.refuses()) return said;
        return waited((*opened)->finish(mailquay::commit::all_or_none)).combined();
    }
    /// The same, for one that must be taken.
    std::string keep(std::string_view content) {
        std::string id;
        if (!send(content, &id).accepts()) throw std::runtime_error("not accepted");
        return id;
    }
    std::string content_of(std::string_view id) {
        auto const found = queue->look_at(*mailquay::transaction_id::parse(id));
        if (!found) return "(not there)";
        std::string octets(found->octets, '\0');
        auto const got = found->read(0, octets);
        return got && *got == octets.size() ? octets : "(cut off)";
    }
    bool has(std::string_view id) const { return queue->find(*mailquay::transaction_id::parse(id)).has_value(); }
    std::string path(std::string const& inside) const { return folder.path("spool/" + inside); }
    std::vector<std::string> files_in(std::string const& inside) {
        std::vector<std::string> all;
        for (auto const& one : disk->paths())
            if (one.starts_with(path(inside))) all.push_back(one);
        return all;
    }
    std::vector<std::string> segments() {
        auto all = files_in("journal/");
        std::erase_if(all, [](std::string const& one) { return !one.ends_with(".seg"); });
        return all;
    }

private:
    // The process is gone: what its end would still write does not reach the disk.
    void stop_writing() {
        disk->cut_power();
        stop();
    }
};

}  // namespace mailquay_test
