#pragma once

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// As much of JSON and XML as the test material needs: flat objects in an array, and the text of elements.
namespace mailquay_test {

inline void append_code_point(std::string& out, std::uint32_t code_point) {
    auto put = [&](std::uint32_t octet) { out += static_cast<char>(static_cast<unsigned char>(octet)); };
    if (code_point < 0x80) return put(code_point);
    if (code_point < 0x800) {
        put(0xc0 | code_point >> 6);
    } else if (code_point < 0x10000) {
        put(0xe0 | code_point >> 12);
        put(0x80 | (code_point >> 6 & 0x3f));
    } else {
        put(0xf0 | code_point >> 18);
        put(0x80 | (code_point >> 12 & 0x3f));
        put(0x80 | (code_point >> 6 & 0x3f));
    }
    put(0x80 | (code_point & 0x3f));
}

/// A JSON object of scalars: strings decoded, all else as written.
struct json_object {
    std::map<std::string, std::string> members{};

    std::string string(std::string const& name) const {
        auto const found = members.find(name);
        return found == members.end() ? std::string{} : found->second;
    }
    bool has(std::string const& name) const { return members.count(name) != 0; }
};

class json_reader {
public:
    explicit json_reader(std::string_view text) : text_(text) {}

    bool next_is(char wanted) {
        space();
        if (at_ >= text_.size() || text_[at_] != wanted) return false;
        ++at_;
        return true;
    }
    std::string string() {
        std::string out;
        next_is('"');
        while (at_ < text_.size() && text_[at_] != '"') {
            char c = text_[at_++];
            if (c != '\\') {
                out += c;
                continue;
            }
            c = text_[at_++];
            if (c == 'u') {
                std::uint32_t unit = hex4();
                if (unit >= 0xd800 && unit < 0xdc00) {
                    at_ += 2;
                    unit = 0x10000 + ((unit - 0xd800) << 10) + (hex4() - 0xdc00);
                }
                append_code_point(out, unit);
            } else {
                out += c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c == 'b' ? '\b' : c == 'f' ? '\f' : c;
            }
        }
        ++at_;
        return out;
    }
    /// A string, or what stands there up to the next "," "]" or "}" at this depth.
    std::string value() {
        space();
        if (at_ < text_.size() && text_[at_] == '"') return string();
        std::string out;
        int depth = 0;
        while (at_ < text_.size()) {
            char const c = text_[at_];
            if (depth == 0 && (c == ',' || c == ']' || c == '}')) break;
            if (c == '"') {
                out += string();
                continue;
            }
            depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
            if (c != '\n' && c != ' ') out += c;
            ++at_;
        }
        return out;
    }
    json_object object() {
        json_object made;
        if (!next_is('{')) return made;
        while (!next_is('}') && at_ < text_.size()) {
            std::string name = string();
            next_is(':');
            made.members[std::move(name)] = value();
            next_is(',');
        }
        return made;
    }
    bool at_end() const { return at_ >= text_.size(); }

private:
    void space() {
        while (at_ < text_.size() &&
               (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
            ++at_;
    }
    std::uint32_t hex4() {
        std::string const digits{text_.substr(at_, 4)};
        at_ += 4;
        return static_cast<std::uint32_t>(std::strtoul(digits.c_str(), nullptr, 16));
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

/// The objects of the array that is the member `name` of the text's outermost object.
inline std::vector<json_object> json_objects(std::string_view text, std::string const& name) {
    std::vector<json_object> found;
    auto const at = text.find('"' + name + '"');
    if (at == std::string_view::npos) return found;
    json_reader in{text.substr(text.find('[', at) + 1)};
    while (!in.at_end() && !in.next_is(']')) {
        found.push_back(in.object());
        in.next_is(',');
    }
    return found;
}

/// The text of element `name` within `xml`, entities decoded; empty if it has none.
inline std::string xml_text(std::string_view xml, std::string const& name) {
    auto const open = xml.find('<' + name + '>');
    if (open == std::string_view::npos) return {};
    xml.remove_prefix(open + name.size() + 2);
    xml = xml.substr(0, xml.find("</" + name + '>'));
    std::string out;
    for (std::size_t i = 0; i < xml.size(); ++i) {
        if (xml[i] != '&') {
            out += xml[i];
            continue;
        }
        auto const end = xml.find(';', i);
        std::string const entity{xml.substr(i + 1, end - i - 1)};
        if (entity.starts_with("#x")) {
            append_code_point(out, static_cast<std::uint32_t>(std::strtoul(entity.c_str() + 2, nullptr, 16)));
        } else if (entity.starts_with("#")) {
            append_code_point(out, static_cast<std::uint32_t>(std::strtoul(entity.c_str() + 1, nullptr, 10)));
        } else {
            out += entity == "lt" ? '<' : entity == "gt" ? '>' : entity == "quot" ? '"' : entity == "apos" ? '\'' : '&';
        }
        i = end;
    }
    return out;
}

/// The elements `name`, each with what is in it, attributes included.
inline std::vector<std::string> xml_elements(std::string_view xml, std::string const& name) {
    std::vector<std::string> found;
    std::string const open = '<' + name + ' ', close = "</" + name + '>';
    for (std::size_t at = xml.find(open); at != std::string_view::npos; at = xml.find(open, at + 1)) {
        found.emplace_back(xml.substr(at, xml.find(close, at) - at));
    }
    return found;
}

inline std::string from_hex(std::string_view digits) {
    std::string octets;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        octets += static_cast<char>(std::strtoul(std::string{digits.substr(i, 2)}.c_str(), nullptr, 16));
    }
    return octets;
}

}  // namespace mailquay_test
