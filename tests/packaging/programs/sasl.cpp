// A program on mailquay::sasl.
#include <mailquay/sasl/mechanisms.hpp>
#include <mailquay/sasl/user_table.hpp>

#include <cstdio>
#include <string>
#include <variant>

int main() {
    mailquay::sasl::mechanism_settings settings;
    settings.secrets_in_clear = true;
    mailquay::sasl::mechanisms all{mailquay::sasl::user_table{{"alice", "wonderland"}}, settings};
    mailquay::session_info const client;
    if (all.offered(client).size() != 5) return 1;
    auto const exchange = all.begin("PLAIN", client);
    std::string const message("\0alice\0wonderland", 17);
    auto answered = exchange->next(mailquay::secret_view{std::string_view{message}});
    if (!answered.ready()) return 2;
    mailquay::auth_step const step = std::move(answered).value();
    if (!std::holds_alternative<mailquay::auth_success>(step)) return 3;
    std::puts("sasl: all is well");
}
