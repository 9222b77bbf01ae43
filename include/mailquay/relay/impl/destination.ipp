#include <mailquay/relay/destination.hpp>

#include <mailquay/protocol/mailbox.hpp>

#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL router route_to(delivery_way way, std::string where) {
    return [to = destination{way, std::move(where)}](std::string_view) -> result<destination, std::string> { return to; };
}

MAILQUAY_DECL router route_by_mx() {
    return [](std::string_view address) -> result<destination, std::string> {
        address_options options;
        options.utf8 = true;
        auto const read = parse_mailbox(address, options);
        if (!read) return std::string("550 5.1.3 the address has no domain that mail could be sent to");
        destination to{delivery_way::mx, {}};
        append_normalised_domain(to.name, *read);
        return to;
    };
}

}  // namespace mailquay::inline MAILQUAY_ABI
