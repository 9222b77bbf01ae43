#include <mailquay/handler/pipeline.hpp>

#include "support/catch.hpp"
#include "support/pipeline_bench.hpp"

#include <memory>
#include <string>

namespace test_pipeline {

/// Notes what it sees; may refuse at a step, and edit.
struct noting_run {
    strings* notes;
    std::string name;
    bool later_answer;
    verdict answer(bool) const { return pass(); }
    eventual<verdict> say(std::string what) {
        notes->push_back(name + ":" + what);
        if (later_answer) return later(pass());
        return pass();
    }
};
struct streaming_run : noting_run {
    eventual<verdict> on_headers(std::string_view header) { return say("headers " + std::string(header)); }
    eventual<verdict> on_chunk(std::span<char const> octets) { return say("chunk " + std::string(octets.data(), octets.size())); }
    eventual<verdict> on_end() { return say("end"); }
};
struct editing_run : streaming_run {
    eventual<verdict> on_end(message_edit& message) {
        message.add_field("X-" + name, "1");
        return say("end " + std::string(message.header()));
    }
};
template <class Run>
struct noting_filter {
    strings* notes;
    std::string name;
    bool later_answer;
    Run begin(transaction const&) { return Run{{noting_run{notes, name, later_answer}}}; }
};
template <>
inline streaming_run noting_filter<streaming_run>::begin(transaction const&) {
    return streaming_run{noting_run{notes, name, later_answer}};
}

TEST_CASE("a filter without edits is shown header and body as they pass, and the message is not buffered", "[pipeline][filter]") {
    bool const asynchronous = GENERATE(false, true);
    bench b;
    b.kept.asynchronous = asynchronous;
    b.set.buffers = nullptr;
    strings notes;
    b.set.filters = {make_message_filter(noting_filter<streaming_run>{&notes, "f", asynchronous})};
    CHECK(b.make()->needs() == message_needs::body);

    CHECK(b.send("A: b\r\n\r\n", "one\r\ntwo\r\n", 10).combined().accepts());

    CHECK(notes == strings{"f:headers A: b\r\n\r\n", "f:chunk on", "f:chunk e\r\ntwo\r\n", "f:end"});
    CHECK(b.kept.octets == std::string(b.made.mail.received_field()) + "A: b\r\n\r\none\r\ntwo\r\n");
}

TEST_CASE("with edits each filter sees its predecessors' edits, and the writer the last of them", "[pipeline][filter]") {
    bool const asynchronous = GENERATE(false, true);
    bench b;
    b.kept.asynchronous = asynchronous;
    strings notes;
    b.set.filters = {make_message_filter(noting_filter<streaming_run>{&notes, "f", asynchronous}),
                     make_message_filter(noting_filter<editing_run>{&notes, "g", asynchronous}),
                     make_message_filter(noting_filter<editing_run>{&notes, "h", asynchronous})};
    CHECK(b.make()->needs() == message_needs::edits);

    CHECK(b.send("A: b\r\n\r\n", "one\r\n", 100).combined().accepts());

    CHECK(notes == strings{"f:headers A: b\r\n\r\n", "g:headers A: b\r\n\r\n", "f:chunk one\r\n", "g:chunk one\r\n", "f:end",
                           "g:end X-g: 1\r\nA: b\r\n\r\n", "h:headers X-g: 1\r\nA: b\r\n\r\n", "h:chunk one\r\n",
                           "h:end X-h: 1\r\nX-g: 1\r\nA: b\r\n\r\n"});
    CHECK(b.kept.octets == std::string(b.made.mail.received_field()) + "X-h: 1\r\nX-g: 1\r\nA: b\r\n\r\none\r\n");
}

TEST_CASE("a filter behind one that edits, but stays out of this message, sees it all the same", "[pipeline][filter]") {
    struct absent final : message_filter {
        message_needs needs() const override { return message_needs::edits; }
        std::unique_ptr<filter_run> begin(transaction const&) override { return nullptr; }
    };
    bool const asynchronous = GENERATE(false, true);
    bench b;
    b.kept.asynchronous = asynchronous;
    strings notes;
    b.set.filters = {std::make_shared<absent>(), make_message_filter(noting_filter<streaming_run>{&notes, "f", asynchronous})};

    CHECK(b.send("A: b\r\n\r\n", "one\r\n", 100).combined().accepts());

    CHECK(notes == strings{"f:headers A: b\r\n\r\n", "f:chunk one\r\n", "f:end"});
    CHECK(b.kept.octets == std::string(b.made.mail.received_field()) + "A: b\r\n\r\none\r\n");
}

TEST_CASE("a buffered message arrives whole whatever its size and split", "[pipeline][filter]") {
    bench b;
    std::size_t const size = GENERATE(0u, 1u, 65536u, 65537u, 200'000u);
    std::string body(size, 'x');
    for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 26);
    b.set.filters = {make_message_filter([](message_edit& message) {
        message.add_field("X-Seen", std::to_string(message.body_octets()), field_place::bottom);
        return pass();
    })};

    CHECK(b.send(a_header, body, 7919).combined().accepts());

    std::string expected{b.made.mail.received_field()};
    expected += "From: a@b\r\nSubject: x\r\nX-Seen: " + std::to_string(size) + "\r\n\r\n";
    CHECK(b.kept.octets == expected + body);
}

TEST_CASE("a message that cannot be buffered is deferred as the storage table says", "[pipeline][filter]") {
    bench b;
    b.set.buffers = std::make_shared<memory_buffers>(10);
    b.set.filters = {make_message_filter([](message_edit&) { return pass(); })};
    CHECK(b.send(a_header, "12345678901", 100).combined().named() == &replies::no_storage);
    CHECK(b.kept.octets.empty());
    CHECK(b.kept.destroyed == 1);
    CHECK(b.logged("buffer-failed"));
}

TEST_CASE("a filter's refusal ends the message at each step, and nothing stays", "[pipeline][filter]") {
    struct refusing {
        std::string where;
        struct a_run {
            std::string where;
            verdict at(std::string_view step) const { return where == step ? reject(replies::transaction_failed) : pass(); }
            verdict on_headers(std::string_view) { return at("headers"); }
            verdict on_chunk(std::span<char const>) { return at("chunk"); }
            verdict on_end(message_edit&) { return at("end"); }
        };
        a_run begin(transaction const&) { return {where}; }
    };
    bench b;
    std::string const where = GENERATE(as<std::string>{}, "headers", "chunk", "end");
    b.set.filters = {make_message_filter(refusing{where})};
    if (GENERATE(false, true)) b.set.filters.insert(b.set.filters.begin(), make_message_filter([](message_edit&) { return pass(); }));

    CHECK(b.send(a_header, a_body, 9).combined().named() == &replies::transaction_failed);
    CHECK(b.kept.finished == 0);
    CHECK(b.kept.octets.empty());
    CHECK(b.kept.destroyed == 1);
}

TEST_CASE("an edit by a filter that did not ask for edits defers the message", "[pipeline][filter]") {
    struct sneaky {
        struct a_run final : filter_run {
            eventual<verdict> on_end(message_edit& message) override {
                message.add_field("X", "y");
                return pass();
            }
        };
        message_needs needs() const { return message_needs::headers; }
        std::unique_ptr<filter_run> begin(transaction const&) { return std::make_unique<a_run>(); }
    };
    bench b;
    b.set.filters = {make_message_filter(sneaky{})};
    if (GENERATE(false, true)) b.set.filters.push_back(make_message_filter([](message_edit&) { return pass(); }));
    CHECK(b.send(a_header, a_body, 9).combined().named() == &replies::local_error);
    CHECK(b.logged("needs()"));
}

TEST_CASE("a quarantined message reaches the sink with its reason, and the log", "[pipeline][filter]") {
    bench b;
    b.set.filters = {make_message_filter([](transaction const&, message_edit& message) {
        message.quarantine("virus");
        return accept();
    })};
    CHECK(b.send(a_header, a_body, 9).combined().accepts());
    CHECK(b.kept.quarantined_at_finish == "virus");
    CHECK(b.logged("quarantined"));
}

TEST_CASE("a filter may leave a message alone", "[pipeline][filter]") {
    struct nothing {
        message_needs needs() const { return message_needs::edits; }
        std::unique_ptr<filter_run> begin(transaction const&) { return nullptr; }
    };
    bench b;
    b.set.filters = {make_message_filter(nothing{})};
    CHECK(b.send(a_header, a_body, 9).combined().accepts());
    CHECK(b.kept.octets == std::string(b.made.mail.received_field()) + std::string(a_header) + std::string(a_body));
}

TEST_CASE("a field given to a message without header begins one", "[pipeline][filter]") {
    bench b;
    b.set.filters = {make_message_filter([](message_edit& message) {
        message.add_field("X-A", "b");
        return pass();
    })};
    CHECK(b.send("", "just text\r\n", 100).combined().accepts());
    CHECK(b.kept.octets == std::string(b.made.mail.received_field()) + "X-A: b\r\n\r\njust text\r\n");
}

}  // namespace test_pipeline
