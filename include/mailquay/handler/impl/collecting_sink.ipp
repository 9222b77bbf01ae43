#include <mailquay/handler/collecting_sink.hpp>

#include <mailquay/protocol/replies.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

class collecting_writer final : public message_writer {
public:
    collecting_writer(std::shared_ptr<message_handler> function, std::shared_ptr<collected_octets> held, std::uint64_t max_octets,
                      transaction const& mail)
        : function_(std::move(function)), held_(std::move(held)), mail_(mail), left_(max_octets) {}
    ~collecting_writer() override { held_->give_back(counted_); }

    /// Before the first octet. @return whether there is memory
    bool begin() {
        // A client may announce more than it sends: beyond this the string grows as octets come.
        constexpr std::uint64_t most_reserved = 1024 * 1024;
        std::uint64_t const announced = std::min({mail_.parameters().size.value_or(0), left_, most_reserved});
        std::string_view const received = mail_.received_field();
        if (!make_room(static_cast<std::size_t>(announced) + received.size())) return false;
        octets_.append(received);
        return true;
    }
    eventual<verdict> write(std::span<char const> octets) override {
        if (refused_.refuses()) return refused_;
        if (octets.size() > left_) return refuse(reject(replies::message_too_big));
        if (!make_room(octets.size())) return refuse(defer(replies::queue_full));
        left_ -= octets.size();
        octets_.append(octets.data(), octets.size());
        return accept();
    }
    // The octets stay counted until the writer goes, which is once the function has answered.
    eventual<delivery> finish(commit) override {
        return (*function_)(received_message{mail_.snapshot(), std::move(octets_)});
    }

private:
    /// Counted is what the string takes of memory, which is more than what it holds.
    bool make_room(std::size_t more) {
        std::size_t const needed = octets_.size() + more;
        if (needed <= octets_.capacity()) return true;
        std::size_t const grown = std::max(needed, 2 * octets_.capacity());
        if (!held_->take(grown - counted_)) return false;
        counted_ = grown;
        octets_.reserve(grown);
        return true;
    }
    verdict refuse(verdict why) {
        std::string{}.swap(octets_);
        held_->give_back(std::exchange(counted_, 0));
        refused_ = why;
        return why;
    }

    std::shared_ptr<message_handler> function_;
    std::shared_ptr<collected_octets> held_;
    transaction const& mail_;
    std::uint64_t left_;
    std::uint64_t counted_ = 0;
    std::string octets_;
    verdict refused_{};
};

/// A single message of the largest size must find room, with our Received field and what a string that grows takes.
inline std::uint64_t least_for_all(std::uint64_t max_octets, std::uint64_t in_all) noexcept {
    constexpr std::uint64_t received_field = 8192, most = ~std::uint64_t{0};
    std::uint64_t const one = max_octets > (most - received_field) / 2 ? most : 2 * max_octets + received_field;
    return std::max(one, in_all);
}

}  // namespace detail

MAILQUAY_DECL collecting_sink::collecting_sink(std::shared_ptr<message_handler> function, std::uint64_t max_octets,
                                               std::uint64_t max_octets_in_all)
    : function_(std::move(function)), held_(std::make_shared<detail::collected_octets>(detail::least_for_all(max_octets, max_octets_in_all))),
      max_octets_(max_octets) {
    promises_.max_size = max_octets;
}

MAILQUAY_DECL collecting_sink::~collecting_sink() = default;

MAILQUAY_DECL collecting_sink& collecting_sink::promising(promises kept) & noexcept {
    promises_ = kept;
    if (!promises_.max_size) promises_.max_size = max_octets_;
    return *this;
}

MAILQUAY_DECL eventual<message_sink::opened> collecting_sink::open(transaction const& mail) {
    auto made = std::make_unique<detail::collecting_writer>(function_, held_, max_octets_, mail);
    if (!made->begin()) return opened{defer(replies::queue_full)};
    return opened{std::unique_ptr<message_writer>{std::move(made)}};
}

}  // namespace mailquay::inline MAILQUAY_ABI
