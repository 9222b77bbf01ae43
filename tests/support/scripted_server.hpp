#pragma once

#include <mailquay/client/next_hop.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailquay_test {

using namespace mailquay;

/// What a made-up server does on one connection: words are said, a line that begins with ">" is awaited.
///
///     "220 hi", ">EHLO", "250 hi", ">MAIL", "close"
///
/// ">." awaits the end of a message; "close" closes, "hang" waits until the client does, "wait" 0.3 s; "!" before a text says it without
/// CRLF. At the end of the script it closes.
using server_script = std::vector<std::string>;

/// A server on loopback that plays one script per connection, in order, and keeps what it heard.
class scripted_server {
public:
    scripted_server(asio::io_context& io, std::vector<server_script> scripts)
        : state_(std::make_shared<state>(io, std::move(scripts))) {
        auto serving = serve(state_);
        asio::co_spawn(io, std::move(serving), [](std::exception_ptr) {});
    }
    ~scripted_server() {
        std::error_code ignored;
        state_->acceptor.close(ignored);
    }

    std::uint16_t port() const { return state_->acceptor.local_endpoint().port(); }
    next_hop hop() const {
        next_hop made{"127.0.0.1", port()};
        made.settings.tls = tls_use::off;
        return made;
    }
    std::size_t connections() const { return state_->accepted; }
    std::string const& heard() const { return state_->heard; }
    /// What it waited for in vain, or got in place of it.
    std::string const& surprises() const { return state_->surprises; }

private:
    struct state {
        state(asio::io_context& io, std::vector<server_script> given)
            : acceptor(io, asio::ip::tcp::endpoint{asio::ip::make_address("127.0.0.1"), 0}), scripts(given.begin(), given.end()) {}
        asio::ip::tcp::acceptor acceptor;
        std::deque<server_script> scripts;
        std::size_t accepted = 0;
        std::string heard{};
        std::string surprises{};
    };

    static asio::awaitable<void> serve(std::shared_ptr<state> of) {
        while (!of->scripts.empty()) {
            std::error_code failure;
            auto token = asio::redirect_error(asio::use_awaitable, failure);
            auto socket = co_await of->acceptor.async_accept(token);
            if (failure) co_return;
            ++of->accepted;
            auto playing = play(of, std::move(socket), std::move(of->scripts.front()));
            of->scripts.pop_front();
            asio::co_spawn(of->acceptor.get_executor(), std::move(playing), [](std::exception_ptr) {});
        }
    }

    static asio::awaitable<void> play(std::shared_ptr<state> of, asio::ip::tcp::socket socket, server_script script) {
        std::string buffer;
        std::error_code failure;
        for (std::string const& step : script) {
            if (step == "close") co_return;
            if (step == "wait") {
                asio::steady_timer timer{socket.get_executor()};
                timer.expires_after(std::chrono::milliseconds{300});
                auto token = asio::redirect_error(asio::use_awaitable, failure);
                co_await timer.async_wait(token);
                continue;
            }
            bool const awaits = step.starts_with('>') || step == "hang";
            if (!awaits) {
                std::string const octets = step.starts_with('!') ? step.substr(1) : step + "\r\n";
                auto const all = asio::buffer(octets);
                auto token = asio::redirect_error(asio::use_awaitable, failure);
                co_await asio::async_write(socket, all, token);
                continue;
            }
            std::string const end = step == ">." ? "\r\n.\r\n" : step == "hang" ? std::string{"\0never", 6} : "\r\n";
            auto room = asio::dynamic_buffer(buffer);
            auto token = asio::redirect_error(asio::use_awaitable, failure);
            auto const size = co_await asio::async_read_until(socket, room, end, token);
            if (failure) {
                of->heard += buffer;
                if (step != "hang") of->surprises += "ended before " + step + "\n";
                co_return;
            }
            std::string const got = buffer.substr(0, size);
            buffer.erase(0, size);
            of->heard += got;
            std::string const wanted = step.substr(1);
            if (step != ">." && !got.starts_with(wanted)) of->surprises += got + " in place of " + step + "\n";
        }
    }

    std::shared_ptr<state> state_;
};

}  // namespace mailquay_test
