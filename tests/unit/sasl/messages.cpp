#include <mailquay/sasl/messages.hpp>

#include "support/catch.hpp"
#include "support/json_lite.hpp"
#include "support/test_data.hpp"

#include <mailquay/base/base64.hpp>

namespace test_sasl_messages {

using namespace mailquay::sasl;
using namespace std::string_literals;

TEST_CASE("PLAIN has exactly two NULs, a name and a password", "[sasl][plain]") {
    std::string const text = "Ursel\0Kurt\0xipj3plmq"s;
    auto const whole = parse_plain(text);
    REQUIRE(whole);
    CHECK(whole->authorisation == "Ursel");
    CHECK(whole->user == "Kurt");
    CHECK(whole->password == "xipj3plmq");
    CHECK(parse_plain("\0tim\0x"s).has_value());
    for (std::string const& bad : {""s, "tim"s, "\0tim"s, "\0tim\0p\0x"s, "\0\0p"s, "\0tim\0"s, "\0\xc3\x28\0p"s}) {
        INFO(mailquay::base64_encode(bad));
        CHECK_FALSE(parse_plain(bad));
    }
}

TEST_CASE("the user of CRAM-MD5 may have spaces, the digest is 32 lower-case digits", "[sasl][cram-md5]") {
    std::string const digest = "b913a602c7eda7a495b4e6e7334d3890";
    CHECK(parse_cram_md5("tim " + digest)->user == "tim");
    CHECK(parse_cram_md5("tim s " + digest)->user == "tim s");
    CHECK(parse_cram_md5("tim " + digest)->digest == digest);
    for (std::string const& bad : {""s, digest, " " + digest, "tim " + digest + "0", "tim B913A602C7EDA7A495B4E6E7334D3890"s, "tim "s})
        CHECK_FALSE(parse_cram_md5(bad));
}

TEST_CASE("a saslname escapes comma and equals sign, and nothing else", "[sasl][scram]") {
    CHECK(decode_saslname("u=2C=3Dx") == "u,=x");
    CHECK(decode_saslname("b\xc3\xbc") == "b\xc3\xbc");
    for (std::string const& bad : {""s, "="s, "a=2"s, "a=2c"s, "a=41"s, "a,b"s, "a\0b"s, "\xff"s}) CHECK_FALSE(decode_saslname(bad));
}

TEST_CASE("a gs2-header has a flag, an authorisation identity and two commas", "[sasl][scram]") {
    auto const bound = parse_gs2_header("p=tls-exporter,a=adm=2Cin,n=user,r=abc");
    REQUIRE(bound);
    CHECK(bound->flag == 'p');
    CHECK(bound->binding == "tls-exporter");
    CHECK(bound->authorisation == "adm,in");
    CHECK(bound->text == "p=tls-exporter,a=adm=2Cin,");
    CHECK(parse_gs2_header("y,,")->flag == 'y');
    for (char const* bad : {"", "n", "n,", "x,,", "p=,,", "p=a b,,", "n,b=c,", "n,a=,", "n,adm,", "N,,"}) CHECK_FALSE(parse_gs2_header(bad));
}

TEST_CASE("the first SCRAM message has name and nonce, in this order", "[sasl][scram]") {
    auto const first = parse_scram_client_first("n,a=adm,n=u=2C=3Dx,r=clientnonce,x=later");
    REQUIRE(first);
    CHECK(first->user == "u,=x");
    CHECK(first->nonce == "clientnonce");
    CHECK(first->bare == "n=u=2C=3Dx,r=clientnonce,x=later");
    CHECK(first->gs2.authorisation == "adm");
    for (std::string const& bad : {"x,,n=user,r=abc"s, "n,,m=1,n=user,r=abc"s, "n,,n=us=er,r=abc"s, "n,,n=user,r="s, "n,,r=abc"s,
                                   "n,,n=user"s, "n,,n=,r=a"s, "n,,n=user,r=a b"s, "n,,n=user,x=1,r=a"s, "n,,n=us\xff,r=a"s, ""s})
        CHECK_FALSE(parse_scram_client_first(bad));
}

TEST_CASE("the last SCRAM message has binding, nonce and proof", "[sasl][scram]") {
    auto const last = parse_scram_client_final("c=biws,r=abc,x=y,p=AAEC");
    REQUIRE(last);
    CHECK(last->channel_binding == "n,,");
    CHECK(last->nonce == "abc");
    CHECK(last->proof == "\0\1\2"s);
    CHECK(last->without_proof == "c=biws,r=abc,x=y");
    for (char const* bad : {"", "c=biws,r=abc", "c=biws,p=AAEC", "r=abc,c=biws,p=AAEC", "c=bi!s,r=abc,p=AAEC", "c=biws,r=abc,p=AA", "c=biws,r=abc,p=",
                            "c=biws,r=,p=AAEC", "c=biws,p=AAEC,r=abc"})
        CHECK_FALSE(parse_scram_client_final(bad));
}

TEST_CASE("a bearer message has its pairs, a token and its end", "[sasl][oauth]") {
    auto const whole = parse_oauthbearer("n,a=user@example.com,\1host=server.example.com\1port=143\1auth=Bearer vF9d\1\1");
    REQUIRE(whole);
    CHECK(whole->user == "user@example.com");
    CHECK(whole->token == "vF9d");
    CHECK(whole->host == "server.example.com");
    CHECK(whole->port == 143);
    CHECK(parse_oauthbearer("n,,\1auth=bearer x\1\1")->user.empty());
    CHECK(parse_oauthbearer("n,,\1auth=\1\1")->token.empty());
    for (std::string const& bad :
         {""s, "n,,"s, "n,,\1auth=Bearer x\1"s, "n,,\1\1"s, "n,,\1auth=Basic x\1\1"s, "n,,\1auth=Bearer \1\1"s, "n,,\1auth=Bearer a b\1\1"s,
          "n,,\1auth=Bearer x\1auth=Bearer y\1\1"s, "n,,\1port=x\1auth=Bearer x\1\1"s, "n,,\1=x\1auth=Bearer x\1\1"s,
          "p=tls-exporter,,\1auth=Bearer x\1\1"s, "n,,\1auth=Bearer x\1\1z"s, "n,,auth=Bearer x\1\1"s})
        CHECK_FALSE(parse_oauthbearer(bad));

    CHECK(parse_xoauth2("user=u@example.com\1auth=Bearer t\1\1")->user == "u@example.com");
    for (std::string const& bad : {""s, "user=\1auth=Bearer t\1\1"s, "auth=Bearer t\1\1"s, "user=u\1\1"s, "user=u"s,
                                   "user=u\1auth=Bearer t\1"s, "user=u\1user=v\1auth=Bearer t\1\1"s, "user=a\0b\1auth=Bearer t\1\1"s})
        CHECK_FALSE(parse_xoauth2(bad));
}

TEST_CASE("the vectors for messages are read as they say", "[sasl][vectors]") {
    auto const text = mailquay_test::read_data("sasl/vectors.json");
    if (!text) {
        WARN("no test data: vectors passed over");
        return;
    }
    int seen = 0;
    for (auto const& one : mailquay_test::json_objects(*text, "vectors")) {
        if (!one.has("base64")) continue;  // whole exchanges: exchanges.cpp, scram_exchange.cpp
        std::string const mechanism = one.string("mechanism"), source = one.string("source");
        INFO(mechanism << ": " << source);
        ++seen;
        if (mechanism == "EXTERNAL" || mechanism == "ANONYMOUS") {
            // No form of their own; "=" stands for what is empty in an initial response only (RFC 4954 §4).
            auto const octets = mailquay::base64_decode(one.string("base64") == "=" ? ""s : one.string("base64"));
            REQUIRE(octets);
            CHECK(*octets == one.string("message"));
            continue;
        }
        auto const decoded = mailquay::base64_decode(one.string("base64"));
        bool const malformed = source.starts_with("negative");
        REQUIRE(decoded.has_value() != source.starts_with("negative: base64"));
        if (!decoded) continue;
        if (one.has("message_hex")) CHECK(*decoded == mailquay_test::from_hex(one.string("message_hex")));
        if (mechanism == "PLAIN") {
            auto const read = parse_plain(*decoded);
            REQUIRE(read.has_value() != malformed);
            if (malformed) continue;
            CHECK(read->user == one.string("authcid"));
            CHECK(read->password == one.string("password"));
            CHECK(read->authorisation == one.string("authzid"));
        } else if (mechanism == "OAUTHBEARER") {
            auto const read = parse_oauthbearer(*decoded);
            REQUIRE(read.has_value() != malformed);
            if (malformed) continue;
            bool const empty = source.starts_with("empty auth");
            CHECK(read->token.empty() == empty);
            if (one.string("ok") != "true") continue;
            CHECK(read->user == one.string("authzid"));
            CHECK(read->host == one.string("host"));
            CHECK(read->token == one.string("token"));
            CHECK(std::to_string(read->port) == one.string("port"));
        } else if (mechanism == "XOAUTH2") {
            auto const read = parse_xoauth2(*decoded);
            REQUIRE(read.has_value() != malformed);
            if (malformed) continue;
            CHECK(read->user == one.string("user"));
            CHECK(read->token == one.string("token"));
        } else {
            FAIL("nobody reads this mechanism");
        }
    }
    CHECK(seen == 23);
}

}  // namespace test_sasl_messages
