#include <mailquay/base/ip_address.hpp>

std::string describe(mailquay::ip_address const& address) { return address.to_string(); }
