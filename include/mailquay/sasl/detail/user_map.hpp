#pragma once

#include <mailquay/sasl/credentials.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mailquay::inline MAILQUAY_ABI::sasl::detail {

/// Users by name, and what they have in common.
class user_map {
public:
    /// @return what is wrong; nothing when all is well
    MAILQUAY_DECL std::optional<std::string> add(std::string_view user, std::string_view text);
    MAILQUAY_DECL std::shared_ptr<credentials const> find(std::string const& user) const;
    /// See `credential_forms`. Goes over all users.
    MAILQUAY_DECL credential_forms forms() const;
    std::size_t size() const noexcept { return users_.size(); }

private:
    std::map<std::string, std::shared_ptr<credentials>, std::less<>> users_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl::detail

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/user_map.ipp>
#endif
