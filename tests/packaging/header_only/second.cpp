// The same headers once more: nothing may be defined twice.
#include <mailquay/mailquay.hpp>

std::string second_unit() {
    mailquay::server_config const config{.hostname = "mx.example.org"};
    return mailquay::ip_address::parse("192.0.2.1")->to_string() + (config.hostname.empty() ? "?" : "");
}
