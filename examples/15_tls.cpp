// TLS: STARTTLS on one port, TLS from the start on another, and certificates that are renewed while the server runs.
//
//   openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=mx.example.org -keyout mx.key -out mx.crt
//   ./15_tls mx.crt mx.key &
//   swaks --server 127.0.0.1:2525 -tls --to alice@example.org
//   swaks --server 127.0.0.1:2465 --tls-on-connect --to alice@example.org
//
// Needs the component tls (OpenSSL).
#include <mailquay/mailquay.hpp>
#include <mailquay/tls/context.hpp>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <iostream>

using namespace mailquay;

namespace {

// Whether a client uses TLS is for policies to see, like all else that is known of it.
verdict secrets_want_tls(transaction const& mail, recipient const& to) {
    bool const secret = to.local_part() == "secrets";
    if (secret && !mail.session().secure()) return reject(550, "5.7.10", "Mail for secrets comes under TLS");
    return pass();
}

struct house_rules {
    verdict on_recipient(transaction const& mail, recipient const& to) { return secrets_want_tls(mail, to); }
};

// Looks every minute whether the certificate was renewed. A bad one is refused, and the old one serves on.
void watch_files(asio::steady_timer& timer, tls::context& certificates) {
    timer.expires_after(std::chrono::minutes{1});
    timer.async_wait([&](std::error_code cancelled) {
        if (cancelled) return;
        if (certificates.files_changed())
            for (std::string const& problem : certificates.reload()) std::cerr << problem << '\n';
        watch_files(timer, certificates);
    });
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: 15_tls CERTIFICATE KEY\n";
        return 2;
    }
    auto const certificates = std::make_shared<tls::context>(tls::context_config{.certificates = {{argv[1], argv[2]}}});

    asio::io_context io;
    server server{io, {.hostname = "mx.example.org"}};
    server.tls(certificates)
        .policies(house_rules{})
        .recipients(recipient_table{"alice@example.org", "secrets@example.org"})
        .sink(sinks::collect{[](received_message const& message) { std::cout << message.octets << "--\n" << std::flush; }});

    server.listen("127.0.0.1:2525");  // offers STARTTLS, because there is a certificate
    auto from_the_start = profile::mx();
    from_the_start.tls = tls_mode::implicit;
    server.listen("127.0.0.1:2465", from_the_start);

    asio::steady_timer timer{io};
    watch_files(timer, *certificates);
    io.run();
}
