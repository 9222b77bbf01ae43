#pragma once

#include <mailquay/sasl/detail/user_map.hpp>

#include <mailquay/sasl/saslprep.hpp>

#include <algorithm>
#include <array>

namespace mailquay::inline MAILQUAY_ABI::sasl::detail {

MAILQUAY_DECL std::optional<std::string> user_map::add(std::string_view user, std::string_view text) {
    auto const name = saslprep(user, saslprep_use::stored);
    if (!name) return "the name is empty or holds what SASLprep (RFC 4013) forbids";
    auto& kept = users_[*name];
    if (!kept) kept = std::make_shared<credentials>();
    return add_credential(*kept, text);
}

MAILQUAY_DECL std::shared_ptr<credentials const> user_map::find(std::string const& user) const {
    auto const found = users_.find(user);
    return found == users_.end() ? nullptr : found->second;
}

// The key that was counted most often; `otherwise` for none.
template <class Key>
Key most_common(std::map<Key, std::size_t> const& counts, Key otherwise) {
    auto const most = std::max_element(counts.begin(), counts.end(), [](auto const& a, auto const& b) { return a.second < b.second; });
    return most == counts.end() ? otherwise : most->first;
}

MAILQUAY_DECL credential_forms user_map::forms() const {
    credential_forms all;
    std::map<std::string_view, std::size_t> costs;
    std::map<std::string_view, std::string_view> example;
    std::array<std::map<unsigned, std::size_t>, 3> iterations;
    std::array<std::map<std::size_t, std::size_t>, 3> salts;
    std::size_t let_in = 0, passwords = 0;
    std::array<std::size_t, 3> verifiers{};
    for (auto const& [name, user] : users_) {
        bool const has_none = !user->password && user->hash.empty() && user->verifiers.empty();
        if (has_none) continue;  // nobody can tell what does not work for whom nothing works
        ++let_in;
        if (user->password) ++passwords;
        if (std::string_view const cost = hash_cost(user->hash); !cost.empty()) ++costs[cost], example[cost] = user->hash;
        for (scram_verifier const& one : user->verifiers) {
            auto const i = static_cast<std::size_t>(one.hash);
            ++verifiers[i], ++iterations[i][one.iterations], ++salts[i][one.salt.size()];
        }
    }
    all.passwords = let_in != 0 && passwords == let_in;
    for (std::size_t i = 0; i < 3; ++i) {
        all.scram[i] = let_in != 0 && verifiers[i] == let_in;
        all.scram_iterations[i] = most_common(iterations[i], all.scram_iterations[i]);
        all.scram_salt_octets[i] = most_common(salts[i], all.scram_salt_octets[i]);
    }
    if (!costs.empty()) all.hash = example[most_common(costs, std::string_view{})];
    return all;
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl::detail
