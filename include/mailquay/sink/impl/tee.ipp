#include <mailquay/sink/tee.hpp>

#include <atomic>
#include <stdexcept>

namespace mailquay::inline MAILQUAY_ABI::sinks {

struct tee::parts {
    std::shared_ptr<message_sink> first{};
    std::vector<std::shared_ptr<message_sink>> others{};
    std::atomic<std::uint64_t> lost{0};
};

}  // namespace mailquay::inline MAILQUAY_ABI::sinks

namespace mailquay::inline MAILQUAY_ABI::detail {

class tee_writer final : public message_writer {
public:
    tee_writer(std::shared_ptr<sinks::tee::parts> all, std::unique_ptr<message_writer> first) : all_(std::move(all)), first_(std::move(first)) {}

    void add(message_sink::opened opened) {
        if (opened)
            others_.push_back(*std::move(opened));
        else
            lose();
    }
    void lose() noexcept { all_->lost.fetch_add(1, std::memory_order_relaxed); }

    eventual<verdict> write(std::span<char const> octets) override { return write_all(octets); }
    eventual<delivery> finish(commit how) override { return finish_all(how); }

private:
    asio::awaitable<verdict> write_all(std::span<char const> octets) {
        eventual<verdict> first = first_->write(octets);
        verdict said = co_await std::move(first).wait();
        if (said.refuses()) co_return said;
        for (auto& other : others_) {
            if (!other) continue;
            bool kept = false;
            try {
                eventual<verdict> writing = other->write(octets);
                verdict const copied = co_await std::move(writing).wait();
                kept = copied.accepts();
            } catch (std::exception const&) {  // a copy that fails costs no mail
            }
            if (kept) continue;
            other.reset();
            lose();
        }
        co_return said;
    }

    asio::awaitable<delivery> finish_all(commit how) {
        eventual<delivery> first = first_->finish(how);
        delivery said = co_await std::move(first).wait();
        if (!said.combined().accepts()) co_return said;
        for (auto& other : others_) {
            if (!other) continue;
            bool kept = false;
            try {
                eventual<delivery> finishing = other->finish(commit::all_or_none);
                delivery const copied = co_await std::move(finishing).wait();
                kept = copied.combined().accepts();
            } catch (std::exception const&) {
            }
            if (!kept) lose();
        }
        co_return said;
    }

    std::shared_ptr<sinks::tee::parts> all_;
    std::unique_ptr<message_writer> first_;
    std::vector<std::unique_ptr<message_writer>> others_;
};

inline asio::awaitable<message_sink::opened> open_all(std::shared_ptr<sinks::tee::parts> all, transaction const* mail) {
    eventual<message_sink::opened> opening = all->first->open(*mail);
    message_sink::opened first = co_await std::move(opening).wait();
    if (!first) co_return first;
    auto writer = std::make_unique<tee_writer>(all, *std::move(first));
    for (auto const& other : all->others) {
        bool tried = false;
        try {
            eventual<message_sink::opened> next = other->open(*mail);
            message_sink::opened copy = co_await std::move(next).wait();
            tried = true;
            writer->add(std::move(copy));
        } catch (std::exception const&) {
        }
        if (!tried) writer->lose();
    }
    std::unique_ptr<message_writer> made = std::move(writer);
    co_return message_sink::opened{std::move(made)};
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail

namespace mailquay::inline MAILQUAY_ABI::sinks {

MAILQUAY_DECL tee::tee(std::shared_ptr<message_sink> first, std::vector<std::shared_ptr<message_sink>> others)
    : parts_(std::make_shared<parts>()) {
    if (!first) throw std::invalid_argument("sinks::tee: the first sink is null");
    for (auto const& one : others)
        if (!one) throw std::invalid_argument("sinks::tee: a sink for copies is null");
    parts_->first = std::move(first);
    parts_->others = std::move(others);
}

MAILQUAY_DECL tee::~tee() = default;
MAILQUAY_DECL tee::tee(tee&&) noexcept = default;

MAILQUAY_DECL void tee::lend(std::shared_ptr<mailquay::workers> pool) {
    if (auto* const user = dynamic_cast<uses_workers*>(parts_->first.get())) user->lend(pool);
    for (auto const& one : parts_->others)
        if (auto* const user = dynamic_cast<uses_workers*>(one.get())) user->lend(pool);
}

MAILQUAY_DECL eventual<message_sink::opened> tee::open(transaction const& mail) { return detail::open_all(parts_, &mail); }
MAILQUAY_DECL promises tee::promised() const {
    promises made = parts_->first->promised();
    for (auto const& one : parts_->others) made.relays = made.relays || one->promised().relays;
    return made;
}
MAILQUAY_DECL recipient_group tee::group(recipient const& to) const { return parts_->first->group(to); }
MAILQUAY_DECL bool tee::takes_another(transaction const& mail, recipient const& next) const { return parts_->first->takes_another(mail, next); }
MAILQUAY_DECL bool tee::takes_any_recipients() const noexcept { return parts_->first->takes_any_recipients(); }
MAILQUAY_DECL bool tee::has_room(std::uint64_t octets) const { return parts_->first->has_room(octets); }
MAILQUAY_DECL std::uint64_t tee::lost_copies() const noexcept { return parts_->lost.load(std::memory_order_relaxed); }

}  // namespace mailquay::inline MAILQUAY_ABI::sinks
