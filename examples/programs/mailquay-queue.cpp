// Looks at a spool and steers it, beside the server that has it or alone.
//
//   mailquay-queue --spool /var/spool/mailquay list
#include "common/serve.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace {

using namespace mailquay;

// Asks the server that has the spool; without one, takes the spool itself.
class asked {
public:
    explicit asked(std::string folder) : folder_(std::move(folder)) {}

    std::string operator()(std::string const& line) {
        if (!alone_) {
            auto answer = ask_spool(folder_ + "/control.sock", line);
            if (answer) return *std::move(answer);
            int const why = answer.error().value();
            if (why != ENOENT && why != ECONNREFUSED)
                throw std::runtime_error(fmt::format("{}/control.sock: {}", folder_, answer.error().message()));
            become_owner();
            sinks::spool_settings settings;
            settings.log = logger::to_stderr(log_level::warning);
            alone_ = std::make_unique<sinks::spool>(folder_, settings);
        }
        return answer_spool_command(*alone_->queue(), line);
    }

private:
    // What root makes in the folder the server could not open later.
    void become_owner() const {
        struct stat facts {};
        if (::geteuid() != 0 || ::stat((folder_ + "/journal").c_str(), &facts) != 0 || facts.st_uid == 0) return;
        if (::setegid(facts.st_gid) != 0 || ::seteuid(facts.st_uid) != 0)
            throw std::runtime_error(fmt::format("{}: cannot become its owner, user {}: {}; run this as that user", folder_, facts.st_uid,
                                                 std::error_code(errno, std::system_category()).message()));
    }

    std::string folder_;
    std::unique_ptr<sinks::spool> alone_;
};

// Prints an answer. Returns its last line's id, for the next piece of a list.
std::string print(std::string_view answer) {
    if (!answer.starts_with("ok\n")) {
        answer.remove_prefix(std::min(answer.find(' ') + 1, answer.size()));
        throw std::runtime_error(std::string(answer.substr(0, answer.find('\n'))));
    }
    answer.remove_prefix(3);
    std::fwrite(answer.data(), 1, answer.size(), stdout);
    if (answer.empty()) return {};
    auto const line = answer.rfind('\n', answer.size() - 2);
    return std::string(answer.substr(line == answer.npos ? 0 : line + 1, transaction_id::octets));
}

// Piece by piece: the answer to each says where the next begins.
void do_to_all(asked& ask, std::string const& verb) {
    std::size_t done = 0, failed = 0;
    std::string after;
    do {
        std::string const answer = ask(verb + " all" + after);
        if (!answer.starts_with("ok\n")) return (void)print(answer);
        unsigned long some = 0, some_failed = 0;
        (void)std::sscanf(answer.c_str(), "ok\n%lu messages, %lu not", &some, &some_failed);
        done += some;
        failed += some_failed;
        auto const more = answer.find("\nafter ");
        after = more == answer.npos ? "" : ' ' + answer.substr(more + 7, transaction_id::octets);
    } while (!after.empty());
    fmt::print("{} messages{}\n", done, failed == 0 ? "" : fmt::format(", {} not", failed));
}

void run(asked& ask, std::vector<std::string> const& words, bool damaged) {
    if (words.front() == "list" && !damaged) {
        for (std::string last = print(ask("list")); !last.empty();) last = print(ask("list " + last));
        return;
    }
    if (words.front() == "list") {
        print(ask("damaged"));
        return;
    }
    if (words.size() == 1) {
        print(ask(words.front()));
        return;
    }
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (words[i] == "all") do_to_all(ask, words.front());
        else print(ask(words.front() + ' ' + words[i]));
    }
}

}  // namespace

int main(int argc, char** argv) {
    return programs::run_main("mailquay-queue", [&] {
        std::string folder;
        bool damaged = false;
        programs::flags all{"mailquay-queue",
                            "Looks at a spool and steers it: mailquay-queue --spool DIR COMMAND [ID ...]\n\n"
                            "  list               messages in order of acceptance\n"
                            "  list --damaged     what could not be read, and where it was copied\n"
                            "  show ID            state, envelope and content\n"
                            "  hold ID|all        not delivered until released; its lifetime stands still\n"
                            "  release ID|all     delivered again\n"
                            "  delete ID|all      gone for good, nobody is told\n"
                            "  requeue ID|all     due now, with a new lifetime\n"
                            "  flush ID|all       due now\n"
                            "  clock-ok           the clock is right: messages may expire again"};
        all.text("--spool", "DIR", "the folder of the spool", folder)
            .toggle("--damaged", "with list: what could not be read", damaged);

        // Words that are no flags are the command; a word behind a flag that takes a value is that value.
        std::vector<char const*> flags{argv[0]};
        std::vector<std::string> words;
        for (int i = 1; i < argc; ++i) {
            std::string_view const word = argv[i];
            if (!word.starts_with("--")) {
                words.emplace_back(word);
                continue;
            }
            flags.push_back(argv[i]);
            if (word == "--spool" && i + 1 < argc) flags.push_back(argv[++i]);
        }
        programs::parse_or_exit(all, static_cast<int>(flags.size()), flags.data());
        if (folder.empty()) throw programs::usage_error("--spool is missing: name the folder of the spool");
        if (words.empty()) throw programs::usage_error("a command is missing: list, show, hold, release, delete, requeue, flush or clock-ok");
        if (!std::filesystem::is_directory(folder + "/journal"))
            throw programs::usage_error(fmt::format("--spool {}: there is no spool; name the folder that a server was given", folder));

        asked ask{folder};
        run(ask, words, damaged);
        return 0;
    });
}
