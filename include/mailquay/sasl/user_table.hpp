#pragma once

#include <mailquay/sasl/credentials.hpp>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sasl {

/// Users in memory, for tests and small hosts. Copies share the users.
///
/// Thread safety: give it to a server when it is complete; after that it is only read.
///
/// @code
/// mailquay::sasl::user_table const users{{"alice@example.org", "wonderland"}};
/// server.authentication(mailquay::sasl::mechanisms{users});
/// @endcode
class MAILQUAY_API user_table final : public credential_store {
public:
    MAILQUAY_DECL user_table();
    /// Names and passwords in clear. Throws `std::invalid_argument` naming the user that cannot be.
    MAILQUAY_DECL user_table(std::initializer_list<std::pair<std::string_view, std::string_view>> users);
    MAILQUAY_DECL ~user_table() override;
    user_table(user_table const&) = default;
    user_table& operator=(user_table const&) = default;

    /// @{ Adds a user, or another form of credential to one who is there. Throws `std::invalid_argument` naming the user
    /// when the name or the password is empty or forbidden by SASLprep, or the form is there already.
    MAILQUAY_DECL user_table& add(std::string_view user, secret_view password);
    /// @param text  as behind the name in a password file: see `add_credential()`
    MAILQUAY_DECL user_table& add_hashed(std::string_view user, std::string_view text);
    /// @}

    MAILQUAY_DECL eventual<result<std::shared_ptr<credentials const>>> find(std::string user) override;
    MAILQUAY_DECL credential_forms forms() const override;

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace mailquay::inline MAILQUAY_ABI::sasl

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/sasl/impl/user_table.ipp>
#endif
