#pragma once

#include <mailquay/handler/authenticator.hpp>

#include "support/server_plugins.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace mailquay_test {

/// What the test authenticator was asked, and how it answers.
struct users_record {
    manner begin = manner::at_once;   ///< `throws`, or anything else
    manner next = manner::at_once;
    unsigned exchanges = 0;           ///< alive now
    unsigned responses = 0;
    sink_record seen{};               ///< for hooks that answer later: `takes`, `cancelled`
};

/// Knows one user, alice with the password secret, by PLAIN (RFC 4616) and LOGIN.
class plain_users {
public:
    static constexpr std::string_view right = "AGFsaWNlAHNlY3JldA==";  // NUL alice NUL secret
    static constexpr std::string_view wrong = "AGFsaWNlAHdyb25n";      // NUL alice NUL wrong

    explicit plain_users(std::shared_ptr<users_record> record) : record_(std::move(record)) {}
    mechanisms offered(session_info const&) const { return {"PLAIN", "LOGIN"}; }
    std::unique_ptr<auth_exchange> begin(std::string_view mechanism, session_info const&) {
        if (record_->begin == manner::throws) throw std::runtime_error("no directory");
        if (mechanism == "PLAIN") return std::make_unique<exchange>(record_, false);
        if (mechanism == "LOGIN") return std::make_unique<exchange>(record_, true);
        return nullptr;
    }

private:
    class exchange final : public auth_exchange {
    public:
        exchange(std::shared_ptr<users_record> record, bool login) : record_(std::move(record)), login_(login) { ++record_->exchanges; }
        ~exchange() override { --record_->exchanges; }
        eventual<auth_step> next(secret_view response) override {
            ++record_->responses;
            if (record_->next == manner::later) return decide_later(response);
            return in_manner<auth_step>(record_->next, decide(response), record_->seen);
        }

    private:
        // Looks at the response only after the wait: it must still be there.
        asio::awaitable<auth_step> decide_later(secret_view response) {
            co_await after(record_->seen.takes, &record_->seen);
            auth_step given = decide(response);
            co_return given;
        }
        auth_step decide(secret_view response) {
            if (!login_) {
                if (is_absent(response)) return continue_with("");
                return response.reveal() == std::string_view{"\0alice\0secret", 13} ? succeed("alice") : fail();
            }
            switch (step_++) {
                case 0:
                    if (is_absent(response)) return continue_with("Username:");
                    step_ = 2;
                    return take_name(response);
                case 1: return take_name(response);
                default: return name_ == "alice" && response.reveal() == "secret" ? succeed(name_) : fail();
            }
        }
        auth_step take_name(secret_view response) {
            name_ = response.reveal();
            return continue_with("Password:");
        }
        std::shared_ptr<users_record> record_;
        std::string name_;
        int step_ = 0;
        bool login_;
    };
    std::shared_ptr<users_record> record_;
};

}  // namespace mailquay_test
