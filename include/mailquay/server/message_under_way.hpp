#pragma once

#include <mailquay/handler/pipeline.hpp>
#include <mailquay/message/field_capture.hpp>

#include <chrono>
#include <cstdint>

namespace mailquay::inline MAILQUAY_ABI {

/// The message that a connection is receiving, from DATA to the sink's last word.
///
/// Thread safety: unsafe; part of its connection.
struct message_under_way {
    message_under_way(pipeline const& through, transaction const& of) : mail(&of), path(through, of) {}

    transaction const* mail;
    pipeline::message path;
    std::uint64_t octets = 0;
    std::chrono::steady_clock::time_point finishing{};  ///< when the sink was asked for its last word
    field_capture message_id{"Message-ID"};             ///< for the log; fed only where it is written
    bool refused = false;                               ///< a plug-in said so, which was logged
};

}  // namespace mailquay::inline MAILQUAY_ABI
