#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/detail/dot_finder.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <utility>

/// The search for dots that begin a line, by AVX2; and the choice of a form.
///
/// Nearly all blocks have no such dot, and no bare CR or LF. One test tells so of 64 octets, together with the one
/// before them; only a block that fails it is looked at more closely. All functions but the last are for machines where
/// `__builtin_cpu_supports()` says "avx2" and "bmi".
namespace mailquay::inline MAILQUAY_ABI::detail {

#if MAILQUAY_AVX2

// A lambda does not inherit the target attribute: hence functions for what would be some.
__attribute__((target("avx2"))) inline __m256i load32(char const* octets) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<__m256i const*>(octets));
}

__attribute__((target("avx2"))) inline void store32(char* to, __m256i octets) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), octets);
}

/// The top bit of each octet.
__attribute__((target("avx2"))) inline std::uint64_t top_bits64(__m256i low, __m256i high) noexcept {
    auto const low_mask = static_cast<std::uint32_t>(_mm256_movemask_epi8(low));
    return low_mask | std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(high))} << 32;
}

__attribute__((target("avx2"))) inline line_masks line_masks_avx2(char const* octets) noexcept {
    __m256i const low = load32(octets), high = load32(octets + 32);
    __m256i const lf = _mm256_set1_epi8('\n'), cr = _mm256_set1_epi8('\r'), dot = _mm256_set1_epi8('.');
    return {top_bits64(_mm256_cmpeq_epi8(low, lf), _mm256_cmpeq_epi8(high, lf)),
            top_bits64(_mm256_cmpeq_epi8(low, cr), _mm256_cmpeq_epi8(high, cr)),
            top_bits64(_mm256_cmpeq_epi8(low, dot), _mm256_cmpeq_epi8(high, dot))};
}

/// Which of 32 octets are suspect, as the lowest bit of each. With the octet before it each one makes a pair, and suspect are
///
/// | before | octet | |
/// |---|---|---|
/// | CR | not LF | a bare CR |
/// | neither CR nor VT | LF | a bare LF |
/// | LF | dot | may begin a line |
/// | LF | '*', SO | nothing, but cheaper than to tell these from a dot |
/// | VT | any | see below |
///
/// The octet before says, by a table, which bits are not to count, and the octet is compared with LF in the others: a dot differs from
/// LF in 0x24. Behind CR, where a *difference* is suspect, the lowest bit is among them, so that it stands in the result and inverts it.
/// This takes VT, 0x0b, for LF: so whatever follows a VT is suspect, and who looks finds the CR. In CR VT x the VT is passed and x is not,
/// also where x is of the next block.
__attribute__((target("avx2"), always_inline)) inline __m256i suspects32(char const* at) noexcept {
    constexpr char all = '\xff', dot = '.' ^ '\n', inverted = 1;
    __m256i const not_to_count = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, dot, all, 0, inverted, 0, 0));
    __m256i const before = _mm256_min_epu8(load32(at - 1), _mm256_set1_epi8(15));  // the last of the table stands for all from it on
    __m256i const ignored = _mm256_shuffle_epi8(not_to_count, before);
    return _mm256_xor_si256(_mm256_cmpeq_epi8(_mm256_andnot_si256(ignored, load32(at)), _mm256_set1_epi8('\n')), ignored);
}

/// Octets of most lines are too few for a call.
constexpr bool are_few(std::size_t size) noexcept { return size - 32 <= 64; }  // 32 to 96

/// Moves few octets down. @return where the next ones go
__attribute__((target("avx2"), always_inline)) inline char* move_few(char* to, char const* from, std::size_t size) noexcept {
    // All is read before any of it is overwritten; the middle overlaps both ends.
    std::size_t const end = size - 32, middle = end / 2;
    __m256i const first = load32(from), second = load32(from + middle), last = load32(from + end);
    store32(to, first);
    store32(to + middle, second);
    store32(to + end, last);
    return to + size;
}

inline char* move_down(char* to, char const* from, std::size_t size) noexcept {
    if (to != from) std::memmove(to, from, size);
    return to + size;
}

/// Whether a suspect octet is a dot behind CRLF.
inline bool begins_line(char const* octet) noexcept { return octet[0] == '.' && octet[-1] == '\n' && octet[-2] == '\r'; }

/// Where a search is: at the next block, with the octets from `from` on to be moved to `to`. Blocks begin up to `last`, and an octet
/// follows each. The two octets before `at` say all of what came before: no CR or LF there was bare, but that they may be CR VT, which
/// `look_back()` asks. The remover may have made the first of them 0, never the second: it moves octets down by one at least.
struct dot_search {
    char const* at;
    char const* last;
    char* to;
    char const* from;
};

/// Passes blocks without suspect octets, and those whose only one is a dot that begins a line of usual length, which it takes out.
/// @return the suspect octets of the block where it stopped; 0 at the end of the blocks
__attribute__((target("avx2,bmi"), always_inline)) inline std::uint64_t pass_plain_blocks(dot_search& search) noexcept {
    __m256i const lowest_bits = _mm256_set1_epi8(1);
    auto [at, last, to, from] = search;
    for (; at <= last; at += 64) {
        __m256i const low = suspects32(at), high = suspects32(at + 32);
        if (_mm256_testz_si256(_mm256_or_si256(low, high), lowest_bits) != 0) [[likely]] continue;
        std::uint64_t const suspects = top_bits64(_mm256_slli_epi16(low, 7), _mm256_slli_epi16(high, 7));
        char const* const dot = at + std::countr_zero(suspects);
        bool const only_one = (suspects & (suspects - 1)) == 0;
        auto const size = static_cast<std::size_t>(dot - from);
        if (!only_one || !begins_line(dot) || dot[1] == '\r' || !are_few(size)) {
            if (only_one && dot[-1] == '\n' && (*dot == '*' || *dot == '\x0e')) continue;  // the item of a list
            search = {at, last, to, from};
            return suspects;
        }
        to = move_few(to, from, size);
        from = dot + 1;
    }
    search = {at, last, to, from};
    return 0;
}

/// Takes the dots out of blocks, as long as they have some, none of these can end the message, and no CR or LF is bare. `to` lies below
/// `at`, by one octet at least, so that no octet is overwritten before it is read. What is before `at` is moved first, so that it says no more of what came before unless a block was passed.
/// @return whether one was
__attribute__((target("avx2"))) inline bool pass_dotted_blocks(dot_search& search) noexcept {
    __m256i const lf = _mm256_set1_epi8('\n'), cr = _mm256_set1_epi8('\r'), dot = _mm256_set1_epi8('.');
    auto [at, last, to, from] = search;
    to = move_down(to, from, static_cast<std::size_t>(at - from));
    for (; at <= last; at += 64) {
        __m256i const low = load32(at), before_low = load32(at - 1);
        __m256i const high = load32(at + 32), before_high = load32(at + 31);
        __m256i const low_dots = _mm256_and_si256(_mm256_cmpeq_epi8(low, dot), _mm256_cmpeq_epi8(before_low, lf));
        __m256i const high_dots = _mm256_and_si256(_mm256_cmpeq_epi8(high, dot), _mm256_cmpeq_epi8(before_high, lf));
        __m256i const dots = _mm256_or_si256(low_dots, high_dots);
        __m256i const ends = _mm256_or_si256(_mm256_and_si256(low_dots, _mm256_cmpeq_epi8(load32(at + 1), cr)),
                                             _mm256_and_si256(high_dots, _mm256_cmpeq_epi8(load32(at + 33), cr)));
        __m256i const bad = _mm256_or_si256(_mm256_xor_si256(_mm256_cmpeq_epi8(low, lf), _mm256_cmpeq_epi8(before_low, cr)),
                                            _mm256_xor_si256(_mm256_cmpeq_epi8(high, lf), _mm256_cmpeq_epi8(before_high, cr)));
        __m256i const unclear = _mm256_or_si256(ends, bad);
        if (_mm256_testz_si256(dots, dots) != 0 || _mm256_testz_si256(unclear, unclear) == 0) break;
        to = remove_octets32(to, low, low_dots);
        to = remove_octets32(to, high, high_dots);
    }
    bool const any = at != search.at;
    search = {at, last, to, at};
    return any;
}

/// What is before `at` says, as a carry in place of the one that was; no bare CR or LF was seen so far.
inline void look_back(char const* at, dot_carry& carry) noexcept {
    carry.after_cr = at[-1] == '\r';
    carry.after_crlf = at[-1] == '\n';
    carry.bad = at[-2] == '\r' && at[-1] != '\n';  // before a VT, which is suspect only with what follows it
}

/// Neither CR nor LF nor dot.
constexpr bool is_above_dot(char octet) noexcept { return static_cast<unsigned char>(octet) > '.'; }

/// A message with a bare CR or LF, which most refuse, is searched by masks from there on.
__attribute__((target("avx2,bmi"))) inline std::size_t find_dots_avx2(data_gatherer& message, std::size_t size, dot_carry& carry) noexcept {
    char const* const octets = message.octets();
    auto const by_masks_from = [&](char const* at) {
        return find_dots_from<line_masks_avx2>(static_cast<std::size_t>(at - octets), message, size, carry, remove_octets_avx2);
    };
    auto const by_masks = [&](char const* at, line_masks masks, std::size_t count) {
        auto const block = static_cast<std::size_t>(at - octets);
        return unstuff_block(message, block, judge_dots(masks, carry, count), size, carry, remove_octets_avx2);
    };
    if (size < 2 + 64 + 1) return by_masks_from(octets);
    // The first two alone, for those before them may not be there. Most often they are letters.
    if (carry.after_cr != 0 || !is_above_dot(octets[0]) || !is_above_dot(octets[1])) {
        if (auto const dot = by_masks(octets, line_masks_of_two(octets), 2); dot != size) return dot;
        if (carry.bad) return by_masks_from(octets + 2);
    }

    dot_search search{octets + 2, octets + size - 65, nullptr, nullptr};
    std::tie(search.to, search.from) = message.to_and_from();
    for (;;) {
        std::uint64_t const suspects = pass_plain_blocks(search);
        if (suspects != 0) {
            auto const first = static_cast<std::size_t>(search.at - octets + std::countr_zero(suspects));
            if (begins_line(octets + first) && may_end_message(octets, first, size)) {
                message.move_on(search.to, search.from);
                return first;
            }
        }
        look_back(search.at, carry);
        if (!carry.bad && are_many(suspects) && search.to != search.from && pass_dotted_blocks(search)) look_back(search.at, carry);
        message.move_on(search.to, search.from);
        if (search.at > search.last) return by_masks_from(search.at);
        if (auto const dot = by_masks(search.at, line_masks_avx2(search.at), 64); dot != size) return dot;
        search.at += 64;
        if (carry.bad) return by_masks_from(search.at);
        std::tie(search.to, search.from) = message.to_and_from();
    }
}

#endif

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
