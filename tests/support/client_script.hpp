#pragma once

#include <mailquay/client/client_engine.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailquay_test {

using namespace mailquay;

/// A conversation as a client engine must lead it, run with the server's octets in pieces of every size.
///
/// Texts are lines with "\n" between them; on the wire each ends in CRLF. `client()` is all that the engine owes at that point.
class client_script {
public:
    explicit client_script(hop_settings settings = {}) : settings_(std::move(settings)) {}

    client_script& server(std::string_view lines) { return add([octets = wire(lines)](run_state& in) { in.feed(octets); }); }
    client_script& server_octets(std::string octets) { return add([octets = std::move(octets)](run_state& in) { in.feed(octets); }); }
    client_script& client(std::string_view lines) { return client_octets(wire(lines)); }
    client_script& client_octets(std::string expected) {
        return add([expected = std::move(expected)](run_state& in) {
            std::string const got = in.take_output();
            CHECK(got == expected);
        });
    }
    /// The usual opening: greeting, EHLO with these keywords.
    client_script& opening(std::string_view keywords = "") {
        server("220 mx.example ready").client((settings_.protocol == dialect::lmtp ? "LHLO " : "EHLO ") + std::string{"client.example"});
        std::string reply = keywords.empty() ? "250 mx.example" : "250-mx.example";
        for (std::string_view rest = keywords; !rest.empty();) {
            std::string_view const line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
            reply += rest.empty() ? "\n250 " : "\n250-";
            reply += line;
        }
        return server(reply);
    }
    client_script& send(outgoing_message message, std::vector<std::size_t> which = {}) {
        messages_.push_back(std::make_shared<outgoing_message>(std::move(message)));
        return add([mail = messages_.back(), which = std::move(which)](run_state& in) {
            REQUIRE(in.ready);
            in.ready = in.sent = false;
            in.message = mail;
            in.engine.send(*mail, which);
            in.look();
        });
    }
    client_script& close(std::error_code why = {}) {
        return add([why](run_state& in) { in.engine.input_closed(why), in.look(); });
    }
    client_script& wait(std::chrono::milliseconds time) {
        return add([time](run_state& in) { 
            in.engine.time_is(in.now);
            in.engine.time_is(in.now += time);
            in.look();
        });
    }
    client_script& tls_established(bool verified = true) {
        return add([verified](run_state& in) {
            REQUIRE(in.wants_tls);
            in.wants_tls = false;
            tls_server_facts facts;
            facts.verified = verified;
            in.engine.tls_established({}, facts);
            in.look();
        });
    }
    client_script& tls_failed(std::string why, bool certificate) {
        return add([why, certificate](run_state& in) { in.engine.tls_failed(why, certificate), in.look(); });
    }
    client_script& quit() {
        return add([](run_state& in) { in.engine.quit(), in.look(); });
    }
    client_script& abort() {
        return add([](run_state& in) { in.engine.abort(hop_problem::cancelled), in.look(); });
    }
    client_script& content_fails() {
        fails_content_ = true;
        return *this;
    }

    /// What came of it.
    struct result {
        send_report report{};
        std::vector<std::vector<std::size_t>> settled{};
        bool ready = false;
        bool sent = false;
        bool ended = false;
        bool wants_tls = false;
        bool mail_answered = false;
        std::string rest{};  ///< output that nobody expected
        recipient_result const& operator[](std::size_t which) const { return report.recipients.at(which); }
    };

    /// Runs it in many cuts; `check` sees what came of each.
    void run(std::function<void(result const&)> const& check) const {
        for (std::size_t const piece : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{64}}) {
            INFO("pieces of " << piece);
            check(run_once(piece));
        }
    }
    result run_once(std::size_t piece = 0) const {
        client_engine_config config;
        config.hello_name = "client.example";
        config.host = "mx.example";
        config.port = 25;
        config.tls_available = true;
        run_state in{settings_, std::move(config), piece, fails_content_};
        in.look();
        std::size_t number = 0;
        for (auto const& step : steps_) {
            INFO("step " << number++);
            step(in);
        }
        return {in.engine.report(), in.settled, in.ready, in.sent, in.ended, in.wants_tls, in.engine.mail_answered(), std::string{in.engine.output()}};
    }

    static std::string wire(std::string_view lines) {
        std::string octets;
        for (char const c : lines) octets += c == '\n' ? "\r\n" : std::string(1, c);
        return octets + "\r\n";
    }

private:
    struct run_state {
        run_state(hop_settings const& settings, client_engine_config config, std::size_t piece_given, bool fails)
            : piece(piece_given), fails_content(fails), engine(settings, std::move(config), now) {}

        void feed(std::string_view octets) {
            while (!octets.empty()) {
                std::string_view const part = octets.substr(0, piece == 0 ? octets.size() : piece);
                octets.remove_prefix(part.size());
                engine.feed(part);
                look();
            }
        }
        void look() {
            for (auto event = engine.next_event(); event; event = engine.next_event()) {
                REQUIRE_FALSE(ended);
                if (std::holds_alternative<client_ready>(*event)) ready = true;
                if (std::holds_alternative<client_sent>(*event)) sent = true;
                if (std::holds_alternative<client_ended>(*event)) ended = true;
                if (std::holds_alternative<client_wants_tls>(*event)) wants_tls = true;
                if (auto* const told = std::get_if<client_settled>(&*event)) settled.push_back(told->recipients);
                if (auto* const wants = std::get_if<client_wants_content>(&*event)) give(wants->offset);
            }
        }
        void give(std::uint64_t offset) {
            if (fails_content) return engine.content_failed(std::make_error_code(std::errc::io_error));
            std::vector<char> room(piece == 0 ? 65536 : piece);
            auto got = message->content->read(offset, room);
            auto const octets = std::move(got).value();
            engine.content(std::span<char const>{room.data(), *octets});
        }
        std::string take_output() {
            std::string all;
            // In pieces as well, so that content is asked for as room comes.
            while (!engine.output().empty()) {
                std::string_view const owed = engine.output();
                std::size_t const octets = std::min(owed.size(), piece == 0 ? owed.size() : piece);
                all.append(owed.substr(0, octets));
                engine.output_sent(octets);
                look();
            }
            return all;
        }

        std::size_t piece;
        bool fails_content;
        client_engine::time_point now{};
        std::shared_ptr<outgoing_message> message{};
        std::vector<std::vector<std::size_t>> settled{};
        bool ready = false, sent = false, ended = false, wants_tls = false;
        client_engine engine;
    };

    client_script& add(std::function<void(run_state&)> step) {
        steps_.push_back(std::move(step));
        return *this;
    }

    hop_settings settings_;
    std::vector<std::function<void(run_state&)>> steps_{};
    std::vector<std::shared_ptr<outgoing_message>> messages_{};
    bool fails_content_ = false;
};

}  // namespace mailquay_test
