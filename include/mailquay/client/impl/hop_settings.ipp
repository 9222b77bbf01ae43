#include <mailquay/client/hop_settings.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL std::string fault_of(hop_settings const& with) {
    using name_and_time = std::pair<std::string_view, std::chrono::milliseconds>;
    client_timeouts const& times = with.timeouts;
    constexpr std::chrono::milliseconds day = std::chrono::hours{24};
    // Longer ones would overflow what a clock counts; none that is meant is.
    for (auto const& [name, time] : {name_and_time{"connect", times.connect}, name_and_time{"tls", times.tls}, name_and_time{"greeting", times.greeting},
                                     name_and_time{"mail", times.mail}, name_and_time{"recipient", times.recipient}, name_and_time{"data", times.data},
                                     name_and_time{"content", times.content}, name_and_time{"final_reply", times.final_reply},
                                     name_and_time{"quit", times.quit}, name_and_time{"attempt", times.attempt}})
        if (time < std::chrono::milliseconds{1} || time > day)
            return fmt::format("client_timeouts::{} is {} ms: choose from 1 ms to a day ({} ms)", name, time.count(), day.count());
    client_limits const& most = with.limits;
    if (most.recipients == 0) return "client_limits::recipients is 0: nothing could be sent; leave it at 100";
    if (most.transactions == 0) return "client_limits::transactions is 0: nothing could be sent; leave it at 1000";
    if (most.window_octets == 0) return "client_limits::window_octets is 0: no command could be sent; leave it at 8192";
    if (most.least_rate == 0) return "client_limits::least_rate is 0: a message would have no end; leave it at 4096";
    std::string const& name = with.hello_name;
    bool const is_word = name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c != '\x7f'; });
    if (!is_word) return "hop_settings::hello_name is no name of a host; give one word";
    bool const unchecked = with.tls == tls_use::off && with.verify != tls_verification::none;
    if (unchecked) return "hop_settings::verify needs TLS, but hop_settings::tls is off; set it to required, or verify to none";
    return {};
}

}  // namespace mailquay::inline MAILQUAY_ABI
