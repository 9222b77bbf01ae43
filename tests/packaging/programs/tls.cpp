// A program on mailquay::tls: what is no handshake fails as one.
#include <mailquay/tls/context.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace {

// Whether a handshake that begins with these octets of the client fails.
bool refuses(mailquay::tls_provider& provider, std::string_view octets) {
    auto const stream = provider.accept(mailquay::session_info{});
    stream->lend({octets.data(), octets.size()});
    auto const now = stream->handshake();
    return !now || *now == mailquay::tls_stream::state::failed;
}

}  // namespace

int main() {
    std::string made = (std::filesystem::temp_directory_path() / "mailquay-tls-XXXXXX").string();
    if (mkdtemp(made.data()) == nullptr) return 1;
    std::filesystem::path const folder{made};
    std::string const key = (folder / "key.pem").string(), chain = (folder / "chain.pem").string();
    std::string const make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=mx.example.org "
                             "-keyout '" + key + "' -out '" + chain + "' 2>/dev/null";
    int status = std::system(make.c_str());
    if (status == 0) {
        mailquay::tls::context_config config;
        config.certificates.push_back({chain, key, {}, {}});
        mailquay::tls::context context{config};
        if (!refuses(context, "EHLO client.example.org\r\n") || refuses(context, "\x16\x03\x01")) status = 2;
    }
    std::filesystem::remove_all(folder);
    std::puts(status == 0 ? "tls: all is well" : "tls: failed");
    return status == 0 ? 0 : 1;
}
