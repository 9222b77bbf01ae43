"""Postfix's load generator: 5000 messages over 20 connections into mailquay-mx, every one there and unchanged."""

import os
import re
import subprocess
import tempfile

import harness

MESSAGES = int(os.environ.get("MAILQUAY_TEST_MESSAGES", "5000"))


class SmtpSource(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.source = harness.client("smtp-source")

    def run_source(self, address, *flags, messages=MESSAGES):
        where = f"unix:{address}" if isinstance(address, str) else f"inet:{address[0]}:{address[1]}"
        done = subprocess.run([self.source, "-s", "20", "-m", str(messages), "-f", "a@example.net", "-t", "b@example.org", *flags,
                               where], capture_output=True, timeout=500, check=False)
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        self.assertEqual((done.returncode, said), (0, ""))

    # smtp-source makes each message itself: four fields, and lines of X that may begin with a number.
    def assert_all_there(self, maildir, messages):
        shape = re.compile(rb"From: <a@example\.net>\r\nTo: <b@example\.org>\r\nDate: [^\r\n]+\r\n"
                           rb"Message-Id: <([^\r\n>]+)>\r\n\r\n((?:[0-9X]+\r\n)+)")
        found = [shape.fullmatch(content) for content in maildir.messages()]
        self.assertEqual(len(found), messages)
        self.assertEqual(found.count(None), 0, "messages that differ from what smtp-source sends")
        self.assertEqual(len({match.group(1) for match in found}), messages, "a message is there twice")
        self.assertEqual(len({match.group(2) for match in found}), 1, "bodies differ")
        self.assertGreaterEqual(len(found[0].group(2)), 4096)
        self.assertEqual(maildir.files("tmp"), [])

    def test_all_messages_arrive(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--log-level", "warning") as mx:
            self.run_source(mx.smtp, "-l", "4096")
            self.assert_all_there(maildir, MESSAGES)

    def test_many_messages_on_each_connection_and_two_threads(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--log-level", "warning", "--threads", 2) as mx:
            self.run_source(mx.smtp, "-d", "-l", "4096", messages=500)
            self.assert_all_there(maildir, 500)

    def test_messages_of_our_own_arrive_octet_for_octet(self):
        content = harness.message(100_000)
        with tempfile.NamedTemporaryFile() as file:
            file.write(content.replace(b"\r\n", b"\n"))
            file.flush()
            with harness.Maildir() as maildir, harness.mx(maildir, "--log-level", "warning") as mx:
                self.run_source(mx.smtp, "-F", file.name, messages=200)
                # It puts a line end of its own before the final dot.
                self.assert_messages(maildir.messages(), *[content + b"\r\n"] * 200)

    def test_lmtp(self):
        with harness.Maildir() as maildir:
            path = os.path.join(maildir.path, "socket")
            with harness.mx(maildir, "--log-level", "warning", "--listen-lmtp", path) as mx:
                self.run_source(mx.lmtp, "-L", "-l", "4096", messages=500)
                self.assert_all_there(maildir, 500)

    def test_the_sink_takes_them_on_two_threads(self):
        with harness.Program("mailquay-sink", "--listen", "127.0.0.1:0", "--threads", 2) as sink:
            self.run_source(sink.smtp, "-l", "4096")


if __name__ == "__main__":
    harness.main()
