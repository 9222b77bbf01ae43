#pragma once

#include <mailquay/handler/impl/pipeline.ipp>
#include <mailquay/handler/quarantine.hpp>
#include <mailquay/handler/storage_errors.hpp>

// What one call of `pipeline::message` has to ask, step by step, as far as answers come at once.

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

/// Turns the answer of a buffer into what the client would be told.
inline verdict buffer_verdict(logger const& log, transaction const& mail, std::error_code why) noexcept {
    if (!why) return accept();
    log.error([&] { return hook_log_line("buffer-failed", "message_buffer", &mail.session(), &mail).add("error", why.message()); });
    return defer(storage_reply(why));
}

inline asio::awaitable<verdict> buffer_written(logger log, transaction const* mail, eventual<result<void>> pending) {
    result<void> done = co_await std::move(pending).wait();
    co_return buffer_verdict(log, *mail, done ? std::error_code{} : done.error());
}

inline asio::awaitable<verdict> buffer_read(logger log, transaction const* mail, eventual<result<std::size_t>> pending,
                                            std::size_t* got) {
    result<std::size_t> done = co_await std::move(pending).wait();
    if (done) *got = *done;
    co_return buffer_verdict(log, *mail, done ? std::error_code{} : done.error());
}

}  // namespace detail

struct pipeline::message::content {
    std::vector<std::unique_ptr<filter_run>> runs{};  // one per filter; null: not its message
    std::unique_ptr<message_buffer> body{};           // where some filter edits
    std::optional<message_edit> edit{};
    std::string header{};                             // until `edit` takes it
    std::size_t header_left = 0;                      // octets of the header that chunk() has not seen yet
    std::unique_ptr<char[]> room{};                   // a piece of the body that was read back
    std::size_t got = 0;

    static constexpr std::size_t room_octets = 64 * 1024;
};

/// Marks that a coroutine of the message runs: `abandon()` then waits for its end.
struct pipeline::message::running {
    explicit running(message& of) noexcept : of_(of) { ++of_.running_; }
    running(running const&) = delete;
    running& operator=(running const&) = delete;
    ~running() {
        if (--of_.running_ == 0 && of_.abandoned_) of_.let_go();
    }
    message& of_;
};

/// What one call has to ask, step by step: filters, then the writer or the buffer.
class pipeline::message::walk {
public:
    enum class call : unsigned char { headers, chunk, complete };

    walk(message& of, call what, std::span<char const> octets = {}) : m_(&of), call_(what), octets_(octets) {
        if (content* const kept = m_->content_.get(); kept != nullptr && call_ == call::chunk) {
            std::size_t const of_header = std::min(kept->header_left, octets_.size());
            kept->header_left -= of_header;
            body_ = octets_.subspan(of_header);
        }
        begin_filter(0);
    }

    bool done() const noexcept { return step_ == step::done; }

    eventual<verdict> ask() noexcept {
        try {
            return ask_step();
        } catch (...) {
            return failed();
        }
    }

    void take(verdict given) noexcept {
        if (m_->abandoned_) return finish(defer(replies::local_error));
        if (writes()) given = m_->checked_write(std::move(given));
        if (given.refuses()) return finish(m_->refused(std::move(given)));
        try {
            next();
        } catch (...) {
            finish(m_->refused(failed()));
        }
    }

    void run_until_pending(std::optional<eventual<verdict>>& pending) noexcept {
        while (!done()) {
            eventual<verdict> answer = ask();
            if (!answer.ready()) {
                pending.emplace(std::move(answer));
                return;
            }
            take(std::move(answer).value());
        }
    }

    verdict result() && noexcept { return std::move(settled_); }
    verdict failed() const noexcept { return m_->failed(hook()); }

private:
    enum class step : unsigned char {
        filter_headers, filter_read, filter_chunk, filter_end,  // one filter
        received, header, octets,                               // on to the writer
        keep,                                                   // into the buffer
        body_read, body_write,                                  // from the buffer to the writer
        done
    };

    content& kept() const noexcept { return *m_->content_; }
    frozen const& all() const noexcept { return *m_->through_->frozen_; }
    filter_run& run() const noexcept { return *kept().runs[filter_]; }
    bool needs(message_needs what) const noexcept { return all().filter_needs[filter_] >= what; }
    bool streamed() const noexcept { return filter_ < all().streamed; }
    bool writes() const noexcept {
        return step_ == step::received || step_ == step::header || step_ == step::octets || step_ == step::body_write;
    }
    std::span<char const> piece() const noexcept { return {kept().room.get(), kept().got}; }

    std::string_view hook() const noexcept {
        switch (step_) {
            case step::filter_headers: return "filter.on_headers";
            case step::filter_chunk: return "filter.on_chunk";
            case step::filter_end: return "filter.on_end";
            case step::filter_read:
            case step::keep:
            case step::body_read: return "message_buffer";
            default: return "write";
        }
    }

    eventual<verdict> ask_step() {
        message_writer& writer = *m_->writer_;
        switch (step_) {
            case step::filter_headers: return run().on_headers(call_ == call::headers ? kept().header : kept().edit->header());
            case step::filter_chunk: return run().on_chunk(call_ == call::chunk ? body_ : piece());
            case step::filter_end:
                kept().edit->allow_edits(needs(message_needs::edits));
                kept().edit->rewind_body();
                return run().on_end(*kept().edit);
            case step::received: m_->received_written_ = true; return writer.write(m_->mail_->received_field());
            case step::header: return writer.write(kept().edit->header());
            case step::octets: return writer.write(octets_);
            case step::body_write: return writer.write(piece());
            case step::keep: return keep_body();
            case step::filter_read:
            case step::body_read: return read_body();
            case step::done: break;
        }
        return accept();
    }

    eventual<verdict> keep_body() {
        eventual<mailquay::result<void>> answer = kept().body->write(body_);
        if (!answer.ready()) return detail::buffer_written(all().log, m_->mail_, std::move(answer));
        auto const done = std::move(answer).value();
        return detail::buffer_verdict(all().log, *m_->mail_, done ? std::error_code{} : done.error());
    }

    eventual<verdict> read_body() {
        if (!kept().room) kept().room = std::make_unique_for_overwrite<char[]>(content::room_octets);
        kept().got = 0;
        eventual<mailquay::result<std::size_t>> answer = kept().body->read({kept().room.get(), content::room_octets});
        if (!answer.ready()) return detail::buffer_read(all().log, m_->mail_, std::move(answer), &kept().got);
        auto const done = std::move(answer).value();
        if (done) kept().got = *done;
        return detail::buffer_verdict(all().log, *m_->mail_, done ? std::error_code{} : done.error());
    }

    void finish(verdict given) noexcept {
        settled_ = std::move(given);
        step_ = step::done;
    }

    // The first step of the filter at `index`, or of one behind it that has something to do, or of what follows them.
    void begin_filter(std::size_t index) {
        std::size_t const count = m_->content_ ? kept().runs.size() : 0;
        for (filter_ = index; filter_ < count; ++filter_) {
            if (!kept().runs[filter_]) continue;
            if (call_ == call::complete) {
                if (streamed() || !needs(message_needs::headers)) return start_step(step::filter_end);
                return start_step(step::filter_headers);
            }
            if (!streamed()) break;
            if (call_ == call::headers && needs(message_needs::headers)) return start_step(step::filter_headers);
            if (call_ == call::chunk && needs(message_needs::body) && !body_.empty()) return start_step(step::filter_chunk);
        }
        begin_writing();
    }

    void begin_writing() {
        if (call_ == call::headers) return finish(accept());
        bool const buffered = m_->content_ && kept().body;
        if (call_ == call::chunk && buffered) return body_.empty() ? finish(accept()) : start_step(step::keep);
        if (!m_->received_written_ && !m_->mail_->received_field().empty()) return start_step(step::received);
        after_received();
    }

    void after_received() {
        if (call_ == call::chunk) return octets_.empty() ? finish(accept()) : start_step(step::octets);
        if (!m_->content_ || !kept().body) return finish(accept());
        if (!kept().edit->header().empty()) return start_step(step::header);
        begin_body();
    }

    void begin_body() {
        kept().body->rewind();
        start_step(step::body_read);
    }

    void next() {
        switch (step_) {
            case step::filter_headers:
                if (call_ == call::headers) return begin_filter(filter_ + 1);
                if (!needs(message_needs::body)) return start_step(step::filter_end);
                kept().body->rewind();
                return start_step(step::filter_read);
            case step::filter_read: return start_step(kept().got != 0 ? step::filter_chunk : step::filter_end);
            case step::filter_chunk:
                if (call_ == call::chunk) return begin_filter(filter_ + 1);
                return start_step(step::filter_read);
            case step::filter_end: return begin_filter(filter_ + 1);
            case step::received: return after_received();
            case step::header: return begin_body();
            case step::body_read: return kept().got != 0 ? start_step(step::body_write) : finish(accept());
            case step::body_write: return start_step(step::body_read);
            case step::octets:
            case step::keep:
            case step::done: return finish(accept());
        }
    }

    void start_step(step next_step) noexcept { step_ = next_step; }

    message* m_;
    std::size_t filter_ = 0;
    verdict settled_{};
    call call_;
    step step_ = step::done;
    std::span<char const> octets_;
    std::span<char const> body_{};  // what of octets_ is not header
};

}  // namespace mailquay::inline MAILQUAY_ABI
