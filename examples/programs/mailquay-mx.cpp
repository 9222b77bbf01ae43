// An inbound mail server: takes mail for its domains and files it in a maildir.
//
//   mailquay-mx --domain example.org --maildir mail --listen 0.0.0.0:25 --listen-lmtp /run/mailquay.sock
#include "common/serve.hpp"
#include "common/users.hpp"

int main(int argc, char** argv) {
    return programs::run_main("mailquay-mx", [&] {
        programs::settings chosen;
        programs::local_recipients whose;
        programs::users who;
        std::string maildir;
        programs::flags all{"mailquay-mx", "Takes mail for the domains named and files it in a maildir."};
        programs::add_recipient_flags(all, whose);
        all.text("--maildir", "DIR", "where messages are filed: one file in DIR/new for each mailbox", maildir);
        programs::add_user_flags(all, who);
        programs::add_common_flags(all, chosen);
        programs::parse_or_exit(all, argc, argv);
        if (whose.domains.empty())
            throw programs::usage_error(
                "--domain is missing: name each domain whose mail is taken, as in --domain example.org");
        if (maildir.empty())
            throw programs::usage_error(
                "--maildir is missing: name the folder where mail is filed, as in --maildir /var/mail/new");

        programs::check_users(who, chosen.tls);
        if (who.any()) {
            chosen.smtp.auth = mailquay::auth_mode::offered;
            chosen.smtp.auth_without_tls = who.in_clear;
        }
        auto table = programs::table_of(whose, chosen.hostname);
        return programs::serve(chosen, [&](mailquay::server& server) {
            if (who.any()) server.authentication(programs::authenticator_of(who));
            server.recipients(std::move(table), mailquay::relay_for{mailquay::authenticated}).sink(mailquay::sinks::maildir{maildir});
        });
    });
}
