#include <mailquay/handler/collecting_sink.hpp>

#include <mailquay/protocol/replies.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

class collecting_writer final : public message_writer {
public:
    collecting_writer(std::shared_ptr<message_handler> function, std::uint64_t max_octets, transaction const& mail)
        : function_(std::move(function)), mail_(mail), left_(max_octets) {
        // A client may announce more than it sends: beyond this the string grows as octets come.
        constexpr std::uint64_t most_reserved = 1024 * 1024;
        std::uint64_t const announced = std::min({mail.parameters().size.value_or(0), max_octets, most_reserved});
        octets_.reserve(static_cast<std::size_t>(announced) + mail.received_field().size());
        octets_.append(mail.received_field());
    }

    eventual<verdict> write(std::span<char const> octets) override {
        if (octets.size() > left_) {
            left_ = 0;
            octets_ = {};
            return reject(replies::message_too_big);
        }
        left_ -= octets.size();
        octets_.append(octets.data(), octets.size());
        return accept();
    }
    eventual<delivery> finish(commit) override {
        return (*function_)(received_message{mail_.snapshot(), std::move(octets_)});
    }

private:
    std::shared_ptr<message_handler> function_;
    transaction const& mail_;
    std::uint64_t left_;
    std::string octets_;
};

}  // namespace detail

MAILQUAY_DECL collecting_sink::collecting_sink(std::shared_ptr<message_handler> function, std::uint64_t max_octets)
    : function_(std::move(function)), max_octets_(max_octets) {
    promises_.max_size = max_octets;
}

MAILQUAY_DECL collecting_sink::~collecting_sink() = default;

MAILQUAY_DECL collecting_sink& collecting_sink::promising(promises kept) & noexcept {
    promises_ = kept;
    if (!promises_.max_size) promises_.max_size = max_octets_;
    return *this;
}

MAILQUAY_DECL eventual<message_sink::opened> collecting_sink::open(transaction const& mail) {
    return opened{std::unique_ptr<message_writer>{std::make_unique<detail::collecting_writer>(function_, max_octets_, mail)}};
}

}  // namespace mailquay::inline MAILQUAY_ABI
