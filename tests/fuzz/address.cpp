// An address that is accepted keeps its meaning when it is taken apart and put together again.

#include <mailquay/protocol/domain.hpp>
#include <mailquay/protocol/path.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace fuzz_address {

using namespace mailquay;

void require(bool holds) {
    if (!holds) std::abort();
}

void require_round_trip(mailbox const& found, address_options options) {
    std::string unquoted_memory, again;
    std::string const unquoted{local_part_unquoted(found.local_part, unquoted_memory)};
    append_local_part(again, unquoted);
    require(found.quoted || again == found.local_part);
    std::string domain_again;
    append_normalised_domain(domain_again, found);
    again += '@';
    again += domain_again;

    auto const second = parse_mailbox(again, options);
    require(second.has_value());
    std::string second_memory, second_domain;
    require(local_part_unquoted(second->local_part, second_memory) == unquoted);
    append_normalised_domain(second_domain, *second);
    require(second_domain == domain_again);
}

}  // namespace fuzz_address

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace fuzz_address;
    std::string const text(reinterpret_cast<char const*>(data), size);
    address_options const utf8{.utf8 = true};
    if (auto const found = parse_mailbox(text, utf8)) {
        require(found->local_part.size() + 1 + found->domain.size() == text.size());
        require_round_trip(*found, utf8);
        // What needs no UTF-8 is the same without, and what does is refused for that alone.
        auto const ascii = parse_mailbox(text);
        require(ascii.has_value() != found->utf8);
        if (!ascii) require(ascii.error().code == protocol_errc::utf8_not_allowed);
    } else {
        require(!parse_mailbox(text));
        require(parse_mailbox(text).error() == found.error());
    }

    std::string const path_text = '<' + text + '>';
    for (auto parse : {parse_reverse_path, parse_forward_path}) {
        cursor in{path_text};
        auto const found = parse(in, utf8);
        if (!found || found->null || found->postmaster) continue;
        // One mailbox ends at one ">": what follows is none of the path.
        require(in.position() <= path_text.size());
        auto const same = parse_mailbox(found->text, utf8);
        require(same && same->local_part == found->address.local_part && same->domain == found->address.domain);
    }
    return 0;
}
