#include <mailquay/base/decimal.hpp>

#include "common/flags.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace programs {

flags& flags::value(std::string name, std::string value_name, std::string help, taker take) {
    all_.push_back({std::move(name), std::move(value_name), std::move(help), std::move(take), takes::something});
    return *this;
}

flags& flags::text(std::string name, std::string value_name, std::string help, std::string& into) {
    return value(std::move(name), std::move(value_name), std::move(help),
                 [&into](std::string_view given) { into = given; });
}

flags& flags::list(std::string name, std::string value_name, std::string help, std::vector<std::string>& into) {
    return value(std::move(name), std::move(value_name), std::move(help),
                 [&into](std::string_view given) { into.emplace_back(given); });
}

flags& flags::toggle(std::string name, std::string help, bool& into) {
    all_.push_back({std::move(name), {}, std::move(help), [&into](std::string_view) { into = true; }, takes::nothing});
    return *this;
}

flags& flags::optional_value(std::string name, std::string value_name, std::string help, taker take) {
    all_.push_back({std::move(name), std::move(value_name), std::move(help), std::move(take), takes::maybe});
    return *this;
}

flags::flag const* flags::find(std::string_view name) const noexcept {
    auto const found = std::find_if(all_.begin(), all_.end(), [&](flag const& one) { return one.name == name; });
    return found == all_.end() ? nullptr : &*found;
}

std::string flags::unknown(std::string_view name) const {
    // The flag that was meant is usually the one with which it shares most of its beginning.
    flag const* nearest = nullptr;
    std::size_t longest = 3;
    for (flag const& one : all_) {
        auto const same =
            std::mismatch(name.begin(), name.end(), one.name.begin(), one.name.end()).first - name.begin();
        if (static_cast<std::size_t>(same) > longest) nearest = &one, longest = static_cast<std::size_t>(same);
    }
    std::string text = fmt::format("{}: unknown flag", name);
    if (nearest != nullptr) text += fmt::format("; did you mean {}", nearest->name);
    return text + "; --help lists all flags";
}

void flags::parse(int argc, char const* const* argv) const {
    for (int at = 1; at < argc; ++at) {
        std::string_view const word = argv[at];
        if (!word.starts_with("--") || word == "--")
            throw usage_error(fmt::format("\"{}\": not a flag; flags begin with \"--\", --help lists them", word));
        auto const equals = word.find('=');
        std::string_view const name = word.substr(0, equals);
        flag const* const found = find(name);
        if (found == nullptr) throw usage_error(unknown(name));

        std::optional<std::string_view> given;
        if (equals != word.npos) given = word.substr(equals + 1);
        if (found->how == takes::nothing && given)
            throw usage_error(fmt::format("{}: takes no value; leave out \"={}\"", name, *given));
        bool const next_is_value = at + 1 < argc && !std::string_view{argv[at + 1]}.starts_with("--");
        if (!given && found->how != takes::nothing && next_is_value) given = argv[++at];
        if (!given && found->how == takes::something)
            throw usage_error(fmt::format("{}: a value is missing; write {} {}", name, name, found->value_name));
        try {
            found->take(given.value_or(""));
        } catch (usage_error const& wrong) {
            throw usage_error(fmt::format("{} {}: {}", name, given.value_or(""), wrong.what()));
        }
    }
}

std::string flags::help() const {
    constexpr std::size_t column = 36;
    std::string text = fmt::format("usage: {} [flags]\n\n{}\n\n", program_, about_);
    for (flag const& one : all_) {
        std::string head = "  " + one.name;
        if (one.how == takes::something) head += ' ' + one.value_name;
        if (one.how == takes::maybe) head += " [" + one.value_name + ']';
        if (head.size() + 2 > column) head += '\n' + std::string(column, ' ');
        else head.resize(column, ' ');
        text += head;
        for (char const c : one.help) {
            text += c;
            if (c == '\n') text.append(column, ' ');
        }
        text += '\n';
    }
    return text;
}

std::uint64_t flags::read_number(std::string_view given, std::uint64_t least, std::uint64_t most) {
    std::string const range = fmt::format("give a whole number from {} to {}", least, most);
    auto const number = mailquay::parse_decimal<std::uint64_t>(given);
    if (!number || *number < least || *number > most)
        throw usage_error(fmt::format("not in range or not a number; {}", range));
    return *number;
}

}  // namespace programs
