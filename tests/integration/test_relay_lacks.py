#!/usr/bin/env python3
"""Mail that needs what the next hop lacks: SMTPUTF8, 8BITMIME, BINARYMIME. It goes on where nothing of it changes; else it
comes back, and says why.
"""

from harness import Case, Talk, main, wait_until
from postfix import PostfixServer
from test_client import DovecotLmtp
from test_relay import Relay, Upstream, parsed
from test_relay_peers import DATED, as_filed, give

ASCII = DATED + b"From: ada@example.org\r\nSubject: plain\r\n\r\ntext\r\n"
UTF8_HEADER = DATED + "From: ada@example.org\r\nSubject: Grüße\r\n\r\ntext\r\n".encode()
EIGHT_BIT_BODY = DATED + "From: ada@example.org\r\nSubject: plain\r\n\r\nschöne Grüße\r\n".encode()


def told(notices):
    """{recipient: (status, what is said of it)}"""
    found = {}
    for notice in notices:
        for group in parsed(notice)[1][1:]:
            found[group["final-recipient"]] = (group["status"], group.get("diagnostic-code", ""))
    return found


class ToPostfix(Case):
    def test_without_smtputf8_and_8bitmime(self):
        with PostfixServer("b", "ada", smtputf8_enable="no", smtpd_discard_ehlo_keywords="8BITMIME") as postfix, \
                Relay("--relay-to", postfix.address, "--retry", "1") as relay:
            for content, to, parameters in (
                    (ASCII, "b@example.org", " SMTPUTF8"),                           # asked for, not needed
                    (ASCII, "b@example.org", " BODY=8BITMIME"),
                    (ASCII, "jürgen@example.org", " SMTPUTF8"),                      # 5.6.7
                    (UTF8_HEADER, "header@example.org", " SMTPUTF8"),                # 5.6.9
                    (EIGHT_BIT_BODY, "body@example.org", " BODY=8BITMIME")):         # 5.6.3
                give(relay, content, to, sender="ada@example.org", parameters=parameters)
            relay.empty()
            wait_until(lambda: len(postfix.messages("ada")) == 3, "the notices")
            wait_until(lambda: len(postfix.messages("b")) == 2, "what can go goes")
            for filed in postfix.messages("b"):
                self.assertTrue(filed.endswith(as_filed(ASCII)))
            statuses = {to: status for to, (status, _) in told(postfix.messages("ada")).items()}
            self.assertEqual(statuses, {r"utf-8; j\x{FC}rgen@example.org": "5.6.7", "rfc822; header@example.org": "5.6.9",
                                        "rfc822; body@example.org": "5.6.3"})
            for notice in postfix.messages("ada"):
                self.assertTrue(notice.isascii(), notice)

    def test_a_domain_alone_needs_no_smtputf8(self):
        with Upstream() as up, Relay("--relay-to", up.address, "--domain", "bücher.example", "--retry", "1") as relay:
            give(relay, ASCII, "b@bücher.example", sender="ada@bücher.example", parameters=" SMTPUTF8")
            relay.empty()
            self.assertEqual([one[:2] for one in up.mail()], [("ada@xn--bcher-kva.example", ["b@xn--bcher-kva.example"])])


class ToDovecot(Case):
    def test_an_address_that_lmtp_cannot_have(self):
        with DovecotLmtp() as dovecot, Relay("--deliver-lmtp", dovecot.socket, "--retry", "1") as relay:
            give(relay, EIGHT_BIT_BODY, "jürgen@example.org", "c@example.org", sender="b@example.org", parameters=" BODY=8BITMIME SMTPUTF8")
            relay.empty()
            (notice,) = dovecot.messages("b")
            self.assertEqual({to: status for to, (status, _) in told([notice]).items()},
                             {r"utf-8; j\x{FC}rgen@example.org": "5.6.7"})
            self.assertTrue(dovecot.messages("c")[0].replace(b"\r\n", b"\n").endswith(as_filed(EIGHT_BIT_BODY)))


class Binary(Case):
    def test_binary_mail_to_a_hop_that_takes_lines(self):
        with Upstream() as up, Relay("--relay-to", up.address, "--next-hop-keeps", "BINARYMIME", "--retry", "1") as relay:
            for to, content in (("b@example.org", EIGHT_BIT_BODY), ("c@example.org", EIGHT_BIT_BODY + b"a\nb\r\0")):
                with Talk(relay.program.smtp) as talk:
                    talk.hello()
                    talk.mail(to, sender="ada@example.org", parameters=" BODY=BINARYMIME")
                    talk.send(b"BDAT %d LAST\r\n" % len(content) + content)
                    talk.expect("250")
            relay.empty()
            sent = [one for one in up.mail() if one[0]]
            self.assertEqual([one[1] for one in sent], [["b@example.org"]])
            self.assertTrue(sent[0][2].endswith(EIGHT_BIT_BODY))
            self.assertIn("BODY=8BITMIME", sent[0][3])
            self.assertEqual({to: status for to, (status, _) in told(one[2] for one in up.notices()).items()}, {"rfc822; c@example.org": "5.6.3"})


if __name__ == "__main__":
    main()
