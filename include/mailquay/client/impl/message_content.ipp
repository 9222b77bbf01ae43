#pragma once

#include <mailquay/client/message_content.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL message_content::~message_content() = default;

namespace detail {

inline std::size_t read_from(std::string_view octets, std::uint64_t offset, std::span<char> room) noexcept {
    if (offset >= octets.size()) return 0;
    std::size_t const count = std::min(room.size(), octets.size() - static_cast<std::size_t>(offset));
    if (count != 0) std::memcpy(room.data(), octets.data() + offset, count);
    return count;
}

struct owned_content final : message_content {
    explicit owned_content(std::string given) : octets(std::move(given)) {}
    std::uint64_t size() const noexcept override { return octets.size(); }
    eventual<result<std::size_t>> read(std::uint64_t offset, std::span<char> room) override {
        return result<std::size_t>{read_from(octets, offset, room)};
    }
    std::string octets;
};

struct borrowed_content final : message_content {
    explicit borrowed_content(std::string_view given) : octets(given) {}
    std::uint64_t size() const noexcept override { return octets.size(); }
    eventual<result<std::size_t>> read(std::uint64_t offset, std::span<char> room) override {
        return result<std::size_t>{read_from(octets, offset, room)};
    }
    std::string_view octets;
};

}  // namespace detail

MAILQUAY_DECL std::shared_ptr<message_content> content_of(std::string octets) {
    return std::make_shared<detail::owned_content>(std::move(octets));
}
MAILQUAY_DECL std::shared_ptr<message_content> content_at(std::string_view octets) {
    return std::make_shared<detail::borrowed_content>(octets);
}

}  // namespace mailquay::inline MAILQUAY_ABI
