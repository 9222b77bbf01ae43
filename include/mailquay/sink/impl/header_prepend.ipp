#include <mailquay/sink/header_prepend.hpp>

#include <mailquay/message/header_walker.hpp>

#include <stdexcept>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI::detail {

class prepending_writer final : public message_writer {
public:
    prepending_writer(std::string fields, std::unique_ptr<message_writer> to) : fields_(std::move(fields)), to_(std::move(to)) {}

    eventual<verdict> write(std::span<char const> octets) override {
        if (fields_.empty()) return to_->write(octets);
        // Kept until the next call: the sink may look at it until it has answered.
        first_ = std::move(fields_);
        fields_.clear();
        first_.append(octets.data(), octets.size());
        return to_->write(first_);
    }
    eventual<delivery> finish(commit how) override { return to_->finish(how); }

private:
    std::string fields_;
    std::string first_;
    std::unique_ptr<message_writer> to_;
};

inline message_sink::opened prepend_to(std::string fields, message_sink::opened opened) {
    if (!opened) return opened;
    return std::unique_ptr<message_writer>{std::make_unique<prepending_writer>(std::move(fields), *std::move(opened))};
}

inline asio::awaitable<message_sink::opened> prepend_later(std::string fields, asio::awaitable<message_sink::opened> opening) {
    message_sink::opened opened = co_await std::move(opening);
    co_return prepend_to(std::move(fields), std::move(opened));
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail

namespace mailquay::inline MAILQUAY_ABI::sinks {

MAILQUAY_DECL header_prepend::header_prepend(maker fields, std::shared_ptr<message_sink> sink) : fields_(std::move(fields)), sink_(std::move(sink)) {
    if (!fields_ || !sink_) throw std::invalid_argument("sinks::header_prepend: no fields, or a null sink");
}

MAILQUAY_DECL header_prepend::~header_prepend() = default;
MAILQUAY_DECL header_prepend::header_prepend(header_prepend&&) noexcept = default;

MAILQUAY_DECL header_prepend::maker header_prepend::always(std::string fields) {
    header_walker header{fields};
    std::size_t seen = 0;
    while (auto const field = header.next()) {
        if (field->is_malformed()) break;
        seen += field->whole.size();
    }
    if (seen != fields.size() || (!fields.empty() && !fields.ends_with("\r\n")))
        throw std::invalid_argument("sinks::header_prepend: not header fields; write \"Name: value\" and end each by CRLF");
    return [fields = std::move(fields)](transaction const&) { return fields; };
}

MAILQUAY_DECL void header_prepend::lend(std::shared_ptr<mailquay::workers> pool) {
    if (auto* const user = dynamic_cast<uses_workers*>(sink_.get())) user->lend(std::move(pool));
}

MAILQUAY_DECL eventual<message_sink::opened> header_prepend::open(transaction const& mail) {
    std::string fields = fields_(mail);
    eventual<opened> opening = sink_->open(mail);
    if (opening.ready()) return detail::prepend_to(std::move(fields), std::move(opening).value());
    return detail::prepend_later(std::move(fields), std::move(opening).wait());
}

MAILQUAY_DECL promises header_prepend::promised() const { return sink_->promised(); }
MAILQUAY_DECL recipient_group header_prepend::group(recipient const& to) const { return sink_->group(to); }
MAILQUAY_DECL bool header_prepend::takes_another(transaction const& mail, recipient const& next) const { return sink_->takes_another(mail, next); }
MAILQUAY_DECL bool header_prepend::takes_any_recipients() const noexcept { return sink_->takes_any_recipients(); }
MAILQUAY_DECL bool header_prepend::has_room(std::uint64_t octets) const { return sink_->has_room(octets); }

}  // namespace mailquay::inline MAILQUAY_ABI::sinks
