// A program on mailquay::testing: a fake resolver says what it was told.
#include <mailquay/testing/fake_resolver.hpp>

#include <cstdio>

int main() {
    mailquay::testing::fake_resolver dns;
    dns.mx_is("example.org", {{10, "mx.example.org"}});
    auto const found = dns.mx("example.org").ready() ? dns.asked().size() : 0;
    std::puts(found == 1 ? "testing: all is well" : "testing: failed");
    return found == 1 ? 0 : 1;
}
