#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace programs {

/// A command line that cannot be obeyed. The text names flag, value and cure.
struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A table of flags: each has a name, a help text and somebody who takes its value. `--name value` and `--name=value`
/// (the latter also for a value that begins with "--").
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
class flags {
public:
    /// Gets the value as written. Throws `usage_error` with what is wrong and the cure; flag and value are put
    /// before it.
    using taker = std::function<void(std::string_view value)>;

    /// @param about  one line, for `--help`
    flags(std::string program, std::string about) : program_(std::move(program)), about_(std::move(about)) {}

    /// A flag with a value.
    /// @param value_name  as in the help: `OCTETS`
    flags& value(std::string name, std::string value_name, std::string help, taker take);
    flags& text(std::string name, std::string value_name, std::string help, std::string& into);
    /// May be given again and again.
    flags& list(std::string name, std::string value_name, std::string help, std::vector<std::string>& into);
    /// A whole number; its default is what `into` holds now.
    template <class Number>
    flags& number(std::string name, std::string value_name, std::string help, Number& into, std::uint64_t least,
                  std::uint64_t most) {
        static_assert(std::is_unsigned_v<Number>);
        help += " (default " + std::to_string(into) + ")";
        return value(std::move(name), std::move(value_name), std::move(help),
                     [&into, least, most](std::string_view given) {
                         into = static_cast<Number>(read_number(given, least, most));
                     });
    }
    /// A flag without a value.
    flags& toggle(std::string name, std::string help, bool& into);
    /// A flag whose value may be missing: `take` then gets "". The value follows "=" or is the next argument if
    /// that is no flag.
    flags& optional_value(std::string name, std::string value_name, std::string help, taker take);

    /// Obeys the command line. @throws usage_error
    void parse(int argc, char const* const* argv) const;
    /// The text of `--help`.
    std::string help() const;
    std::string const& program() const noexcept { return program_; }

    /// A whole number within bounds. @throws usage_error
    static std::uint64_t read_number(std::string_view given, std::uint64_t least, std::uint64_t most);

private:
    enum class takes { nothing, something, maybe };
    struct flag {
        std::string name;
        std::string value_name;
        std::string help;
        taker take;
        takes how;
    };
    flag const* find(std::string_view name) const noexcept;
    std::string unknown(std::string_view name) const;

    std::string program_;
    std::string about_;
    std::vector<flag> all_;
};

}  // namespace programs
