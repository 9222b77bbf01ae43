#pragma once

#include <mailquay/server/listener_setup.hpp>
#include <mailquay/server/plugins.hpp>
#include <mailquay/server/server_config.hpp>
#include <mailquay/session/prepared_replies.hpp>

#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace mailquay_test {

using namespace mailquay;

/// How a hook of a test answers.
enum class manner { at_once, later, throws, throws_later, never };

/// What a recording sink saw.
struct sink_record {
    struct message {
        std::string octets;
        std::vector<std::string> recipients;
        commit how{};
    };
    std::vector<message> kept;
    unsigned opened = 0;
    unsigned writers = 0;      ///< alive now
    unsigned chunks = 0;
    unsigned cancelled = 0;    ///< hooks that saw their cancellation
    manner open = manner::at_once;
    manner write = manner::at_once;
    manner finish = manner::at_once;
    manner recipient = manner::at_once;
    std::chrono::milliseconds takes{0};  ///< what "later" waits; 0: one turn of the loop
    verdict last_word = accept();
    std::vector<verdict> last_words{};   ///< for each recipient, where asked for; else `last_word`
    std::uint64_t room = ~std::uint64_t{0};  ///< octets
};

inline asio::awaitable<void> after(std::chrono::milliseconds time, sink_record* seen) {
    auto runs_on = co_await asio::this_coro::executor;
    if (time.count() == 0) {
        co_await asio::post(runs_on, asio::use_awaitable);
        co_return;
    }
    asio::steady_timer timer{runs_on, time};
    try {
        co_await timer.async_wait(asio::use_awaitable);
    } catch (std::system_error const&) {
        ++seen->cancelled;
        throw;
    }
}

template <class Answer>
asio::awaitable<Answer> later(std::chrono::milliseconds time, Answer answer, sink_record* seen) {
    co_await after(time, seen);
    co_return std::move(answer);
}

template <class Answer>
asio::awaitable<Answer> throw_later(sink_record* seen) {
    co_await after(std::chrono::milliseconds{0}, seen);
    throw std::runtime_error("a hook failed");
}

template <class Answer>
eventual<Answer> in_manner(manner how, Answer answer, sink_record& seen) {
    switch (how) {
        case manner::at_once: return answer;
        case manner::later: return later<Answer>(seen.takes, std::move(answer), &seen);
        case manner::throws: throw std::runtime_error("a hook failed");
        case manner::throws_later: return throw_later<Answer>(&seen);
        case manner::never: return later<Answer>(std::chrono::hours{24}, std::move(answer), &seen);
    }
    return answer;
}

/// A sink that keeps what it is given, in the manner its record asks for.
class recording_sink final : public message_sink {
public:
    explicit recording_sink(std::shared_ptr<sink_record> into) : record_(std::move(into)) {}

    eventual<opened> open(transaction const& mail) override;
    promises promised() const override {
        promises kept;
        kept.binary = kept.per_recipient = true;
        return kept;
    }
    bool has_room(std::uint64_t octets) const override { return octets <= record_->room; }

private:
    std::shared_ptr<sink_record> record_;
};

class recording_writer final : public message_writer {
public:
    recording_writer(std::shared_ptr<sink_record> into, transaction const& mail) : record_(std::move(into)) {
        ++record_->writers;
        for (auto const& to : mail.recipients()) message_.recipients.emplace_back(to.wire());
    }
    ~recording_writer() override { --record_->writers; }

    eventual<verdict> write(std::span<char const> octets) override {
        ++record_->chunks;
        if (record_->write == manner::later) return write_later(octets);
        message_.octets.append(octets.data(), octets.size());
        return in_manner<verdict>(record_->write, accept(), *record_);
    }
    eventual<delivery> finish(commit how) override {
        message_.how = how;
        if (record_->finish == manner::later) return finish_later();
        if (record_->finish == manner::at_once && record_->last_word.accepts()) record_->kept.push_back(std::move(message_));
        if (how == commit::each && !record_->last_words.empty()) return delivery{record_->last_words};
        return in_manner<delivery>(record_->finish, delivery{record_->last_word}, *record_);
    }

private:
    // Looks at the octets only after the wait: they must still be there.
    asio::awaitable<verdict> write_later(std::span<char const> octets) {
        co_await after(record_->takes, record_.get());
        message_.octets.append(octets.data(), octets.size());
        co_return accept();
    }
    asio::awaitable<delivery> finish_later() {
        co_await after(record_->takes, record_.get());
        if (record_->last_word.accepts()) record_->kept.push_back(std::move(message_));
        co_return delivery{record_->last_word};
    }

    std::shared_ptr<sink_record> record_;
    sink_record::message message_;
};

inline eventual<message_sink::opened> recording_sink::open(transaction const& mail) {
    ++record_->opened;
    if (record_->open == manner::throws) throw std::runtime_error("a hook failed");
    std::unique_ptr<message_writer> writer = std::make_unique<recording_writer>(record_, mail);
    return opened{std::move(writer)};
}

/// Lines that were logged.
struct log_record {
    std::vector<std::string> lines;

    std::vector<std::string> of(std::string_view event) const {
        std::vector<std::string> found;
        for (auto const& line : lines)
            if (line == event || line.starts_with(std::string{event} + ' ')) found.push_back(line);
        return found;
    }
    /// Whether any line has this in it.
    bool has(std::string_view part) const {
        for (auto const& line : lines)
            if (line.find(part) != line.npos) return true;
        return false;
    }
};

inline logger log_into(std::shared_ptr<log_record> record) {
    return logger{log_level::debug, [record](log_level, std::string_view line) { record->lines.emplace_back(line); }};
}

/// Plug-ins that accept every recipient and keep messages in `record`.
inline plugins recording_plugins(std::shared_ptr<sink_record> record) {
    plugins made;
    made.recipients([record](transaction const&, recipient const&) -> eventual<verdict> {
        return in_manner<verdict>(record->recipient, accept(), *record);
    });
    made.sink(std::make_shared<recording_sink>(record));
    return made;
}

/// What a listener's connections share, without a server.
inline std::shared_ptr<listener_setup> make_test_setup(plugins const& plugged, server_config config = {}, profile kind = profile::mx()) {
    if (config.hostname.empty()) config.hostname = "mx.example.org";
    auto made = std::make_shared<listener_setup>();
    auto asks = std::make_shared<pipeline>(plugged.all(), config.log);
    made->session = make_session_config(config, kind, plugged.all().sink->promised(), plugged.all().authenticator, plugged.all().tls != nullptr);
    made->tls = plugged.all().tls;
    for (auto const& one : plugged.all().extensions) made->session.extensions.add(one);
    made->session.answer_verify = static_cast<bool>(plugged.all().verify);
    made->session.answer_expand = static_cast<bool>(plugged.all().expand);
    made->session.hold_headers = asks->needs() >= message_needs::headers;
    prepare_replies(made->session);
    made->asks = asks;
    made->log = config.log;
    return made;
}

inline constexpr std::string_view whole_transaction =
    "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n";

}  // namespace mailquay_test
