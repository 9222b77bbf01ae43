#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

/// Certificates made when a test needs them; none is kept in the tree.
namespace mailquay_test {

struct made_certificate {
    std::string chain;  ///< PEM
    std::string key;    ///< PEM
};

/// What a certificate is to be like.
struct certificate_wish {
    std::vector<std::string> names{"mx.example.org"};  ///< subjectAltName; the first is the common name, too
    bool rsa = false;
    bool alternative_names = true;
    long from_seconds = -3600;  ///< valid from now on, from so far away
    long to_seconds = 86'400;
    made_certificate const* issuer = nullptr;  ///< null: signed by itself
    bool authority = false;
    unsigned rsa_bits = 2048;
    char const* hash = "SHA256";  ///< of the signature
    char const* purpose = nullptr;  ///< extendedKeyUsage, such as "serverAuth"; null: for anything
    made_certificate const* key_of = nullptr;  ///< has the same key; null: one of its own
};

namespace certificates_detail {

template <class T, void (*Free)(T*)>
struct freed {
    void operator()(T* one) const { Free(one); }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed<EVP_PKEY, EVP_PKEY_free>>;
using x509_ptr = std::unique_ptr<X509, freed<X509, X509_free>>;
inline void free_bio(BIO* one) { BIO_free_all(one); }
using bio_ptr = std::unique_ptr<BIO, freed<BIO, free_bio>>;

inline void need(bool well, char const* what) {
    if (!well) throw std::runtime_error(std::string("cannot make a certificate: ") + what);
}

inline std::string text_of(BIO* from) {
    char* octets = nullptr;
    long const size = BIO_get_mem_data(from, &octets);
    return {octets, static_cast<std::size_t>(size)};
}

inline void extend(X509* made, X509* issuer, int which, std::string const& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, made, nullptr, nullptr, 0);
    X509_EXTENSION* const one = X509V3_EXT_conf_nid(nullptr, &context, which, value.c_str());
    need(one != nullptr, value.c_str());
    X509_add_ext(made, one, -1);
    X509_EXTENSION_free(one);
}

inline EVP_PKEY* read_key(made_certificate const& of) {
    bio_ptr const text{BIO_new_mem_buf(of.key.data(), static_cast<int>(of.key.size()))};
    return PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr);
}

}  // namespace certificates_detail

inline made_certificate make_certificate(certificate_wish const& wish = {}) {
    using namespace certificates_detail;
    static long serial = 1000;
    key_ptr const key{wish.key_of != nullptr ? read_key(*wish.key_of) : wish.rsa ? EVP_RSA_gen(wish.rsa_bits) : EVP_EC_gen("P-256")};
    x509_ptr const made{X509_new()};
    need(key && made, "key");
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), wish.from_seconds);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), wish.to_seconds);
    X509_set_pubkey(made.get(), key.get());
    X509_NAME* const subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<unsigned char const*>(wish.names.at(0).c_str()), -1, -1, 0);

    x509_ptr issuer;
    key_ptr issuer_key;
    if (wish.issuer != nullptr) {
        bio_ptr const chain{BIO_new_mem_buf(wish.issuer->chain.data(), static_cast<int>(wish.issuer->chain.size()))};
        issuer.reset(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
        issuer_key.reset(read_key(*wish.issuer));
        need(issuer && issuer_key, "issuer");
    }
    X509* const by = issuer ? issuer.get() : made.get();
    X509_set_issuer_name(made.get(), X509_get_subject_name(by));
    if (wish.authority) extend(made.get(), by, NID_basic_constraints, "critical,CA:TRUE");
    if (wish.purpose != nullptr) extend(made.get(), by, NID_ext_key_usage, wish.purpose);
    if (wish.alternative_names) {
        std::string all;
        for (std::string const& name : wish.names) all += (all.empty() ? "DNS:" : ",DNS:") + name;
        extend(made.get(), by, NID_subject_alt_name, all);
    }
    need(X509_sign(made.get(), issuer_key ? issuer_key.get() : key.get(), EVP_get_digestbyname(wish.hash)) > 0, "signature");

    bio_ptr const chain_text{BIO_new(BIO_s_mem())}, key_text{BIO_new(BIO_s_mem())};
    PEM_write_bio_X509(chain_text.get(), made.get());
    PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return {text_of(chain_text.get()), text_of(key_text.get())};
}

/// A folder that is gone at the end of the test.
class certificate_folder {
public:
    certificate_folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "mailquay-tls-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }
    ~certificate_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    certificate_folder(certificate_folder const&) = delete;

    std::string write(std::string const& name, std::string const& text) const {
        std::ofstream{path_ / name, std::ios::binary} << text;
        return file(name);
    }
    std::string file(std::string const& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

}  // namespace mailquay_test
