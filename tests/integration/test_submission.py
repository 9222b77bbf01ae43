"""mailquay-submission: users log in, send from their own addresses, and their headers are mended."""

import base64
import os
import signal
import smtplib
import tempfile
import time

import harness

MESSAGE = b"From: alice@example.org\r\nTo: bob@example.net\r\nBcc: eve@example.net\r\nSubject: x\r\n\r\nhello\r\n"


class Submission(harness.Case):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def start(self, *flags):
        program = harness.Program("mailquay-submission", "--listen", "127.0.0.1:0", "--hostname", "mail.example.org",
                                  "--user", "alice@example.org:secret", "--maildir", self.folder.name, "--auth-without-tls", *flags)
        program.__enter__()
        self.addCleanup(program.__exit__, None, None, None)
        return program

    def filed(self):
        new = os.path.join(self.folder.name, "new")
        found = []
        for name in sorted(os.listdir(new)):
            with open(os.path.join(new, name), "rb") as file:
                found.append(file.read())
        return found

    def test_a_user_sends(self):
        program = self.start()
        with smtplib.SMTP(*program.smtp, timeout=harness.PATIENCE) as client:
            client.ehlo("client.example.org")
            offered = client.esmtp_features["auth"].split()
            self.assertEqual(offered[0], "SCRAM-SHA-512")
            self.assertIn("PLAIN", offered)
            self.assertEqual(client.login("alice@example.org", "secret")[0], 235)
            client.sendmail("alice@example.org", ["bob@example.net"], MESSAGE)
        (text,) = self.filed()
        self.assertIn(b" with ESMTPA id ", text)
        self.assertIn(b"\r\nMessage-ID: <", text)
        self.assertIn(b"\r\nDate: ", text)
        self.assertNotIn(b"Bcc", text)
        self.assertTrue(text.endswith(b"\r\n\r\nhello\r\n"))
        program.expect_in_log("mechanism=PLAIN user=alice@example.org result=succeeded")
        self.assertNotIn("secret", program.log())

    def attempt(self, program, network, password):
        """AUTH PLAIN from a client there, as a proxy says. The code, and how long it took."""
        with harness.Talk(program.smtp, greeting=None) as talk:
            talk.send(f"PROXY TCP4 {network} 127.0.0.1 40000 25\r\n")
            talk.expect("220")
            talk.hello()
            began = time.monotonic()
            talk.send("AUTH PLAIN " + base64.b64encode(b"\0alice@example.org\0" + password.encode()).decode() + "\r\n")
            return talk.reply()[:3], time.monotonic() - began

    def test_where_a_user_comes_from_is_known_after_a_restart(self):
        store = os.path.join(self.folder.name, "auth.db")
        flags = ("--trust-proxy", "127.0.0.1", "--auth-store", store)
        first = self.start(*flags)
        self.assertEqual(self.attempt(first, "192.0.2.7", "secret")[0], "235")
        first.signal(signal.SIGTERM)
        self.assertEqual(first.wait(), 0)
        self.assertEqual(os.stat(store).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(store + ".key").st_mode & 0o777, 0o600)

        second = self.start(*flags)
        for number in range(50):
            self.assertEqual(self.attempt(second, f"198.51.{number // 10}.1", f"guess {number}")[0], "535")
        code, seconds = self.attempt(second, "192.0.2.99", "secret")
        self.assertEqual(code, "235")
        self.assertLess(seconds, 0.9)
        code, seconds = self.attempt(second, "203.0.113.1", "secret")  # unknown: slowed down, not kept out
        self.assertEqual(code, "235")
        self.assertGreaterEqual(seconds, 0.99)

    def test_a_store_that_cannot_be_used_is_named_at_start(self):
        for file, flags in ((os.path.join(self.folder.name, "missing", "auth.db"), ()), (self.folder.name, ())):
            program = harness.Program("mailquay-submission", "--user", "alice@example.org:secret", "--maildir", self.folder.name,
                                      "--auth-without-tls", "--auth-store", file, *flags, ready=False)
            with program:
                self.assertEqual(program.wait(), 2)
                program.expect_in_log(file)

    def test_a_key_that_is_none_is_refused_and_one_that_others_may_read_told_of(self):
        store = os.path.join(self.folder.name, "keyed.db")
        for key in (b"k" * 31, b"k" * 33, b"0123456789abcdef" * 4 + b"\n", b""):
            with open(store + ".key", "wb") as file:
                file.write(key)
            program = harness.Program("mailquay-submission", "--user", "alice@example.org:secret", "--maildir", self.folder.name,
                                      "--auth-without-tls", "--auth-store", store, ready=False)
            with program:
                self.assertEqual(program.wait(), 2)
                program.expect_in_log(store + ".key")
                program.expect_in_log("32 octets")
        with open(store + ".key", "wb") as file:
            file.write(b"k" * 32)
        os.chmod(store + ".key", 0o640)
        self.start("--auth-store", store).expect_in_log("chmod 600 " + store + ".key")
        os.chmod(store + ".key", 0o600)
        self.assertNotIn("chmod", self.start("--auth-store", store).log())

    def test_who_does_not_log_in_may_nothing(self):
        program = self.start()
        with smtplib.SMTP(*program.smtp, timeout=harness.PATIENCE) as client:
            client.ehlo("client.example.org")
            self.assertEqual(client.mail("alice@example.org")[0], 530)

    def test_a_wrong_password(self):
        program = self.start()
        with smtplib.SMTP(*program.smtp, timeout=harness.PATIENCE) as client:
            with self.assertRaises(smtplib.SMTPAuthenticationError) as refused:
                client.login("alice@example.org", "wrong")
            self.assertEqual(refused.exception.smtp_code, 535)
            self.assertEqual(client.login("alice@example.org", "secret")[0], 235)
        self.assertNotIn("wrong", program.log())

    def test_not_from_another_address(self):
        program = self.start()
        with smtplib.SMTP(*program.smtp, timeout=harness.PATIENCE) as client:
            client.login("alice@example.org", "secret")
            self.assertEqual(client.mail("bob@example.org")[0], 553)
            self.assertEqual(client.mail("")[0], 550)

    def test_any_sender(self):
        program = self.start("--any-sender", "--null-sender")
        with smtplib.SMTP(*program.smtp, timeout=harness.PATIENCE) as client:
            client.login("alice@example.org", "secret")
            self.assertEqual(client.mail("bob@example.org")[0], 250)
            client.rset()
            self.assertEqual(client.mail("")[0], 250)

    def test_long_lines_are_refused(self):
        program = self.start()
        with smtplib.SMTP(*program.smtp, timeout=harness.PATIENCE) as client:
            client.login("alice@example.org", "secret")
            with self.assertRaises(smtplib.SMTPDataError) as refused:
                client.sendmail("alice@example.org", ["bob@example.net"], b"Subject: x\r\n\r\n" + b"a" * 1000 + b"\r\n")
            self.assertEqual(refused.exception.smtp_code, 554)

    def test_flags(self):
        for flags, say in (((), "--user"), (("--user", "alice:secret", "--auth-without-tls"), "--maildir"),
                           (("--user", "alice:secret", "--maildir", self.folder.name), "--auth-without-tls"),
                           (("--user", "alicesecret", "--maildir", self.folder.name, "--auth-without-tls"), "--user")):
            code, _, log = harness.run_program("mailquay-submission", *flags)
            self.assertEqual(code, 2, log)
            self.assertIn(say, log)
            self.assertNotIn("alicesecret", log)


if __name__ == "__main__":
    harness.main()
