// Runs a fuzz target without libFuzzer: every seed as it is, then mutations of the seeds, the same ones each time.
//
//   fuzz-x [--runs N] [--first N] FILE|FOLDER...
//
// An input that ends the program is left in the file fuzz-x.failure; give that file to run it again.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

using octets = std::vector<std::uint8_t>;

constexpr std::size_t largest_input = 4096;

/// What the grammar of mail turns on; put in where chance alone would take long to find it.
constexpr std::string_view words[] = {
    "\r\n",
    "\r",
    "\n",
    ".",
    "\r\n.\r\n",
    "\n.\r\n",
    "\r\n.\n",
    "\r.\r",
    "..",
    std::string_view("\0", 1),
    "\x80",
    "\xff",
    "\xc3\xa9",
    "<",
    ">",
    "<>",
    "@",
    ":",
    ",",
    ";",
    "\"",
    "\\",
    "[",
    "]",
    "(",
    ")",
    "+",
    "=",
    " ",
    "\t",
    "EHLO a\r\n",
    "HELO a\r\n",
    "MAIL FROM:",
    "RCPT TO:",
    "DATA\r\n",
    "BDAT 4 LAST\r\n",
    "RSET\r\n",
    "NOOP\r\n",
    "QUIT\r\n",
    "VRFY a\r\n",
    "HELP\r\n",
    "STARTTLS\r\n",
    "AUTH PLAIN ",
    "SIZE=",
    "BODY=8BITMIME",
    "SMTPUTF8",
    "IPv6:::1",
    "127.0.0.1",
    "<a@example.org>",
    "<@a,@b:c@d>",
    "postmaster",
    "a@example.org",
    "18446744073709551616",
    "-1",
    "xn--",
};

octets const* current = nullptr;
std::string failure_file;

octets read(std::filesystem::path const& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    return octets(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// Only calls that are allowed in a signal handler.
void keep_current_input() {
    if (!current) return;
    int const file = ::open(failure_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0) return;
    [[maybe_unused]] auto const written = ::write(file, current->data(), current->size());
    ::close(file);
    current = nullptr;
}

void when_killed(int signal_number) {
    keep_current_input();
    ::signal(signal_number, SIG_DFL);
    ::raise(signal_number);
}

void watch_for_failure(std::string const& program) {
    failure_file = std::filesystem::path(program).filename().string() + ".failure";
    ::signal(SIGABRT, when_killed);
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(keep_current_input);
        return;  // and leave the other signals to the sanitizer
    }
    for (int signal_number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) ::signal(signal_number, when_killed);
}

void run(octets const& input) {
    current = &input;
    // A copy of exactly this size, so that a sanitizer sees a read beyond its end.
    octets const exact(input);
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
    current = nullptr;
}

class mutator {
public:
    mutator(std::vector<octets> const& seeds, std::uint64_t number) : seeds_(seeds), random_(number) {}

    octets next() {
        octets input = seeds_[below(seeds_.size())];
        for (std::size_t steps = 1 + below(6); steps > 0; --steps) change(input);
        if (input.size() > largest_input) input.resize(largest_input);
        return input;
    }

private:
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
    std::ptrdiff_t place(octets const& input) { return static_cast<std::ptrdiff_t>(below(input.size() + 1)); }
    std::uint8_t octet() { return static_cast<std::uint8_t>(random_() & 0xff); }

    void insert(octets& input, std::uint8_t const* first, std::size_t count) {
        input.insert(input.begin() + place(input), first, first + count);
    }

    void change(octets& input) {
        std::size_t const kind = below(9);
        if (kind == 0) {
            std::string_view const word = words[below(std::size(words))];
            insert(input, reinterpret_cast<std::uint8_t const*>(word.data()), word.size());
        } else if (kind == 1) {
            std::uint8_t const one = octet();
            insert(input, &one, 1);
        } else if (kind == 2) {  // the rest of another seed
            octets const& other = seeds_[below(seeds_.size())];
            std::size_t const from = below(other.size() + 1);
            input.resize(static_cast<std::size_t>(place(input)));
            input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
        } else if (input.empty()) {
            input.push_back(octet());
        } else if (kind == 3) {
            input[below(input.size())] = octet();
        } else if (kind == 4) {
            input[below(input.size())] ^= static_cast<std::uint8_t>(1U << below(8));
        } else if (kind == 5) {
            std::size_t const from = below(input.size());
            std::size_t const count = 1 + below(std::min<std::size_t>(input.size() - from, 16));
            input.erase(input.begin() + static_cast<std::ptrdiff_t>(from),
                        input.begin() + static_cast<std::ptrdiff_t>(from + count));
        } else if (kind == 6) {
            input.resize(below(input.size()));
        } else if (kind == 7) {  // a piece once more
            std::size_t const from = below(input.size());
            octets const piece(input.begin() + static_cast<std::ptrdiff_t>(from),
                               input.begin() + static_cast<std::ptrdiff_t>(
                                                   from + 1 + below(std::min<std::size_t>(input.size() - from, 64))));
            insert(input, piece.data(), piece.size());
        } else {  // something long
            octets const piece(below(600), input[below(input.size())]);
            insert(input, piece.data(), piece.size());
        }
    }

    std::vector<octets> const& seeds_;
    std::mt19937_64 random_;
};

int run_all(std::vector<std::string> const& arguments) {
    std::uint64_t runs = 20'000;
    std::uint64_t first = 1;
    std::vector<std::filesystem::path> files;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        bool const has_value = i + 1 < arguments.size();
        if (arguments[i] == "--runs" && has_value) {
            runs = std::stoull(arguments[++i]);
        } else if (arguments[i] == "--first" && has_value) {
            first = std::stoull(arguments[++i]);
        } else if (std::filesystem::is_directory(arguments[i])) {
            for (auto const& entry : std::filesystem::recursive_directory_iterator(arguments[i])) {
                if (entry.is_regular_file()) files.push_back(entry.path());
            }
        } else {
            files.emplace_back(arguments[i]);
        }
    }
    std::sort(files.begin(), files.end());

    std::vector<octets> seeds;
    for (auto const& file : files) seeds.push_back(read(file));
    if (seeds.empty()) throw std::runtime_error("no seeds");

    run(octets{});
    for (octets const& seed : seeds) run(seed);
    // Each mutation has a number of its own: --first N --runs 1 repeats one.
    for (std::uint64_t number = first; number < first + runs; ++number) run(mutator(seeds, number).next());
    std::printf("%zu seeds and %llu mutations without a finding\n", seeds.size(),
                static_cast<unsigned long long>(runs));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    watch_for_failure(argv[0]);
    try {
        return run_all(std::vector<std::string>(argv + 1, argv + argc));
    } catch (std::exception const& error) {
        keep_current_input();
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
