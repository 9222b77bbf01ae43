#pragma once

#include <mailquay/client/client.hpp>
#include <mailquay/client/next_hop.hpp>
#include <mailquay/handler/clock.hpp>
#include <mailquay/handler/recipient_validator.hpp>
#include <mailquay/handler/store.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// What a `recipient_verifier` keeps, and what it does without an answer.
struct verifier_settings {
    /// Whose recipients it judges; it passes all others. Lower case, A-labels; at least one.
    std::vector<std::string> domains{};
    /// A recipient that was accepted is accepted for so long, and asked for anew after `positive_refresh` (Postfix has the same).
    std::chrono::seconds positive_keep{31 * 24 * 3600};
    std::chrono::seconds positive_refresh{7 * 24 * 3600};
    /// One that was refused, likewise.
    std::chrono::seconds negative_keep{3 * 24 * 3600};
    std::chrono::seconds negative_refresh{3 * 3600};
    /// For one question; a hook has 60 s.
    std::chrono::milliseconds patience{30'000};
    /// When the next hop gives no answer, and none is kept: accept (and bounce, if need be), rather than 450 4.1.1.
    bool accept_unverified = false;
};

/// A `recipient_validator` that asks the next hop: `MAIL FROM:<>`, `RCPT`, `RSET`, over a connection of the client's pool. For a
/// gateway that has no list of users: what the next hop would refuse is refused at RCPT, and nothing need be bounced.
///
/// Answers are kept in the store, by address. One that is due for a refresh holds if the next hop cannot be asked. Refused is
/// only who is refused as a recipient, for good: 550, 551 or 553 without an enhanced status, or any 5xx whose status is of an
/// address (5.1.1 and the like). A next hop that is away, refuses us ("554 5.7.1", at RCPT too) or the null sender, or says 4xx,
/// leaves the recipient unverified. The client is told the next hop's status and text. A UTF-8 local part that the next hop cannot
/// take is 550 5.6.7.
///
/// Thread safety: safe.
///
/// @code
/// verifier_settings settings;
/// settings.domains = {"example.org"};
/// server.recipients(recipient_verifier{std::make_shared<client>(io), *next_hop::parse("inner.example.org:25"),
///                                      std::make_shared<memory_store>(), settings});
/// @endcode
class MAILQUAY_API recipient_verifier final : public recipient_validator {
public:
    /// Throws `std::invalid_argument` naming what is missing or wrong.
    recipient_verifier(std::shared_ptr<client> asks, next_hop to, std::shared_ptr<store> answers, verifier_settings settings,
                       std::shared_ptr<mailquay::clock> time = machine_clock());
    ~recipient_verifier() override;
    recipient_verifier(recipient_verifier const&);
    recipient_verifier& operator=(recipient_verifier const&);

    eventual<verdict> validate(transaction const& mail, recipient const& to) override;

private:
    struct state;
    std::shared_ptr<state const> state_;
};

}  // namespace mailquay::inline MAILQUAY_ABI

#ifdef MAILQUAY_HEADER_ONLY
#include <mailquay/relay/impl/recipient_verifier.ipp>
#endif
