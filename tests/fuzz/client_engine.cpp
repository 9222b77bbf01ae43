// A server that says anything, to a client that has a message: nothing of it is lost, nothing goes out twice or unframed.

#include <mailquay/client/client_engine.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fuzz_client_engine {

using namespace mailquay;

void require(bool holds) {
    if (!holds) std::abort();
}

/// Takes part in any exchange.
struct any_credentials final : client_credentials {
    struct exchange final : client_exchange {
        std::string_view mechanism() const noexcept override { return "PLAIN"; }
        std::optional<secret> first() override { return secret{std::string_view{"first"}}; }
        std::optional<secret> next(std::string_view challenge) override {
            if (challenge.size() > 5) return std::nullopt;
            return secret{challenge};
        }
        bool satisfied() const noexcept override { return true; }
    };
    std::unique_ptr<client_exchange> begin(std::span<std::string const> offered, sasl_channel const&) override {
        return offered.size() > 3 ? nullptr : std::make_unique<exchange>();
    }
};

struct outcome {
    std::vector<recipient_state> states{};
    std::vector<std::string> statuses{};
    hop_problem problem{};
    std::string sent{};
    bool ended = false;
    friend bool operator==(outcome const&, outcome const&) = default;
};

outgoing_message message_for(unsigned flags) {
    // Each ends in a line that needs stuffing and has no end.
    std::string text = "Subject: x\r\n\r\n.\r\n";
    if ((flags & 16) != 0) text += "bare\nends\r.\r";
    if ((flags & 128) != 0) text += "gr\xc3\xbc\xc3\x9f" "e";
    text += "\r\nhello\r\n..";
    outgoing_message made{"a@client.example", {"b@one.example", (flags & 64) != 0 ? "\xc3\xa9@two.example" : "c@two.example", "d@one.example"}, std::move(text)};
    if ((flags & 32) != 0) made.body = body_type::binary_mime;
    if ((flags & 1) != 0) made.body = body_type::eight_bit_mime;
    if ((flags & 2) != 0) made.requests.envid = "id";
    if ((flags & 4) != 0) made.smtputf8 = true;
    if ((flags & 8) != 0) made.forwarded.emplace().name = "x";
    return made;
}

hop_settings settings_for(unsigned flags) {
    hop_settings made;
    made.limits.reply.octets = 4096;
    made.limits.window_octets = (flags & 1) != 0 ? 64 : 8192;
    if ((flags & 2) != 0) made.protocol = dialect::lmtp;
    if ((flags & 4) != 0) made.chunking = chunking_use::where_offered;
    if ((flags & 8) != 0) made.credentials = std::make_shared<any_credentials>();
    if ((flags & 16) != 0) made.tls = tls_use::required;
    if ((flags & 32) != 0) made.xclient.emplace().name = "x";
    if ((flags & 64) != 0) made.eight_bit = eight_bit_use::send_anyway;
    if ((flags & 128) != 0) made.pipelining = false;
    made.credentials_in_clear = true;
    made.xforward = true;
    return made;
}

content_facts facts_of(message_content& content) {
    content_scanner scanner;
    std::vector<char> room(static_cast<std::size_t>(content.size()));
    auto reading = content.read(0, room);
    auto const octets = std::move(reading).value();
    scanner.scan({room.data(), *octets});
    return scanner.facts();
}

/// No CR or LF went out alone, but in the chunks of a message that was announced as binary.
void require_lines(std::string_view sent, bool may_be_binary) {
    bool binary = false;
    std::string text;  // of the chunks of a message that is not
    while (!sent.empty()) {
        auto const end = sent.find_first_of("\r\n");
        if (end == sent.npos) return;  // cut off at the end
        std::string_view const line = sent.substr(0, end);
        require(sent[end] == '\r' && (end + 1 == sent.size() || sent[end + 1] == '\n'));
        sent.remove_prefix(std::min(end + 2, sent.size()));
        if (line.starts_with("MAIL FROM:")) text.clear(), binary = line.find(" BODY=BINARYMIME") != line.npos;
        if (!line.starts_with("BDAT ")) continue;
        require(may_be_binary || !binary);
        std::string_view const chunk = sent.substr(0, std::min<std::size_t>(std::strtoul(std::string{line.substr(5)}.c_str(), nullptr, 10), sent.size()));
        if (!binary) {
            text += chunk;
            for (std::size_t at = 0; at < text.size(); ++at) {
                require(text[at] != '\n' || (at > 0 && text[at - 1] == '\r'));
                require(text[at] != '\r' || at + 1 == text.size() || text[at + 1] == '\n');
            }
        }
        if (line.ends_with(" LAST")) text.clear();
        sent.remove_prefix(chunk.size());
    }
}

/// Runs a conversation; the server's lines come in pieces of `piece` octets, none of which crosses a line's end.
outcome run(std::string_view stream, unsigned settings_flags, unsigned message_flags, std::size_t piece) {
    auto const settings = settings_for(settings_flags);
    auto message = message_for(message_flags);
    client_engine_config config;
    config.hello_name = "client.example";
    config.tls_available = true;
    client_engine engine{settings, config, {}};
    outcome got;
    bool offered = false, sent = false, wants_tls = false;
    std::vector<int> told(3, 0);
    auto const look = [&] {
        for (auto event = engine.next_event(); event; event = engine.next_event()) {
            require(!got.ended);
            if (std::holds_alternative<client_wants_tls>(*event)) wants_tls = true;
            if (std::holds_alternative<client_ended>(*event)) got.ended = true;
            if (std::holds_alternative<client_sent>(*event)) {
                require(offered && !sent);
                sent = true;
            }
            if (auto const* const settled = std::get_if<client_settled>(&*event))
                for (std::size_t const which : settled->recipients) require(++told.at(which) == 1);
            if (std::holds_alternative<client_ready>(*event)) {
                if (!offered) {
                    offered = true;
                    if ((message_flags & 4) == 0 && engine.wants_facts(message)) message.facts = facts_of(*message.content);
                    engine.send(message);
                } else {
                    engine.quit();
                }
            }
            if (auto const* const wants = std::get_if<client_wants_content>(&*event)) {
                std::vector<char> room(7);
                auto reading = message.content->read(wants->offset, room);
                auto const octets = std::move(reading).value();
                engine.content(std::span<char const>{room.data(), *octets});
            }
        }
        while (!engine.output().empty()) {
            got.sent += engine.output();
            engine.output_sent(engine.output().size());
        }
    };
    // Output may bring up events, and these output.
    auto const settle = [&] {
        look();
        look();
        for (int i = 0; i < 20; ++i) look();
        if (wants_tls) {
            wants_tls = false;
            engine.tls_established({}, {});
            look();
        }
    };
    settle();
    while (!stream.empty() && !got.ended) {
        auto line = stream.substr(0, stream.find('\n') == stream.npos ? stream.npos : stream.find('\n') + 1);
        stream.remove_prefix(line.size());
        while (!line.empty()) {
            auto const part = line.substr(0, piece == 0 ? line.size() : piece);
            line.remove_prefix(part.size());
            engine.feed(part);
            settle();
        }
    }
    engine.input_closed();
    settle();
    require(got.ended && engine.ended() && (!offered || sent));
    require(!engine.wake_at());
    require(engine.output().empty() || !offered);
    if (offered) {
        for (std::size_t i = 0; i < told.size(); ++i) {
            recipient_result const& one = engine.report().recipients.at(i);
            require((one.state != recipient_state::untried) == (told[i] == 1));
            require(one.state == recipient_state::untried || !one.status.empty());
            // Nothing is delivered that was not sent to its end.
            bool const whole = got.sent.find("\r\n...\r\n.\r\n") != std::string::npos || got.sent.find(" LAST\r\n") != std::string::npos;
            require(one.state != recipient_state::delivered || whole);
            got.states.push_back(one.state);
            got.statuses.push_back(one.status);
        }
    }
    got.problem = engine.report().problem;
    require_lines(got.sent, message.body == body_type::binary_mime || (message_flags & 16) != 0);
    return got;
}

}  // namespace fuzz_client_engine

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_client_engine;
    // Octets: flags of the settings, flags of the message, what the server says.
    if (size < 2) return 0;
    std::string_view const stream{reinterpret_cast<char const*>(data) + 2, size - 2};
    auto const wanted = run(stream, data[0], data[1], 0);
    require(run(stream, data[0], data[1], 1) == wanted);
    require(run(stream, data[0], data[1], 5) == wanted);
    return 0;
}
