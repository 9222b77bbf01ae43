#pragma once

// Key functions of the small interfaces: their tables live in one place. Only headers that include no other interface
// belong here.
#include <mailquay/handler/authenticator.hpp>
#include <mailquay/handler/client_credentials.hpp>
#include <mailquay/handler/clock.hpp>
#include <mailquay/handler/message_buffer.hpp>
#include <mailquay/handler/message_sink.hpp>
#include <mailquay/handler/observer.hpp>
#include <mailquay/handler/policy.hpp>
#include <mailquay/handler/recipient_validator.hpp>
#include <mailquay/handler/resolver.hpp>
#include <mailquay/handler/store.hpp>
#include <mailquay/handler/tls_provider.hpp>
#include <mailquay/handler/workers.hpp>

#include <algorithm>
#include <cstring>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL auth_exchange::~auth_exchange() = default;
MAILQUAY_DECL authenticator::~authenticator() = default;
MAILQUAY_DECL mechanisms authenticator::too_weak(session_info const&) const { return {}; }

MAILQUAY_DECL recipient_validator::~recipient_validator() = default;

MAILQUAY_DECL message_writer::~message_writer() = default;
MAILQUAY_DECL message_sink::~message_sink() = default;
MAILQUAY_DECL promises message_sink::promised() const { return {}; }
MAILQUAY_DECL recipient_group message_sink::group(recipient const&) const { return {}; }
MAILQUAY_DECL bool message_sink::takes_another(transaction const&, recipient const&) const { return true; }
MAILQUAY_DECL bool message_sink::takes_any_recipients() const noexcept { return false; }
MAILQUAY_DECL bool message_sink::has_room(std::uint64_t) const { return true; }

MAILQUAY_DECL policy::~policy() = default;
MAILQUAY_DECL eventual<verdict> policy::on_connect(session_info const&) { return pass(); }
MAILQUAY_DECL eventual<verdict> policy::on_early_talk(session_info const&) { return pass(); }
MAILQUAY_DECL eventual<verdict> policy::on_hello(session_info const&, std::string_view) { return pass(); }
MAILQUAY_DECL eventual<verdict> policy::on_mail(transaction const&) { return pass(); }
MAILQUAY_DECL eventual<verdict> policy::on_recipient(transaction const&, recipient const&) { return pass(); }
MAILQUAY_DECL eventual<verdict> policy::on_recipient_accepted(transaction const&, recipient const&) { return pass(); }
MAILQUAY_DECL eventual<verdict> policy::on_data(transaction const&) { return pass(); }
MAILQUAY_DECL eventual<verdict> policy::on_headers(transaction const&, std::string_view) { return pass(); }
MAILQUAY_DECL void policy::on_close(session_info const&) noexcept {}

MAILQUAY_DECL observer::~observer() = default;
MAILQUAY_DECL std::string_view to_string(observation_kind kind) noexcept {
    switch (kind) {
        case observation_kind::opened: return "opened";
        case observation_kind::greeted: return "greeted";
        case observation_kind::mail_accepted: return "mail_accepted";
        case observation_kind::mail_refused: return "mail_refused";
        case observation_kind::recipient_accepted: return "recipient_accepted";
        case observation_kind::recipient_refused: return "recipient_refused";
        case observation_kind::message_accepted: return "message_accepted";
        case observation_kind::message_refused: return "message_refused";
        case observation_kind::message_aborted: return "message_aborted";
        case observation_kind::closed: return "closed";
        case observation_kind::auth_succeeded: return "authenticated";
        case observation_kind::auth_failed: return "auth_failed";
        case observation_kind::secured: return "secured";
        case observation_kind::all: break;
    }
    return {};
}

MAILQUAY_DECL workers_busy::workers_busy() : std::runtime_error("the queue of the workers is full") {}
MAILQUAY_DECL workers_busy::~workers_busy() = default;
MAILQUAY_DECL workers::~workers() = default;

MAILQUAY_DECL resolver::~resolver() = default;
MAILQUAY_DECL std::string_view to_string(dns_errc why) noexcept {
    switch (why) {
        case dns_errc::no_such_name: return "no such name";
        case dns_errc::no_data: return "no records of this type";
        case dns_errc::bad_name: return "not a name";
        case dns_errc::temporary: return "look-up failed";
        case dns_errc::timed_out: return "look-up timed out";
        case dns_errc::cancelled: return "look-up cancelled";
    }
    return "look-up failed";
}

MAILQUAY_DECL store::~store() = default;
MAILQUAY_DECL tls_stream::~tls_stream() = default;
MAILQUAY_DECL tls_provider::~tls_provider() = default;
MAILQUAY_DECL client_exchange::~client_exchange() = default;
MAILQUAY_DECL client_credentials::~client_credentials() = default;

MAILQUAY_DECL clock::~clock() = default;

namespace detail {

struct machine_time final : clock {
    std::chrono::steady_clock::time_point steady() const noexcept override { return std::chrono::steady_clock::now(); }
    std::chrono::system_clock::time_point wall() const noexcept override { return std::chrono::system_clock::now(); }
};

class memory_buffer final : public message_buffer {
public:
    explicit memory_buffer(std::uint64_t most_octets) noexcept : most_octets_(most_octets) {}

    eventual<result<void>> write(std::span<char const> octets) override {
        if (octets.size() > most_octets_ - kept_.size()) return result<void>{std::make_error_code(std::errc::file_too_large)};
        kept_.append(octets.data(), octets.size());
        return result<void>{};
    }
    eventual<result<std::size_t>> read(std::span<char> room) override {
        std::size_t const count = std::min(room.size(), kept_.size() - at_);
        if (count != 0) std::memcpy(room.data(), kept_.data() + at_, count);
        at_ += count;
        return result<std::size_t>{count};
    }
    void rewind() noexcept override { at_ = 0; }
    std::uint64_t size() const noexcept override { return kept_.size(); }

private:
    std::uint64_t most_octets_;
    std::string kept_;
    std::size_t at_ = 0;
};

}  // namespace detail

MAILQUAY_DECL std::shared_ptr<clock> machine_clock() {
    static auto const one = std::make_shared<detail::machine_time>();
    return one;
}

MAILQUAY_DECL message_buffer::~message_buffer() = default;
MAILQUAY_DECL message_buffers::~message_buffers() = default;
MAILQUAY_DECL std::unique_ptr<message_buffer> memory_buffers::make() {
    return std::make_unique<detail::memory_buffer>(most_octets_);
}

}  // namespace mailquay::inline MAILQUAY_ABI
