#pragma once

#include <mailquay/protocol/data_decoder.hpp>

#include <mailquay/protocol/detail/dot_finder_avx2.hpp>

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
    std::size_t const dot = find(message, size, carry);
    message.take_up_to(dot);
    done.octets = message.gathered();
    done.bad = carry.bad;
    if (size - dot > 2) return end_at(dot + 3);
    done.consumed = size;
    switch (size - dot) {
        case 2: state_ = state::dot_cr; break;
        case 1: state_ = state::dot; break;
        default: state_ = carry.after_crlf != 0 ? state::line_start : carry.after_cr != 0 ? state::cr : state::within_line;
    }
    return done;
}

}  // namespace mailquay::inline MAILQUAY_ABI
