"""swaks delivers to mailquay-mx: plain, pipelined, by LMTP over TCP and UNIX sockets, 8-bit, UTF-8."""

import os
import subprocess
import tempfile

import harness


class Swaks(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.swaks = harness.client("swaks")

    def send(self, *flags, to="b@example.org", content=None, status=0):
        with tempfile.NamedTemporaryFile() as file:
            file.write(content if content is not None else harness.message())
            file.flush()
            done = subprocess.run([self.swaks, "--helo", "client.example.org", "--from", "a@example.net", "--to", to,
                                   "--data", "@" + file.name, *flags], capture_output=True, timeout=harness.PATIENCE, check=False)
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        self.assertEqual(done.returncode, status, said)
        return said

    def server(self, address):
        return ("--server", f"{address[0]}:{address[1]}")

    # swaks ends the message with a line end of its own.
    def assert_delivered(self, maildir, *contents):
        self.assert_messages(maildir.messages(), *(content + b"\r\n" for content in contents))
        self.assertEqual(maildir.files("tmp"), [])

    def test_plain(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx:
            self.send(*self.server(mx.smtp))
            self.assert_delivered(maildir, harness.message())
            fields, _ = harness.split_trace(maildir.stored()[0])
            self.assertEqual(fields[0], b"Return-Path: <a@example.net>\r\n")
            self.assertEqual(fields[1], b"Delivered-To: b@example.org\r\n")
            self.assertIn(b"from client.example.org (unknown [127.0.0.1])", fields[2])
            self.assertIn(b"by mx.example.org with ESMTP id ", fields[2])
            self.assertIn(b"for <b@example.org>", fields[2])

    def test_pipelined(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx:
            said = self.send("--pipeline", *self.server(mx.smtp), to="b@example.org,c@example.org")
            self.assertIn("PIPELINING", said)
            self.assert_delivered(maildir, harness.message(), harness.message())
            for stored in maildir.stored():
                self.assertNotIn(b"for <", harness.split_trace(stored)[0][2], "Bcc would leak")

    def test_prdr(self):
        # A recipient that has had this message before is a loop: one is refused, the other has it.
        content = b"Delivered-To: b@example.org\r\n" + harness.message()
        with harness.Maildir() as maildir, harness.mx(maildir, "--enable", "PRDR") as mx:
            said = self.send("--prdr", *self.server(mx.smtp), to="b@example.org,c@example.org", content=content)
            self.assertRegex(said, r"MAIL FROM:<a@example.net> PRDR")
            self.assertRegex(said, r"353 [^\n]*\n[^\n]*554 5\.4\.6[^\n]*\n[^\n]*250 2[^\n]*\n[^\n]*250 2")
            self.assertEqual(len(maildir.files("new")), 1)

    def test_helo_only(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx:
            self.send("--protocol", "SMTP", *self.server(mx.smtp))
            self.assertIn(b"with SMTP id", harness.split_trace(maildir.stored()[0])[0][2])

    def test_unknown_recipient_is_refused_and_the_other_delivered(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--mailbox", "b") as mx:
            said = self.send(*self.server(mx.smtp), to="b@example.org,nobody@example.org")
            self.assertIn("550 5.1.1", said)
            self.assert_delivered(maildir, harness.message())

    def test_relaying_is_denied(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx:
            self.assertIn("550 5.7.1", self.send(*self.server(mx.smtp), to="b@elsewhere.example", status=24))
            self.assertEqual(maildir.files(), [])

    def test_postmaster_without_a_domain(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--mailbox", "b") as mx:
            self.send(*self.server(mx.smtp), to="Postmaster")
            self.assert_delivered(maildir, harness.message())

    def test_eight_bit_body(self):
        content = harness.message() + "Grüße ⚓ ".encode() + bytes(range(0x80, 0x100)) + b"\r\n"
        with harness.Maildir() as maildir, harness.mx(maildir) as mx:
            self.send(*self.server(mx.smtp), content=content)
            self.assert_delivered(maildir, content)

    def test_utf8_header(self):
        content = "Subject: Grüße ⚓\r\n\r\nhi\r\n".encode()
        with harness.Maildir() as maildir, harness.mx(maildir) as mx:
            self.send(*self.server(mx.smtp), content=content)
            self.assert_delivered(maildir, content)

    def test_lmtp_over_tcp(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--listen-lmtp", "127.0.0.1:0", "--mailbox", "b") as mx:
            said = self.send("--protocol", "LMTP", *self.server(mx.lmtp))
            self.assertIn("LHLO client.example.org", said)
            self.assert_delivered(maildir, harness.message())
            self.assertIn(b"with LMTP id", harness.split_trace(maildir.stored()[0])[0][2])

    def test_lmtp_answers_each_recipient(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--listen-lmtp", "127.0.0.1:0") as mx:
            said = self.send("--protocol", "LMTP", *self.server(mx.lmtp), to="b@example.org,c@example.org")
            self.assertEqual(said.count("250 2.0.0"), 2, said)
            self.assert_delivered(maildir, harness.message(), harness.message())

    def test_unix_sockets(self):
        with harness.Maildir() as maildir:
            path = os.path.join(maildir.path, "socket")
            lmtp = os.path.join(maildir.path, "lmtp-socket")
            with harness.mx(maildir, "--listen-unix", path, "--listen-lmtp", lmtp) as mx:
                self.assertEqual(mx.listening(), [("smtp", "unix:" + path), ("lmtp", "unix:" + lmtp)])
                self.send("--socket", path)
                self.send("--protocol", "LMTP", "--socket", lmtp)
                self.assert_delivered(maildir, harness.message(), harness.message())
            self.assertFalse(os.path.exists(path), "the socket is removed at the end")
            self.assertFalse(os.path.exists(lmtp))


if __name__ == "__main__":
    harness.main()
