#include <mailquay/base/crc32c.hpp>

#include <array>
#include <cstddef>
#include <cstring>

namespace mailquay::inline MAILQUAY_ABI {
namespace detail {

// Eight tables: eight octets at a time, where the processor has no instruction for it.
inline std::array<std::array<std::uint32_t, 256>, 8> const& crc32c_tables() noexcept {
    static auto const tables = [] {
        std::array<std::array<std::uint32_t, 256>, 8> made{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t value = i;
            for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0u);
            made[0][i] = value;
        }
        for (std::uint32_t i = 0; i < 256; ++i)
            for (std::size_t t = 1; t < 8; ++t) made[t][i] = (made[t - 1][i] >> 8) ^ made[0][made[t - 1][i] & 0xff];
        return made;
    }();
    return tables;
}

inline std::uint32_t crc32c_by_table(char const* at, std::size_t octets, std::uint32_t value) noexcept {
    auto const& tables = crc32c_tables();
    auto const octet = [&](std::size_t i) { return static_cast<unsigned char>(at[i]); };
    for (; octets >= 8; octets -= 8, at += 8) {
        std::uint32_t const low = value ^ (std::uint32_t{octet(0)} | std::uint32_t{octet(1)} << 8 | std::uint32_t{octet(2)} << 16 |
                                           std::uint32_t{octet(3)} << 24);
        value = tables[7][low & 0xff] ^ tables[6][(low >> 8) & 0xff] ^ tables[5][(low >> 16) & 0xff] ^ tables[4][low >> 24] ^
                tables[3][octet(4)] ^ tables[2][octet(5)] ^ tables[1][octet(6)] ^ tables[0][octet(7)];
    }
    for (; octets != 0; --octets, ++at) value = (value >> 8) ^ tables[0][(value ^ octet(0)) & 0xff];
    return value;
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("sse4.2"))) inline std::uint32_t crc32c_by_processor(char const* at, std::size_t octets,
                                                                            std::uint32_t value) noexcept {
    std::uint64_t wide = value;
    for (; octets >= 8; octets -= 8, at += 8) {
        std::uint64_t word;
        std::memcpy(&word, at, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    value = static_cast<std::uint32_t>(wide);
    for (; octets != 0; --octets, ++at) value = __builtin_ia32_crc32qi(value, static_cast<unsigned char>(*at));
    return value;
}
#endif

}  // namespace detail

MAILQUAY_DECL std::uint32_t crc32c(std::string_view octets, std::uint32_t before) noexcept {
#if defined(__x86_64__) && defined(__GNUC__)
    static bool const by_processor = __builtin_cpu_supports("sse4.2") != 0;
    if (by_processor) return ~detail::crc32c_by_processor(octets.data(), octets.size(), ~before);
#endif
    return ~detail::crc32c_by_table(octets.data(), octets.size(), ~before);
}

}  // namespace mailquay::inline MAILQUAY_ABI
