#include "common/tls.hpp"

#ifdef PROGRAMS_HAVE_TLS
#include <mailquay/tls/context.hpp>
#endif

#include <cstdio>
#include <string>

namespace programs {

#ifdef PROGRAMS_HAVE_TLS
namespace {

class files_of_openssl final : public certificates {
public:
    explicit files_of_openssl(mailquay::tls::context_config config)
        : context_(std::make_shared<mailquay::tls::context>(std::move(config))) {}

    void give_to(mailquay::server& server) override { server.tls(context_); }
    void reload() override {
        auto const problems = context_->reload();
        std::string said;
        for (std::string const& one : problems) said += "not reloaded: " + one + '\n';
        if (problems.empty()) said = "reloaded certificates\n";
        std::fwrite(said.data(), 1, said.size(), stderr);
    }

private:
    std::shared_ptr<mailquay::tls::context> context_;
};

mailquay::tls::client_certificates rule_of(std::string const& name) {
    using rule = mailquay::tls::client_certificates;
    return name == "require" ? rule::required : name == "request" ? rule::requested : rule::off;
}

}  // namespace
#endif

std::unique_ptr<certificates> certificates::of(tls_settings const& chosen) {
    if (chosen.certificates.size() != chosen.keys.size())
        throw usage_error("--tls-cert, --tls-key: each certificate needs its key; give both as often, in the same order");
    if (chosen.certificates.empty()) {
        if (chosen.required || chosen.client_certificates != "off" || !chosen.client_ca.empty())
            throw usage_error("--require-tls, --tls-client-cert, --tls-client-ca: without a certificate there is no TLS; add --tls-cert "
                              "and --tls-key");
        return nullptr;
    }
#ifdef PROGRAMS_HAVE_TLS
    mailquay::tls::context_config config;
    for (std::size_t i = 0; i < chosen.certificates.size(); ++i)
        config.certificates.push_back({.chain_file = chosen.certificates[i], .key_file = chosen.keys[i]});
    config.clients = rule_of(chosen.client_certificates);
    config.client_ca_file = chosen.client_ca;
    return std::make_unique<files_of_openssl>(std::move(config));
#else
    throw usage_error("--tls-cert: this program was built without TLS; install OpenSSL and build the component \"tls\"");
#endif
}

}  // namespace programs
