#pragma once

#include <mailquay/session/verdict.hpp>

#include <memory>
#include <span>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// What became of a message: one verdict for all its recipients, or one per accepted recipient in RCPT order.
///
/// Over LMTP each recipient gets its own reply. Over SMTP one reply is sent: success if any recipient was accepted, else
/// the first temporary refusal, else the first refusal; a writer asked for `commit::all_or_none` answers with one verdict.
///
/// `delivery::unanswered()` is for the sink that cannot say: the connection is closed without a reply, and the client sends the
/// message again.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
class delivery {
public:
    /// Nobody decided; the session answers 451 4.3.0.
    delivery() noexcept = default;
    delivery(verdict all) noexcept : all_(std::move(all)) {}
    /// @param each  as many as the transaction has recipients; any other number is a host's mistake and answered 451 4.3.0
    delivery(std::vector<verdict> each) : each_(new std::vector<verdict>(std::move(each))) {}

    /// It may be kept, or not, and neither can be undone: a reply of either kind could be a lie.
    /// @param why  refuses; for the log
    static delivery unanswered(verdict why) noexcept {
        delivery made{std::move(why)};
        made.unanswered_ = true;
        return made;
    }

    bool is_unanswered() const noexcept { return unanswered_; }
    bool is_single() const noexcept { return each_ == nullptr; }
    /// `accept()` for all, and no more.
    bool is_plain_yes() const noexcept { return is_single() && !unanswered_ && all_.is_plain_yes(); }
    verdict const& all() const noexcept { return all_; }
    std::span<verdict const> each() const noexcept { return each_ ? std::span<verdict const>{*each_} : std::span<verdict const>{}; }

    /// True if the message was accepted for the recipient at `index`.
    bool accepted_for(std::size_t index) const noexcept {
        return is_single() ? all_.accepts() : index < each_->size() && (*each_)[index].accepts();
    }

    /// The one verdict that stands for all: SMTP's single reply to end of data.
    verdict const& combined() const noexcept {
        if (is_single() || each_->empty()) return all_;
        verdict const* chosen = nullptr;
        for (verdict const& one : *each_) {
            if (one.accepts()) return one;
            if (chosen == nullptr || (chosen->kind() != verdict_kind::defer && one.kind() == verdict_kind::defer)) chosen = &one;
        }
        return *chosen;
    }

private:
    struct deleter {
        MAILQUAY_RARE void operator()(std::vector<verdict>* gone) const noexcept { delete gone; }
    };

    verdict all_;
    std::unique_ptr<std::vector<verdict>, deleter> each_;
    bool unanswered_ = false;
};

}  // namespace mailquay::inline MAILQUAY_ABI
