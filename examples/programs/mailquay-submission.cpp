// A submission server (RFC 6409): takes mail from users who log in, mends their headers, and sends it onward from a spool, or
// files it.
//
//   mailquay-submission --user alice@example.org:secret --maildir outgoing --tls-cert mx.crt --tls-key mx.key
//       --listen 127.0.0.1:587 --listen-tls 127.0.0.1:465
//   mailquay-submission --user alice@example.org:secret --spool /var/spool/mailquay --relay-to smtp.example.net:25 ...
#include "common/mail_sink.hpp"
#include "common/serve.hpp"
#include "common/users.hpp"

int main(int argc, char** argv) {
    return programs::run_server_main("mailquay-submission", [&] {
        programs::settings chosen;
        programs::users who;
        std::vector<std::string> domains;
        programs::mail_sink_flags where;
        bool optional = false;
        bool any_sender = false;
        bool null_sender = false;
        programs::flags all{"mailquay-submission", "Takes mail from users who log in and sends it onward from a spool, or files it."};
        programs::add_user_flags(all, who);
        all.list("--domain", "NAME", "users without a domain in their name send from this one; repeatable", domains)
            .toggle("--auth-optional", "who does not log in may send, to the domains only", optional)
            .toggle("--any-sender", "users may send from any address, not only their own", any_sender)
            .toggle("--null-sender", "users may send from <>", null_sender);
        programs::add_mail_sink_flags(all, where);
        programs::add_common_flags(all, chosen);
        programs::parse_or_exit(all, argc, argv);
        if (!who.any())
            throw programs::usage_error("--user is missing: name who may log in, as in --user alice@example.org:secret, or give --password-file or --auth-socket");
        programs::check_users(who, chosen.tls);

        chosen.smtp = mailquay::profile::submission();
        if (who.in_clear) chosen.smtp.tls.reset();  // STARTTLS is offered where there is a certificate, and not demanded
        chosen.smtp.auth_without_tls = who.in_clear;
        if (optional) chosen.smtp.auth = mailquay::auth_mode::offered;
        auto table = programs::table_of({domains, {}}, chosen.hostname);
        auto const rule = [any_sender, by_name = mailquay::sender_policy{domains}](std::string_view user, mailquay::address const& from) {
            return any_sender || by_name.owns(user, from);
        };
        mailquay::sender_policy senders{rule};
        if (null_sender) senders.allow_null();
        programs::mail_sink sink{where, chosen};
        return programs::serve(chosen, [&](mailquay::server& server) {
            server.authentication(programs::authenticator_of(who, mailquay::logger::to_stderr(chosen.log_level)))
                .policies(std::move(senders))
                .recipients(std::move(table), mailquay::relay_for{mailquay::authenticated})
                .sink(sink.sink());
        });
    });
}
