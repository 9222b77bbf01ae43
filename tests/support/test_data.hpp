#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

namespace mailquay_test {

/// The folder of third-party test vectors: environment variable MAILQUAY_TEST_DATA, else what the build was told
/// (MAILQUAY_TEST_DATA_DEFAULT, a string literal), else none. The vectors are not part of the source tree.
inline std::optional<std::filesystem::path> data_folder() {
    std::error_code ignored;
    if (char const* told = std::getenv("MAILQUAY_TEST_DATA"); told != nullptr && *told != '\0') {
        std::filesystem::path folder{told};
        if (std::filesystem::is_directory(folder, ignored)) return folder;
        return std::nullopt;
    }
#ifdef MAILQUAY_TEST_DATA_DEFAULT
    std::filesystem::path folder{MAILQUAY_TEST_DATA_DEFAULT};
    if (std::filesystem::is_directory(folder, ignored)) return folder;
#endif
    return std::nullopt;
}

/// The octets of a file below `data_folder()`, such as "idna/IdnaTestV2.txt"; nothing if it cannot be read. A test that
/// needs it then says so with WARN and returns.
inline std::optional<std::string> read_data(std::string_view name) {
    auto const folder = data_folder();
    if (!folder) return std::nullopt;
    std::ifstream in{*folder / std::filesystem::path{name}, std::ios::binary};
    if (!in) return std::nullopt;
    return std::string{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

}  // namespace mailquay_test
