#pragma once

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// A DNS server on loopback that says what a test wants, right or wrong.
namespace mailquay_test {

/// What came in, and the parts of which answers are made.
struct dns_question {
    std::string octets{};
    std::string name{};  // wire form, as asked
    std::uint16_t type = 0;
    bool tcp = false;

    bool edns() const { return octets.size() > 12 && octets[11] == 1; }

    static void word(std::string& out, unsigned value) {
        out += static_cast<char>(value >> 8 & 0xff);
        out += static_cast<char>(value & 0xff);
    }
    /// "mx.example" in wire form, without compression.
    static std::string wire_name(std::string_view name) {
        std::string out;
        while (!name.empty()) {
            auto const end = std::min(name.find('.'), name.size());
            out += static_cast<char>(end);
            out += name.substr(0, end);
            name.remove_prefix(std::min(end + 1, name.size()));
        }
        return out + '\0';
    }
    static std::string record(std::string const& owner, unsigned type, unsigned ttl, std::string const& data) {
        std::string out = owner;
        word(out, type);
        word(out, 1);
        word(out, ttl >> 16);
        word(out, ttl & 0xffff);
        word(out, static_cast<unsigned>(data.size()));
        return out + data;
    }
    static std::string mx_data(unsigned preference, std::string_view exchange) {
        std::string out;
        word(out, preference);
        return out + wire_name(exchange);
    }
    static std::string soa_data(unsigned minimum) {
        std::string out = wire_name("ns.example") + wire_name("root.example");
        for (unsigned i = 0; i < 4; ++i) out.append("\0\0\0\1", 4);
        word(out, minimum >> 16);
        word(out, minimum & 0xffff);
        return out;
    }

    /// @param flags  without QR and RD, which are set: 0x0080 RA, 0x0020 AD, 0x0200 TC, and the code
    std::string reply(unsigned flags, std::vector<std::string> const& answers = {}, std::vector<std::string> const& authority = {}) const {
        std::string out = octets.substr(0, 2);
        word(out, 0x8100u | flags);
        word(out, 1);
        word(out, static_cast<unsigned>(answers.size()));
        word(out, static_cast<unsigned>(authority.size()));
        word(out, 0);
        out += name;
        word(out, type);
        word(out, 1);
        for (auto const& one : answers) out += one;
        for (auto const& one : authority) out += one;
        return out;
    }
};

class fake_dns_server {
public:
    /// Nothing: no answer. Called on the server's thread.
    using script = std::function<std::optional<std::string>(dns_question const&)>;

    explicit fake_dns_server(script says) : says_(std::move(says)), udp_(io_), tcp_(io_) {
        while (!has_one_port()) {}
        tcp_.listen();
        receive();
        accept();
        thread_ = std::thread{[this] { io_.run(); }};
    }
    ~fake_dns_server() {
        io_.stop();
        thread_.join();
    }
    std::string address() const { return "127.0.0.1:" + std::to_string(udp_.local_endpoint().port()); }
    unsigned asked() const { return asked_; }

private:
    // A port that is free for both: the one that UDP is given may be another's by TCP.
    bool has_one_port() {
        udp_ = asio::ip::udp::socket{io_, {asio::ip::address_v4::loopback(), 0}};
        tcp_ = asio::ip::tcp::acceptor{io_, asio::ip::tcp::v4()};
        tcp_.set_option(asio::ip::tcp::acceptor::reuse_address{true});
        asio::error_code error;
        tcp_.bind({asio::ip::address_v4::loopback(), udp_.local_endpoint().port()}, error);
        if (error && error != asio::error::address_in_use) throw std::system_error{error};
        return !error;
    }
    std::optional<std::string> answer(std::string octets, bool tcp) {
        dns_question question;
        question.octets = std::move(octets);
        question.tcp = tcp;
        std::size_t at = 12;
        while (at < question.octets.size() && question.octets[at] != 0) at += static_cast<std::uint8_t>(question.octets[at]) + 1u;
        if (at + 5 > question.octets.size()) return std::nullopt;
        question.name = question.octets.substr(12, at + 1 - 12);
        question.type = static_cast<std::uint16_t>(static_cast<std::uint8_t>(question.octets[at + 1]) << 8 | static_cast<std::uint8_t>(question.octets[at + 2]));
        ++asked_;
        return says_(question);
    }
    void receive() {
        udp_.async_receive_from(asio::buffer(room_), from_, [this](std::error_code failed, std::size_t size) {
            if (!failed) {
                auto const said = answer(std::string{room_.data(), size}, false);
                std::error_code ignored;
                if (said) udp_.send_to(asio::buffer(*said), from_, 0, ignored);
            }
            receive();
        });
    }
    void accept() {
        tcp_.async_accept([this](std::error_code failed, asio::ip::tcp::socket socket) {
            if (!failed) serve(std::make_shared<asio::ip::tcp::socket>(std::move(socket)));
            accept();
        });
    }
    void serve(std::shared_ptr<asio::ip::tcp::socket> socket) {
        auto const size = std::make_shared<std::array<unsigned char, 2>>();
        asio::async_read(*socket, asio::buffer(*size), [this, socket, size](std::error_code failed, std::size_t) {
            if (failed) return;
            auto const body = std::make_shared<std::string>(std::size_t{(*size)[0]} << 8 | (*size)[1], '\0');
            asio::async_read(*socket, asio::buffer(*body), [this, socket, body](std::error_code broken, std::size_t) {
                if (broken) return;
                auto const said = answer(*body, true);
                if (said) {
                    std::string framed;
                    dns_question::word(framed, static_cast<unsigned>(said->size()));
                    framed += *said;
                    std::error_code ignored;
                    asio::write(*socket, asio::buffer(framed), ignored);
                }
                serve(socket);
            });
        });
    }

    script says_;
    std::atomic<unsigned> asked_{0};
    asio::io_context io_;
    asio::ip::udp::socket udp_;
    asio::ip::tcp::acceptor tcp_;
    asio::ip::udp::endpoint from_{};
    std::array<char, 4096> room_{};
    std::thread thread_{};
};

}  // namespace mailquay_test
