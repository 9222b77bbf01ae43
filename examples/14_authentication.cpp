// Users log in before they send. Who they are is looked up by a function of the host's.
//
//   ./14_authentication & swaks --server 127.0.0.1:2525 --auth PLAIN --auth-user alice@example.org
//       --auth-password secret --from alice@example.org --to bob@example.net
//
// Passwords travel in clear here: `auth_without_tls` is for a demonstration on loopback only.
#include <mailquay/mailquay.hpp>

#include <asio/io_context.hpp>

#include <functional>
#include <iostream>

using namespace mailquay;

namespace {

using look_up = std::function<bool(std::string_view name, secret_view password)>;

// The mechanism PLAIN (RFC 4616): one response, [identity] NUL name NUL password.
class plain final : public auth_exchange {
public:
    explicit plain(look_up right) : right_(std::move(right)) {}

    // May answer later, too: with a coroutine that asks a database.
    eventual<auth_step> next(secret_view response) override {
        if (is_absent(response)) return continue_with("");  // AUTH PLAIN alone: an empty challenge asks for it
        std::string_view const message = response.reveal();
        auto const first = message.find('\0');
        auto const second = message.find('\0', first + 1);
        if (first == std::string_view::npos || second == std::string_view::npos) return fail(auth_problem::malformed);
        std::string_view const name = message.substr(first + 1, second - first - 1);
        if (first != 0 && message.substr(0, first) != name) return fail();
        return right_(name, secret_view{message.substr(second + 1)}) ? succeed(std::string(name)) : fail();
    }

private:
    look_up right_;
};

class users {
public:
    explicit users(look_up right) : right_(std::move(right)) {}
    mechanisms offered(session_info const&) const { return {"PLAIN"}; }
    std::unique_ptr<auth_exchange> begin(std::string_view, session_info const&) { return std::make_unique<plain>(right_); }

private:
    look_up right_;
};

}  // namespace

int main() {
    asio::io_context io;
    server server{io, {.hostname = "mx.example.org", .log = logger::to_stderr(log_level::info)}};

    auto const right = [](std::string_view name, secret_view password) {
        return name == "alice@example.org" && equal_constant_time(password.reveal(), "secret");
    };
    auto submission = profile::submission();  // AUTH required; header fix-ups
    submission.tls.reset();
    submission.auth_without_tls = true;

    server.authentication(users{right})
        .policies(sender_policy{})  // alice@example.org sends as alice@example.org
        .recipients(relay_for{authenticated})
        .sink(sinks::collect{[](received_message const& mail) {
            std::cout << mail.envelope.user << " sends\n" << mail.octets << std::flush;
        }});
    server.listen("127.0.0.1:2525", submission);
    io.run();
}
