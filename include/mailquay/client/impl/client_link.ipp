#pragma once

#include <mailquay/client/client.hpp>
#include <mailquay/client/client_engine.hpp>
#include <mailquay/server/asio_compat.hpp>

#include <asio/connect.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// One connection of a client: a socket, TLS perhaps, and an engine.
//
// At most one read and one write are under way. Their handlers only take note and wake the coroutine that drives the connection;
// everything else happens there. All of it runs on the client's strand.

namespace mailquay::inline MAILQUAY_ABI::detail {

class client_link : public std::enable_shared_from_this<client_link> {
public:
    using time_point = std::chrono::steady_clock::time_point;
    using socket_type = asio::basic_stream_socket<asio::generic::stream_protocol, asio::any_io_executor>;
    using resolver_type = asio::ip::basic_resolver<asio::ip::tcp, asio::any_io_executor>;

    client_link(asio::any_io_executor on, next_hop to, std::string hello_name, std::shared_ptr<tls_connector> connector)
        : hop(std::move(to)), hello_name_(std::move(hello_name)), connector_(std::move(connector)), socket_(on), timer_(on), resolver_(on) {}

    next_hop hop;                       // the engine refers to its settings
    std::unique_ptr<client_engine> engine{};
    std::size_t messages = 0;           // sent over this connection
    bool idle = false;                  // in the pool
    std::optional<time_point> give_up_at{};  // of the message under way, or that it is opened for
    unique_function<void()> idle_broke{};

    bool healthy() const noexcept { return engine && !engine->ended() && ready_ && !write_failed_; }

    // --- opening

    /// The hop's addresses; asks the system if none are given. Empty: `problem` says why.
    asio::awaitable<std::vector<ip_endpoint>> resolve(send_report* problem) {
        std::vector<ip_endpoint> found = hop.addresses;
        if (found.empty())
            if (auto const literal = ip_address::parse(hop.host)) found.push_back({*literal, hop.port});
        if (!found.empty()) co_return found;
        auto state = std::make_shared<resolution>();
        resolver_.async_resolve(hop.host, std::to_string(hop.port),
                                [state, self = shared_from_this()](std::error_code failure, resolver_type::results_type results) {
                                    state->failure = failure;
                                    state->results = std::move(results);
                                    state->done = true;
                                    self->wake();
                                });
        time_point const until = std::chrono::steady_clock::now() + hop.settings.timeouts.connect;
        bool const in_time = co_await wait_for(state->done, until);
        if (!in_time) resolver_.cancel();
        if (in_time && !state->failure) {
            for (auto const& entry : state->results) found.push_back(endpoint_of(entry.endpoint()));
            if (!found.empty()) co_return found;
        }
        problem->problem = in_time ? hop_problem::not_resolved : hop_problem::timed_out;
        if (cancelled_) problem->problem = hop_problem::cancelled;
        problem->text = state->failure ? state->failure.message() : "the name was not resolved in time";
        co_return found;
    }

    /// Connects; nothing is said yet. `where` has no address for a UNIX socket.
    asio::awaitable<std::error_code> connect(ip_endpoint where) {
        asio::generic::stream_protocol::endpoint const target = endpoint_for(where);
        std::error_code failure;
        if (socket_.is_open()) socket_.close(failure);
        socket_.open(target.protocol(), failure);
        if (failure) co_return failure;
        auto state = std::make_shared<resolution>();
        socket_.async_connect(target, [state, self = shared_from_this()](std::error_code result) {
            state->failure = result;
            state->done = true;
            self->wake();
        });
        time_point const until = std::chrono::steady_clock::now() + hop.settings.timeouts.connect;
        bool const in_time = co_await wait_for(state->done, until);
        if (!in_time) {
            std::error_code ignored;
            socket_.close(ignored);
            co_return std::make_error_code(cancelled_ ? std::errc::operation_canceled : std::errc::timed_out);
        }
        if (state->failure) co_return state->failure;
        if (hop.unix_path.empty()) {
            std::error_code ignored;
            socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
        }
        address_ = where;
        client_engine_config config;
        config.hello_name = hello_name_;
        config.host = hop.host;
        config.port = hop.port;
        config.tls_available = connector_ != nullptr;
        engine = std::make_unique<client_engine>(hop.settings, std::move(config), std::chrono::steady_clock::now());
        co_return std::error_code{};
    }

    /// Runs until the engine is ready for a message, or has ended.
    asio::awaitable<void> open() {
        co_await drive(wanted::ready);
    }

    // --- sending

    /// Reads the content through once.
    asio::awaitable<bool> scan(outgoing_message* message) {
        content_scanner scanner;
        std::uint64_t const size = message->content->size();
        content_.resize(content_octets);
        try {
            for (std::uint64_t at = 0; at < size;) {
                auto reading = message->content->read(at, content_);
                auto const got = co_await std::move(reading).wait();
                if (!got || *got == 0) co_return false;
                scanner.scan({content_.data(), *got});
                at += *got;
            }
        } catch (std::exception const&) {  // a host's code
            co_return false;
        }
        message->facts = scanner.facts();
        co_return true;
    }

    /// Sends to these recipients; `report` is the whole message's, which gets what becomes known.
    asio::awaitable<void> send(outgoing_message const* message, std::vector<std::size_t> which, send_report* whole,
                               settled_listener const* listener) {
        ++messages;
        message_ = message;
        whole_ = whole;
        listener_ = listener;
        ready_ = sent_ = cancelled_ = false;
        engine->time_is(std::chrono::steady_clock::now());
        engine->send(*message, std::move(which));
        co_await drive(wanted::sent);
        message_ = nullptr;
        whole_ = nullptr;
        listener_ = nullptr;
        content_ = {};
    }

    /// What the engine found out, with what only the connection knows.
    void add_facts(send_report& to) const {
        if (engine) {
            to.offers = engine->report().offers;
            to.tls = engine->report().tls;
            to.server = engine->report().server;
        }
        to.host = hop.host.empty() ? hop.to_string() : hop.host;
        to.address = address_;
    }

    // --- between messages and at the end

    /// Keeps an eye on a connection that nobody uses: what the server says now ends it.
    void watch_idle() {
        idle = true;
        start_read();
        if (read_done_) notice_idle();
    }

    /// QUIT, and all that belongs to a proper end.
    asio::awaitable<void> goodbye() {
        idle = cancelled_ = false;
        engine->time_is(std::chrono::steady_clock::now());
        if (!engine->ended()) engine->quit();
        co_await drive(wanted::end);
        close();
    }

    void close() {
        std::error_code ignored;
        if (tls_ && socket_.is_open() && !writing_) {
            // close_notify as far as it goes at once; nothing depends on it.
            tls_->close_notify();
            std::array<char, 256> room;
            std::size_t const octets = tls_->take_output(room);
            if (octets != 0) {
                socket_.non_blocking(true, ignored);
                socket_.write_some(asio::buffer(room.data(), octets), ignored);
            }
        }
        socket_.close(ignored);
        resolver_.cancel();
        wake();
    }

    bool cancelled() const noexcept { return cancelled_; }

private:
    enum class wanted : std::uint8_t { ready, sent, end };
    struct resolution {
        std::error_code failure{};
        resolver_type::results_type results{};
        bool done = false;
    };

    static constexpr std::size_t read_octets = 16 * 1024;
    static constexpr std::size_t content_octets = 64 * 1024;

    static ip_endpoint endpoint_of(asio::ip::tcp::endpoint const& from) {
        auto const address = from.address();
        ip_endpoint made;
        if (address.is_v4()) {
            made.address = ip_address::from_v4(address.to_v4().to_bytes());
        } else {
            made.address = ip_address::from_v6(address.to_v6().to_bytes());
        }
        made.port = from.port();
        return made;
    }

    asio::generic::stream_protocol::endpoint endpoint_for(ip_endpoint const& where) const {
        if (!hop.unix_path.empty()) return asio::local::stream_protocol::endpoint{hop.unix_path};
        auto const octets = where.address.bytes();
        if (where.address.is_v4()) {
            asio::ip::address_v4::bytes_type bytes{};
            std::copy(octets.begin(), octets.end(), bytes.begin());
            return asio::ip::tcp::endpoint{asio::ip::address_v4{bytes}, where.port};
        }
        asio::ip::address_v6::bytes_type bytes{};
        std::copy(octets.begin(), octets.end(), bytes.begin());
        return asio::ip::tcp::endpoint{asio::ip::address_v6{bytes}, where.port};
    }

    void wake() { timer_.cancel(); }

    /// Waits until woken, `until`, or cancelled.
    asio::awaitable<void> wait(time_point until) {
        co_await look_for_cancellation();
        if (cancelled_) co_return;
        timer_.expires_at(std::min(until, end_of_patience().value_or(until)));
        std::error_code ignored;
        auto token = asio::redirect_error(asio::use_awaitable, ignored);
        co_await timer_.async_wait(token);
        co_await look_for_cancellation();
    }

    /// A cancellation interrupts the wait it meets only: what comes while a host's code runs is seen here.
    asio::awaitable<void> look_for_cancellation() {
        auto const state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) cancelled_ = true;
        auto const end = end_of_patience();
        if (end && std::chrono::steady_clock::now() >= *end) cancelled_ = true;
    }

    /// When the message is given up, as long as it can be.
    std::optional<time_point> end_of_patience() const {
        if (!give_up_at || (engine && engine->handed_over())) return std::nullopt;
        return give_up_at;
    }

    asio::awaitable<bool> wait_for(bool const& flag, time_point until) {
        while (!flag) {
            if (cancelled_ || std::chrono::steady_clock::now() >= until) co_return false;
            co_await wait(until);
        }
        co_return true;
    }

    bool reached(wanted what) const noexcept {
        if (engine->ended()) return true;
        if (what == wanted::ready) return ready_;
        return what == wanted::sent && sent_ && ready_;
    }

    asio::awaitable<void> drive(wanted what) {
        constexpr auto never = std::chrono::hours{24};
        co_await look_for_cancellation();
        for (;;) {
            absorb();
            auto const now = std::chrono::steady_clock::now();
            engine->time_is(now);
            for (auto event = engine->next_event(); event; event = engine->next_event()) {
                if (auto const* const wants = std::get_if<client_wants_content>(&*event)) {
                    co_await give_content(wants->offset);
                } else if (auto const* const settled = std::get_if<client_settled>(&*event)) {
                    co_await tell(settled->recipients);
                } else {
                    take(*event);
                }
            }
            if (cancelled_ && !reached(what)) {
                engine->abort(hop_problem::cancelled);
                continue;
            }
            flush();
            if (reached(what)) co_return;
            start_read();
            if (read_done_ || write_done_) continue;
            time_point const until = engine->wake_at().value_or(now + never);
            co_await wait(until);
        }
    }

    void take(client_event const& event) {
        if (std::holds_alternative<client_ready>(event)) ready_ = true;
        if (std::holds_alternative<client_sent>(event)) sent_ = true;
        if (std::holds_alternative<client_wants_tls>(event)) begin_tls();
    }

    asio::awaitable<void> give_content(std::uint64_t offset) {
        content_.resize(content_octets);
        try {
            auto reading = message_->content->read(offset, content_);
            if (reading.ready()) {
                give(std::move(reading).value());
                co_return;
            }
            auto got = co_await std::move(reading).wait();
            co_await look_for_cancellation();
            if (!cancelled_) give(std::move(got));
        } catch (std::exception const&) {  // a host's code
            engine->content_failed(std::make_error_code(std::errc::io_error));
        }
    }
    void give(result<std::size_t> got) {
        if (got) {
            engine->content(std::span<char const>{content_.data(), *got});
        } else {
            engine->content_failed(got.error());
        }
    }

    asio::awaitable<void> tell(std::vector<std::size_t> which) {
        if (whole_ == nullptr) co_return;
        for (std::size_t const one : which) whole_->recipients[one] = engine->report().recipients[one];
        add_facts(*whole_);
        if (listener_ == nullptr || !*listener_) co_return;
        try {
            auto telling = (*listener_)(std::move(which), *whole_);
            co_await std::move(telling);
        } catch (std::exception const&) {  // a host's code, which had promised not to throw
        }
        co_await look_for_cancellation();
    }

    // --- octets

    void start_read() {
        if (reading_ || read_done_ || !socket_.is_open()) return;
        reading_ = true;
        if (!read_buffer_) read_buffer_ = std::make_unique<std::array<char, read_octets>>();
        socket_.async_read_some(asio::buffer(*read_buffer_), [self = shared_from_this()](std::error_code failure, std::size_t octets) {
            self->reading_ = false;
            self->read_done_ = true;
            self->read_failure_ = failure;
            self->octets_read_ = octets;
            if (self->idle) return self->notice_idle();
            self->wake();
        });
    }

    void notice_idle() {
        idle = false;
        if (idle_broke) idle_broke();
    }

    void flush() {
        if (writing_ || write_done_ || !socket_.is_open() || write_failed_ || engine->ended()) return;
        if (write_buffer_.empty()) gather();
        if (write_buffer_.empty()) return;
        writing_ = true;
        auto const rest = asio::buffer(write_buffer_.data() + written_, write_buffer_.size() - written_);
        socket_.async_write_some(rest, [self = shared_from_this()](std::error_code failure, std::size_t octets) {
            self->writing_ = false;
            self->write_done_ = true;
            self->write_failed_ = self->write_failed_ || failure;
            self->octets_written_ = octets;
            self->wake();
        });
    }

    /// Moves what is owed into the write buffer.
    void gather() {
        if (!clear_output_.empty()) {
            write_buffer_ = std::exchange(clear_output_, {});
            return;
        }
        bool const shaking = tls_ && tls_->current() == tls_stream::state::handshake;
        std::string_view const owed = shaking ? std::string_view{} : engine->output();
        if (!tls_) {
            write_buffer_ = owed;
            in_flight_ = owed.size();
            return;
        }
        if (!owed.empty()) {
            auto const taken = tls_->write(std::span<char const>{owed.data(), owed.size()});
            in_flight_ = taken ? *taken : 0;
        }
        std::array<char, 16 * 1024> room;
        for (std::size_t octets = tls_->take_output(room); octets != 0; octets = tls_->take_output(room)) write_buffer_.append(room.data(), octets);
    }

    /// Hands to the engine what the socket did.
    void absorb() {
        if (write_done_) {
            write_done_ = false;
            written_ += octets_written_;
            bool const all = written_ == write_buffer_.size();
            if (!tls_ || all) sent_to_wire(tls_ ? in_flight_ : octets_written_);
            if (all) {
                write_buffer_.clear();
                written_ = 0;
            }
        }
        if (!read_done_) return;
        read_done_ = false;
        std::string_view const octets{read_buffer_->data(), octets_read_};
        if (!octets.empty()) take_octets(octets);
        if (read_failure_) {
            if (tls_) tls_->input_closed();
            bool const orderly = read_failure_ == asio::error::eof;
            if (shaking()) return fail_tls(orderly ? "the server closed the connection" : read_failure_.message());
            engine->input_closed(orderly ? std::error_code{} : read_failure_);
        }
    }

    void sent_to_wire(std::size_t octets) {
        octets = std::min(octets, in_flight_);
        in_flight_ -= octets;
        engine->output_sent(octets);
    }

    void take_octets(std::string_view octets) {
        if (!tls_) {
            engine->feed(octets);
            return;
        }
        tls_->lend(std::span<char const>{octets.data(), octets.size()});
        if (shaking()) shake();
        if (tls_ && tls_->current() != tls_stream::state::handshake) decrypt();
        if (tls_ && !tls_->wants_input()) tls_->keep_rest();
    }

    void decrypt() {
        std::array<char, 16 * 1024> room;
        for (;;) {
            auto const got = tls_->read(room);
            if (!got) return engine->input_closed(got.error());
            if (*got == 0) break;
            engine->feed({room.data(), *got});
        }
        if (tls_->current() == tls_stream::state::closed) engine->input_closed();
    }

    // --- TLS

    bool shaking() const { return tls_ && tls_->current() == tls_stream::state::handshake; }

    void begin_tls() {
        tls_target to;
        to.server_name = hop.settings.tls_name.empty() ? hop.host : hop.settings.tls_name;
        to.names = hop.settings.tls_names;
        to.verify = hop.settings.verify;
        to.tlsa = hop.settings.tlsa;
        // What is owed goes before, in clear: a PROXY header.
        sent_to_wire(in_flight_);
        clear_output_ = engine->output();
        engine->output_sent(clear_output_.size());
        tls_ = connector_->connect(to);
        if (!tls_) {
            engine->tls_failed("no TLS connection can be made", false);
            return;
        }
        shake();
    }

    void shake() {
        auto const state = tls_->handshake();
        if (!state) return fail_tls(state.error().message());
        if (*state == tls_stream::state::established) {
            engine->tls_established(tls_->info(), tls_->server());
            }
    }

    void fail_tls(std::string why) {
        tls_server_facts const facts = tls_->server();
        bool const certificate = hop.settings.verify != tls_verification::none && !facts.verified && !facts.problem.empty();
        engine->tls_failed(certificate ? facts.problem : std::move(why), certificate);
    }

    std::string hello_name_;
    std::shared_ptr<tls_connector> connector_;
    std::unique_ptr<tls_client_stream> tls_{};
    socket_type socket_;
    asio_compat::timer timer_;
    resolver_type resolver_;
    ip_endpoint address_{};

    std::unique_ptr<std::array<char, read_octets>> read_buffer_{};
    std::string write_buffer_{};
    std::string clear_output_{};
    std::vector<char> content_{};
    std::size_t written_ = 0;           // of `write_buffer_`
    std::size_t in_flight_ = 0;         // octets of the engine's output that are in `write_buffer_`, encrypted perhaps
    std::size_t octets_read_ = 0;
    std::size_t octets_written_ = 0;
    std::error_code read_failure_{};

    outgoing_message const* message_ = nullptr;
    send_report* whole_ = nullptr;
    settled_listener const* listener_ = nullptr;
    bool reading_ = false;
    bool read_done_ = false;
    bool writing_ = false;
    bool write_done_ = false;
    bool write_failed_ = false;
    bool ready_ = false;
    bool sent_ = false;
    bool cancelled_ = false;
};

}  // namespace mailquay::inline MAILQUAY_ABI::detail
