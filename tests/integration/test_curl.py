"""curl delivers to mailquay-mx, and asks VRFY."""

import subprocess
import tempfile
import unittest

import harness


class Curl(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.curl = harness.client("curl")
        version = subprocess.run([cls.curl, "--version"], capture_output=True, check=False).stdout.decode()
        if " smtp" not in version:
            raise unittest.SkipTest("this curl speaks no SMTP")

    def run_curl(self, mx, *flags):
        host, port = mx.smtp
        done = subprocess.run([self.curl, "--silent", "--show-error", "--verbose", "--url",
                               f"smtp://{host}:{port}/client.example.org", *flags],
                              capture_output=True, timeout=harness.PATIENCE, check=False)
        return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")

    def upload(self, mx, content, *recipients):
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            to = [word for each in recipients for word in ("--mail-rcpt", each)]
            return self.run_curl(mx, "--mail-from", "a@example.net", *to, "--upload-file", file.name)

    def test_upload(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx:
            status, said = self.upload(mx, harness.message(), "b@example.org", "c@example.org")
            self.assertEqual(status, 0, said)
            self.assertIn("SIZE=", said)
            self.assert_messages(maildir.messages(), *[harness.message()] * 2)

    def test_a_message_too_big_is_refused_at_mail(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--max-size", 10_000) as mx:
            status, said = self.upload(mx, harness.message(20_000), "b@example.org")
            self.assertNotEqual(status, 0)
            self.assertIn("552 5.3.4", said)
            self.assertEqual(maildir.files(), [])

    def test_refused_recipient(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx:
            status, said = self.upload(mx, harness.message(), "b@elsewhere.example")
            self.assertNotEqual(status, 0)
            self.assertIn("550 5.7.1", said)

    def test_verify_tells_nothing(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--mailbox", "b") as mx:
            for name in ("b", "nobody"):
                _, said = self.run_curl(mx, "--mail-rcpt", name)
                self.assertIn("252 2.0.0", said)


if __name__ == "__main__":
    harness.main()
