#include <mailquay/base/ip_address.hpp>

std::string describe(mailquay::ip_address const& address);

int main() { return describe(*mailquay::ip_address::parse("192.0.2.1")) == "192.0.2.1" ? 0 : 1; }
