#include <mailquay/sasl/host_credentials.hpp>

namespace mailquay::inline MAILQUAY_ABI::sasl {

MAILQUAY_DECL checked_by::~checked_by() = default;
MAILQUAY_DECL eventual<result<std::shared_ptr<credentials const>>> checked_by::find(std::string) {
    return result<std::shared_ptr<credentials const>>{nullptr};
}
MAILQUAY_DECL eventual<result<bool>> checked_by::check(std::string user, secret password, workers*) {
    return check_(std::move(user), std::move(password));
}

MAILQUAY_DECL looked_up_by::~looked_up_by() = default;
MAILQUAY_DECL eventual<result<std::shared_ptr<credentials const>>> looked_up_by::find(std::string user) {
    return look_up_(std::move(user));
}
MAILQUAY_DECL credential_forms looked_up_by::forms() const { return forms_; }

}  // namespace mailquay::inline MAILQUAY_ABI::sasl
