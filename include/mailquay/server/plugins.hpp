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
    /// Threads for what blocks, in place of the server's own.
    plugins& use_workers(std::shared_ptr<workers> pool) {
        all_.workers = std::move(pool);
        return *this;
    }

    handlers const& all() const noexcept { return all_; }
    handlers& all() noexcept { return all_; }

private:
    handlers all_{};
};

}  // namespace mailquay::inline MAILQUAY_ABI
