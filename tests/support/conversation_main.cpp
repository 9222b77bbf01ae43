// Plays conversation files: conversations FILE-OR-FOLDER...

#include "support/conversation.hpp"

#include <cstdio>
#include <exception>
#include <string>

int main(int count, char** arguments) {
    using namespace mailquay_test;
    std::size_t played = 0;
    std::size_t failed = 0;
    for (int i = 1; i < count; ++i) {
        std::filesystem::path const given{arguments[i]};
        try {
            auto const files = std::filesystem::is_directory(given) ? conversation_files(given) : std::vector{given};
            for (auto const& file : files) {
                ++played;
                try {
                    conversation::read(file).run();
                } catch (std::exception const& e) {
                    ++failed;
                    std::fprintf(stderr, "FAILED %s\n\n", e.what());
                }
            }
        } catch (std::exception const& e) {
            ++failed;
            std::fprintf(stderr, "FAILED %s\n\n", e.what());
        }
    }
    std::printf("%zu conversations, %zu failed\n", played, failed);
    return played != 0 && failed == 0 ? 0 : 1;
}
