// A program on mailquay::core.
#include <mailquay/base/base64.hpp>
#include <mailquay/base/idna.hpp>
#include <mailquay/base/ip_address.hpp>

#include <cstdio>

#ifndef MAILQUAY_IDNA
#error "the package does not tell how it was built"
#endif

int main() {
    auto const address = mailquay::ip_address::parse("2001:db8::1");
    if (!address || address->to_string() != "2001:db8::1") return 1;
    if (mailquay::base64_encode("mailquay") != "bWFpbHF1YXk=") return 2;
    if (mailquay::idna_built() != (MAILQUAY_IDNA != 0)) return 3;
    if (mailquay::idna_built()) {
        auto const domain = mailquay::to_ascii("b\303\274cher.example");
        if (!domain || *domain != "xn--bcher-kva.example") return 4;
    }
    std::puts("core: all is well");
}
