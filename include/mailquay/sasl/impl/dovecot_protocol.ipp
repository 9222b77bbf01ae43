#pragma once

#include <mailquay/sasl/detail/dovecot_protocol.hpp>

#include <mailquay/base/base64.hpp>
#include <mailquay/base/decimal.hpp>

#include <algorithm>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI::sasl::detail {

MAILQUAY_DECL std::string dovecot_protocol::hello(std::uint32_t number) {
    return "VERSION\t1\t2\nCPID\t" + std::to_string(number) + '\n';
}

// Octets that would end a field are written as ^A and a letter.
inline constexpr std::pair<char, char> dovecot_escapes[] = {{'\0', '0'}, {'\x01', '1'}, {'\t', 't'}, {'\r', 'r'}, {'\n', 'n'}};

MAILQUAY_DECL std::string dovecot_protocol::escaped(std::string_view text) {
    std::string out;
    for (char const c : text) {
        auto const found = std::find_if(std::begin(dovecot_escapes), std::end(dovecot_escapes), [&](auto const& one) { return one.first == c; });
        if (found == std::end(dovecot_escapes)) {
            out += c;
        } else {
            out += '\x01';
            out += found->second;
        }
    }
    return out;
}

inline std::vector<std::string> split_dovecot_line(std::string_view line) {
    std::vector<std::string> fields{1};
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\t') {
            fields.emplace_back();
        } else if (line[i] != '\x01' || i + 1 == line.size()) {
            fields.back() += line[i];
        } else {
            ++i;
            auto const found = std::find_if(std::begin(dovecot_escapes), std::end(dovecot_escapes), [&](auto const& one) { return one.second == line[i]; });
            fields.back() += found == std::end(dovecot_escapes) ? line[i] : found->first;
        }
    }
    return fields;
}

MAILQUAY_DECL bool dovecot_protocol::feed(std::string_view octets) {
    constexpr std::size_t most_in_line = 16 * 1024;
    while (!octets.empty()) {
        auto const end = octets.find('\n');
        if (partial_.size() + std::min(end, octets.size()) > most_in_line) return false;
        partial_ += octets.substr(0, end);
        if (end == std::string_view::npos) return true;
        octets.remove_prefix(end + 1);
        std::string const line = std::exchange(partial_, {});
        if (!take_line(line)) return false;
    }
    return true;
}

MAILQUAY_DECL std::optional<dovecot_protocol::reply> dovecot_protocol::take_reply() {
    if (replies_.empty()) return std::nullopt;
    reply first = std::move(replies_.front());
    replies_.pop_front();
    return first;
}

inline bool dovecot_protocol::take_line(std::string_view line) {
    auto const fields = split_dovecot_line(line);
    return greeted_ ? take_answer(fields) : take_greeting(fields);
}

inline bool dovecot_protocol::take_greeting(std::vector<std::string> const& fields) {
    if (++greeting_lines_ > 100) return false;
    std::string const& verb = fields[0];
    if (verb == "VERSION") {
        if (version_seen_ || fields.size() < 3 || fields[1] != "1") return false;
        version_seen_ = true;
    } else if (verb == "MECH") {
        if (fields.size() < 2 || fields[1].empty()) return false;
        auto const has = [&](std::string_view word) { return std::find(fields.begin() + 2, fields.end(), word) != fields.end(); };
        if (!has("private") && !has("anonymous")) mechanisms_.push_back({fields[1], has("plaintext")});
    } else if (verb == "DONE") {
        if (!version_seen_) return false;
        greeted_ = true;
    }
    return true;  // SPID, CUID, COOKIE and what later versions add
}

inline bool dovecot_protocol::take_answer(std::vector<std::string> const& fields) {
    reply read;
    std::string const& verb = fields[0];
    if (verb == "CONT") {
        read.kind = reply_kind::more;
    } else if (verb == "OK") {
        read.kind = reply_kind::ok;
    } else if (verb != "FAIL") {
        return verb == "MECH" || verb == "SPID" || verb == "CUID" || verb == "COOKIE" || verb == "DONE";
    }
    auto const number = fields.size() < 2 ? std::nullopt : parse_decimal<std::uint32_t>(fields[1]);
    if (!number || replies_.size() >= 16) return false;
    read.request = *number;
    auto const decode = [&](std::string_view text) {
        auto decoded = base64_decode(text);
        if (decoded) read.octets = *std::move(decoded);
        return decoded.has_value();
    };
    if (read.kind == reply_kind::more && fields.size() > 2 && !decode(fields[2])) return false;
    for (std::size_t i = 2; i < fields.size() && read.kind != reply_kind::more; ++i) {
        std::string_view const field = fields[i];
        if (field.starts_with("user=")) read.user = field.substr(5);
        if (field.starts_with("resp=") && !decode(field.substr(5))) return false;
        if (field == "temp" || field == "code=temp_fail") read.temporary = true;
        if (field == "code=pass_expired") read.expired = true;
    }
    if (read.kind == reply_kind::ok && read.user.empty()) return false;
    replies_.push_back(std::move(read));
    return true;
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl::detail
