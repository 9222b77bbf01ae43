#pragma once

#include <mailquay/handler/impl/pipeline_walk.ipp>
#include <mailquay/handler/quarantine.hpp>

// One message through the pipeline, from DATA to the sink's last word.

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL void pipeline::message::content_deleter::operator()(content* gone) const noexcept { delete gone; }

MAILQUAY_DECL verdict pipeline::message::failed(std::string_view hook) const noexcept {
    return detail::hook_failed(through_->frozen_->log, hook, &mail_->session(), mail_);
}

// The message has its answer: nothing of it may become visible.
MAILQUAY_DECL verdict pipeline::message::refused(verdict why) noexcept {
    writer_.reset();
    return why;
}

MAILQUAY_DECL void pipeline::message::let_go() noexcept {
    writer_.reset();
    content_.reset();
}

MAILQUAY_DECL void pipeline::message::abandon() noexcept {
    abandoned_ = true;
    if (running_ == 0) let_go();
}

MAILQUAY_DECL void pipeline::message::log_quarantine() const {
    if (!content_ || !content_->edit || !content_->edit->quarantined()) return;
    through_->frozen_->log.info([&] {
        return detail::hook_log_line("quarantined", "filter.on_end", &mail_->session(), mail_).add("reason", quarantine_of(*mail_));
    });
}

// DATA

MAILQUAY_DECL eventual<verdict> pipeline::message::start() {
    frozen const& all = *through_->frozen_;
    if (!has(all.policed, policy_stage::data)) return open(accept());
    detail::stage_question const about{policy_stage::data, *mail_};
    frozen::stage_walk policies{all, about};
    std::optional<eventual<verdict>> pending;
    policies.run_until_pending(pending);
    if (pending) return start_later(std::move(policies), std::move(*pending));
    verdict allowed = std::move(policies).result();
    if (allowed.refuses()) return allowed;
    return open(std::move(allowed));
}

MAILQUAY_DECL eventual<verdict> pipeline::message::open(verdict allowed) {
    try {
        if (!through_->frozen_->plugged.filters.empty()) begin_filters();
        eventual<message_sink::opened> opened = through_->frozen_->plugged.sink->open(*mail_);
        if (!opened.ready()) return open_later(std::move(opened), std::move(allowed));
        if (opened.peek() && *opened.peek() && !abandoned_) {
            writer_ = *std::move(opened).value();
            return allowed;
        }
        return take_writer(std::move(opened).value(), std::move(allowed));
    } catch (...) {
        return failed("open");
    }
}

MAILQUAY_DECL void pipeline::message::begin_filters() {
    frozen const& all = *through_->frozen_;
    content_.reset(new content);
    content_->runs.reserve(all.plugged.filters.size());
    bool buffered = false;
    for (std::size_t i = 0; i < all.plugged.filters.size(); ++i) {
        content_->runs.push_back(all.plugged.filters[i]->begin(*mail_));
        // Behind the first that may edit, filters are shown the message at its end, also where that one stays out of it.
        message_needs const from = i < all.streamed ? message_needs::edits : message_needs::body;
        buffered = buffered || (content_->runs.back() && all.filter_needs[i] >= from);
    }
    if (buffered) content_->body = all.plugged.buffers->make();
}

MAILQUAY_DECL verdict pipeline::message::take_writer(message_sink::opened opened, verdict allowed) {
    auto const misanswered = [&](std::string_view what) {
        return detail::hook_misanswered(through_->frozen_->log, "open", what, &mail_->session(), mail_);
    };
    if (!opened) {
        if (opened.error().refuses()) return std::move(opened).error();
        return misanswered("the sink gave neither a writer nor a refusal");
    }
    if (!*opened) return misanswered("the sink gave a null writer");
    if (!abandoned_) writer_ = *std::move(opened);
    return allowed;
}

template <class First>
asio::awaitable<verdict> pipeline::message::start_later(First policies, eventual<verdict> pending) {
    running const mark{*this};
    try {
        auto walked = detail::walk_on(through_->shared_from_this(), std::move(policies), std::move(pending));
        verdict allowed = co_await std::move(walked);
        if (allowed.refuses()) co_return allowed;
        eventual<verdict> opened = open(std::move(allowed));
        if (opened.ready()) co_return std::move(opened).value();
        verdict answer = co_await std::move(opened).wait();
        co_return answer;
    } catch (...) {
        co_return failed("start");
    }
}

MAILQUAY_DECL asio::awaitable<verdict> pipeline::message::open_later(eventual<message_sink::opened> pending, verdict allowed) {
    running const mark{*this};
    try {
        message_sink::opened opened = co_await std::move(pending).wait();
        co_return take_writer(std::move(opened), std::move(allowed));
    } catch (...) {
        co_return failed("open");
    }
}

// The message's octets

MAILQUAY_DECL eventual<verdict> pipeline::message::headers(std::string_view header) {
    if (!writer_) return defer(replies::local_error);
    if (content_) {
        content_->header = header;
        content_->header_left = header.size();
    }
    detail::stage_question about{policy_stage::headers, *mail_};
    about.text = header;
    frozen::stage_walk policies{*through_->frozen_, about};
    std::optional<eventual<verdict>> pending;
    policies.run_until_pending(pending);
    if (pending) return headers_later(std::move(policies), std::move(*pending));
    verdict allowed = std::move(policies).result();
    if (allowed.refuses()) return refused(std::move(allowed));
    walk filters{*this, walk::call::headers};
    filters.run_until_pending(pending);
    if (pending) return walk_later(std::move(filters), std::move(*pending));
    return std::move(filters).result();
}

template <class First>
asio::awaitable<verdict> pipeline::message::headers_later(First policies, eventual<verdict> pending) {
    running const mark{*this};
    try {
        auto walked = detail::walk_on(through_->shared_from_this(), std::move(policies), std::move(pending));
        verdict allowed = co_await std::move(walked);
        if (allowed.refuses()) co_return refused(std::move(allowed));
        walk filters{*this, walk::call::headers};
        std::optional<eventual<verdict>> next;
        filters.run_until_pending(next);
        if (!next) co_return std::move(filters).result();
        auto rest = detail::walk_on(through_->shared_from_this(), std::move(filters), std::move(*next));
        verdict answer = co_await std::move(rest);
        co_return answer;
    } catch (...) {
        co_return refused(failed("on_headers"));
    }
}

MAILQUAY_DECL eventual<verdict> pipeline::message::chunk(std::span<char const> octets) {
    if (!writer_) return defer(replies::local_error);
    if (!content_) {
        // Straight through: most messages.
        try {
            if (!received_written_ && !mail_->received_field().empty()) {
                eventual<verdict> first = writer_->write(mail_->received_field());
                if (!first.ready()) {
                    walk rest{*this, walk::call::chunk, octets};
                    received_written_ = true;
                    return walk_later(std::move(rest), std::move(first));
                }
                received_written_ = true;
                if (!first.peek().accepts()) {
                    verdict given = checked_write(std::move(first).value());
                    if (given.refuses()) return refused(std::move(given));
                }
                if (octets.empty()) return accept();
            }
            return written(writer_->write(octets));
        } catch (...) {
            return refused(failed("write"));
        }
    }
    walk steps{*this, walk::call::chunk, octets};
    std::optional<eventual<verdict>> pending;
    steps.run_until_pending(pending);
    if (pending) return walk_later(std::move(steps), std::move(*pending));
    return std::move(steps).result();
}

MAILQUAY_DECL eventual<verdict> pipeline::message::written(eventual<verdict> answer) {
    if (!answer.ready()) return write_later(std::move(answer));
    if (answer.peek().accepts()) return answer;
    verdict given = checked_write(std::move(answer).value());
    return given.refuses() ? refused(std::move(given)) : std::move(given);
}

MAILQUAY_DECL asio::awaitable<verdict> pipeline::message::write_later(eventual<verdict> pending) {
    running const mark{*this};
    verdict given;
    try {
        verdict answer = co_await std::move(pending).wait();
        given = checked_write(std::move(answer));
    } catch (...) {
        given = failed("write");
    }
    if (given.refuses()) co_return refused(std::move(given));
    co_return given;
}

MAILQUAY_DECL asio::awaitable<verdict> pipeline::message::walk_later(walk rest, eventual<verdict> pending) {
    running const mark{*this};
    try {
        auto walked = detail::walk_on(through_->shared_from_this(), std::move(rest), std::move(pending));
        verdict answer = co_await std::move(walked);
        co_return answer;
    } catch (...) {
        co_return refused(failed("write"));
    }
}

MAILQUAY_DECL verdict pipeline::message::checked_write(verdict given) {
    if (!given.passes()) return given;
    return detail::hook_misanswered(through_->frozen_->log, "write", "a writer must accept or refuse", &mail_->session(), mail_);
}

// End of data

MAILQUAY_DECL eventual<delivery> pipeline::message::complete(commit how) {
    if (!writer_) return delivery{defer(replies::local_error)};
    if (!content_ && (received_written_ || mail_->received_field().empty())) return finish(how);
    if (content_) content_->edit.emplace(*mail_, std::move(content_->header), content_->body.get());
    walk steps{*this, walk::call::complete};
    std::optional<eventual<verdict>> pending;
    steps.run_until_pending(pending);
    if (pending) return complete_later(std::move(steps), std::move(*pending), how);
    verdict seen = std::move(steps).result();
    log_quarantine();
    if (seen.refuses()) return delivery{std::move(seen)};
    return finish(how);
}

MAILQUAY_DECL eventual<delivery> pipeline::message::finish(commit how) {
    try {
        eventual<delivery> answer = writer_->finish(how);
        if (!answer.ready()) return finish_later(std::move(answer));
        if (answer.peek().is_single() && !answer.peek().all().passes()) {
            let_go();
            return answer;
        }
        delivery done = checked_delivery(std::move(answer).value());
        let_go();
        return done;
    } catch (...) {
        return delivery{refused(failed("finish"))};
    }
}

MAILQUAY_DECL asio::awaitable<delivery> pipeline::message::complete_later(walk rest, eventual<verdict> pending, commit how) {
    running const mark{*this};
    try {
        auto walked = detail::walk_on(through_->shared_from_this(), std::move(rest), std::move(pending));
        verdict seen = co_await std::move(walked);
        log_quarantine();
        if (seen.refuses()) co_return delivery{std::move(seen)};
        eventual<delivery> answer = finish(how);
        if (answer.ready()) co_return std::move(answer).value();
        delivery done = co_await std::move(answer).wait();
        co_return done;
    } catch (...) {
        co_return delivery{refused(failed("finish"))};
    }
}

MAILQUAY_DECL asio::awaitable<delivery> pipeline::message::finish_later(eventual<delivery> pending) {
    running const mark{*this};
    try {
        delivery answer = co_await std::move(pending).wait();
        delivery done = checked_delivery(std::move(answer));
        let_go();
        co_return done;
    } catch (...) {
        co_return delivery{refused(failed("finish"))};
    }
}

MAILQUAY_DECL delivery pipeline::message::checked_delivery(delivery given) {
    auto const misanswered = [&](std::string_view what) {
        return detail::hook_misanswered(through_->frozen_->log, "finish", what, &mail_->session(), mail_);
    };
    if (given.is_single()) {
        if (!given.all().passes()) return given;
        return delivery{misanswered("a writer must accept or refuse")};
    }
    auto const each = given.each();
    if (each.size() != mail_->recipients().size()) return delivery{misanswered("not one verdict per recipient")};
    if (std::none_of(each.begin(), each.end(), [](verdict const& one) { return one.passes(); })) return given;
    std::vector<verdict> decided{each.begin(), each.end()};
    verdict const instead = misanswered("a writer must accept or refuse for each recipient");
    for (verdict& one : decided)
        if (one.passes()) one = instead;
    return delivery{std::move(decided)};
}

}  // namespace mailquay::inline MAILQUAY_ABI
