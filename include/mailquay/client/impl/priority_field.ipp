#pragma once

#include <mailquay/client/message_content.hpp>
#include <mailquay/message/header_walker.hpp>

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// RFC 6758 §3.3: a priority goes through a hop without MT-PRIORITY in a header field, in place of those that were there.

namespace mailquay::inline MAILQUAY_ABI::detail {

// A header section is no longer; what lies behind stays as it is.
constexpr std::size_t most_header_octets = 512 * 1024;

/// Octets before, and pieces of, another content.
class edited_content final : public message_content {
public:
    struct piece {
        std::uint64_t from = 0;
        std::uint64_t octets = 0;
    };
    edited_content(std::string first, std::shared_ptr<message_content> whole, std::vector<piece> pieces)
        : first_(std::move(first)), whole_(std::move(whole)), pieces_(std::move(pieces)), size_(first_.size()) {
        for (piece const& one : pieces_) size_ += one.octets;
    }

    std::uint64_t size() const noexcept override { return size_; }
    eventual<result<std::size_t>> read(std::uint64_t offset, std::span<char> room) override { return read_pieces(offset, room); }

private:
    asio::awaitable<result<std::size_t>> read_pieces(std::uint64_t offset, std::span<char> room) {
        std::size_t done = 0;
        if (offset < first_.size()) {
            done = std::min(room.size(), first_.size() - static_cast<std::size_t>(offset));
            std::copy_n(first_.data() + offset, done, room.data());
        }
        std::uint64_t begins = first_.size();
        for (piece const& one : pieces_) {
            std::uint64_t const at = offset + done;
            bool const within = at >= begins && at < begins + one.octets;
            std::uint64_t const skipped = at - std::min(at, begins);
            begins += one.octets;
            if (!within || done == room.size()) continue;
            std::size_t const wanted = static_cast<std::size_t>(std::min<std::uint64_t>(room.size() - done, one.octets - skipped));
            auto reading = whole_->read(one.from + skipped, room.subspan(done, wanted));
            auto const got = co_await std::move(reading).wait();
            if (!got) co_return got;
            done += *got;
            if (*got < wanted) break;
        }
        co_return result<std::size_t>{done};
    }

    std::string first_;
    std::shared_ptr<message_content> whole_;
    std::vector<piece> pieces_;
    std::uint64_t size_;
};

/// The header section, perhaps with what is behind it; nothing if it cannot be read.
inline asio::awaitable<result<std::string>> read_header(std::shared_ptr<message_content> from) {
    constexpr std::size_t step = 16 * 1024;
    std::size_t const most = static_cast<std::size_t>(std::min<std::uint64_t>(from->size(), most_header_octets));
    std::string head;
    bool ended = false;
    while (!ended && head.size() < most) {
        std::size_t const before = head.size();
        head.resize(std::min(most, before + step));
        std::span<char> const room{head.data() + before, head.size() - before};
        auto reading = from->read(before, room);
        auto const got = co_await std::move(reading).wait();
        if (!got) co_return got.error();
        head.resize(before + *got);
        std::size_t const again = before < 3 ? 0 : before - 3;
        ended = *got == 0 || head.starts_with("\r\n") || head.find("\r\n\r\n", again) != head.npos;
    }
    co_return head;
}

/// @return null if the content cannot be read
inline asio::awaitable<std::shared_ptr<message_content>> with_priority_field(std::shared_ptr<message_content> content, int value) {
    auto reading = read_header(content);
    auto const head = co_await std::move(reading);
    if (!head) co_return nullptr;
    std::vector<edited_content::piece> pieces;
    std::uint64_t kept_from = 0;
    for (header_field const& field : header_walker{*head}) {
        if (!field.is("MT-Priority")) continue;
        auto const begins = static_cast<std::uint64_t>(field.whole.data() - head->data());
        if (begins > kept_from) pieces.push_back({kept_from, begins - kept_from});
        kept_from = begins + field.whole.size();
    }
    if (content->size() > kept_from) pieces.push_back({kept_from, content->size() - kept_from});
    co_return std::make_shared<edited_content>("MT-Priority: " + std::to_string(value) + "\r\n", std::move(content), std::move(pieces));
}

}  // namespace mailquay::inline MAILQUAY_ABI::detail
