#pragma once

#include <mailquay/base/config.hpp>
#include <mailquay/protocol/detail/data_gatherer.hpp>
#include <mailquay/protocol/detail/octet_masks.hpp>
#include <mailquay/protocol/detail/octet_remover.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

/// The search for dots that begin a line, 64 octets at a time, by masks: the rule, and the forms of the search that every machine of the
/// build's target runs. dot_finder_avx2.hpp has the fastest one.
namespace mailquay::inline MAILQUAY_ABI::detail {

/// What octets have to know of those before them.
struct dot_carry {
    std::uint64_t after_cr = 0;    ///< 1 if the last one was CR
    std::uint64_t after_crlf = 0;  ///< 1 if the last two were CRLF, or there were none
    bool bad = false;              ///< a CR without LF behind it, or an LF without CR before it
};

/// A form of the search. It takes the dots that begin lines out of `size` octets, up to the one that ends the message, or may do so by
/// what follows the input; the octets between them it need not have taken yet.
/// @return where that dot is; `size` if there is none
using dot_finder = std::size_t (*)(data_gatherer& message, std::size_t size, dot_carry& carry) noexcept;

/// A block of up to 64 octets.
struct dot_block {
    std::uint64_t dots;  ///< those that begin a line
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
    std::uint64_t const counted = ~std::uint64_t{0} >> (64 - size);
    return {dots, (masks.lf ^ after_cr) & counted, dots & (masks.cr >> 1 | std::uint64_t{1} << (size - 1))};
}

/// Whether CRLF follows the dot, or may do so behind the input.
inline bool may_end_message(char const* octets, std::size_t dot, std::size_t size) noexcept {
    std::size_t const behind = size - dot - 1;
    return behind == 0 || (octets[dot + 1] == '\r' && (behind == 1 || octets[dot + 2] == '\n'));
}

/// Three or more: from so many in a block on they are taken out together.
constexpr bool are_many(std::uint64_t dots) noexcept {
    std::uint64_t const others = dots & (dots - 1);
    return (others & (others - 1)) != 0;
}

/// Takes out the dots of the block that begins at `block`, of which there are some. The octets before it may not have been taken yet.
/// @return the dot that is the end or may be; `size` if there is none
inline std::size_t unstuff_dotted_block(data_gatherer& message, std::size_t block, dot_block const& block_has, std::size_t size,
                                        dot_carry& carry, octet_remover remove) noexcept {
    auto [dots, bad, ends] = block_has;
    std::size_t end = size;
    for (; ends != 0; ends &= ends - 1) {
        auto const bit = static_cast<std::size_t>(std::countr_zero(ends));
        if (!may_end_message(message.octets(), block + bit, size)) continue;
        end = block + bit;
        dots &= low_bits(bit);
        bad &= low_bits(bit);
        break;
    }
    carry.bad |= bad != 0;
    if (are_many(dots) && end == size && size - block >= 64) {
        message.take_up_to(block);
        auto const [to, from] = message.to_and_from();
        message.move_on(remove(to, from, dots), from + 64);
        return end;
    }
    for (; dots != 0; dots &= dots - 1) {
        std::size_t const dot = block + static_cast<std::size_t>(std::countr_zero(dots));
        message.take_up_to(dot);
        message.skip_to(dot + 1);
    }
    return end;
}

/// The same for a block that most often has none.
inline std::size_t unstuff_block(data_gatherer& message, std::size_t block, dot_block const& found, std::size_t size, dot_carry& carry,
                                 octet_remover remove) noexcept {
    if (found.dots != 0) return unstuff_dotted_block(message, block, found, size, carry, remove);
    carry.bad |= found.bad != 0;
    return size;
}

/// The search from `from` on, by masks that `masks_of` makes.
template <line_masks (*masks_of)(char const*)>
std::size_t find_dots_from(std::size_t from, data_gatherer& message, std::size_t size, dot_carry& carry, octet_remover remove) noexcept {
    char const* const octets = message.octets();
    for (; size - from >= 64; from += 64) {
        dot_block const found = judge_dots(masks_of(octets + from), carry);
        if (auto const end = unstuff_block(message, from, found, size, carry, remove); end != size) return end;
    }
    std::size_t const rest = size - from;
    if (rest == 0) return size;
    // The last 64 octets end with the rest. Those before it may have been moved about meanwhile, and do not count.
    line_masks const masks = size < 64 ? line_masks_of_rest(octets + from, rest) : masks_behind(masks_of(octets + size - 64), 64 - rest);
    return unstuff_block(message, from, judge_dots(masks, carry, rest), size, carry, remove);
}

inline std::size_t find_dots_portable(data_gatherer& message, std::size_t size, dot_carry& carry) noexcept {
    return find_dots_from<line_masks_portable>(0, message, size, carry, remove_octets_portable);
}

#if MAILQUAY_SSE2
inline std::size_t find_dots_sse2(data_gatherer& message, std::size_t size, dot_carry& carry) noexcept {
    return find_dots_from<line_masks_sse2>(0, message, size, carry, remove_octets_portable);
}
#endif

}  // namespace mailquay::inline MAILQUAY_ABI::detail
