#include <mailquay/sasl/dovecot.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/base64.hpp>
#include <mailquay/base/random.hpp>
#include <mailquay/sasl/detail/dovecot_protocol.hpp>
#include <mailquay/sasl/detail/exchanges.hpp>
#include <mailquay/sasl/messages.hpp>

#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <stdexcept>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sasl {

namespace detail {

/// One connection to Dovecot. Shared with the timer that ends it.
struct dovecot_link : std::enable_shared_from_this<dovecot_link> {
    explicit dovecot_link(asio::any_io_executor executor) : socket(executor), timer(executor) {}

    // Closes the socket, and with it whatever waits for it, unless `in_time()` is called first.
    void end_after(std::chrono::milliseconds patience) {
        timed_out = false;
        timer.expires_after(patience);
        timer.async_wait([kept = shared_from_this()](std::error_code cancelled) {
            if (cancelled || kept->timer.expiry() > std::chrono::steady_clock::now()) return;
            kept->timed_out = true;
            kept->close();
        });
    }
    void in_time() { timer.expires_at(std::chrono::steady_clock::time_point::max()); }
    void close() noexcept {
        std::error_code ignored;
        socket.close(ignored);
        timer.cancel();
    }

    asio::local::stream_protocol::socket socket;
    asio::steady_timer timer;
    dovecot_protocol protocol{};
    std::array<char, 4096> room{};
    bool timed_out = false;
};

inline asio::awaitable<void> read_from_dovecot(std::shared_ptr<dovecot_link> link) {
    std::size_t const count = co_await link->socket.async_read_some(asio::buffer(link->room), asio::use_awaitable);
    bool const understood = link->protocol.feed({link->room.data(), count});
    if (!understood) throw std::runtime_error("it does not speak the authentication protocol 1");
}

// Connects, and reads the greeting to its end.
inline asio::awaitable<void> greet_dovecot(std::shared_ptr<dovecot_link> link, std::string socket, std::chrono::milliseconds patience) {
    asio::local::stream_protocol::endpoint const there{socket};
    link->end_after(patience);
    co_await link->socket.async_connect(there, asio::use_awaitable);
    // Another number for each connection, and none that could be the process id of another client.
    std::string const hello = dovecot_protocol::hello(static_cast<std::uint32_t>(random_u64()) | 0x8000'0000u);
    co_await asio::async_write(link->socket, asio::buffer(hello), asio::use_awaitable);
    while (!link->protocol.greeted()) {
        co_await read_from_dovecot(link);
    }
    link->in_time();
}

// What a client is asked that gave no initial response, where that can be known without Dovecot.
inline std::optional<std::string_view> first_question(std::string_view mechanism) noexcept {
    if (mechanism == "LOGIN") return "Username:";
    bool const client_first = mechanism == "PLAIN" || mechanism == "OAUTHBEARER" || mechanism == "XOAUTH2" || mechanism == "EXTERNAL" ||
                              mechanism.starts_with("SCRAM-");
    if (client_first) return std::string_view{};
    return std::nullopt;
}

}  // namespace detail

struct dovecot::state {
    std::string socket;
    dovecot_settings settings;
    std::vector<detail::dovecot_protocol::mechanism> mechanisms{};
    std::atomic<unsigned> connections{0};
};

/// One AUTH, with the connection that it is passed through.
class dovecot::exchange final : public auth_exchange {
public:
    exchange(std::shared_ptr<state> all, std::string mechanism, session_info const& client)
        : all_(std::move(all)), mechanism_(std::move(mechanism)), client_(&client) {}
    exchange(exchange const&) = delete;
    exchange& operator=(exchange const&) = delete;
    ~exchange() override {
        if (link_) link_->close();
        if (counted_) --all_->connections;
    }

    eventual<auth_step> next(secret_view response) override {
        if (over_) return fail();
        if (!std::exchange(begun_, true)) {
            auto const question = detail::first_question(mechanism_);
            if (detail::no_initial_response(response) && question) {
                answered_here_ = true;
                return continue_with(std::string{*question});
            }
        }
        bool const opens = !link_;
        // A name that is empty Dovecot would ask for again, and take for it what comes then: the password.
        bool const nobody = opens && ((mechanism_ == "LOGIN" && response.empty()) || (mechanism_ == "EXTERNAL" && !certified()));
        if (nobody) {
            over_ = true;
            return fail();
        }
        if (opens) note(response.reveal());
        return ask(response);
    }

private:
    asio::awaitable<auth_step> ask(secret_view response) {
        std::string why;
        try {
            auth_step step = co_await pass_on(response);
            co_return step;
        } catch (std::exception const& failed) {
            why = link_ && link_->timed_out ? "it did not answer in time" : failed.what();
        }
        over_ = true;
        if (link_) link_->close();
        all_->settings.log.warning([&] { return "Dovecot at " + all_->socket + " could not be asked: " + why; });
        auth_failure temporary;
        temporary.temporary = true;
        co_return temporary;
    }

    asio::awaitable<auth_step> pass_on(secret_view response) {
        std::string command;
        if (!link_) {
            counted_ = true;
            if (++all_->connections > all_->settings.connections) throw std::runtime_error("dovecot_settings::connections are all in use");
            asio::any_io_executor const executor = co_await asio::this_coro::executor;
            link_ = std::make_shared<detail::dovecot_link>(executor);
            co_await detail::greet_dovecot(link_, all_->socket, all_->settings.connect_timeout);
            command = request(response);
        } else {
            command = "CONT\t1\t";
            append_base64(command, response);
        }
        command += '\n';
        link_->end_after(all_->settings.answer_timeout);
        std::exception_ptr failed;
        try {
            co_await asio::async_write(link_->socket, asio::buffer(command), asio::use_awaitable);
        } catch (...) {
            failed = std::current_exception();
        }
        wipe(command);
        if (failed) std::rethrow_exception(failed);

        std::optional<detail::dovecot_protocol::reply> reply = link_->protocol.take_reply();
        while (!reply) {
            co_await detail::read_from_dovecot(link_);
            reply = link_->protocol.take_reply();
        }
        link_->in_time();
        if (reply->request != 1) throw std::runtime_error("it answered what it was not asked");
        auth_step step = judged(*std::move(reply));
        co_return step;
    }

    auth_step judged(detail::dovecot_protocol::reply reply) {
        using kind = detail::dovecot_protocol::reply_kind;
        if (reply.kind == kind::more) {
            // What these answer to a token is why it was refused; where there was none, they ask for it with nothing.
            bool const bearer = mechanism_ == "OAUTHBEARER" || mechanism_ == "XOAUTH2";
            return bearer && !reply.octets.empty() ? refuse_with(std::move(reply.octets)) : continue_with(std::move(reply.octets));
        }
        over_ = true;
        link_->close();
        if (reply.kind == kind::ok) {
            auto& kept = client_->slot<identities>(detail::identities_owner());
            kept = identities{other_.empty() ? reply.user : std::move(user_), std::move(other_), mechanism_};
            return succeed(std::move(reply.user), std::move(reply.octets));
        }
        auth_failure why;
        why.temporary = reply.temporary;
        if (reply.expired) why.why = auth_problem::expired;
        return why;
    }

    std::string request(secret_view response) const {
        using protocol = detail::dovecot_protocol;
        std::string line = "AUTH\t1\t" + mechanism_ + "\tservice=" + protocol::escaped(all_->settings.service);
        if (client_->secure()) line += "\tsecured";
        if (auto const user = certified()) line += "\tvalid-client-cert\tcert_username=" + protocol::escaped(*user);
        auto const add_endpoint = [&](std::string_view letter, ip_endpoint const& end) {
            if (end.address.is_none()) return;
            line += "\t" + std::string{letter} + "ip=" + end.address.to_string();
            line += "\t" + std::string{letter} + "port=" + std::to_string(end.port);
        };
        add_endpoint("l", client_->local());
        add_endpoint("r", client_->client());
        if (answered_here_ || !detail::no_initial_response(response)) {
            line += "\tresp=";  // the last one, says the protocol
            append_base64(line, response);
        }
        return line;
    }
    // Whose certificate the client showed, if that is somebody's.
    std::optional<std::string> certified() const {
        tls_info const* const tls = client_->tls();
        if (!client_->tls_is_the_clients() || !tls->client_verified) return std::nullopt;
        certificate_user const& whose = all_->settings.certificate;
        std::optional<std::string> user = whose ? whose(*tls) : std::optional<std::string>{tls->client_identity};
        if (user && user->empty()) user.reset();
        return user;
    }
    // Who wants to act as another: Dovecot tells only the other.
    void note(std::string_view octets) {
        if (mechanism_ == "PLAIN") {
            if (auto const message = parse_plain(octets)) user_ = message->user, other_ = message->authorisation;
        } else if (mechanism_.starts_with("SCRAM-")) {
            if (auto const message = parse_scram_client_first(octets)) user_ = message->user, other_ = message->gs2.authorisation;
        }
    }
    // Reserves first: a string that grows leaves the secret behind where it was.
    static void append_base64(std::string& line, secret_view response) {
        std::string text = base64_encode(response.reveal());
        line.reserve(line.size() + text.size() + 2);
        line += text;
        wipe(text);
    }

    std::shared_ptr<state> all_;
    std::string mechanism_;
    session_info const* client_;
    std::shared_ptr<detail::dovecot_link> link_;
    std::string user_{}, other_{};  // as `identities` has them
    bool counted_ = false;
    bool begun_ = false;
    bool answered_here_ = false;  // the question for the first response
    bool over_ = false;
};

MAILQUAY_DECL dovecot::dovecot(std::filesystem::path socket, dovecot_settings settings) : state_(std::make_shared<state>()) {
    state_->socket = socket.string();
    state_->settings = std::move(settings);
    if (!state_->settings.mechanisms.empty()) {
        for (std::string& name : state_->settings.mechanisms) {
            for (char& c : name) c = to_upper(c);
            bool const shows = name == "PLAIN" || name == "LOGIN" || name == "OAUTHBEARER" || name == "XOAUTH2";
            state_->mechanisms.push_back({name, shows});
        }
        return;
    }
    std::string why;
    asio::io_context io;
    try {
        auto const link = std::make_shared<detail::dovecot_link>(io.get_executor());
        std::exception_ptr failed;
        asio::awaitable<void> greeting = detail::greet_dovecot(link, state_->socket, state_->settings.connect_timeout);
        asio::co_spawn(io, std::move(greeting), [&failed, link](std::exception_ptr thrown) {
            failed = thrown;
            link->close();
        });
        io.run();
        if (failed && link->timed_out) throw std::runtime_error("it did not greet in time");
        if (failed) std::rethrow_exception(failed);
        state_->mechanisms = link->protocol.mechanisms();
    } catch (std::exception const& failed) {
        throw std::runtime_error("Dovecot at " + state_->socket + ": " + failed.what() +
                                 "; start Dovecot first, or name its mechanisms in dovecot_settings::mechanisms");
    }
}
MAILQUAY_DECL dovecot::~dovecot() = default;

MAILQUAY_DECL mailquay::mechanisms dovecot::offered(session_info const& client) const {
    mailquay::mechanisms names;
    for (auto const& one : state_->mechanisms) {
        bool const bearer = one.name == "OAUTHBEARER" || one.name == "XOAUTH2";
        if ((one.shows_secret || bearer) && !client.secure() && !state_->settings.secrets_in_clear) continue;
        if (one.name.ends_with("-PLUS")) continue;
        if (one.name == "EXTERNAL" && !(client.tls_is_the_clients() && client.tls()->client_verified)) continue;
        names.push_back(one.name);
    }
    return names;
}

MAILQUAY_DECL std::unique_ptr<auth_exchange> dovecot::begin(std::string_view mechanism, session_info const& client) {
    for (std::string& name : offered(client))
        if (iequals(name, mechanism)) return std::make_unique<exchange>(state_, std::move(name), client);
    return nullptr;
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl
