#pragma once

#include <mailquay/base/config.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

/// Bounds of one session, in octets and counts. 0 means "no limit" only where it says so.
struct session_limits {
    /// SIZE (RFC 1870); 0: none. Gmail and Exchange Online take 25 MB attachments, 35 MB on the wire; Exim takes 50M.
    std::uint64_t message_octets = 50 * 1024 * 1024;
    /// Per transaction; RFC 5321 §4.5.3.1.8 forbids less than 100; Postfix takes 1000.
    unsigned recipients = 1000;
    /// Different domains among a transaction's recipients; 0: none. Announced as RCPTDOMAINMAX (RFC 9422).
    unsigned recipient_domains = 0;
    /// A command line with its CRLF; RFC 5321 §4.5.3.1.4 asks for 512; VERP, SRS, BATV and ORCPT exceed it.
    std::size_t command_line_octets = 2048;
    /// A line of an AUTH exchange (RFC 4954 §4).
    std::size_t auth_line_octets = 12'288;
    /// A text line without its CRLF; 0: none. Submission uses 998 (RFC 5322 §2.1.1).
    std::size_t text_line_octets = 0;
    /// Received fields before the message is taken to loop; RFC 5321 §6.3 asks for at least 100.
    unsigned hops = 100;
    /// The header section, which may have to be held back.
    std::size_t header_octets = 256 * 1024;
    unsigned header_fields = 10'000;
    /// Accepted MAIL commands on one connection, announced as MAILMAX (RFC 9422); 0: none. Exim announces 1000.
    unsigned messages = 1000;
    /// What is read and dropped of a message that was refused midway, before the connection is closed.
    std::uint64_t drain_octets = 64 * 1024 * 1024;
    /// Replies owed to a peer that does not read; above it no input is taken.
    std::size_t output_octets = 16 * 1024;
    /// RCPT commands of one pipelined run that may be open at a time.
    unsigned recipients_in_flight = 1;
    /// Refuse local parts above 64 and paths above 256 octets, the least that RFC 5321 §4.5.3.1 asks to accept: real ones
    /// are longer.
    bool strict_path_lengths = false;
    /// Recipients of a message from `<>`; 0: no limit of its own.
    unsigned null_sender_recipients = 0;
};

/// How long a session waits. Deadlines are checked once per tick, so up to one second late.
struct session_timeouts {
    std::chrono::seconds command{300};          ///< for the next command (RFC 5321 §4.5.3.2.7)
    std::chrono::seconds command_hurried{60};   ///< the same between transactions while the server is nearly full
    std::chrono::seconds hello_hurried{10};     ///< the same before EHLO while the server is nearly full
    std::chrono::seconds message_silence{180};  ///< between octets of a message (RFC 5321 §4.5.3.2.5)
    std::chrono::seconds greeting_delay{0};     ///< before 220 is sent, to find early talkers; at most 30
    std::chrono::seconds handshake{60};         ///< from 220 to the end of the TLS handshake
    std::chrono::seconds handshake_hurried{10}; ///< the same while the server has nearly as many under way as it may, or is nearly full
    std::chrono::seconds hook{60};              ///< an answer to connect, EHLO, MAIL, RCPT, DATA
    std::chrono::seconds write{120};            ///< an answer to a chunk
    std::chrono::seconds finish{300};           ///< the sink's last word
    std::chrono::seconds without_message{3600}; ///< commands without an accepted message; octets of one on its way stop it
    std::chrono::seconds output_stall{120};     ///< a peer that takes none of our octets
    std::chrono::seconds drain{180};            ///< reading a refused message to its end
    /// Least rate of a message, octets per second over `rate_window`, while input was asked for; 0: none.
    std::size_t least_octets_per_second = 500;
    std::chrono::seconds rate_window{60};
};

/// Mistakes that one connection may make before it gets 421 and is closed.
struct error_budgets {
    unsigned syntax = 10;              ///< unknown verbs, bad syntax
    unsigned sequence = 20;            ///< commands out of order that no earlier refusal explains
    unsigned recipients_slow = 20;     ///< from this refused recipient on each answer waits 1 s
    unsigned recipients = 100;         ///< refused recipients; not for authenticated users
    unsigned auth = 5;                 ///< failed AUTH
    unsigned junk = 100;               ///< NOOP, RSET, VRFY, EHLO, refused MAIL per accepted message; above it they count as syntax
};

}  // namespace mailquay::inline MAILQUAY_ABI
