#include <mailquay/message/field_filter.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/message/header_walker.hpp>

#include <cstring>
#include <stdexcept>
#include <utility>

namespace mailquay::inline MAILQUAY_ABI {

MAILQUAY_DECL void field_filter::add_rule(std::string_view name, value_seen told) {
    if (name.empty() || rules_.size() == 16) throw std::invalid_argument("field_filter: a name is empty, or there are more than 16");
    rules_.push_back({to_lower_copy(name), std::move(told)});
}

MAILQUAY_DECL field_filter& field_filter::remove(std::string_view name) {
    add_rule(name, nullptr);
    return *this;
}

MAILQUAY_DECL field_filter& field_filter::watch(std::string_view name, value_seen told) {
    if (!told) throw std::invalid_argument("field_filter: nobody is told of a watched field; to take it out, use remove()");
    add_rule(name, std::move(told));
    return *this;
}

MAILQUAY_DECL void field_filter::feed(std::string_view octets, std::string& kept) {
    char const* at = octets.data();
    char const* const end = at + octets.size();
    while (at != end) {
        switch (place_) {
            case place::line_start: at = start_line(at, kept); break;
            case place::line_start_cr:
                if (*at == '\n') {
                    end_field();
                    held_ += *at++;
                    place_ = place::finished;
                    release(kept);
                } else {
                    decide(nullptr, kept);  // a line that begins with a bare CR is no field, and ends nothing
                    last_was_cr_ = true;
                }
                break;
            case place::name:
            case place::after_name: at = match_name(at, end, kept); break;
            case place::inside: at = pass_line(at, end, kept); break;
            case place::finished: kept.append(at, end); return;
        }
    }
}

MAILQUAY_DECL void field_filter::message_ended(std::string& kept) {
    if (finished()) return;
    release(kept);
    end_field();
    place_ = place::finished;
}

MAILQUAY_DECL char const* field_filter::start_line(char const* at, std::string& kept) {
    if (*at == '\r') {
        held_ += '\r';
        place_ = place::line_start_cr;
        return at + 1;
    }
    last_was_cr_ = false;
    if (is_wsp(*at) && !first_line_) {  // a continuation shares the fate of its field
        place_ = place::inside;
        return at;
    }
    if (is_wsp(*at)) {
        decide(nullptr, kept);
        return at;
    }
    end_field();
    candidates_ = (1u << rules_.size()) - 1;
    matched_ = 0;
    place_ = place::name;
    return at;
}

MAILQUAY_DECL char const* field_filter::match_name(char const* at, char const* end, std::string& kept) {
    constexpr std::size_t most_held = 998;
    for (; at != end; ++at) {
        char const c = *at;
        if (c == ':' || is_wsp(c)) {
            rule* complete = nullptr;
            for (std::size_t i = 0; i < rules_.size(); ++i)
                if ((candidates_ >> i & 1) != 0 && rules_[i].name.size() == matched_) complete = &rules_[i];
            if (complete == nullptr || c == ':' || held_.size() >= most_held) {
                decide(c == ':' ? complete : nullptr, kept);
                return at;
            }
            place_ = place::after_name;
        } else if (place_ == place::after_name) {
            decide(nullptr, kept);
            return at;
        } else {
            for (std::size_t i = 0; i < rules_.size(); ++i)
                if (rules_[i].name.size() <= matched_ || rules_[i].name[matched_] != to_lower(c)) candidates_ &= ~(1u << i);
            if (candidates_ == 0) {
                decide(nullptr, kept);
                return at;
            }
            ++matched_;
        }
        held_ += c;
    }
    return at;
}

// The line is one of `found`, or, if null, one that stays.
MAILQUAY_DECL void field_filter::decide(rule* found, std::string& kept) {
    end_field();
    dropping_ = found != nullptr && found->told == nullptr;
    if (dropping_)
        held_.clear();
    else
        release(kept);
    watched_ = dropping_ ? nullptr : found;
    place_ = place::inside;
}

MAILQUAY_DECL void field_filter::release(std::string& kept) {
    kept.append(held_);
    held_.clear();
}

MAILQUAY_DECL char const* field_filter::pass_line(char const* at, char const* end, std::string& kept) {
    char const* const begin = at;
    bool line_ends = false;
    while (at != end && !line_ends) {
        auto const* feed = static_cast<char const*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
        char const* const stop = feed != nullptr ? feed : end;
        bool const cr_before = stop != begin ? stop[-1] == '\r' : last_was_cr_;
        line_ends = feed != nullptr && cr_before;
        at = feed != nullptr ? feed + 1 : end;
    }
    std::string_view const passed{begin, static_cast<std::size_t>(at - begin)};
    last_was_cr_ = passed.back() == '\r';
    if (!dropping_) kept.append(passed);
    if (watched_ != nullptr) capture(passed);
    if (first_line_ && !colon_seen_) colon_seen_ = passed.find(':') != std::string_view::npos;
    if (line_ends) {
        place_ = first_line_ && !colon_seen_ ? place::finished : place::line_start;
        first_line_ = false;
    }
    return at;
}

MAILQUAY_DECL void field_filter::capture(std::string_view octets) {
    if (too_long_ || octets.size() > max_value_octets - value_.size())
        too_long_ = true;
    else
        value_.append(octets);
}

MAILQUAY_DECL void field_filter::end_field() {
    rule* const told = std::exchange(watched_, nullptr);
    if (told != nullptr && !too_long_) {
        std::string_view value = std::string_view{value_}.substr(1);  // behind the colon
        if (value.ends_with("\r\n")) value.remove_suffix(2);
        told->told(unfold(value));
    }
    value_.clear();
    too_long_ = false;
}

}  // namespace mailquay::inline MAILQUAY_ABI
