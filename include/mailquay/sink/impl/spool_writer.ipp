#include <mailquay/sink/detail/spool_writer.hpp>

#include <mailquay/base/crc32c.hpp>
#include <mailquay/handler/storage_errors.hpp>
#include <mailquay/protocol/replies.hpp>
#include <mailquay/sink/detail/wait_for_done.hpp>

#include <array>
#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>

namespace mailquay::inline MAILQUAY_ABI::detail {

struct spool_start {
    static unique_function<void(spool_queue::when_done)> make(std::shared_ptr<spool_engine> engine, std::unique_ptr<spool_item> item) {
        return [engine = std::move(engine), item = std::move(item)](spool_queue::when_done done) mutable {
            item->done = std::move(done);
            if (!engine->submit(item)) item->done(std::make_error_code(std::errc::resource_unavailable_try_again));
        };
    }
};

inline asio::awaitable<delivery> commit_to_spool(std::shared_ptr<spool_engine> engine, std::unique_ptr<spool_item> item) {
    unique_function<void(spool_queue::when_done)> start = spool_start::make(std::move(engine), std::move(item));
    asio::awaitable<std::error_code> waiting = wait_for_done(std::move(start));
    std::error_code const failed = co_await std::move(waiting);
    if (!failed) co_return delivery{accept()};
    if (failed == std::errc::resource_unavailable_try_again) co_return delivery{defer(replies::queue_full)};
    if (failed == spool_cannot_say())
        co_return delivery::unanswered(defer(replies::local_error).because("spool: neither kept nor cancelled, the disk fails"));
    co_return delivery{defer(storage_reply(failed)).because("spool: " + failed.message())};
}

// ---- large messages

template <class T>
struct spool_job {
    std::shared_ptr<spool_large_file> file{};
    std::optional<T> answer{};
    std::exception_ptr thrown{};

    static unique_function<void()> make(std::shared_ptr<spool_job> work, T (spool_large_file::*run)()) {
        return [work = std::move(work), run] {
            try {
                work->answer.emplace((*work->file.*run)());
            } catch (...) {
                work->thrown = std::current_exception();
            }
        };
    }
};

template <class T>
asio::awaitable<T> run_spool_job(std::shared_ptr<workers> pool, std::shared_ptr<spool_large_file> file, T (spool_large_file::*run)()) {
    auto work = std::make_shared<spool_job<T>>();
    work->file = std::move(file);
    try {
        unique_function<void()> job = spool_job<T>::make(work, run);
        asio::awaitable<void> running = pool->run(std::move(job));
        co_await std::move(running);
    } catch (workers_busy const&) {
        work->answer.emplace(defer(replies::queue_full));
    }
    if (work->thrown) std::rethrow_exception(work->thrown);
    co_return std::move(*work->answer);
}

inline asio::awaitable<delivery> commit_large_to_spool(std::shared_ptr<spool_engine> engine, std::shared_ptr<workers> pool,
                                                       std::shared_ptr<spool_large_file> file, std::unique_ptr<spool_item> item) {
    asio::awaitable<delivery> completing = run_spool_job<delivery>(std::move(pool), file, &spool_large_file::complete);
    delivery completed = co_await std::move(completing);
    if (!completed.combined().accepts()) co_return completed;
    // From here on a record may name the file.
    file->kept = true;
    asio::awaitable<delivery> committing = commit_to_spool(std::move(engine), std::move(item));
    delivery committed = co_await std::move(committing);
    if (!committed.combined().accepts() && !committed.is_unanswered()) file->kept = false;
    co_return committed;
}

MAILQUAY_DECL spool_large_file::spool_large_file(std::shared_ptr<spool_engine> engine, std::string_view id)
    : engine_(std::move(engine)), path_(engine_->large_path(id)) {}

MAILQUAY_DECL spool_large_file::~spool_large_file() {
    if (file_ >= 0) (void)engine_->files().close(file_);
    if (made_ && !kept) (void)engine_->files().remove(path_);
    engine_->settle_large(counted_, kept);
}

MAILQUAY_DECL verdict spool_large_file::spill() {
    counted_ += pending.size();
    if (!engine_->grow_large(pending.size())) return defer(replies::no_storage).because("spool: max_octets");
    if (file_ < 0) {
        auto const made = engine_->files().create(path_);
        if (!made) return defer(storage_reply(made.error())).because("spool: " + made.error().message());
        file_ = *made;
        made_ = true;
    }
    std::array<std::string_view, 1> const pieces{pending};
    auto const written = engine_->files().write(file_, pieces);
    pending.clear();
    if (!written) return defer(storage_reply(written.error())).because("spool: " + written.error().message());
    return accept();
}

MAILQUAY_DECL delivery spool_large_file::complete() {
    verdict rest = spill();
    if (rest.refuses()) return delivery{std::move(rest)};
    auto done = engine_->files().sync(file_);
    if (auto const closed = engine_->files().close(std::exchange(file_, -1)); done && !closed) done = closed;
    if (done) done = engine_->files().sync_folder(engine_->large_folder());
    if (!done) return delivery{defer(storage_reply(done.error())).because("spool: " + done.error().message())};
    return delivery{accept()};
}

// ---- the writer

// A bounce for the null sender would have nowhere to go.
inline bounce bounce_for(transaction const& mail, std::optional<relay_for> const& known) {
    if (mail.null_sender()) return bounce::never;
    if (mail.session().authenticated()) return bounce::always;
    return known && known->relays(mail.session()) ? bounce::always : bounce::restrained;
}

MAILQUAY_DECL spool_writer::spool_writer(std::shared_ptr<spool_engine> engine, std::shared_ptr<workers> pool, transaction const& mail,
                                         std::span<std::size_t const> recipients, std::chrono::milliseconds wait)
    : engine_(std::move(engine)),
      pool_(std::move(pool)),
      first_wait_ms_(static_cast<std::uint64_t>(std::max<std::int64_t>(wait.count(), 0))),
      wait_(std::make_shared<std::atomic<spool_wait>>(spool_wait::waiting)) {
    envelope kept = mail.snapshot();
    if (recipients.size() < kept.recipients.size()) {
        std::vector<envelope_recipient> some;
        for (std::size_t const place : recipients) some.push_back(std::move(kept.recipients[place]));
        kept.recipients = std::move(some);
    }
    append_spool_envelope(meta_, kept);
    recipients_ = recipients.size();
    if (auto const& hold = mail.requests().hold)
        release_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(hold->release.time_since_epoch()).count();
    bounce_ = bounce_for(mail, engine_->settings().known_clients);
    if (auto const id = transaction_id::parse(mail.id())) id_ = *id;
    // What the client announced, so that the content is copied once; it may lie.
    constexpr std::uint64_t with_received = 1024;
    auto const announced = mail.parameters().size.value_or(0) + with_received;
    body_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(announced, engine_->settings().memory_octets)));
}

MAILQUAY_DECL spool_writer::~spool_writer() {
    auto waiting = spool_wait::waiting;
    wait_->compare_exchange_strong(waiting, spool_wait::abandoned);
    if (!large_ || large_->kept) return;
    try {
        (void)pool_->post([left = std::move(large_)]() mutable { left.reset(); });
    } catch (...) {  // then the file goes with us
    }
}

MAILQUAY_DECL eventual<verdict> spool_writer::write(std::span<char const> octets) {
    std::string_view const text{octets.data(), octets.size()};
    checksum_ = crc32c(text, checksum_);
    octets_ += text.size();
    std::string& to = large_ ? large_->pending : body_;
    to.append(text);
    if (to.size() <= engine_->settings().memory_octets) return accept();
    if (!large_) {
        if (!pool_)
            throw std::logic_error("sinks::spool has no workers: give it to a server, name some in its settings, or call lend()");
        large_ = std::make_shared<spool_large_file>(engine_, id_.view());
        large_->pending = std::move(body_);
        body_ = {};
    }
    return run_spool_job<verdict>(pool_, large_, &spool_large_file::spill);
}

MAILQUAY_DECL std::unique_ptr<spool_item> spool_writer::make_item() {
    auto item = std::make_unique<spool_item>();
    spool_state state;
    state.accepted_ms = state.released_ms = engine_->wall_ms();
    if (release_ms_ > static_cast<std::int64_t>(state.accepted_ms)) state.released_ms = static_cast<std::uint64_t>(release_ms_);
    state.due_ms = std::max(state.released_ms, state.accepted_ms + first_wait_ms_);
    state.wait_ms = state.due_ms - state.accepted_ms;
    state.bounce = bounce_;
    if (large_) state.large = large_body{octets_, checksum_};
    state.append_to(meta_);
    item->record.meta = std::move(meta_);
    item->record.body = std::move(body_);
    item->record.seal(spool_record_type::message, id_, large_ ? 0 : checksum_);
    item->wait = wait_;
    item->large = large_ != nullptr;
    item->recipients = recipients_;
    return item;
}

MAILQUAY_DECL eventual<delivery> spool_writer::finish(commit) {
    std::unique_ptr<spool_item> item = make_item();
    if (large_) return commit_large_to_spool(engine_, pool_, large_, std::move(item));
    return commit_to_spool(engine_, std::move(item));
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
