#pragma once

#include "support/scram_client.hpp"

#include <string>
#include <string_view>
#include <utility>

/// The client's side of SASL, for tests in one process.
namespace mailquay_test {

/// Clients as the server sees them.
inline mailquay::ip_endpoint endpoint_of(std::string_view address) {
    return {mailquay::ip_address::parse(address).value_or(mailquay::ip_address{}), 40000};
}
inline mailquay::session_info clear_client(std::string_view address = "192.0.2.7") {
    return mailquay::session_info{endpoint_of(address), endpoint_of("192.0.2.1")};
}
inline mailquay::session_info tls_client(mailquay::tls_info facts = {}, std::string_view address = "192.0.2.7") {
    mailquay::session_info info = clear_client(address);
    info.set_tls(std::move(facts));
    return info;
}

inline std::string plain(std::string_view user, std::string_view password, std::string_view other = {}) {
    std::string message{other};
    message += '\0';
    message += user;
    message += '\0';
    message += password;
    return message;
}

}  // namespace mailquay_test
