#pragma once

#include <mailquay/protocol/data_decoder.hpp>

#include <mailquay/protocol/detail/data_gatherer.hpp>
#include <mailquay/protocol/detail/dot_finder.hpp>

#include <bit>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL data_decoder::step data_decoder::decode(std::span<char> input) noexcept {
    return decode_by(detail::best_dot_finder(), input);
}

MAILQUAY_DECL data_decoder::step data_decoder::decode_by(detail::dot_finder find, std::span<char> input) noexcept {
    step done;
    done.end = state_ == state::ended;
    if (done.end || input.empty()) return done;
    char* const octets = input.data();
    std::size_t const size = input.size();

    auto end_at = [&](std::size_t consumed) {
        state_ = state::ended;
        done.end = true;
        done.consumed = consumed;
        return done;
    };

    detail::dot_carry carry;
    carry.after_cr = state_ == state::cr;
    carry.after_crlf = state_ == state::line_start;
    if (state_ == state::dot && octets[0] == '\r') {
        if (size == 1) {
            state_ = state::dot_cr;
            done.consumed = 1;
            return done;
        }
        if (octets[1] == '\n') return end_at(2);
    } else if (state_ == state::dot_cr) {
        if (octets[0] == '\n') return end_at(1);
        done.prefix = "\r";
        carry.after_cr = 1;
    }

    detail::data_gatherer message{octets};
    std::size_t const blocks = size / 64;
    for (std::size_t block = 0; block * 64 < size; ++block) {
        detail::dot_block found;
        if (block < blocks) {
            found = find(message, block, blocks, carry);
            block = found.index;
            if (block == blocks) {
                --block;  // on to the rest
                continue;
            }
        } else {
            std::size_t const rest = size - block * 64;
            found = detail::judge_dots(detail::line_masks_of_rest(octets + block * 64, rest), carry, rest);
            found.bad &= detail::low_bits(rest);
        }
        // Dots that cannot end the message need no look each.
        auto const sure_octets = static_cast<std::size_t>(std::countr_zero(found.ends));  // 64 if none can
        std::uint64_t const sure = sure_octets == 64 ? found.dots : found.dots & detail::low_bits(sure_octets);
        if (block < blocks && detail::are_many(sure)) {
            message.take_but(block * 64, sure_octets, sure);
            found.dots ^= sure;
        }
        for (; found.dots != 0; found.dots &= found.dots - 1) {
            auto const bit = static_cast<std::size_t>(std::countr_zero(found.dots));
            std::size_t const dot = block * 64 + bit;
            std::size_t const behind = size - dot - 1;
            message.take_up_to(dot);
            message.skip_to(dot + 1);
            bool const cr = behind > 0 && octets[dot + 1] == '\r';
            bool const may_be_end = behind == 0 || (cr && (behind == 1 || octets[dot + 2] == '\n'));
            if (!may_be_end) continue;

            done.octets = message.gathered();
            done.bad = carry.bad || (found.bad & detail::low_bits(bit)) != 0;
            if (behind > 1) return end_at(dot + 3);
            state_ = cr ? state::dot_cr : state::dot;
            done.consumed = size;
            return done;
        }
        carry.bad |= found.bad != 0;
    }
    message.take_up_to(size);
    done.octets = message.gathered();
    done.consumed = size;
    done.bad = carry.bad;
    state_ = carry.after_crlf != 0 ? state::line_start : carry.after_cr != 0 ? state::cr : state::within_line;
    return done;
}

}  // namespace mailquay::inline MAILQUAY_ABI
