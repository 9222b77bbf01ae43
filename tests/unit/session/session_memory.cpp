#include <mailquay/session/session_memory.hpp>

#include <mailquay/session/session.hpp>

#include "support/catch.hpp"

#include <cstdlib>
#include <new>
#include <string>
#include <utility>

// Counts what the program allocates.
namespace test_session_memory {
static std::size_t allocations = 0;
[[maybe_unused]] static bool fails_next = false;
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MAILQUAY_TEST_COUNTS_ALLOCATIONS
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef MAILQUAY_TEST_COUNTS_ALLOCATIONS
#endif
#endif
#endif
#ifdef MAILQUAY_TEST_COUNTS_ALLOCATIONS
// Out of line, or GCC takes the pair for a mismatch where only one of the two is inlined.
[[gnu::noinline]] void* operator new(std::size_t octets) {
    ++test_session_memory::allocations;
    if (std::exchange(test_session_memory::fails_next, false)) throw std::bad_alloc();
    if (void* const given = std::malloc(octets == 0 ? 1 : octets)) return given;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* gone) noexcept { std::free(gone); }
[[gnu::noinline]] void operator delete(void* gone, std::size_t) noexcept { std::free(gone); }
#endif

namespace test_session_memory {

using namespace mailquay;

/// Plays one conversation and answers yes to all.
void play(session& talk, std::string& buffer, std::string_view octets) {
    buffer.assign(octets);
    talk.feed(buffer);
    while (auto const what = talk.next_event())
        std::visit(
            [&](auto const& e) {
                using kind = std::decay_t<decltype(e)>;
                if constexpr (std::is_same_v<kind, message_complete>) talk.answer(e.ticket, delivery{accept()});
                else if constexpr (requires { e.ticket; } && !std::is_same_v<kind, withdrawn>) talk.answer(e.ticket, accept());
            },
            *what);
    talk.output_sent(talk.output().size());
}

TEST_CASE("a message costs no allocation once warm", "[session_memory]") {
    session_config config;
    config.hostname = "mx.example.org";
    config.extensions = extension_registry::standard();
    session_memory memory;
    session talk{config, session_info{ip_endpoint{*ip_address::parse("192.0.2.1"), 1}, {}}, memory};
    talk.time_is(session::time_point{std::chrono::hours{24}});
    talk.answer(std::get<connected>(*talk.next_event()).ticket, accept());
    std::string buffer(4096, ' ');
    auto const message = [&] {
        play(talk, buffer, "MAIL FROM:<sender@example.org> SIZE=100 BODY=8BITMIME\r\n");
        play(talk, buffer, "RCPT TO:<first@example.org>\r\nRCPT TO:<second@EXAMPLE.org>\r\n");
        play(talk, buffer, "DATA\r\n");
        play(talk, buffer, "Subject: hello\r\nReceived: from x\r\n\r\n..text\r\n.\r\nNOOP\r\nRSET\r\nNO");
        play(talk, buffer, "OP\r\n");
    };
    play(talk, buffer, "EHLO a.rather.long.client.name.example\r\n");
    for (int i = 0; i < 20; ++i) message();

    std::size_t const before = allocations;
    message();

    CHECK(talk.totals().messages == 21);
#ifdef MAILQUAY_TEST_COUNTS_ALLOCATIONS
    CHECK(allocations - before == 0);
#else
    (void)before;
#endif
}

#ifdef MAILQUAY_TEST_COUNTS_ALLOCATIONS
TEST_CASE("a session that cannot keep an answer for want of memory ends, and withdraws the question", "[session_memory]") {
    session_config config;
    config.hostname = "mx.example.org";
    session_memory memory;
    session talk{config, session_info{ip_endpoint{*ip_address::parse("192.0.2.1"), 1}, {}}, memory};
    talk.time_is(session::time_point{std::chrono::hours{24}});
    talk.answer(std::get<connected>(*talk.next_event()).ticket, accept());
    std::string buffer(4096, ' ');
    play(talk, buffer, "EHLO client.example\r\n");
    play(talk, buffer, "MAIL FROM:<sender@example.org>\r\n");
    verdict const refusal = reject(550, "5.1.1", "no such user, and a text that does not fit into a string itself");
    auto const ask = [&] {
        buffer.assign("RCPT TO:<nobody@example.org>\r\n");
        talk.feed(buffer);
        return std::get<recipient_offered>(*talk.next_event()).ticket;
    };
    talk.answer(ask(), refusal);  // after this there is room for the list of what is asked
    while (talk.next_event()) {}
    talk.output_sent(talk.output().size());

    ticket const asked = ask();
    fails_next = true;
    CHECK_THROWS_AS(talk.answer(asked, refusal), std::bad_alloc);
    talk.fail();

    auto const told = talk.next_event();
    REQUIRE(told);
    REQUIRE(std::holds_alternative<withdrawn>(*told));
    CHECK(std::get<withdrawn>(*told).ticket == asked);
    while (auto const what = talk.next_event()) CHECK_FALSE(std::holds_alternative<withdrawn>(*what));
    CHECK(talk.ended());
}
#endif

TEST_CASE("what was given back is used again, empty", "[session_memory]") {
    session_memory memory;
    auto buffer = memory.take_buffer();
    auto* const same = buffer.get();
    buffer->assign("secret");
    memory.give_back(std::move(buffer));
    auto again = memory.take_buffer();
    CHECK(again.get() == same);
    CHECK(std::string_view{again->data(), 6} == std::string(6, '\0'));  // of what lies behind nobody here has written anything
    CHECK(again->empty());
    CHECK(again->capacity() >= 4096);

    auto owed = memory.take_replies();
    auto* const same_replies = owed.get();
    owed->append("250 ok\r\n");
    memory.give_back(std::move(owed));
    auto const replies_again = memory.take_replies();
    CHECK(replies_again.get() == same_replies);
    CHECK(replies_again->view().empty());

    auto work = memory.take_work();
    auto* const same_work = work.get();
    work->pending.emplace_back();
    work->said = 1;
    work->message.octets = 5;
    memory.give_back(std::move(work));
    auto const work_again = memory.take_work();
    CHECK(work_again.get() == same_work);
    CHECK(work_again->pending.empty());
    CHECK(work_again->said == 0);
    CHECK(work_again->message.octets == 0);
    CHECK(work_again->mail.recipients().empty());
}

TEST_CASE("what a trace began with is another client's once the memory is used again", "[session_memory]") {
    session_config config;
    config.hostname = "mx.example.org";
    config.extensions = extension_registry::standard();
    session_memory memory;
    std::string buffer(4096, ' ');
    // Each has said as much as the one before, so that their infos have the same version.
    for (std::string_view const name : {"first.example", "second.example", "c"}) {
        session talk{config, session_info{ip_endpoint{*ip_address::parse("192.0.2.1"), 1}, {}}, memory};
        talk.time_is(session::time_point{std::chrono::hours{24}});
        talk.answer(std::get<connected>(*talk.next_event()).ticket, accept());
        play(talk, buffer, "EHLO " + std::string{name} + "\r\n");
        play(talk, buffer, "MAIL FROM:<sender@example.org>\r\n");
        play(talk, buffer, "RCPT TO:<first@example.org>\r\n");
        play(talk, buffer, "DATA\r\n");
        std::string received;
        buffer = "Subject: hello\r\n\r\n.\r\n";
        talk.feed(buffer);
        while (auto const what = talk.next_event()) {
            if (auto const* const whole = std::get_if<message_complete>(&*what)) {
                received = whole->mail->received_field();
                talk.answer(whole->ticket, delivery{accept()});
            } else if (auto const* const chunk = std::get_if<message_chunk>(&*what)) {
                talk.answer(chunk->ticket, accept());
            } else if (auto const* const header = std::get_if<headers_complete>(&*what)) {
                talk.answer(header->ticket, accept());
            }
        }
        CHECK(received.starts_with("Received: from " + std::string{name} + " (unknown [192.0.2.1])"));
    }
}

TEST_CASE("a buffer that grew too large is not kept", "[session_memory]") {
    session_memory memory;
    auto buffer = memory.take_buffer();
    buffer->resize(100 * 1024);
    memory.give_back(std::move(buffer));
    CHECK(memory.take_buffer()->capacity() < 100 * 1024);

    auto owed = memory.take_replies();
    owed->append(std::string(100 * 1024, 'x'));
    memory.give_back(std::move(owed));
    CHECK(memory.take_replies()->capacity() < 100 * 1024);
}

TEST_CASE("the date is made once a tick, ids differ", "[session_memory]") {
    session_memory memory{std::chrono::system_clock::time_point{std::chrono::seconds{1'700'000'000}}};
    std::string const first{memory.date()};
    CHECK(first.find("Nov 2023") != std::string::npos);
    CHECK(memory.date() == first);
    memory.wall_is(memory.wall() + std::chrono::hours{24});
    CHECK(memory.date() != first);
    auto const a = memory.next_id();
    auto const b = memory.next_id();
    CHECK(a.view().size() == 12);
    CHECK(a.view() < b.view());
}

}  // namespace test_session_memory
