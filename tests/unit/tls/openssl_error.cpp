#include <mailquay/tls/openssl_error.hpp>

#include "support/catch.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace test_openssl_error {

using namespace mailquay;

TEST_CASE("an error of OpenSSL has its reason as message, and leaves the queue empty", "[tls]") {
    ERR_raise(ERR_LIB_SSL, SSL_R_NO_SHARED_CIPHER);
    ERR_raise(ERR_LIB_SSL, SSL_R_UNEXPECTED_MESSAGE);

    std::error_code const failure = tls::take_openssl_error();

    CHECK(failure.category() == tls::openssl_category());
    CHECK(failure.message() == "no shared cipher");
    CHECK(ERR_peek_error() == 0);
}

TEST_CASE("without an error in OpenSSL's queue there is one all the same", "[tls]") {
    CHECK(tls::take_openssl_error() == std::errc::protocol_error);
}

TEST_CASE("a reason that OpenSSL has no text for is told by its number", "[tls]") {
    CHECK(tls::openssl_category().message(0x7fffffff).find("OpenSSL error") == 0);
    CHECK(std::string_view{tls::openssl_category().name()} == "openssl");
}

}  // namespace test_openssl_error
