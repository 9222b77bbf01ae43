// An inbound mail server: takes mail for its domains and files it in a maildir, or keeps it in a spool and sends it onward.
//
//   mailquay-mx --domain example.org --maildir mail --listen 0.0.0.0:25 --listen-lmtp /run/mailquay.sock
//   mailquay-mx --domain example.org --spool /var/spool/mailquay --deliver-lmtp /run/dovecot/lmtp --listen 0.0.0.0:25
//   mailquay-mx --domain example.org --relay-now inner.example.org:25 --listen 0.0.0.0:25
#include "common/mail_sink.hpp"
#include "common/serve.hpp"
#include "common/users.hpp"

int main(int argc, char** argv) {
    return programs::run_server_main("mailquay-mx", [&] {
        programs::settings chosen;
        programs::local_recipients whose;
        programs::users who;
        programs::mail_sink_flags where;
        programs::flags all{"mailquay-mx", "Takes mail for the domains named and files it, or keeps it in a spool and sends it onward."};
        bool accept_any = false;
        programs::add_recipient_flags(all, whose);
        all.toggle("--accept-any", "take mail for any mailbox of the domains, without asking the host of --relay-to, --deliver-lmtp or --relay-now", accept_any);
        programs::add_mail_sink_flags(all, where);
        programs::add_user_flags(all, who);
        programs::add_common_flags(all, chosen);
        programs::parse_or_exit(all, argc, argv);
        if (whose.domains.empty())
            throw programs::usage_error(
                "--domain is missing: name each domain whose mail is taken, as in --domain example.org");

        programs::check_users(who, chosen.tls);
        if (who.any()) {
            chosen.smtp.auth = mailquay::auth_mode::offered;
            chosen.smtp.auth_without_tls = who.in_clear;
        }
        auto table = programs::table_of(whose, chosen.hostname);
        programs::mail_sink sink{where, chosen};
        // Who the next hop would refuse is refused here: nothing need be bounced.
        auto const verifier = whose.mailboxes.empty() && !accept_any ? sink.verifier(whose.domains) : nullptr;
        if (accept_any) mailquay::logger::to_stderr(chosen.log_level).warning("--accept-any: mail for unknown mailboxes is taken; what fails later is returned");
        return programs::serve(chosen, [&](mailquay::server& server) {
            if (who.any()) server.authentication(programs::authenticator_of(who, mailquay::logger::to_stderr(chosen.log_level)));
            if (verifier) server.recipients(verifier, std::move(table), mailquay::relay_for{mailquay::authenticated});
            else server.recipients(std::move(table), mailquay::relay_for{mailquay::authenticated});
            server.sink(sink.sink());
        });
    });
}
