"""The numbered examples do what their first lines say. Those that listen do so on port 2525."""

import os
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time
import unittest

import harness


class Example(harness.Program):
    """A rung: it prints no ready line, so it is ready once its port answers."""

    def __init__(self, name, *flags, where=("127.0.0.1", 2525), also=()):
        if not os.path.exists(os.path.join(harness.BIN, name)):
            raise unittest.SkipTest(f"{name} is not built")
        for place in (() if isinstance(where, str) else (where, *also)):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(place)
                except OSError:
                    raise unittest.SkipTest(f"port {place[1]} is in use") from None
        super().__init__(name, *flags, ready=False)

        def answers():
            try:
                harness.Talk(where).close()
                return True
            except OSError:
                return not self.running()
        try:
            harness.wait_until(answers, f"{name} listens")
            assert self.running(), self.log()
        except AssertionError:
            self.kill()
            raise

    def __exit__(self, *_):
        if self.running():
            self.kill()

    def shows(self, *parts):
        for part in parts:
            try:
                harness.wait_until(lambda: part.encode() in self.out, f"{part!r} is printed")
            except AssertionError as failed:
                raise AssertionError(f"{failed}; it printed {bytes(self.out)!r}") from None


def send(*recipients, content=None, hello="client.example.org"):
    with smtplib.SMTP("127.0.0.1", 2525, local_hostname=hello, timeout=harness.PATIENCE) as talk:
        return talk.sendmail("a@example.net", recipients, content or harness.message())


class Ladder(harness.Case):
    def test_01_hello(self):
        with Example("01_hello") as hello:
            send("you@example.org", "me@example.com")
            hello.shows("from a@example.net\n", "to   you@example.org\n", "to   me@example.com\n", "size ")

    def test_02_recipients(self):
        with Example("02_recipients") as example:
            refused = send("Alice+news@example.org", "sales@example.org", "list-news@lists.example.org", "any@shop.example.org",
                           "nobody@example.org", "x@lists.example.org", "far@away.example", "postmaster@shop.example.org")
            self.assertEqual({to: code for to, (code, _) in refused.items()},
                             {"nobody@example.org": 550, "x@lists.example.org": 550, "far@away.example": 550})
            example.shows('Alice+news@example.org -> mailbox "alice@example.org"', 'mailbox "lists"', "bob@example.org")

    def test_03_async_lookup(self):
        with Example("03_async_lookup"):
            began = time.monotonic()
            self.assertEqual(list(send("alice@example.org", "eve@example.org")), ["eve@example.org"])
            self.assertGreater(time.monotonic() - began, 0.4)

    def test_04_streaming_sink(self):
        with Example("04_streaming_sink") as example:
            send("alice@example.org", content=b"Subject: x\r\n\r\nh\xc3\xa9llo\r\n")
            example.shows("6 lines, ", " 2 not ASCII")  # with our Received field
            talk = harness.Talk(("127.0.0.1", 2525))
            talk.hello()
            talk.mail("alice@example.org")
            talk.say("DATA", "354")
            talk.send("half a")
            talk.close()
            example.shows("abandoned")

    def test_05_policy(self):
        with Example("05_policy"):
            self.assertEqual(send("alice@example.org", "bob@example.org"), {"bob@example.org": (452, b"4.2.2 Mailbox full")})
            with harness.Talk(("127.0.0.1", 2525)) as talk:
                talk.say("EHLO mx.example.org", "550 5.7.1 That is my name")
                talk.hello()
                for _ in range(3):
                    talk.say("MAIL FROM:<a@example.net>", "250")
                    talk.say("RSET", "250")
                talk.say("MAIL FROM:<a@example.net>", "451 4.7.1")

    def test_06_session_without_asio(self):
        program = os.path.join(harness.BIN, "06_session_without_asio")
        done = subprocess.run([program], capture_output=True, timeout=harness.PATIENCE, check=False,
                              input=b"EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
                                    b"Subject: x\r\n\r\n..dot\r\n.\r\nVRFY c\r\nQUIT\r\n")
        codes = [line[:3] for line in done.stdout.splitlines() if line[3:4] == b" "]
        self.assertEqual(codes, [b"220", b"250", b"250", b"250", b"354", b"250", b"252", b"221"])
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"from <a@b.example> for <c@d.example>", done.stderr)
        self.assertIn(b"Subject: x\r\n\r\n.dot\r\n-- end", done.stderr)

    def test_07_filter(self):
        with Example("07_filter") as example:
            send("alice@example.org", content=b"X-Checked: trust me\r\nSubject: cheap\r\n pills\r\n\r\nbuy\r\n")
            example.shows("X-Checked: yes, looks bad\r\n", "Subject: [pills] cheap pills\r\n", "\r\n\r\nbuy\r\n")
            self.assertNotIn(b"trust me", example.out)
            with self.assertRaises(smtplib.SMTPDataError):
                send("alice@example.org", content=b"Subject: run me\r\n\r\nMZ\x90\r\n")

    def test_08_maildir_and_workers(self):
        with tempfile.TemporaryDirectory() as folder, Example("08_maildir_and_workers", folder):
            self.assertEqual(list(send("root@example.org", "no-such-user@example.org")), ["no-such-user@example.org"])
            self.assertEqual(len(os.listdir(os.path.join(folder, "root", "new"))), 1)

    def test_09_embedding(self):
        with Example("09_embedding") as example:
            example.shows("inside:  127.0.0.1:")
            send("bob@example.org")
            example.signal(harness.signal.SIGTERM)
            self.assertEqual(example.wait(), 0)
            example.shows("stopped")

    def test_10_lmtp(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "lmtp.sock")
            with Example("10_lmtp", path, where=path), harness.Talk(path) as talk:
                talk.hello("LHLO")
                talk.mail("alice@example.org", "bob@example.org")
                talk.data(harness.message(), "250 2.0.0")
                talk.expect("452 4.2.2")

    def test_11_observer(self):
        with Example("11_observer") as example:
            send("alice@example.org", "eve@example.org")
            example.shows("recipient_refused from 127.0.0.1:", "1 messages, ", "1 recipients refused")

    def test_12_etrn(self):
        with Example("12_etrn") as example:
            send("bob@example.org", "carol@example.org", "dave@sub.example.com")
            with harness.Talk(("127.0.0.1", 2525)) as talk:
                talk.say("ETRN example.org", "503")
                self.assertIn("ETRN", talk.hello())
                talk.say("ETRN", "501 5.5.4")
                talk.say("ETRN example.net", "459 4.7.1")
                talk.say("ETRN #queue", "458 4.3.0")
                talk.say("ETRN example.org", "253 2.0.0")
                talk.say("etrn example.org", "251 2.0.0")
                talk.say("ETRN @example.com", "253 2.0.0")
                talk.say("MAIL FROM:<a@example.net>", "250")
                talk.say("ETRN example.org", "503")
            example.shows("sending 2 messages to example.org", "sending 1 messages to example.com")

    def test_13_no_soliciting(self):
        with Example("13_no_soliciting") as example, harness.Talk(("127.0.0.1", 2525)) as talk:
            self.assertIn("NO-SOLICITING net.example:ADV,org.example:ADV:ADLT", talk.hello())
            talk.say("MAIL FROM:<a@example.net> SOLICIT=net.example:ADV", "550 5.7.1")
            talk.say("MAIL FROM:<a@example.net> SOLICIT=net.other:X,org.example:ADV:ADLT", "550 5.7.1")
            talk.say("MAIL FROM:<a@example.net> SOLICIT=ADV", "501 5.5.4")
            talk.say("MAIL FROM:<a@example.net> SOLICIT=a:b SOLICIT=c:d", "501 5.5.4")
            talk.mail("bob@example.org", parameters=" SOLICIT=net.other:X")
            talk.data(harness.message(), "250")
            example.shows("kept SOLICIT=net.other:X")

    def test_14_authentication(self):
        with Example("14_authentication") as example, smtplib.SMTP("127.0.0.1", 2525, timeout=harness.PATIENCE) as client:
            client.ehlo("client.example.org")
            self.assertEqual(client.mail("alice@example.org")[0], 530)
            with self.assertRaises(smtplib.SMTPAuthenticationError):
                client.login("alice@example.org", "wrong")
            client.login("alice@example.org", "secret")
            self.assertEqual(client.mail("bob@example.org")[0], 553)
            client.sendmail("alice@example.org", ["bob@example.net"], b"Subject: x\r\n\r\nhello\r\n")
            example.shows("alice@example.org sends", "with ESMTPA id", "Message-ID: <", "hello")

    def test_16_send(self):
        program = os.path.join(harness.BIN, "16_send")
        if not os.path.exists(program):
            raise unittest.SkipTest("16_send is not built")
        with Example("01_hello") as hello:
            done = subprocess.run([program, "127.0.0.1:2525", "alice@example.org", "bob@example.net"], input=b"Subject: lunch\n\nAt noon?\n",
                                  capture_output=True, timeout=harness.PATIENCE, check=True)
            self.assertIn(b"bob@example.net delivered 2.0.0", done.stdout)
            hello.shows("from alice@example.org\n", "to   bob@example.net\n")

    def test_19_gateway(self):
        with tempfile.TemporaryDirectory() as folder, harness.Maildir() as maildir:
            port = harness.free_port()
            inner = harness.Program("mailquay-mx", "--domain", "example.org", "--mailbox", "alice", "--maildir", maildir.path, "--listen",
                                    f"127.0.0.1:{port}")
            with inner, Example("19_gateway", f"127.0.0.1:{port}", folder):
                refused = send("alice@example.org", "nobody@example.org", "alice@example.com")
                self.assertEqual({to: code for to, (code, _) in refused.items()}, {"nobody@example.org": 550, "alice@example.com": 550})
                self.assertEqual(len(maildir.files()), 1)
                inner.stop()
                self.assertEqual(send("alice@example.org"), {})  # queued; that she is there was heard before
                self.assertEqual(len(maildir.files()), 1)

    def test_15_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            crt, key = os.path.join(folder, "mx.crt"), os.path.join(folder, "mx.key")
            subprocess.run([harness.client("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-days", "30", "-subj", "/CN=mx.example.org", "-addext", "subjectAltName=DNS:mx.example.org",
                            "-keyout", key, "-out", crt], capture_output=True, check=True)
            trusting = ssl.create_default_context(cafile=crt)
            with Example("15_tls", crt, key, also=[("127.0.0.1", 2465)]) as example:
                with smtplib.SMTP("127.0.0.1", 2525, local_hostname="client.example.org", timeout=harness.PATIENCE) as client:
                    client.ehlo()
                    self.assertTrue(client.has_extn("STARTTLS"))
                    client.mail("a@example.net")
                    self.assertEqual(client.rcpt("secrets@example.org")[0], 550)
                    client.rset()
                    client._host = "mx.example.org"  # the name in the certificate
                    client.starttls(context=trusting)
                    client.sendmail("a@example.net", ["secrets@example.org"], harness.message())
                example.shows("with ESMTPS id")
                with socket.create_connection(("127.0.0.1", 2465), timeout=harness.PATIENCE) as plain, \
                        trusting.wrap_socket(plain, server_hostname="mx.example.org") as talk:
                    self.assertTrue(talk.recv(100).startswith(b"220 "))


if __name__ == "__main__":
    harness.main()
