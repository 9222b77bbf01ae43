// The session is a value: it needs no socket, no event loop and no thread. Here it talks on standard input and output.
//
//   ./06_session_without_asio                       type EHLO me, MAIL FROM:<a@b.example>, RCPT TO:<c@d.example>, DATA
//   ncat -l 2525 -k -e ./06_session_without_asio    then any client may connect to port 2525
//
// Links mailquay::core only.
#include <mailquay/protocol/replies.hpp>
#include <mailquay/session/session.hpp>

#include <array>
#include <iostream>
#include <string>
#include <variant>

#include <poll.h>
#include <unistd.h>

using namespace mailquay;

namespace {

// Answers what the session asks. Everything is accepted; the message is collected and shown.
class host {
public:
    explicit host(session& talk) : talk_(talk) {}

    void operator()(message_started const& asked) {
        message_.clear();
        talk_.answer(asked.ticket, accept());
    }
    void operator()(message_chunk const& asked) {
        message_.append(asked.octets.data(), asked.octets.size());
        talk_.answer(asked.ticket, accept());
    }
    void operator()(message_complete const& asked) {
        std::cerr << "message " << asked.mail->id() << " from <" << asked.mail->reverse_path().wire << "> for";
        for (recipient const& to : asked.mail->recipients()) std::cerr << " <" << to.wire() << '>';
        std::cerr << '\n' << asked.mail->received_field() << message_ << "-- end\n";
        talk_.answer(asked.ticket, delivery{accept()});
    }
    void operator()(message_aborted const& told) { std::cerr << "message aborted: " << to_string(told.why) << '\n'; }
    void operator()(command_refused const& told) { std::cerr << "refused: " << told.reply << '\n'; }
    void operator()(closed const& told) { std::cerr << "closed: " << to_string(told.why) << '\n'; }

    // All else that asks: who connects, who sends, who receives.
    template <class Event>
    void operator()(Event const& other) {
        if constexpr (requires { other.mail->id(); } || std::is_same_v<Event, connected> ||
                      std::is_same_v<Event, greeted>)
            talk_.answer(other.ticket, accept());
        else if constexpr (std::is_same_v<Event, early_talk>) talk_.answer(other.ticket, pass());
        else if constexpr (requires { other.argument; }) talk_.answer(other.ticket, reply{replies::not_implemented});
    }

private:
    session& talk_;
    std::string message_;
};

bool write_all(std::string_view octets) {
    while (!octets.empty()) {
        ssize_t const sent = ::write(STDOUT_FILENO, octets.data(), octets.size());
        if (sent <= 0) return false;
        octets.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

// Waits for input, at most a second: deadlines are the session's, but somebody must tell it the time.
bool input_waits(session const& talk) {
    pollfd in{STDIN_FILENO, POLLIN, 0};
    if (talk.wants_input()) return ::poll(&in, 1, 1000) > 0;
    ::poll(nullptr, 0, 100);  // a reply is delayed
    return false;
}

// A terminal ends lines with LF; SMTP knows CRLF only.
std::string with_crlf(std::string_view typed) {
    std::string lines;
    for (char const c : typed) {
        if (c == '\n') lines += '\r';
        lines += c;
    }
    return lines;
}

}  // namespace

int main() {
    session_config config;
    config.hostname = "mx.example.org";
    config.extensions = extension_registry::standard();
    session_memory memory;
    session talk{config, session_info{}, memory};
    host answers{talk};
    bool const terminal = ::isatty(STDIN_FILENO) == 1;
    std::array<char, 16 * 1024> room;
    std::string typed;

    while (true) {
        talk.time_is(std::chrono::steady_clock::now());
        while (auto event = talk.next_event()) std::visit(answers, *event);

        std::size_t const owed = talk.output().size();
        if (!write_all(talk.output())) return 1;
        talk.output_sent(owed);
        if (talk.ended()) return 0;

        if (!input_waits(talk)) continue;
        ssize_t const got = ::read(STDIN_FILENO, room.data(), room.size());
        if (got <= 0) {
            talk.input_closed();
        } else if (terminal) {
            typed = with_crlf({room.data(), static_cast<std::size_t>(got)});
            talk.feed(typed);
        } else {
            talk.feed({room.data(), static_cast<std::size_t>(got)});
        }
    }
}
