#pragma once

#include <mailquay/sink/spool_queue.hpp>

#include <atomic>
#include <memory>
#include <system_error>
#include <utility>

namespace mailquay_test {

/// A queue that does what another one does, but for what a test forbids.
struct faulty_queue final : mailquay::spool_queue {
    explicit faulty_queue(std::shared_ptr<mailquay::spool_queue> of) : real(std::move(of)) {}

    std::shared_ptr<mailquay::spool_queue> real;
    std::atomic<bool> unreadable{false};  ///< nothing can be looked at
    std::atomic<int> add_to_fail{0};      ///< the n-th next one (0: none)
    std::atomic<int> added{0};

    std::optional<mailquay::claimed_message> claim() override { return real->claim(); }
    std::optional<std::chrono::milliseconds> due_in() const override { return real->due_in(); }
    void on_due(std::function<void()> wake) override { real->on_due(std::move(wake)); }
    void change(mailquay::transaction_id id, mailquay::spool_change what, when_done done) override { real->change(id, std::move(what), std::move(done)); }
    void remove(mailquay::transaction_id id, when_done done) override { real->remove(id, std::move(done)); }
    void add(mailquay::new_queued_message message, when_done done) override {
        if (add_to_fail != 0 && --add_to_fail == 0) return done(std::make_error_code(std::errc::no_space_on_device));
        ++added;
        real->add(std::move(message), std::move(done));
    }
    std::vector<mailquay::ordered_notice> ordered_notices() const override { return real->ordered_notices(); }
    bool may_expire() const override { return real->may_expire(); }
    void clock_ok() override { real->clock_ok(); }
    std::vector<mailquay::queued_message> list(mailquay::transaction_id after, std::size_t most) const override { return real->list(after, most); }
    std::size_t size() const override { return real->size(); }
    std::optional<mailquay::queued_message> find(mailquay::transaction_id id) const override { return real->find(id); }
    mailquay::result<mailquay::claimed_message> look_at(mailquay::transaction_id id) const override {
        if (unreadable) return std::make_error_code(std::errc::too_many_files_open);
        return real->look_at(id);
    }
    bool flush(mailquay::transaction_id id) override { return real->flush(id); }
    std::vector<mailquay::spool_damage> damaged() const override { return real->damaged(); }
};

}  // namespace mailquay_test
