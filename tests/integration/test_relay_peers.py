#!/usr/bin/env python3
"""From the spool of mailquay-mx to real servers: Postfix, Exim with and without CHUNKING and with PRDR, Dovecot's LMTP. Each
message arrives once, unchanged; who they refuse is told of, and nobody else.
"""

import re
import smtplib
import subprocess

from exim import Exim, EximServer
from harness import PATIENCE, Case, Program, Talk, client, free_port, main, message, wait_until
from postfix import Postfix, PostfixServer
from test_client import DovecotLmtp
from test_relay import Relay, parsed

QUOTA = "mail_plugins = quota\nplugin {\n  quota = maildir:User quota\n  quota_grace = 0\n}\n"

# With all that a server would add if it were missing.
DATED = b"Date: Thu, 26 Nov 2026 10:00:00 +0000\r\nMessage-ID: <one@example.net>\r\n"
EIGHT_BIT = DATED + "From: Jürgen <j@example.net>\r\nSubject: Grüße\r\nX-Mark: 8\r\n\r\nschöne Grüße: €\r\n.\r\n..x\r\n".encode()


def give(relay, content, *recipients, sender="ada@example.net", parameters=""):
    with Talk(relay.program.smtp) as talk:
        talk.hello()
        talk.mail(*recipients, sender=sender, parameters=parameters)
        talk.data(content)


def as_filed(content):
    """The message as a store with LF has it, without the fields that are put on top on its way."""
    return content.replace(b"\r\n", b"\n")


class ToPostfix(Case):
    def test_a_load_arrives_once_with_its_recipients(self):
        source = client("smtp-source")
        with PostfixServer("b", "2b", "3b") as postfix, Relay("--relay-to", postfix.address, "--retry", "1", "--log-level", "warning") as relay:
            subprocess.run([source, "-m", "150", "-s", "10", "-r", "3", "-l", "3000", "-f", "a@example.net", "-t", "b@example.org",
                            "%s:%d" % relay.program.smtp], check=True, timeout=PATIENCE)
            relay.empty()
            filed = {}
            for user in postfix.boxes:
                wait_until(lambda user=user: len(postfix.messages(user)) >= 150, f"all mail for {user}")
                found = [re.search(rb"(?mi)^Message-Id: <(.*)>", one).group(1) for one in postfix.messages(user)]
                filed[user] = found
            self.assertEqual([(len(found), len(set(found))) for found in filed.values()], [(150, 150)] * 3)
            self.assertEqual(len({frozenset(found) for found in filed.values()}), 1)

    def test_eight_bit_mail_and_utf8_addresses(self):
        with PostfixServer("b", "jürgen") as postfix, Relay("--relay-to", postfix.address, "--retry", "1") as relay:
            give(relay, EIGHT_BIT, "b@example.org", parameters=" BODY=8BITMIME")
            give(relay, EIGHT_BIT, "jürgen@example.org", sender="grüße@example.net", parameters=" BODY=8BITMIME SMTPUTF8")
            for user in ("b", "jürgen"):
                wait_until(lambda user=user: postfix.messages(user), f"mail for {user}")
                (filed,) = postfix.messages(user)
                self.assertTrue(filed.endswith(as_filed(EIGHT_BIT)), filed)
            self.assertIn(b"Return-Path: <gr\xc3\xbc\xc3\x9fe@example.net>", postfix.messages("jürgen")[0])
            relay.empty()

    def test_who_postfix_does_not_know_is_told_of(self):
        with PostfixServer("b", "ada") as postfix, Relay("--relay-to", postfix.address, "--retry", "1") as relay:
            give(relay, message(), "b@example.org", "gone@example.org", sender="ada@example.org")
            wait_until(lambda: postfix.messages("ada"), "the notice arrives")
            (notice,) = postfix.messages("ada")
            _, groups = parsed(notice)
            self.assertEqual([(group["final-recipient"], group["status"]) for group in groups[1:]], [("rfc822; gone@example.org", "5.1.1")])
            self.assertRegex(groups[1]["diagnostic-code"], "550 5.1.1 .*User unknown")
            wait_until(lambda: postfix.messages("b"), "the other has it")
            relay.empty()

    def test_large_mail_by_chunks(self):
        content = DATED + message(3_000_000)
        with PostfixServer("b") as postfix, Relay("--relay-to", postfix.address, "--retry", "1", "--relay-chunking", "offered") as relay:
            give(relay, content, "b@example.org")
            wait_until(lambda: postfix.messages("b"), "it arrives")
            self.assertTrue(postfix.messages("b")[0].endswith(as_filed(content)))
            relay.empty()
        self.assertRegex(postfix.said, r"disconnect from .* bdat=[1-9]")


class BetweenTwo(Case):
    """A filter between two Postfixes, as its documentation has it (FILTER_README)."""

    def test_the_second_is_told_who_came_to_the_first(self):
        with PostfixServer("b", smtpd_authorized_xforward_hosts="127.0.0.0/8") as second, \
                Relay("--relay-to", second.address, "--relay-xforward", "--trust-xforward", "127.0.0.0/8", "--retry", "1") as relay:
            with Talk(relay.program.smtp) as talk:
                talk.hello()
                talk.say("XFORWARD NAME=spike.example.com ADDR=192.0.2.7 PROTO=ESMTP HELO=spike.example.com", "250")
                talk.mail("b@example.org")
                talk.data(DATED + message())
            relay.empty()
            self.assertIn("orig_client=spike.example.com[192.0.2.7]", second.log())
            with Postfix(relay.program, smtp_send_xforward_command="yes", smtp_tls_security_level="none") as first:
                with smtplib.SMTP("127.0.0.1", first.port, local_hostname="client.example.org", timeout=PATIENCE) as talk:
                    talk.sendmail("a@example.net", ["b@example.org"], DATED + message())
                wait_until(lambda: len(postfix_ids(second.log(), "orig_queue_id=")) == 1, "it arrives")
                self.assertEqual(postfix_ids(second.log(), "orig_queue_id="), postfix_ids(first.log(), "postfix/smtpd.*: (?=.*: client=)"))
            wait_until(lambda: len(second.messages("b")) == 2, "both are filed")


def postfix_ids(log, before):
    return re.findall(before + "([0-9A-Za-z]{6,})", log)


class Killed(Case):
    def test_nothing_is_lost_and_little_sent_twice(self):
        count, kills = 300, 5
        with PostfixServer("b") as postfix, Relay("--relay-to", postfix.address, "--retry", "1", "--log-level", "warning") as relay:
            relay.program.stop()
            relay.flags, onward = ("--log-level", "warning"), relay.flags
            relay.start()
            for number in range(count):
                relay.send("b@example.org", sender=f"s{number}@example.net", subject=str(number))
            relay.program.stop()
            relay.flags = onward
            taken = lambda: postfix.log().count("(queue active)")
            for _ in range(kills):
                before = taken()
                relay.start()
                wait_until(lambda: taken() >= min(count, before + 20), "some are delivered")
                relay.kill()
            relay.start()
            relay.empty()
            found = lambda: [re.search(rb"(?m)^Subject: (.*)", one).group(1) for one in postfix.messages("b")]
            wait_until(lambda: len(set(found())) == count, "Postfix has filed them all")
            # Each kill may have met as many attempts as there are connections.
            self.assertLessEqual(len(found()), count + kills * 20)


class ToExim(Case):
    def test_by_chunks_and_by_data(self):
        port = free_port()
        for offered in (True, False):
            with self.subTest(chunking=offered), EximServer(port, chunking=offered) as exim, \
                    Relay("--relay-to", f"127.0.0.1:{port}", "--relay-chunking", "offered", "--retry", "1") as relay:
                contents = [EIGHT_BIT, DATED + message(600_000)]
                for content in contents:
                    give(relay, content, "a@example.org", "b@example.org", parameters=" BODY=8BITMIME")
                relay.empty()
                lines = re.findall("<= .*", exim.log())
                self.assertEqual([" K " in line for line in lines], [offered, offered], lines)
                self.assertEqual([line.endswith(" for a@example.org b@example.org") for line in lines], [True, True], lines)
                # What came by chunks is kept as it came; else lines end in LF.
                bodies = sorted(body.replace(b"\r\n", b"\n") for body in exim.bodies())
                self.assertEqual(bodies, sorted(as_filed(content).split(b"\n\n", 1)[1] for content in contents))

    def test_who_is_refused_after_the_message_is_told_of_alone(self):
        port = free_port()
        for chunking in ("offered", "off"):
            with self.subTest(chunking=chunking), EximServer(port) as exim, \
                    Relay("--relay-to", f"127.0.0.1:{port}", "--relay-chunking", chunking, "--retry", "1") as relay:
                give(relay, DATED + message(), "b@example.org", "c@example.org", "d@example.org", sender="ada@example.org")
                relay.empty()
                self.assertIn("PRDR R=<b@example.org> acceptance", exim.log())
                self.assertIn("PRDR c@example.org not for c", exim.log())
                self.assertIn("PRDR R=<d@example.org> acceptance", exim.log())
                notices = [one for one in exim.messages() if b"multipart/report" in one]
                self.assertEqual(len(notices), 1)
                _, groups = parsed(notices[0])
                self.assertEqual([(group["final-recipient"], group["action"]) for group in groups[1:]], [("rfc822; c@example.org", "failed")])
                self.assertEqual(groups[1]["diagnostic-code"], "smtp; 550 not for c")
                self.assertEqual(exim.log().count("<= ada@example.org"), 1)


    def test_between_two_of_them_each_recipient_keeps_its_reply(self):
        port = free_port()
        with EximServer(port) as server, Program("mailquay-mx", "--hostname", "mx.example.org", "--domain", "example.org", "--relay-now", f"127.0.0.1:{port}",
                                                 "--accept-any", "--enable", "PRDR", "--listen", "127.0.0.1:0") as gateway:
            with Exim(gateway.smtp[1]) as sender:
                said = sender.send(DATED + message(), "b@example.org", "c@example.org")
            self.assertRegex(said, r"=> b@example\.org .* PRDR .*250 2\.0\.0 PRDR R=<b@example\.org> acceptance")
            self.assertRegex(said, r"\*\* c@example\.org .*550 5\.0\.0 not for c")
            self.assertEqual(server.log().count("<= a@example.net"), 1)
            self.assertEqual(len(server.bodies()), 1)


class ToDovecot(Case):
    def test_each_recipient_has_its_outcome(self):
        full = "userdb_quota_rule=*:bytes=2000"
        with DovecotLmtp({"b": "", "c": "", "full": full}, QUOTA) as dovecot, \
                Relay("--deliver-lmtp", dovecot.socket, "--retry", "1") as relay:
            content = DATED + message(3000)
            give(relay, content, "b@example.org", "c@example.org", "full@example.org", "nobody@example.org", sender="c@example.org")
            relay.empty()
            self.assertEqual(len(dovecot.messages("b")), 1)
            self.assertTrue(dovecot.messages("b")[0].replace(b"\r\n", b"\n").endswith(as_filed(content)))
            self.assertEqual(dovecot.messages("full"), [])
            notices = [one for one in dovecot.messages("c") if b"multipart/report" in one]
            told = {}
            for notice in notices:
                _, groups = parsed(notice)
                told |= {group["final-recipient"]: (group["action"], group["status"]) for group in groups[1:]}
            self.assertEqual(told, {"rfc822; full@example.org": ("failed", "5.2.2"), "rfc822; nobody@example.org": ("failed", "5.1.1")})
            self.assertEqual(len(notices), 1)
            self.assertEqual(len(dovecot.messages("c")), 2)

    def test_eight_bit_mail_is_filed_unchanged(self):
        with DovecotLmtp() as dovecot, Relay("--deliver-lmtp", dovecot.socket, "--retry", "1") as relay:
            give(relay, EIGHT_BIT, "b@example.org", "c@example.org", parameters=" BODY=8BITMIME")
            relay.empty()
            for user in ("b", "c"):
                (filed,) = dovecot.messages(user)
                self.assertTrue(filed.replace(b"\r\n", b"\n").endswith(as_filed(EIGHT_BIT)), filed)


if __name__ == "__main__":
    main()
