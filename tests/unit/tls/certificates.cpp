// What a context says of certificate and key files, and what it makes of their chains.

#include <mailquay/tls/context.hpp>

#include "support/catch.hpp"
#include "support/certificates.hpp"
#include "support/served_certificates.hpp"
#include "support/tls_client.hpp"

#include <openssl/err.h>

#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <thread>

namespace test_tls_certificates {

using namespace mailquay;
using namespace mailquay_test;

TEST_CASE("a file that cannot be read is named, with the reason and the cure", "[tls][context]") {
    certificate_folder const folder;
    auto const good = make_certificate();
    std::string const chain = folder.write("mx.crt", good.chain);
    std::string const missing = folder.file("missing.key");

    CHECK(says(complaint({.certificates = {{chain, missing}}}), {"key file \"" + missing, "No such file", "check the path"}));
    CHECK(says(complaint({.certificates = {{missing, missing}}}), {"certificate file \"" + missing}));
    std::string const empty = folder.write("empty.key", "");
    CHECK(says(complaint({.certificates = {{chain, empty}}}), {empty, "empty"}));
}

TEST_CASE("a folder in place of a file is named, at start and at reload", "[tls][context]") {
    certificate_folder const folder;
    auto const good = make_certificate();
    std::string const chain = folder.write("mx.crt", good.chain), key = folder.write("mx.key", good.key);
    std::string const place = folder.file("place");
    std::filesystem::create_directory(place);
    CHECK(says(complaint({.certificates = {{place, key}}}), {"certificate file \"" + place, "Is a directory", "check the path"}));

    tls::context context{{.certificates = {{chain, key}}}};
    std::filesystem::remove(chain);
    std::filesystem::create_directory(chain);
    auto const told = context.reload();
    REQUIRE(told.size() == 1);
    CHECK(says(told[0], {chain, "Is a directory"}));
    CHECK(served_to(context, nullptr) == "mx.example.org");
}

TEST_CASE("a file is seen to change although size and time of writing stay, and once it can be opened", "[tls][context]") {
    certificate_folder const folder;
    auto const good = make_certificate();
    std::string const chain = folder.write("mx.crt", good.chain), key = folder.write("mx.key", good.key);
    tls::context context{{.certificates = {{chain, key}}}};
    SECTION("in place") {
        auto const written = std::filesystem::last_write_time(chain);
        std::this_thread::sleep_for(std::chrono::milliseconds{20});  // file systems tell times apart that lie a tick from each other
        folder.write("mx.crt", good.chain);
        std::filesystem::last_write_time(chain, written);
        CHECK(context.files_changed());
    }
    SECTION("for want of descriptors") {
        rlimit before{};
        ::getrlimit(RLIMIT_NOFILE, &before);
        rlimit none = before;
        none.rlim_cur = 0;
        ::setrlimit(RLIMIT_NOFILE, &none);
        auto const told = context.reload();
        bool const changed = context.files_changed();
        ::setrlimit(RLIMIT_NOFILE, &before);
        CHECK(told.size() == 2);
        CHECK_FALSE(changed);
        CHECK(context.files_changed());
        CHECK(context.reload().empty());
        CHECK_FALSE(context.files_changed());
    }
}

TEST_CASE("what is no certificate or key is named", "[tls][context]") {
    certificate_folder const folder;
    auto const good = make_certificate();
    std::string const chain = folder.write("mx.crt", good.chain), key = folder.write("mx.key", good.key);
    std::string const junk = folder.write("junk.pem", "-----BEGIN JUNK-----\nAAAA\n-----END JUNK-----\n");

    CHECK(says(complaint({.certificates = {{junk, key}}}), {junk, "holds no certificate"}));
    CHECK(says(complaint({.certificates = {{chain, junk}}}), {junk, "holds no private key"}));
    CHECK(ERR_peek_error() == 0);
}

TEST_CASE("a chain that is cut off or damaged behind its first certificate is refused", "[tls][context]") {
    certificate_folder const folder;
    auto const issuer = make_certificate({.names = {"Test CA"}, .authority = true}), good = make_certificate({.issuer = &issuer});
    std::string const key = folder.write("mx.key", good.key);
    for (std::size_t const kept : {issuer.chain.size() / 2, std::size_t{40}, issuer.chain.size() - 10}) {
        std::string const cut = folder.write("cut.crt", good.chain + issuer.chain.substr(0, kept));
        CHECK(says(complaint({.certificates = {{cut, key}}}), {cut, "certificate 2", "copy"}));
    }
    std::string damaged = issuer.chain;
    damaged[damaged.size() / 2] = '*';
    std::string const bad = folder.write("bad.crt", good.chain + damaged);
    CHECK(says(complaint({.certificates = {{bad, key}}}), {bad, "certificate 2"}));
    CHECK(says(complaint({.certificates = {{folder.write("mx.crt", good.chain), key}},
                          .clients = tls::client_certificates::required, .client_ca_file = bad}), {"client CA", bad, "certificate 2"}));
    CHECK(ERR_peek_error() == 0);
    std::string const more = folder.write("more.crt", "# ours\n" + good.chain + "# its issuer\n" + issuer.chain + "\nthat was all\n");
    CHECK(complaint({.certificates = {{more, key}}}).empty());
}

TEST_CASE("a key that belongs to another certificate is refused, naming both files", "[tls][context]") {
    certificate_folder const folder;
    auto const one = make_certificate(), other = make_certificate();
    std::string const chain = folder.write("one.crt", one.chain), key = folder.write("other.key", other.key);
    CHECK(says(complaint({.certificates = {{chain, key}}}), {chain, key, "does not belong"}));
}

TEST_CASE("an expired certificate, and one that is not valid yet, are refused with the date", "[tls][context]") {
    auto const expired = make_certificate({.from_seconds = -7200, .to_seconds = -3600});
    CHECK(says(complaint({.certificates = {as_pem(expired)}}), {"has expired on", "renew it"}));
    auto const early = make_certificate({.from_seconds = 3600, .to_seconds = 7200});
    CHECK(says(complaint({.certificates = {as_pem(early)}}), {"is valid from", "check the clock"}));
}

struct with_chain {
    made_certificate root = make_certificate({.names = {"Root"}, .authority = true});
    made_certificate other_root = make_certificate({.names = {"Other root"}, .authority = true});
    made_certificate between = make_certificate({.names = {"Between"}, .issuer = &root, .authority = true});
    made_certificate crossed = make_certificate({.names = {"Between"}, .issuer = &other_root, .authority = true, .key_of = &between});
    made_certificate leaf = make_certificate({.issuer = &between});

    certificate_wish same_as_between(made_certificate const& issuer, long from_seconds, long to_seconds) const {
        return {.names = {"Between"}, .from_seconds = from_seconds, .to_seconds = to_seconds, .issuer = &issuer, .authority = true, .key_of = &between};
    }
    made_certificate expired = make_certificate(same_as_between(root, -7200, -3600));
    made_certificate early = make_certificate(same_as_between(root, 3600, 7200));

    certificate_folder folder{};
    std::string key = folder.write("mx.key", leaf.key);
    std::string file = folder.file("mx.crt");

    /// What is wrong with the leaf and these behind it.
    std::string with(std::string const& chain) const {
        folder.write("mx.crt", leaf.chain + chain);
        return complaint({.certificates = {{file, key}}});
    }
    /// What a client is sent, by issuer and subject.
    std::string sent(std::string const& chain) const {
        tls::context context{{.certificates = {{.chain_pem = leaf.chain + chain, .key_pem = leaf.key}}}};
        auto server = context.accept(session_info{});
        tls_client client;
        REQUIRE(shake_hands(*server, client));
        auto* const all = SSL_get_peer_cert_chain(client.ssl());
        std::string names;
        auto const add = [&](X509_NAME const* of) {
            char name[100] = {};
            X509_NAME_get_text_by_NID(of, NID_commonName, name, sizeof name);
            names += name;
        };
        for (int i = 0; i < sk_X509_num(all); ++i) {
            add(X509_get_issuer_name(sk_X509_value(all, i)));
            names += '>';
            add(X509_get_subject_name(sk_X509_value(all, i)));
            names += ' ';
        }
        return names;
    }
};

TEST_CASE_METHOD(with_chain, "a chain in which nothing issued the certificate, or only what is out of date, is refused", "[tls][context]") {
    CHECK(says(with(root.chain), {file, "none of the certificates behind the first", "put the server's own certificate first"}));
    auto const namesake = make_certificate({.names = {"Between"}, .issuer = &root, .authority = true});  // another key
    CHECK(says(with(namesake.chain), {file, "none of the certificates behind the first"}));
    CHECK(says(with(expired.chain), {file, "certificate 2", "has expired on", "take the chain anew"}));
    CHECK(says(with(early.chain), {"certificate 2", "is valid from", "check the clock"}));
    CHECK(says(with(leaf.chain + root.chain + expired.chain), {"certificate 4", "has expired on"}));
    auto const old_root = make_certificate({.names = {"Root"}, .from_seconds = -7200, .to_seconds = -3600, .authority = true, .key_of = &root});
    CHECK(says(with(between.chain + old_root.chain), {"certificate 3", "has expired on"}));
    CHECK(ERR_peek_error() == 0);
}

TEST_CASE_METHOD(with_chain, "a chain is well if one way leads from the certificate out of the file", "[tls][context]") {
    CHECK(with("").empty());
    CHECK(with(between.chain).empty());
    CHECK(with(between.chain + root.chain).empty());
    CHECK(with(between.chain + crossed.chain).empty());
    CHECK(with(root.chain + between.chain).empty());
    CHECK(with(leaf.chain).empty());
    CHECK(with(leaf.chain + between.chain + between.chain).empty());
    CHECK(with(expired.chain + between.chain).empty());
    CHECK(with(crossed.chain + early.chain).empty());
    // Roots that signed each other: whoever trusts either is content.
    auto const root_by_other = make_certificate({.names = {"Root"}, .issuer = &other_root, .authority = true, .key_of = &root});
    auto const other_by_root = make_certificate({.names = {"Other root"}, .issuer = &root, .authority = true, .key_of = &other_root});
    CHECK(with(between.chain + root_by_other.chain + other_by_root.chain).empty());
    CHECK(ERR_peek_error() == 0);
}

TEST_CASE_METHOD(with_chain, "a chain is sent in order, nothing twice and nothing that is out of date", "[tls][context]") {
    std::string const in_order = "Between>mx.example.org Root>Between Root>Root ";
    CHECK(sent(between.chain + root.chain) == in_order);
    CHECK(sent(root.chain + between.chain) == in_order);
    CHECK(sent(leaf.chain + between.chain + between.chain + root.chain) == in_order);
    CHECK(sent(expired.chain + root.chain + early.chain + between.chain) == in_order);
    CHECK(sent(between.chain + crossed.chain) == "Between>mx.example.org Root>Between Other root>Between ");
    CHECK(sent(between.chain + crossed.chain + root.chain) == in_order + "Other root>Between ");
}

TEST_CASE_METHOD(with_chain, "a reload with a chain that is refused changes nothing", "[tls][context]") {
    tls::context context{{.certificates = {as_pem(make_certificate({.names = {"old.example"}}))}}};
    auto const reload = [&](made_certificate const& behind) {
        return context.reload({.certificates = {{.chain_pem = leaf.chain + behind.chain, .key_pem = leaf.key}}});
    };
    CHECK(reload(expired).size() == 1);
    CHECK(served_to(context, nullptr) == "old.example");
    CHECK(reload(between).empty());
    CHECK(served_to(context, nullptr) == "mx.example.org");
}

TEST_CASE("a key with a password is refused and nobody is asked for it", "[tls][context]") {
    auto const good = make_certificate();
    BIO* const in = BIO_new_mem_buf(good.key.data(), static_cast<int>(good.key.size()));
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
    BIO* const out = BIO_new(BIO_s_mem());
    unsigned char password[] = "s3cret";
    PEM_write_bio_PrivateKey(out, key, EVP_aes_128_cbc(), password, 6, nullptr, nullptr);
    std::string const locked = certificates_detail::text_of(out);
    BIO_free_all(in);
    BIO_free_all(out);
    EVP_PKEY_free(key);

    CHECK(says(complaint({.certificates = {{.chain_pem = good.chain, .key_pem = locked}}}), {"protected by a password"}));
}

TEST_CASE("a key too weak for OpenSSL is refused at start, not at the first handshake", "[tls][context]") {
    auto const weak = make_certificate({.rsa = true, .rsa_bits = 512});
    CHECK(says(complaint({.certificates = {as_pem(weak)}}), {"cannot be used", "small"}));
}

}  // namespace test_tls_certificates
