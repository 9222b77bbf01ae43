#pragma once

#include <mailquay/base/base64.hpp>
#include <mailquay/handler/authenticator.hpp>
#include <mailquay/sasl/detail/hashing.hpp>

#include "support/inline_workers.hpp"

#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

/// The steps of an exchange as tests compare them, and a client of SCRAM.
namespace mailquay_test {

/// What came of one step.
struct answer {
    enum { challenge, success, denied, temporary } kind;
    std::string text{};  ///< the challenge, or the identity
    std::string last{};

    friend bool operator==(answer const&, answer const&) = default;
};
inline std::ostream& operator<<(std::ostream& out, answer const& a) {
    char const* const kinds[] = {"challenge", "success", "failure", "temporary"};
    return out << kinds[a.kind] << " \"" << a.text << "\" \"" << a.last << '"';
}
inline answer challenge(std::string text) { return {answer::challenge, std::move(text), {}}; }
inline answer success(std::string who, std::string last = {}) { return {answer::success, std::move(who), std::move(last)}; }
inline answer const denied{answer::denied, {}, {}};
inline answer const temporary{answer::temporary, {}, {}};

inline answer told(mailquay::auth_step step) {
    if (auto* const more = std::get_if<mailquay::auth_continue>(&step)) return challenge(more->challenge);
    if (auto* const done = std::get_if<mailquay::auth_success>(&step)) return success(done->identity, done->last);
    return std::get<mailquay::auth_failure>(step).temporary ? temporary : denied;
}

/// A response with octets, which may be none ("=").
inline answer say(mailquay::auth_exchange& to, std::string const& response) {
    return told(waited(to.next(mailquay::secret_view{std::string_view{response}})));
}
/// AUTH without an initial response.
inline answer say_nothing(mailquay::auth_exchange& to) { return told(waited(to.next(mailquay::secret_view{}))); }

/// A SCRAM client (RFC 5802) that checks the server's proof.
class scram_client {
public:
    scram_client(mailquay::sasl::scram_hash hash, std::string user, std::string password, std::string header = "n,,", std::string binding = {})
        : hash_(hash), user_(std::move(user)), password_(std::move(password)), header_(std::move(header)), binding_(std::move(binding)) {}

    std::string first() const { return header_ + bare(); }
    std::string final(std::string const& server_first) {
        auto const salt_at = server_first.find(",s="), count_at = server_first.find(",i=");
        std::string const nonce = server_first.substr(2, salt_at - 2);
        salt = server_first.substr(salt_at + 3, count_at - salt_at - 3);
        iterations = static_cast<unsigned>(std::stoul(server_first.substr(count_at + 3)));
        std::string const without = "c=" + mailquay::base64_encode(header_ + binding_) + ",r=" + nonce;
        auth_message_ = bare() + "," + server_first + "," + without;
        namespace d = mailquay::sasl::detail;
        auto const salted = d::salted_password(hash_, mailquay::secret_view{password_}, *mailquay::base64_decode(salt), iterations);
        auto const client_key = d::hmac(hash_, salted.reveal(), "Client Key");
        auto const signature = d::hmac(hash_, d::digest(hash_, client_key.reveal()).reveal(), auth_message_);
        std::string proof{client_key.reveal()};
        for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ signature.reveal()[i]);
        server_key_ = std::string{d::hmac(hash_, salted.reveal(), "Server Key").reveal()};
        return without + ",p=" + mailquay::base64_encode(proof);
    }
    std::string expected_last() const {
        return "v=" + mailquay::base64_encode(mailquay::sasl::detail::hmac(hash_, server_key_, auth_message_).reveal());
    }
    /// The whole exchange.
    answer log_in(mailquay::auth_exchange& server) {
        answer const first_answer = say(server, first());
        if (first_answer.kind != answer::challenge) return first_answer;
        return say(server, final(first_answer.text));
    }

    std::string salt{};
    unsigned iterations = 0;

private:
    std::string bare() const { return "n=" + user_ + ",r=clientnonce"; }
    mailquay::sasl::scram_hash hash_;
    std::string user_, password_, header_, binding_, auth_message_{}, server_key_{};
};

}  // namespace mailquay_test
