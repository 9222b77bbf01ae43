#include <mailquay/sink/spool.hpp>

#include <mailquay/protocol/replies.hpp>
#include <mailquay/sink/detail/spool_engine.hpp>
#include <mailquay/sink/detail/spool_writer.hpp>

#include <numeric>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI::sinks {

MAILQUAY_DECL spool::spool(std::string folder, spool_settings settings) : shared_(std::make_shared<detail::spool_shared>()), pool_(settings.workers) {
    while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
    if (!settings.files) settings.files = system_files();
    if (!settings.clock) settings.clock = machine_clock();
    shared_->engine = std::make_shared<detail::spool_engine>(std::move(folder), std::move(settings));
}

MAILQUAY_DECL spool::~spool() = default;
MAILQUAY_DECL spool::spool(spool&&) noexcept = default;

MAILQUAY_DECL void spool::lend(std::shared_ptr<mailquay::workers> pool) {
    if (!pool_) pool_ = std::move(pool);
}

MAILQUAY_DECL eventual<message_sink::opened> spool::open(transaction const& mail) {
    std::vector<std::size_t> all(mail.recipients().size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    return open_for(mail, all);
}

MAILQUAY_DECL eventual<message_sink::opened> spool::open_for(transaction const& mail, std::span<std::size_t const> recipients, std::chrono::milliseconds wait) {
    if (recipients.empty()) return opened{defer(replies::local_error).because("spool without recipients")};
    if (auto refused = shared_->engine->refusal(mail.parameters().size.value_or(0))) return opened{*std::move(refused)};
    return opened{std::unique_ptr<message_writer>{std::make_unique<detail::spool_writer>(shared_->engine, pool_, mail, recipients, wait)}};
}

MAILQUAY_DECL promises spool::promised() const {
    promises kept = shared_->engine->settings().next_hop_keeps;
    kept.hold = true;
    kept.relays = true;
    return kept;
}

MAILQUAY_DECL bool spool::has_room(std::uint64_t octets) const { return shared_->engine->has_room(octets); }

MAILQUAY_DECL std::shared_ptr<spool_queue> spool::queue() const { return shared_->engine; }

}  // namespace mailquay::inline MAILQUAY_ABI::sinks
