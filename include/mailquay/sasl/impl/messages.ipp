#include <mailquay/sasl/messages.hpp>

#include <mailquay/base/ascii.hpp>
#include <mailquay/base/base64.hpp>
#include <mailquay/base/decimal.hpp>
#include <mailquay/base/utf8.hpp>

#include <algorithm>

namespace mailquay::inline MAILQUAY_ABI::sasl {

MAILQUAY_DECL std::optional<plain_message> parse_plain(std::string_view message) {
    auto const first = message.find('\0');
    if (first == std::string_view::npos) return std::nullopt;
    auto const second = message.find('\0', first + 1);
    if (second == std::string_view::npos || message.find('\0', second + 1) != std::string_view::npos) return std::nullopt;
    plain_message read{message.substr(0, first), message.substr(first + 1, second - first - 1), message.substr(second + 1)};
    if (read.user.empty() || read.password.empty() || !valid_utf8(message)) return std::nullopt;
    return read;
}

MAILQUAY_DECL std::optional<cram_md5_message> parse_cram_md5(std::string_view message) {
    auto const space = message.rfind(' ');  // a user name may have spaces
    if (space == std::string_view::npos || space == 0) return std::nullopt;
    cram_md5_message const read{message.substr(0, space), message.substr(space + 1)};
    bool const digits = std::all_of(read.digest.begin(), read.digest.end(),
                                    [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    if (read.digest.size() != 32 || !digits || !valid_utf8(read.user)) return std::nullopt;
    return read;
}

MAILQUAY_DECL std::optional<std::string> decode_saslname(std::string_view text) {
    std::string name;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\0' || text[i] == ',') return std::nullopt;
        if (text[i] != '=') {
            name += text[i];
        } else if (text.substr(i, 3) == "=2C" || text.substr(i, 3) == "=3D") {
            name += text[i + 1] == '2' ? ',' : '=';
            i += 2;
        } else {
            return std::nullopt;
        }
    }
    if (name.empty() || !valid_utf8(name)) return std::nullopt;
    return name;
}

MAILQUAY_DECL std::optional<gs2_header> parse_gs2_header(std::string_view message) {
    gs2_header read;
    auto const first = message.find(',');
    if (first == std::string_view::npos) return std::nullopt;
    auto const second = message.find(',', first + 1);
    if (second == std::string_view::npos) return std::nullopt;

    std::string_view const flag = message.substr(0, first);
    if (flag == "n" || flag == "y") {
        read.flag = flag[0];
    } else if (flag.starts_with("p=") && flag.size() > 2) {
        read.flag = 'p';
        read.binding = flag.substr(2);
        bool const named = std::all_of(read.binding.begin(), read.binding.end(),
                                       [](char c) { return is_alnum(c) || c == '.' || c == '-'; });
        if (!named) return std::nullopt;
    } else {
        return std::nullopt;
    }
    std::string_view const authzid = message.substr(first + 1, second - first - 1);
    if (!authzid.empty()) {
        if (!authzid.starts_with("a=")) return std::nullopt;
        auto name = decode_saslname(authzid.substr(2));
        if (!name) return std::nullopt;
        read.authorisation = *std::move(name);
    }
    read.text = message.substr(0, second + 1);
    return read;
}

namespace detail {

// RFC 5802 §7  c-nonce = printable (all of VCHAR but the comma)
inline bool is_scram_nonce(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f' && c != ','; });
}

}  // namespace detail

MAILQUAY_DECL std::optional<scram_client_first> parse_scram_client_first(std::string_view message) {
    auto header = parse_gs2_header(message);
    if (!header) return std::nullopt;
    scram_client_first read;
    read.gs2 = *std::move(header);
    read.bare = message.substr(read.gs2.text.size());

    std::string_view rest = read.bare;
    if (!rest.starts_with("n=")) return std::nullopt;
    auto const end_of_name = rest.find(',');
    if (end_of_name == std::string_view::npos) return std::nullopt;
    auto user = decode_saslname(rest.substr(2, end_of_name - 2));
    rest.remove_prefix(end_of_name + 1);
    if (!user || !rest.starts_with("r=")) return std::nullopt;
    read.user = *std::move(user);
    read.nonce = rest.substr(2, rest.find(',') - 2);
    if (!detail::is_scram_nonce(read.nonce) || !valid_utf8(message)) return std::nullopt;
    return read;
}

MAILQUAY_DECL std::optional<scram_client_final> parse_scram_client_final(std::string_view message) {
    scram_client_final read;
    auto const proof_at = message.rfind(",p=");
    if (proof_at == std::string_view::npos || !message.starts_with("c=")) return std::nullopt;
    read.without_proof = message.substr(0, proof_at);
    auto const end_of_binding = read.without_proof.find(',');
    if (end_of_binding == std::string_view::npos) return std::nullopt;
    std::string_view const rest = read.without_proof.substr(end_of_binding + 1);
    if (!rest.starts_with("r=")) return std::nullopt;
    read.nonce = rest.substr(2, rest.find(',') == std::string_view::npos ? std::string_view::npos : rest.find(',') - 2);

    auto binding = base64_decode(read.without_proof.substr(2, end_of_binding - 2));
    auto proof = base64_decode(message.substr(proof_at + 3));
    if (!binding || !proof || proof->empty() || !detail::is_scram_nonce(read.nonce)) return std::nullopt;
    read.channel_binding = *std::move(binding);
    read.proof = *std::move(proof);
    return read;
}

namespace detail {

// RFC 7628 §3.1  kvpairs behind the gs2-header, each key "=" value ^A; then one more ^A.
inline bool read_bearer_pairs(std::string_view rest, bearer_message& read) {
    bool authorised = false;
    while (!rest.empty() && rest != "\x01") {
        auto const end = rest.find('\x01');
        if (end == std::string_view::npos) return false;
        std::string_view const pair = rest.substr(0, end);
        rest.remove_prefix(end + 1);
        auto const equals = pair.find('=');
        if (equals == std::string_view::npos || equals == 0) return false;
        std::string_view const key = pair.substr(0, equals), value = pair.substr(equals + 1);
        if (key == "auth") {
            if (authorised) return false;
            authorised = true;
            if (value.empty()) continue;
            if (!istarts_with(value, "Bearer ")) return false;
            read.token = value.substr(7);
            read.token.remove_prefix(std::min(read.token.find_first_not_of(' '), read.token.size()));
            // RFC 6750 §2.1  b64token; anything else never was a token.
            bool const legal = std::all_of(read.token.begin(), read.token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
            if (read.token.empty() || !legal) return false;
        } else if (key == "host") {
            read.host = value;
        } else if (key == "port") {
            auto const port = parse_decimal<std::uint16_t>(value);
            if (!port) return false;
            read.port = *port;
        } else if (key == "user") {
            return false;  // stands first in XOAUTH2, and is no key of OAUTHBEARER
        }
    }
    return authorised && rest == "\x01";
}

}  // namespace detail

MAILQUAY_DECL std::optional<bearer_message> parse_oauthbearer(std::string_view message) {
    auto header = parse_gs2_header(message);
    if (!header || header->flag == 'p' || !valid_utf8(message)) return std::nullopt;
    std::string_view const rest = message.substr(header->text.size());
    bearer_message read;
    read.user = std::move(header->authorisation);
    if (!rest.starts_with('\x01') || !detail::read_bearer_pairs(rest.substr(1), read)) return std::nullopt;
    return read;
}

MAILQUAY_DECL std::optional<bearer_message> parse_xoauth2(std::string_view message) {
    if (!message.starts_with("user=") || !valid_utf8(message)) return std::nullopt;
    auto const end = message.find('\x01');
    if (end == std::string_view::npos || end == 5) return std::nullopt;
    bearer_message read;
    read.user = message.substr(5, end - 5);
    if (read.user.find('\0') != std::string::npos) return std::nullopt;
    if (!detail::read_bearer_pairs(message.substr(end + 1), read)) return std::nullopt;
    return read;
}

}  // namespace mailquay::inline MAILQUAY_ABI::sasl
