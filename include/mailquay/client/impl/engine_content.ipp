#pragma once

#include <mailquay/client/impl/engine_outcomes.ipp>

#include <mailquay/base/decimal.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

// The content of a message, by DATA or BDAT, and the end of its transaction.

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {

/// Content is asked for while less than this waits to be written.
inline constexpr std::size_t output_is_low = 64 * 1024;

/// BDAT chunks that are sent without an answer; without PIPELINING one (RFC 3030 §2).
inline constexpr std::size_t most_chunks_in_flight = 8;

/// What content may take at a rate, in addition to the time of the whole.
inline std::chrono::seconds time_for(std::uint64_t octets, std::size_t octets_per_second) {
    constexpr std::uint64_t most = 1'000'000;  // seconds; keeps sums far from any overflow
    return std::chrono::seconds{std::min(octets / std::max<std::size_t>(octets_per_second, 1), most)};
}

}  // namespace detail

inline void client_engine::impl::expect_finals() {
    if (lmtp()) {
        for (std::size_t const which : accepted) expect(owed::recipient_final, 0, which);
    } else {
        expect(plan.prdr && accepted.size() > 1 ? owed::prdr_final : owed::final);
    }
}

inline void client_engine::impl::begin_content() {
    doing = step::content;
    content_at = 0;
    if (attempt_end) *attempt_end += detail::time_for(message->content->size(), settings.limits.least_rate);
    encoder = {};
    bare_finder = {};
    if (!plan.bdat) expect_finals();
    if (message->content->size() == 0) take_content({});
}

inline void client_engine::impl::want_content() {
    if (content_wanted || all_sent || !last_chunk.empty() || unsent().size() >= detail::output_is_low) return;
    if (plan.bdat && waiting.size() >= (pipelining() ? detail::most_chunks_in_flight : 1)) return;
    content_wanted = true;
    events.emplace_back(client_wants_content{content_at});
}

inline void client_engine::impl::take_content(std::string_view octets) {
    content_wanted = false;
    std::uint64_t const size = message->content->size();
    if (octets.size() > size - content_at) octets = octets.substr(0, static_cast<std::size_t>(size - content_at));
    content_at += octets.size();
    bool const at_end = content_at == size;
    constexpr detail::own_finding bare{"5.6.3", "the content has a bare CR or LF, which the next hop cannot take"};
    if (plan.bdat) {
        bool const wrong = plan.body != body_type::binary_mime && (bare_finder.feed(octets) || (at_end && bare_finder.ended()));
        if (wrong) return refuse_content(bare);
        if (!at_end || waiting.empty()) return take_chunk(octets);
        last_chunk = octets;  // LAST is answered for each recipient, but only if all before it went well
        return;
    }
    bool well = encoder.encode(out, octets);
    if (well && at_end) well = encoder.finish(out);
    if (!well) return refuse_content(bare);
    all_sent = at_end;
}

inline void client_engine::impl::take_chunk(std::string_view octets) {
    bool const last = content_at == message->content->size();
    out += "BDAT ";
    append_decimal(out, octets.size());
    out += last ? " LAST\r\n" : "\r\n";
    out += octets;
    all_sent = last;
    if (last) return expect_finals();
    expect(owed::chunk);
}

/// What was begun must not be finished.
inline void client_engine::impl::refuse_content(detail::own_finding why) {
    fail_all(why);
    to_go.clear();
    if (plan.bdat) {
        chunk_refused = true;
        return end_transaction(true);
    }
    end_transaction(false);
}

inline void client_engine::impl::end_transaction(bool reset) {
    bool const cut_short = doing == step::content && !plan.bdat && !all_sent;
    tell_settled();
    doing = step::finished;
    if (cut_short) {
        // In the midst of DATA there is no way back but closing.
        out.clear();
        out_sent = 0;
        return end();
    }
    if (reset) send_line("RSET", owed::rset);
}

inline void client_engine::impl::message_done() {
    if (message != nullptr) {
        message = nullptr;
        events.emplace_back(client_sent{});
    }
    if (waiting.empty()) become_idle();
}

}  // namespace mailquay::inline MAILQUAY_ABI
