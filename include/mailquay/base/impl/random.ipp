#pragma once

#include <mailquay/base/random.hpp>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#if defined(__linux__)
#include <sys/random.h>
#endif

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL void random_bytes(std::span<std::byte> octets) {
#if defined(__linux__)
    while (!octets.empty()) {
        auto const got = ::getrandom(octets.data(), octets.size(), 0);  // may stop short above 256 octets
        if (got < 0) {
            if (errno == EINTR) continue;
            throw std::system_error(errno, std::generic_category(), "getrandom");
        }
        octets = octets.subspan(static_cast<std::size_t>(got));
    }
#else
    ::arc4random_buf(octets.data(), octets.size());
#endif
}

MAILQUAY_DECL std::uint64_t random_u64() {
    std::uint64_t number = 0;
    random_bytes(std::as_writable_bytes(std::span{&number, 1}));
    return number;
}

}  // namespace mailquay::inline MAILQUAY_ABI
