#pragma once

#include <mailquay/handler/make_authenticator.hpp>
#include <mailquay/handler/make_message_filter.hpp>
#include <mailquay/handler/make_message_sink.hpp>
#include <mailquay/handler/make_observer.hpp>
#include <mailquay/handler/make_policy.hpp>
#include <mailquay/handler/make_recipient_validator.hpp>
#include <mailquay/handler/pipeline.hpp>
#include <mailquay/handler/tls_provider.hpp>

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace mailquay::inline MAILQUAY_ABI {

/// The host's logic, collected. Each takes an object that implements the interface, a class with the right members or a
/// callable; as a value (moved in), a `shared_ptr` (shared), `std::ref` (borrowed) or `per_shard(factory)`; see
/// `handler/adapt.hpp`. Lists are asked in the order given; a call replaces the list.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @code
/// plugged.recipients(recipient_table{"alice@example.org"}, relay_for{authenticated}).sink(sinks::maildir{"mail"});
/// @endcode
class plugins {
public:
    /// Who may receive. None: nobody, every RCPT is refused 550 5.7.1.
    template <class... Handler>
    plugins& recipients(Handler&&... given) {
        std::vector<std::shared_ptr<recipient_validator>> list;
        (list.push_back(make_recipient_validator(std::forward<Handler>(given))), ...);
        all_.recipients = std::move(list);
        return *this;
    }
    /// Who may say no, at each stage.
    template <class... Handler>
    plugins& policies(Handler&&... given) {
        std::vector<std::shared_ptr<policy>> list;
        (list.push_back(make_policy(std::forward<Handler>(given))), ...);
        all_.policies = std::move(list);
        return *this;
    }
    /// Who sees, and may edit or refuse, messages.
    template <class... Handler>
    plugins& filters(Handler&&... given) {
        std::vector<std::shared_ptr<message_filter>> list;
        (list.push_back(make_message_filter(std::forward<Handler>(given))), ...);
        all_.filters = std::move(list);
        return *this;
    }
    /// Where mail goes. Required.
    template <class Handler>
    plugins& sink(Handler&& given) {
        all_.sink = make_message_sink(std::forward<Handler>(given));
        return *this;
    }
    /// Who may send.
    template <class Handler>
    plugins& authentication(Handler&& given) {
        all_.authenticator = make_authenticator(std::forward<Handler>(given));
        return *this;
    }
    /// Certificates, and with them TLS: a `tls_provider`, such as `tls::context`, in one of the forms above but `per_shard`.
    template <class Provider>
    plugins& tls(Provider&& given) {
        static_assert(detail::implements<detail::held_type<Provider>, tls_provider>,
                      "not a TLS provider: give a tls_provider, such as mailquay::tls::context, by value, shared_ptr or std::ref");
        all_.tls = detail::hold(std::forward<Provider>(given));
        return *this;
    }
    /// Who is told what happened.
    template <class... Handler>
    plugins& observers(Handler&&... given) {
        std::vector<std::shared_ptr<observer>> list;
        (list.push_back(make_observer(std::forward<Handler>(given))), ...);
        all_.observers = std::move(list);
        return *this;
    }
    /// Extensions of the host's own: keyword, parameters and verbs. Each is a `host_extension`, moved in, or a `shared_ptr`.
    template <class... Extension>
    plugins& extensions(Extension&&... given) {
        std::vector<std::shared_ptr<host_extension const>> list;
        (list.push_back(held_extension(std::forward<Extension>(given))), ...);
        all_.extensions = std::move(list);
        return *this;
    }
    /// @{ Who answers VRFY and EXPN; by default only authenticated clients are answered (`asked_by`).
    plugins& verify(command_handler answers, asked_by whom = asked_by::users) {
        all_.verify = std::move(answers), all_.verify_for = whom;
        return *this;
    }
    plugins& expand(command_handler answers, asked_by whom = asked_by::users) {
        all_.expand = std::move(answers), all_.expand_for = whom;
        return *this;
    }
    /// @}
    /// Threads for what blocks, in place of the server's own.
    plugins& use_workers(std::shared_ptr<workers> pool) {
        all_.workers = std::move(pool);
        return *this;
    }

    handlers const& all() const noexcept { return all_; }
    handlers& all() noexcept { return all_; }

private:
    static std::shared_ptr<host_extension const> held_extension(host_extension&& given) {
        return std::make_shared<host_extension>(std::move(given));
    }
    static std::shared_ptr<host_extension const> held_extension(std::shared_ptr<host_extension const> given) {
        if (!given) throw std::invalid_argument("a host_extension is a null shared_ptr");
        return given;
    }

    handlers all_{};
};

}  // namespace mailquay::inline MAILQUAY_ABI
