#pragma once

#include <mailquay/base/config.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sasl::detail {

/// Attempts that are being judged, under the keys that count them: guesses made at once are counted before the first verdict.
///
/// Thread safety: safe.
class attempts : public std::enable_shared_from_this<attempts> {
public:
    using keys = std::array<std::string, 3>;  // an empty one counts nothing

    /// Counts until it is gone.
    struct one {
        std::shared_ptr<attempts> all;  // a coroutine may be dropped after everything else
        std::string same;
        attempts::keys counted{};
        std::array<std::int64_t, 3> before{};  // others under way when it began, by key
        std::atomic<bool> mutable failed{false};  // and counted, or about to be: once for all who share it

        one(std::shared_ptr<attempts> of, std::string secret) : all(std::move(of)), same(std::move(secret)) {}
        one(one const&) = delete;
        one& operator=(one const&) = delete;
        ~one() { all->end(*this); }
    };

    /// @param same  what attempts have in common that are one guess, made often; or empty
    std::shared_ptr<one const> begin(std::string same, keys under) {
        auto made = std::make_shared<one>(shared_from_this(), std::move(same));  // gone after the lock, if something throws
        std::lock_guard const lock{mutex_};
        if (!made->same.empty()) {
            auto& at = by_secret_[made->same];
            if (auto shared = at.lock()) return shared;
            at = made;
        }
        for (std::size_t i = 0; i < under.size(); ++i) {
            if (under[i].empty()) continue;
            made->before[i] = counts_[under[i]]++;
            made->counted[i] = std::move(under[i]);
        }
        return made;
    }

private:
    void end(one const& gone) noexcept {
        std::lock_guard const lock{mutex_};
        for (std::string const& key : gone.counted)
            if (auto const at = counts_.find(key); !key.empty() && at != counts_.end() && --at->second == 0) counts_.erase(at);
        auto const at = by_secret_.find(gone.same);
        if (at != by_secret_.end() && at->second.expired()) by_secret_.erase(at);
    }

    std::mutex mutex_{};
    std::unordered_map<std::string, std::int64_t> counts_{};
    std::unordered_map<std::string, std::weak_ptr<one const>> by_secret_{};
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl::detail
