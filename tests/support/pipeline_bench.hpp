#pragma once

#include <mailquay/handler/make_message_filter.hpp>
#include <mailquay/handler/make_observer.hpp>
#include <mailquay/handler/make_policy.hpp>
#include <mailquay/handler/make_recipient_validator.hpp>
#include <mailquay/handler/pipeline.hpp>
#include <mailquay/handler/quarantine.hpp>
#include <mailquay/protocol/replies.hpp>

#include "support/made_transaction.hpp"
#include "support/run_eventual.hpp"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// A pipeline with a sink that keeps what it is given, and policies and validators that note what they are asked.
namespace test_pipeline {

using namespace mailquay;
using namespace mailquay_test;
using strings = std::vector<std::string>;

/// What a sink was given, and what it answers.
struct kept_mail {
    std::string octets{};
    int writes = 0;
    int opened = 0;
    int finished = 0;
    int destroyed = 0;
    commit how{};
    bool asynchronous = false;
    verdict on_write = accept();
    delivery on_finish = accept();
    bool throw_in_open = false;
    bool throw_in_write = false;
    bool throw_in_finish = false;
    std::string quarantined_at_finish{};
};

class writer final : public message_writer {
public:
    writer(kept_mail& kept, transaction const& mail) : kept_(kept), mail_(mail) {}
    ~writer() override { ++kept_.destroyed; }
    eventual<verdict> write(std::span<char const> octets) override {
        if (kept_.throw_in_write) throw std::runtime_error("no");
        kept_.octets.append(octets.data(), octets.size());
        ++kept_.writes;
        if (kept_.asynchronous) return later(kept_.on_write);
        return kept_.on_write;
    }
    eventual<delivery> finish(commit how) override {
        if (kept_.throw_in_finish) throw std::runtime_error("no");
        ++kept_.finished;
        kept_.how = how;
        kept_.quarantined_at_finish = quarantine_of(mail_);
        if (kept_.asynchronous) return later_delivery();
        return std::move(kept_.on_finish);
    }

private:
    asio::awaitable<delivery> later_delivery() {
        auto const executor = co_await asio::this_coro::executor;
        co_await asio::post(executor, asio::use_awaitable);
        co_return std::move(kept_.on_finish);
    }

    kept_mail& kept_;
    transaction const& mail_;
};

class sink final : public message_sink {
public:
    explicit sink(kept_mail& kept) : kept_(kept) {}
    eventual<opened> open(transaction const& mail) override {
        if (kept_.throw_in_open) throw std::runtime_error("no");
        ++kept_.opened;
        if (refusal) return opened{*refusal};
        if (kept_.asynchronous) return open_later(mail);
        return opened{std::make_unique<writer>(kept_, mail)};
    }
    recipient_group group(recipient const& to) const override {
        return {by_domain ? std::string(to.domain()) : by_mailbox ? std::string(to.mailbox) : std::string{}};
    }

    bool takes_another(transaction const& mail, recipient const&) const override { return mail.recipients().size() < most_recipients; }

    std::optional<verdict> refusal{};
    std::size_t most_recipients = 1000;
    bool by_domain = false;
    bool by_mailbox = false;

private:
    asio::awaitable<opened> open_later(transaction const& mail) {
        auto const executor = co_await asio::this_coro::executor;
        co_await asio::post(executor, asio::use_awaitable);
        opened made{std::make_unique<writer>(kept_, mail)};
        co_return made;
    }
    kept_mail& kept_;
};

struct bench {
    kept_mail kept{};
    std::shared_ptr<test_pipeline::sink> to = std::make_shared<test_pipeline::sink>(kept);
    handlers set{};
    strings lines{};
    asio::io_context io{};
    made_transaction made{};

    bench() {
        set.sink = to;
        set.buffers = std::make_shared<memory_buffers>(1'000'000);
        made.received("Received: by us;\r\n\tnow\r\n");
    }
    std::shared_ptr<pipeline const> make() {
        logger log{log_level::trace, [this](log_level, std::string_view line) { lines.emplace_back(line); }};
        return std::make_shared<pipeline const>(set, log);
    }
    bool logged(std::string_view part) const {
        for (auto const& one : lines)
            if (one.find(part) != std::string::npos) return true;
        return false;
    }
    recipient offered(std::string_view local, std::string_view domain) {
        recipient to_offer;
        to_offer.forward_path = {local, local, domain};
        return to_offer;
    }
    /// Sends a message as a session would: header shown if anyone needs it, then all octets in pieces of `step`.
    delivery send(std::string_view header, std::string_view body, std::size_t step, commit how = commit::all_or_none) {
        auto const through = make();
        pipeline::message message{*through, made.mail};
        verdict given = run(io, message.start());
        if (given.refuses()) return given;
        if (through->needs() >= message_needs::headers) {
            given = run(io, message.headers(header));
            if (given.refuses()) return given;
        }
        std::string const whole = std::string{header} + std::string{body};
        for (std::size_t at = 0; at < whole.size(); at += step) {
            std::string const piece = whole.substr(at, step);
            given = run(io, message.chunk(piece));
            if (given.refuses()) return given;
        }
        return run(io, message.complete(how));
    }
};

/// A policy whose every stage notes its name and answers from a list.
struct noting_policy {
    strings* notes;
    std::string name;
    verdict answer = pass();
    bool later_answer = false;

    eventual<verdict> say(std::string_view stage) {
        notes->push_back(name + "." + std::string(stage));
        if (later_answer) return later(answer);
        return answer;
    }
    eventual<verdict> on_connect(session_info const&) { return say("connect"); }
    eventual<verdict> on_hello(session_info const&, std::string_view text) { return say("hello:" + std::string(text)); }
    eventual<verdict> on_mail(transaction const&) { return say("mail"); }
    eventual<verdict> on_recipient(transaction const&, recipient const&) { return say("recipient"); }
    eventual<verdict> on_recipient_accepted(transaction const&, recipient const&) { return say("accepted"); }
    eventual<verdict> on_data(transaction const&) { return say("data"); }
};

inline auto validator(strings& notes, std::string name, verdict answer, bool later_answer = false) {
    return make_recipient_validator([&notes, name, answer, later_answer](transaction const&, recipient const&) -> eventual<verdict> {
        notes.push_back(name);
        if (later_answer) return later(answer);
        return answer;
    });
}

inline constexpr std::string_view a_header = "From: a@b\r\nSubject: x\r\n\r\n";
inline constexpr std::string_view a_body = "Hello,\r\nworld\r\n";

}  // namespace test_pipeline
