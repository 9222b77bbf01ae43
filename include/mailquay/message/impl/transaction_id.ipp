#include <mailquay/message/transaction_id.hpp>

#include <algorithm>
#include <atomic>
#include <random>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

inline std::uint64_t next_id_lane() {
    static std::atomic<std::uint64_t> lane{std::random_device{}()};
    return lane.fetch_add(1, std::memory_order_relaxed);
}

inline std::uint64_t milliseconds_since_2020(std::chrono::system_clock::time_point now) noexcept {
    using namespace std::chrono;
    constexpr auto epoch = sys_days{year{2020} / 1 / 1};
    if (now <= epoch) return 0;
    return static_cast<std::uint64_t>(floor<milliseconds>(now - epoch).count());
}

}  // namespace detail

MAILQUAY_DECL transaction_id transaction_id::from_number(std::uint64_t number) noexcept {
    transaction_id id;
    for (auto letter = id.letters_.rbegin(); letter != id.letters_.rend(); ++letter) {
        *letter = alphabet[number % alphabet.size()];
        number /= alphabet.size();
    }
    return id;
}

/// Becomes the id of the next number.
MAILQUAY_DECL void transaction_id::step() noexcept {
    for (auto letter = letters_.rbegin(); letter != letters_.rend(); ++letter) {
        char const was = *letter;
        if (was != alphabet.back()) {
            *letter = was == '9' ? 'A' : was == 'H' ? 'J' : was == 'N' ? 'P' : static_cast<char>(was + 1);
            return;
        }
        *letter = alphabet.front();
    }
}

MAILQUAY_DECL std::optional<transaction_id> transaction_id::parse(std::string_view text) noexcept {
    if (text.size() != octets || text.find_first_not_of(alphabet) != std::string_view::npos) return std::nullopt;
    transaction_id id;
    std::copy(text.begin(), text.end(), id.letters_.begin());
    return id;
}

MAILQUAY_DECL id_generator::id_generator() : id_generator(detail::next_id_lane()) {}

MAILQUAY_DECL transaction_id id_generator::next(std::chrono::system_clock::time_point now) noexcept {
    auto const millisecond = detail::milliseconds_since_2020(now);
    if (millisecond <= millisecond_ && used_ != 0 && used_ != ids_per_millisecond) {
        ++used_;
        last_.step();
        return last_;
    }
    if (millisecond > millisecond_) {
        millisecond_ = millisecond;
        used_ = 0;
    } else if (used_ == ids_per_millisecond) {
        ++millisecond_;
        used_ = 0;
    }
    constexpr std::uint64_t time_bits = (std::uint64_t{1} << 40) - 1;
    auto const number = ((millisecond_ & time_bits) * lanes + lane_) * ids_per_millisecond + used_;
    ++used_;
    return last_ = transaction_id::from_number(number);
}

}  // namespace mailquay::inline MAILQUAY_ABI
