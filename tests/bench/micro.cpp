// Times of the parts, for whoever changes one of them; what gates is instructions.py. Built where Google Benchmark is found and
// MAILQUAY_BENCHMARKS is on:
//
//   cmake --preset release -DMAILQUAY_BENCHMARKS=ON && cmake --build build/release --target bench-micro
//   build/release/bin/bench-micro --benchmark_min_time=0.2
#include "workload.hpp"

#include <mailquay/base/cursor.hpp>
#include <mailquay/protocol/data_decoder.hpp>
#include <mailquay/protocol/rcpt_command.hpp>
#include <mailquay/protocol/verb.hpp>

#include <benchmark/benchmark.h>

namespace {

using namespace mailquay;

void parse_a_command(benchmark::State& state) {
    std::string_view const line = "RCPT TO:<user42@example.org>";
    for (auto _ : state) {
        auto const command = parse_command_line(line);
        cursor in{command->argument};
        auto const path = parse_rcpt_argument(in);
        benchmark::DoNotOptimize(path->text.data());
    }
}
BENCHMARK(parse_a_command);

void decode_a_body(benchmark::State& state) {
    std::string const one = bench::kibibyte(static_cast<bench::lines>(state.range(0)));
    std::string text;
    for (int i = 0; i < 64; ++i) text += one;
    std::string lent = text;
    for (auto _ : state) {
        std::memcpy(lent.data(), text.data(), text.size());  // decoding moves octets
        data_decoder decoder;
        benchmark::DoNotOptimize(decoder.decode(lent).octets.data());
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(decode_a_body)->ArgName("lines")->Arg(0)->Arg(1)->Arg(2);

void a_whole_session(benchmark::State& state) {
    bench::played_server server;
    auto const messages = static_cast<std::uint64_t>(state.range(0));
    auto const plays = bench::full(messages, static_cast<std::uint64_t>(state.range(1)), 1, bench::kibibyte(bench::lines::plain));
    for (auto _ : state) server.connection_of(plays);
    state.SetItemsProcessed(state.iterations() * state.range(0));
    if (server.accepted() != messages * static_cast<std::uint64_t>(state.iterations())) state.SkipWithError("not all messages were accepted");
}
BENCHMARK(a_whole_session)->ArgNames({"messages", "recipients"})->Args({1, 1})->Args({1000, 1})->Args({100, 50});

}  // namespace

BENCHMARK_MAIN();
