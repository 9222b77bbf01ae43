#include <mailquay/sink/discard.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <new>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sinks {

struct discard::counters {
    struct alignas(64) stripe {
        std::atomic<std::uint64_t> messages{0};
        std::atomic<std::uint64_t> octets{0};
    };
    std::array<stripe, 16> stripes{};

    stripe& mine() noexcept {
        static std::atomic<std::size_t> threads{0};
        thread_local std::size_t const number = threads.fetch_add(1, std::memory_order_relaxed);
        return stripes[number % stripes.size()];
    }
};

}  // namespace mailquay::inline MAILQUAY_ABI::sinks

namespace mailquay::inline MAILQUAY_ABI::detail {

/// Memory of one writer, from the message before to the next one of the thread.
struct spare_writer {
    void* memory;
    bool over;  // the thread ends: what is let go of now is not kept

    static spare_writer& mine() noexcept {
        thread_local constinit spare_writer kept{nullptr, false};  // needs no destructor, so that it is there to the very end
        return kept;
    }
    void keep(void* writer) noexcept {
        struct at_thread_end {
            ~at_thread_end() {
                mine().over = true;
                ::operator delete(std::exchange(mine().memory, nullptr));
            }
        };
        thread_local at_thread_end const frees_it;
        static_cast<void>(frees_it);
        memory = writer;
    }
};

class discarding_writer final : public message_writer {
public:
    static void* operator new(std::size_t octets) {
        spare_writer& spare = spare_writer::mine();
        return spare.memory != nullptr ? std::exchange(spare.memory, nullptr) : ::operator new(octets);
    }
    static void operator delete(void* gone) noexcept {
        spare_writer& spare = spare_writer::mine();
        if (spare.memory != nullptr || spare.over) return ::operator delete(gone);
        spare.keep(gone);
    }

    // Without a share of the counters: the sink outlives its writers, and a counter of owners is a cache line that all
    // shards would write.
    explicit discarding_writer(sinks::discard::counters& counters) noexcept : counters_(counters) {}

    eventual<verdict> write(std::span<char const> octets) override {
        octets_ += octets.size();
        return accept();
    }
    eventual<delivery> finish(commit) override {
        auto& mine = counters_.mine();
        mine.messages.fetch_add(1, std::memory_order_relaxed);
        mine.octets.fetch_add(octets_, std::memory_order_relaxed);
        return delivery{accept()};
    }

private:
    sinks::discard::counters& counters_;
    std::uint64_t octets_ = 0;
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail

namespace mailquay::inline MAILQUAY_ABI::sinks {

MAILQUAY_DECL discard::discard() : counters_(std::make_shared<counters>()) {}
MAILQUAY_DECL discard::~discard() = default;

MAILQUAY_DECL eventual<message_sink::opened> discard::open(transaction const&) {
    return opened{std::unique_ptr<message_writer>{new detail::discarding_writer(*counters_)}};
}

MAILQUAY_DECL promises discard::promised() const {
    promises all;
    all.binary = all.requiretls = all.per_recipient = all.deliver_by = all.priority = true;
    return all;
}

MAILQUAY_DECL std::uint64_t discard::messages() const noexcept {
    std::uint64_t sum = 0;
    for (auto const& one : counters_->stripes) sum += one.messages.load(std::memory_order_relaxed);
    return sum;
}

MAILQUAY_DECL std::uint64_t discard::octets() const noexcept {
    std::uint64_t sum = 0;
    for (auto const& one : counters_->stripes) sum += one.octets.load(std::memory_order_relaxed);
    return sum;
}

}  // namespace mailquay::inline MAILQUAY_ABI::sinks
