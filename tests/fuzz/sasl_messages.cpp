// What the parsers of SASL messages accept, lies within the message and means the same when it is put together again.

#include <mailquay/base/base64.hpp>
#include <mailquay/sasl/messages.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace fuzz_sasl_messages {

using namespace mailquay::sasl;

void require(bool holds) {
    if (!holds) std::abort();
}

std::string escaped(std::string_view name) {
    std::string out;
    for (char const c : name) out += c == ',' ? std::string{"=2C"} : c == '=' ? std::string{"=3D"} : std::string{c};
    return out;
}

void try_all(std::string const& text) {
    using namespace std::string_literals;
    if (auto const m = parse_plain(text)) {
        std::string const again = std::string{m->authorisation} + "\0"s + std::string{m->user} + "\0"s + std::string{m->password};
        require(again == text);
    }
    if (auto const m = parse_cram_md5(text)) require(std::string{m->user} + " " + std::string{m->digest} == text);
    if (auto const m = decode_saslname(text)) require(escaped(*m) == text);
    if (auto const m = parse_gs2_header(text)) {
        std::string again = m->flag == 'p' ? "p=" + std::string{m->binding} : std::string{m->flag};
        again += m->authorisation.empty() ? "," : ",a=" + escaped(m->authorisation);
        require(again + "," == m->text && text.starts_with(m->text));
    }
    if (auto const m = parse_scram_client_first(text)) {
        require(std::string{m->gs2.text} + std::string{m->bare} == text);
        require(m->bare.starts_with("n=" + escaped(m->user) + ",r=" + std::string{m->nonce}));
    }
    if (auto const m = parse_scram_client_final(text)) {
        require(std::string{m->without_proof} + ",p=" + mailquay::base64_encode(m->proof) == text);
        require(m->without_proof.starts_with("c=" + mailquay::base64_encode(m->channel_binding) + ",r=" + std::string{m->nonce}));
    }
    for (auto parse : {parse_oauthbearer, parse_xoauth2}) {
        auto const m = parse(text);
        if (!m) continue;
        require(text.ends_with("\1\1"));
        require(m->token.find_first_of(" \1\n") == std::string_view::npos);
    }
}

}  // namespace fuzz_sasl_messages

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    fuzz_sasl_messages::try_all({reinterpret_cast<char const*>(data), size});
    return 0;
}
