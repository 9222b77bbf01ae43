#pragma once

#include <mailquay/base/ascii.hpp>
#include <mailquay/session/extension_registry.hpp>
#include <mailquay/session/extensions/binarymime.hpp>
#include <mailquay/session/extensions/chunking.hpp>
#include <mailquay/session/extensions/deliver_by.hpp>
#include <mailquay/session/extensions/dsn.hpp>
#include <mailquay/session/extensions/eight_bit_mime.hpp>
#include <mailquay/session/extensions/enhanced_status_codes.hpp>
#include <mailquay/session/extensions/future_release.hpp>
#include <mailquay/session/extensions/help.hpp>
#include <mailquay/session/extensions/limits.hpp>
#include <mailquay/session/extensions/mt_priority.hpp>
#include <mailquay/session/extensions/pipelining.hpp>
#include <mailquay/session/extensions/prdr.hpp>
#include <mailquay/session/extensions/requiretls.hpp>
#include <mailquay/session/extensions/rrvs.hpp>
#include <mailquay/session/extensions/size.hpp>
#include <mailquay/session/extensions/smtputf8.hpp>

#include <algorithm>
#include <stdexcept>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL extension_registry extension_registry::standard() {
    extension_registry made;
    made.add(std::make_shared<extensions::pipelining>());
    made.add(std::make_shared<extensions::size>());
    made.add(std::make_shared<extensions::eight_bit_mime>());
    if (extensions::smtputf8::built()) made.add(std::make_shared<extensions::smtputf8>());
    made.add(std::make_shared<extensions::enhanced_status_codes>());
    made.add(std::make_shared<extensions::chunking>());
    made.add(std::make_shared<extensions::binarymime>());
    made.add(std::make_shared<extensions::limits>());
    made.add(std::make_shared<extensions::help>());
    return made;
}

MAILQUAY_DECL extension_registry extension_registry::opt_in() {
    extension_registry made;
    made.add(std::make_shared<extensions::dsn>());
    made.add(std::make_shared<extensions::requiretls>());
    made.add(std::make_shared<extensions::deliver_by>());
    made.add(std::make_shared<extensions::future_release>());
    made.add(std::make_shared<extensions::mt_priority>());
    made.add(std::make_shared<extensions::rrvs>());
    made.add(std::make_shared<extensions::prdr>());
    return made;
}

MAILQUAY_DECL extension_registry& extension_registry::add(std::shared_ptr<extension const> added) {
    auto const taken = [&](extension const* reader, std::string_view what, std::string_view name) {
        if (reader == nullptr || iequals(reader->keyword(), added->keyword())) return;
        throw std::invalid_argument("extension " + std::string(added->keyword()) + ": the " + std::string(what) + " " +
                                    std::string(name) + " belongs to " + std::string(reader->keyword()) +
                                    " already; remove that one first");
    };
    for (std::string_view name : added->mail_keywords()) taken(for_mail(name), "MAIL parameter", name);
    for (std::string_view name : added->recipient_keywords()) taken(for_recipient(name), "RCPT parameter", name);
    for (std::string_view name : added->verbs()) taken(for_verb(name), "verb", name);

    auto const same = std::find_if(all_.begin(), all_.end(),
                                   [&](auto const& one) { return iequals(one->keyword(), added->keyword()); });
    if (same != all_.end())
        *same = std::move(added);
    else
        all_.push_back(std::move(added));
    index();
    return *this;
}

MAILQUAY_DECL extension_registry& extension_registry::remove(std::string_view keyword) {
    // Octets of any kind need BDAT to carry them and BODY to announce them.
    bool const carries_binary = iequals(keyword, "CHUNKING") || iequals(keyword, "8BITMIME");
    std::erase_if(all_, [&](auto const& one) {
        return iequals(one->keyword(), keyword) || (carries_binary && iequals(one->keyword(), "BINARYMIME"));
    });
    index();
    return *this;
}

MAILQUAY_DECL void extension_registry::index() {
    names_.clear();
    mail_.clear();
    recipient_.clear();
    verbs_.clear();
    for (auto const& one : all_) {
        names_.push_back({one->keyword(), one.get()});
        for (std::string_view name : one->mail_keywords()) mail_.push_back({name, one.get()});
        for (std::string_view name : one->recipient_keywords()) recipient_.push_back({name, one.get()});
        for (std::string_view name : one->verbs()) verbs_.push_back({name, one.get()});
    }
}

MAILQUAY_DECL extension const* extension_registry::look_up(std::vector<entry> const& in, std::string_view keyword) noexcept {
    for (entry const& one : in) {
        bool const alike = one.keyword.size() == keyword.size() && !keyword.empty() && to_lower(one.keyword[0]) == to_lower(keyword[0]);
        if (alike && (one.keyword == keyword || iequals(one.keyword, keyword))) return one.reader;
    }
    return nullptr;
}

MAILQUAY_DECL extension const* extension_registry::find(std::string_view keyword) const noexcept {
    return look_up(names_, keyword);
}

MAILQUAY_DECL extension const* extension_registry::for_mail(std::string_view keyword) const noexcept {
    return look_up(mail_, keyword);
}

MAILQUAY_DECL extension const* extension_registry::for_recipient(std::string_view keyword) const noexcept {
    return look_up(recipient_, keyword);
}

MAILQUAY_DECL extension const* extension_registry::for_verb(std::string_view verb) const noexcept {
    return look_up(verbs_, verb);
}

MAILQUAY_DECL std::size_t extension_registry::verb_number(std::string_view verb) const noexcept {
    for (std::size_t i = 0; i < verbs_.size(); ++i)
        if (iequals(verbs_[i].keyword, verb)) return i + 1;
    return 0;
}

MAILQUAY_DECL void extension_registry::append_line(std::string& out, extension const& one, session_info const& client,
                                                   session_limits const& limits, std::chrono::system_clock::time_point wall) {
    if (one.keyword().empty() || !one.offered(client)) return;
    out.append("250-").append(one.keyword());
    if (std::string const values = one.announcement_at(client, limits, wall); !values.empty()) out.append(1, ' ').append(values);
    out.append("\r\n");
}

MAILQUAY_DECL void extension_registry::append_ehlo(std::string& out, std::string_view hostname, session_info const& client,
                                                   session_limits const& limits, std::chrono::system_clock::time_point wall) const {
    std::size_t last_line = out.size();
    out.append("250-").append(hostname).append("\r\n");
    for (auto const& one : all_) {
        std::size_t const begin = out.size();
        append_line(out, *one, client, limits, wall);
        if (out.size() != begin) last_line = begin;
    }
    out[last_line + 3] = ' ';
}

}  // namespace mailquay::inline MAILQUAY_ABI
