#pragma once

#include <mailquay/session/session_info.hpp>
#include <mailquay/session/transaction.hpp>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

/// A transaction as a session would give it to a hook, made without a session.
namespace mailquay_test {

// A transaction is filled by sessions alone. Explicit instantiation may name private members, and so can a test that stands in
// for a session.
template <class Tag, typename Tag::type Member>
struct transaction_member {
    friend typename Tag::type member_of(Tag) { return Member; }
};
#define MAILQUAY_TEST_MEMBER(name, ...)                                                                  \
    struct transaction_##name {                                                                          \
        using type = __VA_ARGS__ mailquay::transaction::*;                                               \
        friend type member_of(transaction_##name);                                                       \
    };                                                                                                   \
    template struct transaction_member<transaction_##name, &mailquay::transaction::name>;
MAILQUAY_TEST_MEMBER(session_, mailquay::session_info*)
MAILQUAY_TEST_MEMBER(id_, mailquay::transaction_id)
MAILQUAY_TEST_MEMBER(reverse_path_, mailquay::address)
MAILQUAY_TEST_MEMBER(recipients_, std::vector<mailquay::recipient>)
MAILQUAY_TEST_MEMBER(accepted_, std::size_t)
MAILQUAY_TEST_MEMBER(received_field_, std::string_view)
#undef MAILQUAY_TEST_MEMBER

class made_transaction {
public:
    explicit made_transaction(std::string_view sender = "sender@example.net") {
        mail.*member_of(transaction_session_{}) = &client;
        mail.*member_of(transaction_id_{}) = ids_.next(std::chrono::system_clock::now());
        mail.*member_of(transaction_reverse_path_{}) = path(sender);
        received("Received: from client by mx.example.org with ESMTP id ABC;\r\n\tThu, 1 Jan 2026 00:00:00 +0000\r\n");
    }

    /// An accepted recipient; the domain is everything behind the last "@".
    made_transaction& to(std::string_view wire, std::string_view mailbox = {}, std::vector<std::string> const& deliver_to = {}) {
        mailquay::recipient added;
        added.forward_path = path(wire);
        added.mailbox = keep(mailbox);
        auto& members = members_.emplace_back();
        for (auto const& one : deliver_to) members.push_back(keep(one));
        added.addresses = members;
        (mail.*member_of(transaction_recipients_{})).push_back(added);
        ++(mail.*member_of(transaction_accepted_{}));
        return *this;
    }
    made_transaction& received(std::string_view field) {
        mail.*member_of(transaction_received_field_{}) = keep(field);
        return *this;
    }
    mailquay::recipient const& last() { return mail.recipients().back(); }
    mailquay::transaction_editor edit() { return mailquay::transaction_editor{mail}; }

    mailquay::session_info client{};
    mailquay::transaction mail{};

private:
    std::string_view keep(std::string_view text) { return texts_.emplace_back(text); }
    mailquay::address path(std::string_view wire) {
        auto const whole = keep(wire);
        auto const at = whole.rfind('@');
        if (at == std::string_view::npos) return {whole, whole, {}};
        return {whole, whole.substr(0, at), whole.substr(at + 1)};
    }

    mailquay::id_generator ids_;
    std::deque<std::string> texts_;
    std::deque<std::vector<std::string_view>> members_;
};

}  // namespace mailquay_test
