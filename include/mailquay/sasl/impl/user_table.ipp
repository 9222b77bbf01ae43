#include <mailquay/sasl/user_table.hpp>

#include <mailquay/base/scrub.hpp>
#include <mailquay/sasl/detail/user_map.hpp>

#include <stdexcept>

namespace mailquay::inline MAILQUAY_ABI::sasl {

struct user_table::state {
    detail::user_map users{};
    credential_forms forms{};
};

MAILQUAY_DECL user_table::user_table() : state_(std::make_shared<state>()) {}
MAILQUAY_DECL user_table::user_table(std::initializer_list<std::pair<std::string_view, std::string_view>> users) : user_table() {
    for (auto const& [user, password] : users) add(user, secret_view{password});
}
MAILQUAY_DECL user_table::~user_table() = default;

MAILQUAY_DECL user_table& user_table::add(std::string_view user, secret_view password) {
    std::string text = "{PLAIN}";
    text += password.reveal();
    secret const kept = secret::take(text);
    return add_hashed(user, kept.reveal());
}

MAILQUAY_DECL user_table& user_table::add_hashed(std::string_view user, std::string_view text) {
    if (auto const wrong = state_->users.add(user, text))
        throw std::invalid_argument("sasl::user_table: user \"" + scrub(user) + "\": " + *wrong);
    state_->forms = state_->users.forms();
    return *this;
}

MAILQUAY_DECL eventual<result<std::shared_ptr<credentials const>>> user_table::find(std::string user) {
    return result<std::shared_ptr<credentials const>>{state_->users.find(user)};
}

MAILQUAY_DECL credential_forms user_table::forms() const { return state_->forms; }

}  // namespace mailquay::inline MAILQUAY_ABI::sasl
