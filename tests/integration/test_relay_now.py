#!/usr/bin/env python3
"""Mail passes through while its client waits: the next hop's replies are the client's, by SMTP and LMTP, from servers that are
well, away, slow, or lost after the last octet; with a spool behind for what cannot be delivered now.
"""

import os
import socket
import subprocess
import tempfile
import unittest

from harness import PATIENCE, Case, Maildir, Program, Talk, client, main, run_program, wait_until
from test_relay import Dovecot, Upstream


def gateway(where, *flags):
    return Program("mailquay-mx", "--hostname", "mx.example.org", "--domain", "example.org", "--relay-now", where, "--listen", "127.0.0.1:0", *flags)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def told(program, to, sender="ada@example.net", more=(), body="text"):
    """What is said to RCPT, to each further one, and to the final dot; None where it did not come so far."""
    with Talk(program.smtp) as talk:
        talk.hello()
        talk.say(f"MAIL FROM:<{sender}>", "250")
        replies = [talk.say(f"RCPT TO:<{one}>", "2", "4", "5") for one in (to, *more)]
        if not any(reply.startswith("250") for reply in replies):
            return (*replies, None)
        talk.say("DATA", "354")
        talk.send(f"From: <{sender}>\r\nSubject: t\r\n\r\n{body}\r\n.\r\n".encode())
        return (*replies, talk.reply())


class Through(Case):
    def test_the_reply_of_the_next_hop_is_ours(self):
        with Upstream() as up, gateway(up.address) as program:
            rcpt, final = told(program, "b@example.org")
            self.assertTrue(rcpt.startswith("250"))
            self.assertEqual(final, "250 2.0.0 taken")
            self.assertEqual(len(up.mail()), 1)
            self.assertIn(b"Received: from", up.mail()[0][2])

    def test_recipients_are_asked_for_before_they_are_accepted(self):
        with Upstream() as up, gateway(up.address) as program:
            never, _ = told(program, "never@example.org")
            self.assertTrue(never.startswith("550"), never)
            self.assertIn("5.1.1", never)
            later, _ = told(program, "later@example.org")
            self.assertTrue(later.startswith("450 4.1.1"), later)
            self.assertEqual(up.mail(), [])
        with Upstream() as up, gateway(up.address, "--accept-any") as program:
            rcpt, final = told(program, "never@example.org")
            self.assertTrue(rcpt.startswith("250"))
            self.assertTrue(final.startswith("550"), final)
            program.expect_in_log("--accept-any")

    def test_nobody_gets_it_if_one_is_refused(self):
        with Upstream() as up, gateway(up.address, "--accept-any") as program:
            _, _, final = told(program, "b@example.org", more=("never@example.org",))
            self.assertTrue(final.startswith("550"), final)
            self.assertEqual(up.mail(), [])

    def test_a_next_hop_that_is_away_or_lost(self):
        with gateway(f"127.0.0.1:{free_port()}") as program:
            rcpt, _ = told(program, "b@example.org")
            self.assertTrue(rcpt.startswith("450 4.1.1"), rcpt)
        with gateway(f"127.0.0.1:{free_port()}", "--accept-any") as program:
            _, final = told(program, "b@example.org")
            self.assertTrue(final.startswith("451 4.4.1"), final)
        with Upstream() as up, gateway(up.address) as program:
            _, final = told(program, "b@example.org", sender="lost@example.net")
            self.assertTrue(final.startswith("451 4.4.2"), final)
            _, final = told(program, "b@example.org", sender="cut@example.net")
            self.assertTrue(final.startswith("451 4."), final)

    def test_a_load_arrives_whole(self):
        with Maildir() as where, Program("mailquay-mx", "--hostname", "in.example.org", "--domain", "example.org", "--maildir", where.path,
                                         "--listen", "127.0.0.1:0", "--log-level", "warning") as inside:
            with gateway("%s:%d" % inside.smtp, "--log-level", "warning") as program:
                subprocess.run([client("smtp-source"), "-m", "300", "-s", "10", "-l", "3000", "-f", "a@example.net", "-t", "b@example.org",
                                "%s:%d" % program.smtp], check=True, timeout=PATIENCE)
                self.assertEqual(len(where.files()), 300)

    def test_a_large_message(self):
        body = "\r\n".join(["0123456789abcdef" * 4] * 30_000)
        with Upstream() as up, gateway(up.address) as program:
            _, final = told(program, "b@example.org", body=body)
            self.assertTrue(final.startswith("250"), final)
            self.assertTrue(up.mail()[0][2].endswith((body + "\r\n").encode()))

    def test_to_postfix(self):
        port = free_port()
        sink = subprocess.Popen([client("smtp-sink"), "-u", "nobody", "-c", f"127.0.0.1:{port}", "100"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        try:
            def ready():
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    return True
                except OSError:
                    return False
            wait_until(ready, "it listens")
            with gateway(f"127.0.0.1:{port}") as program:
                _, _, final = told(program, "b@example.org", more=("c@example.org",))
                self.assertTrue(final.startswith("250"), final)
        finally:
            sink.kill()
            sink.wait()


class Overflow(Case):
    def test_what_is_away_comes_later(self):
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="mq-") as spool, Maildir() as where:
            with gateway(f"127.0.0.1:{port}", "--accept-any", "--spool", spool, "--retry", "1") as program:
                _, final = told(program, "b@example.org")
                self.assertTrue(final.startswith("250"), final)
                program.expect_in_log("overflow id=")
                with Program("mailquay-mx", "--hostname", "in.example.org", "--domain", "example.org", "--maildir", where.path, "--listen",
                             f"127.0.0.1:{port}"):
                    wait_until(lambda: len(where.files()) == 1, "it arrives")

    def test_only_those_that_were_not_taken(self):
        with tempfile.TemporaryDirectory(prefix="mq-") as spool, Upstream() as up:
            with gateway(up.address, "--accept-any", "--spool", spool, "--retry", "600") as program:
                _, _, final = told(program, "b@example.org", more=("later@example.org",))
                self.assertTrue(final.startswith("250"), final)
                self.assertEqual([one[1] for one in up.mail()], [["b@example.org"]])
                status, out, err = run_program("mailquay-queue", "--spool", spool, "list")
                self.assertEqual(status, 0, err)
                ident = out.split()[0]
                shown = run_program("mailquay-queue", "--spool", spool, "show", ident)[1]
                self.assertIn("later@example.org", shown)
                self.assertNotIn("b@example.org", shown.split("\r\n\r\n")[0].replace("later@example.org", "").split("Received:")[0])

    def test_dovecot_away_and_back(self):
        if not os.path.exists("/usr/lib/dovecot/lmtp"):
            raise unittest.SkipTest("Dovecot's LMTP server is not installed")
        with tempfile.TemporaryDirectory(prefix="mq-") as spool, Dovecot() as dovecot:
            with gateway("lmtp:" + dovecot.address, "--accept-any", "--spool", spool, "--retry", "1") as program:
                _, _, final = told(program, "bob@example.org", more=("carol@example.org",))
                self.assertTrue(final.startswith("250"), final)
                for user in ("bob@example.org", "carol@example.org"):
                    self.assertEqual(len(dovecot.messages(user)), 1)
                dovecot.stop()
                _, _, final = told(program, "bob@example.org", more=("carol@example.org",))
                self.assertTrue(final.startswith("250"), final)
                program.expect_in_log("overflow id=")
                dovecot.start()
                for user in ("bob@example.org", "carol@example.org"):
                    wait_until(lambda user=user: len(dovecot.messages(user)) == 2, "the second arrives")

    def test_what_goes_by_lmtp_later_goes_as_it_would_have_now(self):
        with tempfile.TemporaryDirectory(prefix="mq-") as spool, Upstream() as up:  # which offers no TLS
            with gateway("lmtp:" + up.address, "--accept-any", "--relay-tls", "required", "--spool", spool, "--retry", "1") as program:
                _, final = told(program, "b@example.org")
                self.assertTrue(final.startswith("250"), final)
                wait_until(lambda: "deferred id=" in program.log() or up.mail(), "an attempt")
                self.assertEqual(up.mail(), [])
        with tempfile.TemporaryDirectory(prefix="mq-") as spool, Upstream(extensions=("8BITMIME", "XFORWARD ADDR", "ENHANCEDSTATUSCODES")) as up:
            with gateway("lmtp:" + up.address, "--relay-xforward", "--trust-xforward", "127.0.0.0/8", "--accept-any", "--spool", spool,
                         "--retry", "1") as program:
                with Talk(program.smtp) as talk:
                    talk.hello()
                    talk.say("XFORWARD ADDR=192.0.2.7", "250")
                    talk.say("MAIL FROM:<ada@example.net>", "250")
                    talk.say("RCPT TO:<later@example.org>", "250")
                    talk.say("DATA", "354")
                    talk.send(b"Subject: t\r\n\r\ntext\r\n.\r\n")
                    self.assertTrue(talk.reply().startswith("250"))
                program.expect_in_log("overflow id=")
                wait_until(lambda: len(up.forwarded) > 1, "told again")
                self.assertEqual(set(up.forwarded), {"XFORWARD ADDR=192.0.2.7"})

    def test_lmtp_without_a_spool_takes_one_recipient(self):
        if not os.path.exists("/usr/lib/dovecot/lmtp"):
            raise unittest.SkipTest("Dovecot's LMTP server is not installed")
        with Dovecot() as dovecot, gateway("lmtp:" + dovecot.address, "--accept-any") as program:
            first, second, final = told(program, "bob@example.org", more=("carol@example.org",))
            self.assertTrue(first.startswith("250"))
            self.assertTrue(second.startswith("452 4.5.3"), second)
            self.assertTrue(final.startswith("250"), final)
            self.assertEqual(len(dovecot.messages("bob@example.org")), 1)
            self.assertEqual(len(dovecot.messages("carol@example.org")), 0)


class Verified(Case):
    def test_relay_to_asks_for_recipients(self):
        with tempfile.TemporaryDirectory(prefix="mq-") as spool, Upstream() as up:
            with Program("mailquay-mx", "--hostname", "mx.example.org", "--domain", "example.org", "--spool", spool, "--relay-to", up.address,
                         "--listen", "127.0.0.1:0") as program:
                never, _ = told(program, "never@example.org")
                self.assertTrue(never.startswith("550"), never)
                rcpt, final = told(program, "b@example.org")
                self.assertTrue(rcpt.startswith("250") and final.startswith("250"), (rcpt, final))
                wait_until(up.mail, "it arrives")
                self.assertEqual(len(up.mail()), 1)

    def test_deliver_lmtp_asks_for_recipients_also_a_server_of_our_own_name(self):
        for way in ("--deliver-lmtp", "--relay-now"):
            with self.subTest(way=way), tempfile.TemporaryDirectory(prefix="mq-") as spool, Upstream() as up:
                with Program("mailquay-mx", "--hostname", "up.example.net", "--domain", "example.org", "--spool", spool, way,
                             up.address if way == "--deliver-lmtp" else "lmtp:" + up.address, "--listen", "127.0.0.1:0") as program:
                    never, _ = told(program, "never@example.org")
                    self.assertTrue(never.startswith("550"), never)
                    rcpt, final = told(program, "b@example.org")
                    self.assertTrue(rcpt.startswith("250") and final.startswith("250"), (rcpt, final))
                    wait_until(up.mail, "it arrives")
                    self.assertEqual(len(up.mail()), 1)


if __name__ == "__main__":
    main()
