#pragma once

#include <mailquay/session/prepared_replies.hpp>

#include <mailquay/protocol/reply.hpp>
#include <mailquay/session/session_config.hpp>
#include <mailquay/session/session_info.hpp>

#include <memory>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL void prepare_replies(session_config& config) {
    config.prepared = nullptr;
    auto made = std::make_shared<prepared_replies>();
    append_greeting(made->greeting, config);
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

MAILQUAY_DECL void append_greeting(std::string& out, session_config const& config) {
    if (config.prepared)
        out.append(config.prepared->greeting);
    else
        append_reply(out, 220, {}, config.hostname + ' ' + config.banner);
}

MAILQUAY_DECL void append_ehlo(std::string& out, session_config const& config, session_info const& client,
                               std::chrono::system_clock::time_point wall) {
    if (!config.prepared) return config.extensions.append_ehlo(out, config.hostname, client, config.limits, wall);
    std::size_t last_line = 0;
    for (prepared_replies::piece const& one : config.prepared->ehlo) {
        std::size_t const begin = out.size();
        if (one.asks != nullptr)
            extension_registry::append_line(out, *one.asks, client, config.limits, wall);
        else
            out.append(one.lines);
        if (out.size() != begin) last_line = begin + one.last;
    }
    out[last_line + 3] = ' ';
}

}  // namespace mailquay::inline MAILQUAY_ABI
