#pragma once

#include <mailquay/session/prepared_replies.hpp>

#include <mailquay/protocol/reply.hpp>
#include <mailquay/session/session_config.hpp>
#include <mailquay/session/session_info.hpp>

#include <memory>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

namespace detail {
inline std::string greeting_of(session_config const& config) {
    std::string line;
    append_reply(line, 220, {}, config.hostname + ' ' + config.banner);
    return line;
}
}  // namespace detail

MAILQUAY_DECL void prepare_replies(session_config& config) {
    config.prepared = nullptr;
    auto made = std::make_shared<prepared_replies>();
    made->greeting = detail::greeting_of(config);
    prepared_replies::piece run;
    run.lines.append("250-").append(config.hostname).append("\r\n");
    for (auto const& one : config.extensions.all()) {
        if (one->same_for_all()) {
            std::size_t const begin = run.lines.size();
            extension_registry::append_line(run.lines, *one, {}, config.limits, {});
            if (run.lines.size() != begin) run.last = begin;
            continue;
        }
        if (!run.lines.empty()) made->ehlo.push_back(std::exchange(run, {}));
        made->ehlo.push_back({{}, 0, one});
    }
    if (!run.lines.empty()) made->ehlo.push_back(std::move(run));
    config.prepared = std::move(made);
}

MAILQUAY_DECL void append_greeting(reply_buffer& out, session_config const& config) {
    if (config.prepared) return out.append(config.prepared->greeting);
    out.append(detail::greeting_of(config));
}

MAILQUAY_DECL void append_ehlo(reply_buffer& out, session_config const& config, session_info const& client,
                               std::chrono::system_clock::time_point wall) {
    if (!config.prepared) {
        std::string made;
        config.extensions.append_ehlo(made, config.hostname, client, config.limits, wall);
        return out.append(made);
    }
    std::size_t last_line = 0;
    for (prepared_replies::piece const& one : config.prepared->ehlo) {
        std::size_t const begin = out.size();
        if (one.asks != nullptr) {
            std::string line;
            extension_registry::append_line(line, *one.asks, client, config.limits, wall);
            out.append(line);
        } else {
            out.append(one.lines);
        }
        if (out.size() != begin) last_line = begin + one.last;
    }
    out.end_lines(last_line);
}

}  // namespace mailquay::inline MAILQUAY_ABI
