#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/detail/data_gatherer.hpp>
#include <mailquay/protocol/detail/octet_masks.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// The search for dots that begin a line, 64 octets at a time: three forms of one loop, and the choice among them. It begins with block
/// `first` of `blocks`. A form may take out dots that cannot end the message by itself; the others it returns.
namespace mailquay::inline MAILQUAY_ABI::detail {

/// What a block has to know of the octets before it.
struct dot_carry {
    std::uint64_t after_cr = 0;    ///< 1 if the last one was CR
    std::uint64_t after_crlf = 0;  ///< 1 if the last two were CRLF, or there were none
    bool bad = false;              ///< a CR without LF behind it, or an LF without CR before it
};

/// A block of 64 octets.
struct dot_block {
    std::size_t index;   ///< of the block; the number of blocks if none had a dot
    std::uint64_t dots;  ///< those that begin a line; 0 if there are none
    std::uint64_t bad;   ///< LF without CR, and what follows a CR without being LF; not yet in `dot_carry::bad`
    std::uint64_t ends;  ///< of `dots`, those that may end the message: a CR follows, or it is not in this block
};

/// The rule itself: what a block's masks mean. `size` octets of it count.
inline dot_block judge_dots(line_masks masks, dot_carry& carry, std::size_t size = 64) noexcept {
    std::uint64_t const after_cr = masks.cr << 1 | carry.after_cr;
    std::uint64_t const crlf = masks.lf & after_cr;
    std::uint64_t const after_crlf = crlf << 1 | carry.after_crlf;
    carry.after_cr = masks.cr >> (size - 1) & 1;
    carry.after_crlf = crlf >> (size - 1) & 1;
    std::uint64_t const dots = masks.dot & after_crlf;
    return {0, dots, masks.lf ^ after_cr, dots & (masks.cr >> 1 | std::uint64_t{1} << (size - 1))};
}

inline dot_block find_dots_portable(data_gatherer& message, std::size_t first, std::size_t blocks, dot_carry& carry) noexcept {
    for (std::size_t i = first; i < blocks; ++i) {
        dot_block const found = judge_dots(line_masks_portable(message.octets() + 64 * i), carry);
        if (found.dots != 0) return {i, found.dots, found.bad, found.ends};
        carry.bad |= found.bad != 0;
    }
    return {blocks, 0, 0, 0};
}

#if MAILQUAY_SSE2

inline dot_block find_dots_sse2(data_gatherer& message, std::size_t first, std::size_t blocks, dot_carry& carry) noexcept {
    for (std::size_t i = first; i < blocks; ++i) {
        dot_block const found = judge_dots(line_masks_sse2(message.octets() + 64 * i), carry);
        if (found.dots != 0) return {i, found.dots, found.bad, found.ends};
        carry.bad |= found.bad != 0;
    }
    return {blocks, 0, 0, 0};
}

#endif

#if MAILQUAY_AVX2

// A lambda does not inherit the target attribute: hence a function for what would be one.
__attribute__((target("avx2"))) inline std::uint64_t equal_mask64(__m256i low, __m256i high, __m256i wanted) noexcept {
    auto const low_mask = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)));
    auto const high_mask = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)));
    return low_mask | std::uint64_t{high_mask} << 32;
}

__attribute__((target("avx2"))) inline __m256i load32(char const* octets) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<__m256i const*>(octets));
}

__attribute__((target("avx2"))) inline line_masks line_masks_avx2(char const* octets) noexcept {
    __m256i const low = load32(octets), high = load32(octets + 32);
    return {equal_mask64(low, high, _mm256_set1_epi8('\n')), equal_mask64(low, high, _mm256_set1_epi8('\r')),
            equal_mask64(low, high, _mm256_set1_epi8('.'))};
}

__attribute__((target("avx2"))) inline void store32(char* to, __m256i octets) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), octets);
}

/// Moves octets down; those of most lines are too few for a call. @return where the next ones go
__attribute__((target("avx2"), always_inline)) inline char* move_avx2(char* to, char const* from, std::size_t size) noexcept {
    if (size - 32 > 64) {  // or below 32
        std::memmove(to, from, size);
        return to + size;
    }
    // All is read before any of it is overwritten; the middle overlaps both ends.
    std::size_t const end = size - 32, middle = end / 2;
    __m256i const first = load32(from), second = load32(from + middle), last = load32(from + end);
    store32(to, first);
    store32(to + middle, second);
    store32(to + end, last);
    return to + size;
}

/// A dot behind an LF: whether it is behind CRLF and cannot end the message.
inline bool is_sure_dot(char const* dot) noexcept { return dot[-2] == '\r' && dot[1] != '\r'; }

/// Only where `__builtin_cpu_supports()` says "avx2" and "bmi". Masks are made of the first block and of those with many dots, or
/// one that may end the message. In the others each octet is compared together with the one before it, all 32 at once, which says of
/// both rules whether it keeps them; a dot or two are taken out at once.
__attribute__((target("avx2,bmi"))) inline dot_block find_dots_avx2(data_gatherer& message, std::size_t first, std::size_t blocks,
                                                                dot_carry& carry) noexcept {
    __m256i const lf = _mm256_set1_epi8('\n'), cr = _mm256_set1_epi8('\r'), dot = _mm256_set1_epi8('.');
    if (first >= blocks) return {blocks, 0, 0, 0};
    char const* const octets = message.octets();
    dot_block begin = judge_dots(line_masks_avx2(octets + 64 * first), carry);
    begin.index = first;
    if (begin.dots != 0) return begin;
    carry.bad |= begin.bad != 0;

    // The first block belongs to the message; but its last two octets stay in their place, for the next block has to see them.
    message.take_up_to(64 * (first + 1) - 2);
    message.skip_to(64 * (first + 1) - 2);
    auto [to, from] = message.places();
    __m256i bad = _mm256_setzero_si256();
    auto const leave_at = [&carry](char const* at, bool any_bad) {
        carry.after_cr = at[-1] == '\r';
        carry.after_crlf = at[-1] == '\n' && at[-2] == '\r';
        carry.bad |= any_bad;
    };
    char const* const end = octets + 64 * blocks;
    for (char const* at = octets + 64 * (first + 1); at != end; at += 64) {
        __m256i const low = load32(at), before_low = load32(at - 1);
        __m256i const high = load32(at + 32), before_high = load32(at + 31);
        __m256i const low_dots = _mm256_and_si256(_mm256_cmpeq_epi8(low, dot), _mm256_cmpeq_epi8(before_low, lf));
        __m256i const high_dots = _mm256_and_si256(_mm256_cmpeq_epi8(high, dot), _mm256_cmpeq_epi8(before_high, lf));
        __m256i const dots = _mm256_or_si256(low_dots, high_dots);
        if (_mm256_testz_si256(dots, dots) == 0) {
            std::uint64_t const behind_lf = static_cast<std::uint32_t>(_mm256_movemask_epi8(low_dots)) |
                                            std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(high_dots))} << 32;
            std::uint64_t const second = behind_lf & (behind_lf - 1);
            char const* const one = at + std::countr_zero(behind_lf);
            // What is moved lies before these dots, so they and the octets around them are what they were.
            if (second == 0 && one != at + 63 && is_sure_dot(one)) [[likely]] {
                to = move_avx2(to, from, static_cast<std::size_t>(one - from));
                from = one + 1;
            } else if (char const* const other = at + std::countr_zero(second);
                       second != 0 && (second & (second - 1)) == 0 && other != at + 63 && is_sure_dot(one) && is_sure_dot(other)) {
                to = move_avx2(to, from, static_cast<std::size_t>(one - from));
                to = move_avx2(to, one + 1, static_cast<std::size_t>(other - one - 1));
                from = other + 1;
            } else {
                leave_at(at, _mm256_testz_si256(bad, bad) == 0);
                dot_block found = judge_dots(line_masks_avx2(at), carry);
                found.index = static_cast<std::size_t>(at - octets) / 64;
                if (found.dots != 0) {
                    message.move_on(to, from);
                    return found;
                }
            }
        }
        bad = _mm256_or_si256(bad, _mm256_xor_si256(_mm256_cmpeq_epi8(low, lf), _mm256_cmpeq_epi8(before_low, cr)));
        bad = _mm256_or_si256(bad, _mm256_xor_si256(_mm256_cmpeq_epi8(high, lf), _mm256_cmpeq_epi8(before_high, cr)));
    }
    leave_at(end, _mm256_testz_si256(bad, bad) == 0);
    message.move_on(to, from);
    return {blocks, 0, 0, 0};
}

#endif

using dot_finder = dot_block (*)(data_gatherer& message, std::size_t first, std::size_t blocks, dot_carry& carry) noexcept;

/// The fastest form that this machine runs.
inline dot_finder best_dot_finder() noexcept {
#if MAILQUAY_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")) return find_dots_avx2;
#endif
#if MAILQUAY_SSE2
    return find_dots_sse2;
#else
    return find_dots_portable;
#endif
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
