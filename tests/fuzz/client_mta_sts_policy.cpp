// MTA-STS: reading whatever a policy host sends ends, and what is read is within its bounds and reads the same again.

#include <mailquay/client/mta_sts_policy.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace fuzz_mta_sts_policy {

using namespace mailquay;

void require(bool holds) {
    if (!holds) std::abort();
}

std::string written(mta_sts_policy const& policy) {
    std::string text = "version: STSv1\r\nmode: " + std::string{to_string(policy.mode)} + "\r\n";
    for (auto const& pattern : policy.mx) text += "mx: " + pattern + "\r\n";
    return text + "max_age: " + std::to_string(policy.max_age.count()) + "\r\n";
}

}  // namespace fuzz_mta_sts_policy

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_mta_sts_policy;
    // Memory of its own, so that a read beyond the text is seen.
    std::string const text(reinterpret_cast<char const*>(data), size);
    auto const policy = parse_mta_sts_policy(text);
    if (!policy) {
        require(!to_string(policy.error()).empty());
    } else {
        require(policy->mx.size() <= max_mta_sts_hosts && policy->max_age <= max_mta_sts_age && policy->max_age.count() >= 0);
        require(policy->mode == mta_sts_mode::none || !policy->mx.empty());
        auto const again = parse_mta_sts_policy(written(*policy));
        require(again && again->mode == policy->mode && again->mx == policy->mx && again->max_age == policy->max_age);
        for (auto const& pattern : policy->mx) {
            require(policy->matches(pattern.starts_with("*.") ? "x" + pattern.substr(1) : pattern));
        }
    }
    auto const id = mta_sts_id({text});
    if (id) require(!id->empty() && id->size() <= 32 && mta_sts_id({"v=STSv1; id=" + *id + ";"}) == id && !mta_sts_id({text, text}));
    return 0;
}
