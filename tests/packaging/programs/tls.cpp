// A program on mailquay::tls: what is no handshake is refused with an alert.
#include <mailquay/tls/context.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace {

// The first octets the server says to these of a client; empty if it keeps silent.
std::string said_to(mailquay::tls_provider& provider, std::string_view octets) {
    auto const stream = provider.accept(mailquay::session_info{});
    stream->lend({octets.data(), octets.size()});
    auto const now = stream->handshake();
    if (now && *now != mailquay::tls_stream::state::failed) return {};
    std::vector<char> room(4096);
    return {room.data(), stream->take_output(room)};
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
        // An alert: content type 21, version 3.x.
        std::string const said = said_to(context, "EHLO client.example.org\r\n");
        if (said.size() != 7 || said[0] != '\x15' || said[1] != '\x03') status = 2;
    }
    std::filesystem::remove_all(folder);
    std::puts(status == 0 ? "tls: all is well" : "tls: failed");
    return status == 0 ? 0 : 1;
}
