#include "common/users.hpp"

#include <map>
#include <string_view>
#include <utility>

namespace programs {
namespace {

using passwords = std::map<std::string, mailquay::secret, std::less<>>;

// message = [authzid] NUL authcid NUL passwd
class plain final : public mailquay::auth_exchange {
public:
    explicit plain(std::shared_ptr<passwords const> known) : known_(std::move(known)) {}

    mailquay::eventual<mailquay::auth_step> next(mailquay::secret_view response) override {
        if (is_absent(response)) return mailquay::continue_with("");
        std::string_view const message = response.reveal();
        auto const first = message.find('\0');
        auto const second = message.find('\0', first + 1);
        if (first == std::string_view::npos || second == std::string_view::npos)
            return mailquay::fail(mailquay::auth_problem::malformed);
        std::string_view const acts_as = message.substr(0, first);
        std::string_view const name = message.substr(first + 1, second - first - 1);
        auto const found = known_->find(name);
        // An unknown user costs the same comparison.
        std::string_view const password = found != known_->end() ? found->second.reveal() : std::string_view{"?"};
        bool const right = mailquay::equal_constant_time(password, message.substr(second + 1));
        if (found == known_->end() || !right || (!acts_as.empty() && acts_as != name)) return mailquay::fail();
        return mailquay::succeed(std::string(name));
    }

private:
    std::shared_ptr<passwords const> known_;
};

class plain_only final : public mailquay::authenticator {
public:
    explicit plain_only(passwords known) : known_(std::make_shared<passwords const>(std::move(known))) {}
    mailquay::mechanisms offered(mailquay::session_info const&) const override { return {"PLAIN"}; }
    std::unique_ptr<mailquay::auth_exchange> begin(std::string_view mechanism, mailquay::session_info const&) override {
        if (mechanism != "PLAIN") return nullptr;
        return std::make_unique<plain>(known_);
    }

private:
    std::shared_ptr<passwords const> known_;
};

}  // namespace

void add_user_flags(flags& all, users& into) {
    all.list("--user", "NAME:PASSWORD", "this user may log in; repeatable", into.named);
}

std::shared_ptr<mailquay::authenticator> authenticator_of(users const& from) {
    passwords known;
    for (std::string const& one : from.named) {
        auto const colon = one.find(':');
        // The value is not repeated: it may be a password.
        if (colon == 0 || colon == std::string::npos || colon + 1 == one.size())
            throw usage_error("--user needs a name and a password, as in --user alice:secret");
        known.insert_or_assign(one.substr(0, colon), mailquay::secret{std::string_view{one}.substr(colon + 1)});
    }
    return std::make_shared<plain_only>(std::move(known));
}

}  // namespace programs
