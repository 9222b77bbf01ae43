// A command line and all that hangs on it: nothing is read beyond its end, what is accepted means what it says, and
// every refusal has
// a reply that fits on a line.

#include <mailquay/protocol/hello_name.hpp>
#include <mailquay/protocol/mail_command.hpp>
#include <mailquay/protocol/params.hpp>
#include <mailquay/protocol/params/body.hpp>
#include <mailquay/protocol/params/size.hpp>
#include <mailquay/protocol/rcpt_command.hpp>
#include <mailquay/protocol/reply.hpp>
#include <mailquay/protocol/verb.hpp>
#include <mailquay/protocol/xtext.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace fuzz_command {

using namespace mailquay;

void require(bool holds) {
    if (!holds) std::abort();
}

bool within(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void require_reply(refusal why, std::string_view text) {
    require(why.position <= text.size());
    auto const& reply = to_reply(why);
    require(reply.code() >= 500 && reply.code() < 600);
}

void read_parameters(cursor& in, std::string_view text, address_options options) {
    for (;;) {
        std::size_t const before = in.position();
        auto const next = next_parameter(in, options);
        if (!next) return require_reply(next.error(), text);
        if (!*next) return require(in.at_end());
        require(in.position() > before);
        parameter const& given = **next;
        require(!given.keyword.empty() && within(given.keyword, text) && within(given.value, text));
        require(given.has_value == !given.value.empty());
        if (auto const octets = parse_size(given)) require(given.value.size() <= 20);
        if (auto const body = parse_body(given)) require(iequals(to_string(*body), given.value));
        if (auto const decoded = decode_xtext(given.value)) {
            std::string again;
            append_xtext(again, *decoded);
            auto const twice = decode_xtext(again);
            require(twice && *twice == *decoded);
        }
    }
}

template <class Parse>
void read_path_command(std::string_view text, address_options options, Parse parse) {
    cursor in{text};
    auto const found = parse(in, options);
    if (!found) return require_reply(found.error(), text);
    require(within(found->text, text));
    require(found->null == found->text.empty());
    require(options.utf8 || !found->address.utf8);
    read_parameters(in, text, options);
}

/// Every line of a reply is whole, short and printable, whatever its text.
void require_sendable(std::string_view text, bool utf8) {
    std::string out;
    append_reply(out, 550, "5.7.1", text, utf8);
    std::string_view rest = out;
    while (!rest.empty()) {
        auto const end = rest.find("\r\n");
        require(end != std::string_view::npos && end >= 9 && end <= 510);
        auto const line = rest.substr(0, end);
        require(line.starts_with("550") && line.substr(4, 5) == "5.7.1");
        rest.remove_prefix(end + 2);
        require(line[3] == (rest.empty() ? ' ' : '-'));
        for (char c : line) {
            auto const octet = static_cast<unsigned char>(c);
            require(octet >= 0x20 && octet != 0x7f && (utf8 || octet < 0x80));
        }
    }
}

}  // namespace fuzz_command

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_command;
    if (size == 0) return 0;
    // Memory of its own, so that a read beyond the line is seen.
    std::string const text(reinterpret_cast<char const*>(data) + 1, size - 1);
    address_options const options{.utf8 = (data[0] & 1) != 0,
                                  .strict_lengths = (data[0] & 2) != 0,
                                  .space_after_colon = (data[0] & 4) != 0,
                                  .missing_brackets = (data[0] & 8) != 0};
    require_sendable(text, options.utf8);
    auto const line = parse_command_line(text);
    if (!line) {
        require_reply(line.error(), text);
        return 0;
    }
    require(within(line->name, text) && within(line->argument, text));
    require(line->has_argument == !line->argument.empty());
    require(line->verb == verb::unknown || iequals(to_string(line->verb), line->name));
    read_path_command(line->argument, options, parse_mail_argument);
    read_path_command(line->argument, options, parse_rcpt_argument);
    if (auto const name = parse_hello_name(line->argument)) {
        require(name->text == line->argument);
    } else {
        require_reply(name.error(), line->argument);
    }
    return 0;
}
