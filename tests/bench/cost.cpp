// Plays messages through whole connections without sockets; instructions.py counts what that takes.
//
//   bench-cost messages 1 TIMES            TIMES messages of 1 KiB, 1000 a connection, one read each
//   bench-cost steps N TIMES              TIMES messages of 1 KiB, N a connection, each command in a read of its own
//   bench-cost recipients N TIMES          the same to N recipients each
//   bench-cost fields N TIMES              the same with N header fields each
//   bench-cost body|led|small|dotted N TIMES   TIMES messages of N KiB, each on a connection of its own: in lines of 72 octets, of as
//                                          many that begin with a stuffed dot, of 3, or of nothing but a stuffed dot
#include "workload.hpp"

#include <cstdio>

namespace {

void repeat(bench::played_server& server, std::uint64_t messages, std::uint64_t recipients, std::uint64_t fields) {
    constexpr std::uint64_t in_a_connection = 1000;
    std::string const body = bench::kibibyte(bench::lines::plain);
    if (messages > in_a_connection) {
        auto const whole = bench::full(in_a_connection, recipients, fields, body);
        for (; messages > in_a_connection; messages -= in_a_connection) server.connection_of(whole);
    }
    server.connection_of(bench::full(messages, recipients, fields, body));
}

}  // namespace

int main(int argc, char** argv) {
    std::string_view const what = argc == 4 ? argv[1] : "";
    std::uint64_t const n = argc == 4 ? std::strtoull(argv[2], nullptr, 10) : 0;
    std::uint64_t const times = argc == 4 ? std::strtoull(argv[3], nullptr, 10) : 0;
    if (n == 0 || times == 0) return std::fputs("usage: bench-cost messages|steps|recipients|fields|body|led|small|dotted N TIMES\n", stderr), 2;

    bench::played_server server;
    auto const connections_of = [&](std::vector<bench::segment> const& plays, std::uint64_t connections) {
        for (std::uint64_t i = 0; i < connections; ++i) server.connection_of(plays);
    };
    auto const one_by_one = [&](bench::lines of) { connections_of(bench::large(n, of), times); };
    if (what == "messages")
        repeat(server, times, 1, 1);
    else if (what == "steps")
        connections_of(bench::in_steps(n, bench::kibibyte(bench::lines::plain)), times / n);
    else if (what == "recipients")
        repeat(server, times, n, 1);
    else if (what == "fields")
        repeat(server, times, 1, n);
    else if (what == "body")
        one_by_one(bench::lines::plain);
    else if (what == "led")
        one_by_one(bench::lines::led);
    else if (what == "small")
        one_by_one(bench::lines::small);
    else if (what == "dotted")
        one_by_one(bench::lines::dotted);
    else
        return std::fputs("bench-cost: no such workload\n", stderr), 2;

    if (server.accepted() == times) return 0;
    std::fprintf(stderr, "bench-cost: %llu of %llu messages accepted\n", static_cast<unsigned long long>(server.accepted()),
                 static_cast<unsigned long long>(times));
    return 1;
}
