// Every parameter grammar: what is accepted is within its bounds and means the same once it is written and read again, and every
// refusal has a reply.

#include <mailquay/protocol/params/body.hpp>
#include <mailquay/protocol/params/deliver_by.hpp>
#include <mailquay/protocol/params/dsn.hpp>
#include <mailquay/protocol/params/future_release.hpp>
#include <mailquay/protocol/params/mt_priority.hpp>
#include <mailquay/protocol/params/rrvs.hpp>
#include <mailquay/protocol/params/size.hpp>
#include <mailquay/protocol/timestamp.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace fuzz_params {

using namespace mailquay;

void require(bool holds) {
    if (!holds) std::abort();
}

/// The value, or nothing if the refusal is in order.
template <class T>
T const* value_of(parsed<T> const& found) {
    if (found) return &*found;
    auto const& said = to_reply(found.error());
    require(said.code() == 501 && said.enhanced() == "5.5.4");
    return nullptr;
}

bool harmless(std::string_view text) {
    return !text.empty() && std::none_of(text.begin(), text.end(), [](char c) { return is_control(c); });
}

void read_dsn(parameter const& given) {
    if (auto const ret = parse_ret(given); value_of(ret)) require(iequals(to_string(*ret), given.value));
    if (auto const notify = parse_notify(given); value_of(notify)) {
        require(*notify != dsn_notify::unsaid);
        std::string const text = to_string(*notify);
        require(*parse_notify({"NOTIFY", text, true}) == *notify);
        require(!has(*notify, dsn_notify::never) || text == "NEVER");
    }
    if (auto const envid = parse_envid(given); value_of(envid)) require(envid->size() <= 100 && harmless(*envid) && is_ascii(*envid));
    if (auto const original = parse_orcpt(given); value_of(original)) {
        require(original->address.size() <= 500 && harmless(original->address) && valid_utf8(original->address));
        for (bool const utf8 : {false, true}) {
            std::string again;
            append_orcpt(again, *original, utf8);
            require(utf8 || is_ascii(again));
            // It may be longer than it came, and so above the bound.
            if (auto const twice = parse_orcpt({"ORCPT", again, true})) require(*twice == *original);
            else require(again.size() > 500);
        }
    }
}

void read_times(parameter const& given) {
    if (auto const until = parse_hold_until(given); value_of(until)) {
        std::string text;
        append_timestamp(text, *until);
        bool const in_range = *until >= std::chrono::sys_days{std::chrono::year{0} / 1 / 1} &&
                              *until < std::chrono::sys_days{std::chrono::year{10000} / 1 / 1};
        if (in_range) require(*parse_hold_until({"HOLDUNTIL", text, true}) == *until);
        require(parse_rrvs(given).has_value());
    }
    if (auto const wait = parse_hold_for(given); value_of(wait)) require(wait->count() > 0 && wait->count() < 1'000'000'000);
    value_of(parse_rrvs(given));
    if (auto const by = parse_deliver_by(given); value_of(by)) {
        require(by->mode == by_mode::notify || by->seconds > 0);
        require(by->seconds > -1'000'000'000 && by->seconds < 1'000'000'000);
    }
}

}  // namespace fuzz_params

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_params;
    if (size == 0) return 0;
    // Memory of its own, so that a read beyond the value is seen.
    std::string const text(reinterpret_cast<char const*>(data) + 1, size - 1);
    parameter const given{"X", text, (data[0] & 1) != 0};
    read_dsn(given);
    read_times(given);
    if (auto const priority = parse_mt_priority(given); value_of(priority)) require(std::to_string(*priority) == text);
    if (auto const octets = parse_size(given); value_of(octets)) require(text.size() <= 20);
    if (auto const body = parse_body(given); value_of(body)) require(iequals(to_string(*body), text));
    return 0;
}
