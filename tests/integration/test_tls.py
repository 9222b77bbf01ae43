"""Real TLS clients against mailquay-mx and mailquay-sink: STARTTLS, TLS from the start, SNI, client certificates, renewal."""

import os
import shutil
import signal
import smtplib
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import harness


class Certificates:
    """A folder with keys and certificates, made for this run."""

    def __init__(self):
        self.openssl = harness.client("openssl")
        self.folder = tempfile.TemporaryDirectory()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def make(self, name, *hosts, rsa=False, signed_by=None):
        """-> (certificate file, key file)"""
        crt, key = self.path(name + ".crt"), self.path(name + ".key")
        kind = ["-newkey", "rsa:2048"] if rsa else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        names = ["-addext", "subjectAltName=" + ",".join("DNS:" + host for host in hosts)] if hosts else []
        signer = ["-CA", signed_by[0], "-CAkey", signed_by[1]] if signed_by else []
        self.run("req", "-x509", *kind, "-nodes", "-days", "30", "-subj", f"/CN={hosts[0] if hosts else name}", *names, *signer,
                 "-keyout", key + ".new", "-out", crt + ".new")
        os.replace(key + ".new", key)
        os.replace(crt + ".new", crt)
        return crt, key

    def run(self, *words):
        done = subprocess.run([self.openssl, *words], capture_output=True, check=False)
        if done.returncode != 0:
            if b"Unknown option" in done.stderr or b"-CA" in done.stderr:
                raise unittest.SkipTest("this openssl cannot sign certificates in one step")
            raise AssertionError(done.stderr.decode("utf-8", "replace"))

    def close(self):
        self.folder.cleanup()


class TlsCase(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()
        cls.addClassCleanup(cls.certificates.close)
        cls.crt, cls.key = cls.certificates.make("mx", "mx.example.org")
        cls.flags = ("--tls-cert", cls.crt, "--tls-key", cls.key)

    def mx(self, maildir, *flags):
        return harness.mx(maildir, *self.flags, *flags)

    def trusting(self, authority=None):
        """A context that trusts our certificate."""
        context = ssl.create_default_context(cafile=authority or self.crt)
        context.check_hostname = False
        return context

    def s_client(self, address, *flags, commands="EHLO client.example.org\r\nQUIT\r\n", starttls=True):
        """What `openssl s_client` prints; the server closes after QUIT."""
        how = ["-starttls", "smtp", "-name", "client.example.org"] if starttls else []
        done = subprocess.run([self.certificates.openssl, "s_client", "-connect", "%s:%d" % address, "-ign_eof", *how, *flags],
                              input=commands.encode(), capture_output=True, timeout=harness.PATIENCE, check=False)
        return (done.stdout + done.stderr).decode("utf-8", "replace")


class OpenSslClient(TlsCase):
    def test_versions(self):
        with harness.Maildir() as maildir, self.mx(maildir, "--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0") as mx:
            for where, starttls in ((mx.smtp, True), (mx.address("smtps"), False)):
                for flag, name in (("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")):
                    said = self.s_client(where, flag, starttls=starttls)
                    self.assertIn(name, said)
                    self.assertIn("221 2.0.0", said)
                for flag in ("-tls1_1", "-tls1"):
                    said = self.s_client(where, flag, "-cipher", "ALL:@SECLEVEL=0", starttls=starttls)
                    self.assertNotIn("221 2.0.0", said)
            # Failed handshakes ended those connections only, and are in the log.
            mx.expect_in_log("failed=")
            mx.expect_in_log("protocol=TLSv1.3")

    def test_the_name_decides(self):
        net = self.certificates.make("net", "mx.example.net", "*.wild.example")
        with harness.Maildir() as maildir, self.mx(maildir, "--tls-cert", net[0], "--tls-key", net[1]) as mx:
            for asked, served in (("mx.example.org", "mx.example.org"), ("mx.example.net", "mx.example.net"),
                                  ("a.wild.example", "mx.example.net"), ("other.example", "mx.example.org")):
                self.assertRegex(self.s_client(mx.smtp, "-servername", asked), f"subject=CN ?= ?{served}")

    def test_client_certificates(self):
        authority = self.certificates.make("ca")
        alice = self.certificates.make("alice", signed_by=authority)
        mallory = self.certificates.make("mallory")
        for rule in ("request", "require"):
            with harness.Maildir() as maildir, self.mx(maildir, "--tls-client-cert", rule, "--tls-client-ca", authority[0]) as mx:
                said = self.s_client(mx.smtp, "-cert", alice[0], "-key", alice[1])
                self.assertIn("221 2.0.0", said)
                harness.wait_until(lambda: "identity=" in mx.log(), "the log names the client")
                mx.expect_in_log("alice")
                for flags in ((), ("-cert", mallory[0], "-key", mallory[1])):
                    said = self.s_client(mx.smtp, *flags)
                    self.assertEqual("221 2.0.0" in said, rule == "request", said)


class PythonClient(TlsCase):
    def test_starttls(self):
        with harness.Maildir() as maildir, self.mx(maildir) as mx:
            with smtplib.SMTP(*mx.smtp, timeout=harness.PATIENCE) as talk:
                talk.ehlo()
                self.assertTrue(talk.has_extn("starttls"))
                talk.starttls(context=self.trusting())
                talk.ehlo()
                self.assertFalse(talk.has_extn("starttls"))
                talk.sendmail("a@example.net", ["b@example.org"], harness.message())
            self.assert_messages(maildir.messages(), harness.message())
            with open(maildir.files()[0], "rb") as file:
                self.assertRegex(file.read(), rb"with ESMTPS id \w+")

    def test_tls_from_the_start(self):
        with harness.Maildir() as maildir, self.mx(maildir, "--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0") as mx:
            with smtplib.SMTP_SSL(*mx.address("smtps"), context=self.trusting(), timeout=harness.PATIENCE) as talk:
                talk.sendmail("a@example.net", ["b@example.org"], harness.message(200_000))
            self.assert_messages(maildir.messages(), harness.message(200_000))

    def test_required(self):
        with harness.Maildir() as maildir, self.mx(maildir, "--require-tls") as mx:
            with smtplib.SMTP(*mx.smtp, timeout=harness.PATIENCE) as talk:
                talk.ehlo()
                self.assertEqual(talk.mail("a@example.net")[0], 530)
                talk.starttls(context=self.trusting())
                talk.ehlo()
                self.assertEqual(talk.mail("a@example.net")[0], 250)

    def test_plaintext_behind_starttls_is_not_obeyed(self):
        with harness.Maildir() as maildir, self.mx(maildir) as mx:
            talk = harness.Talk(mx.smtp)
            talk.send("EHLO client.example.org\r\n")
            talk.expect("250")
            talk.send("STARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<evil@example.net>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
            talk.expect("220")
            with self.trusting().wrap_socket(talk.socket) as secure:
                secure.sendall(b"RCPT TO:<b@example.org>\r\n")
                self.assertTrue(secure.recv(1000).startswith(b"503 5.5.1 "))
                secure.sendall(b"NOOP\r\n")
                self.assertEqual(secure.recv(1000), b"250 2.0.0 OK\r\n")
            mx.expect_in_log("plaintext_dropped=")

    def test_the_wire_may_end_without_goodbye(self):
        with harness.Maildir() as maildir, self.mx(maildir) as mx:
            talk = smtplib.SMTP(*mx.smtp, timeout=harness.PATIENCE)
            talk.ehlo()
            talk.starttls(context=self.trusting())
            talk.ehlo()
            talk.mail("a@example.net")
            talk.rcpt("b@example.org")
            talk.putcmd("data")
            talk.getreply()
            talk.send(b"Subject: half\r\n\r\n")
            talk.close()  # without close_notify
            harness.wait_until(lambda: "aborted " in mx.log(), "the message is aborted")
            self.assertEqual(maildir.files(), [])


class OtherClients(TlsCase):
    def test_swaks(self):
        swaks = harness.client("swaks")
        with harness.Maildir() as maildir, self.mx(maildir, "--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0") as mx:
            for (host, port), flag in ((mx.smtp, "-tls"), (mx.address("smtps"), "--tls-on-connect")):
                done = subprocess.run([swaks, "--server", host, "--port", str(port), flag, "--helo", "client.example.org", "--from",
                                       "a@example.net", "--to", "b@example.org"], capture_output=True,
                                      timeout=harness.PATIENCE, check=False)
                said = (done.stdout + done.stderr).decode("utf-8", "replace")
                if "not available" in said:
                    raise unittest.SkipTest("this swaks has no TLS")
                self.assertEqual(done.returncode, 0, said)
            self.assertEqual(len(maildir.files()), 2)

    def test_curl(self):
        curl = harness.client("curl")
        with harness.Maildir() as maildir, tempfile.NamedTemporaryFile() as file, \
                self.mx(maildir, "--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0") as mx:
            file.write(harness.message())
            file.flush()
            for scheme, (host, port) in (("smtp", mx.smtp), ("smtps", mx.address("smtps"))):
                done = subprocess.run([curl, "--silent", "--show-error", "--ssl-reqd", "--cacert", self.crt, "--connect-to",
                                       f"mx.example.org:{port}:{host}:{port}", "--url", f"{scheme}://mx.example.org:{port}/client.example.org",
                                       "--mail-from", "a@example.net", "--mail-rcpt", "b@example.org", "--upload-file", file.name],
                                      capture_output=True, timeout=harness.PATIENCE, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
            self.assert_messages(maildir.messages(), *[harness.message()] * 2)


class Renewal(TlsCase):
    def test_certificates_are_renewed_under_load(self):
        crt, key = self.certificates.make("renewed", "before.example")
        with harness.Program("mailquay-sink", "--listen", "127.0.0.1:0", "--threads", 2, "--tls-cert", crt, "--tls-key", key) as sink:
            failed, done, end = [], [], threading.Event()
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

            def load():
                while not end.is_set():
                    try:
                        with smtplib.SMTP(*sink.smtp, timeout=harness.PATIENCE) as talk:
                            talk.starttls(context=context)
                            talk.sendmail("a@example.net", ["b@example.org"], harness.message())
                        done.append(1)
                    except Exception as wrong:  # whatever it is, it is a failed session
                        failed.append(repr(wrong))

            threads = [threading.Thread(target=load) for _ in range(4)]
            for thread in threads:
                thread.start()
            try:
                for i in range(20):
                    self.certificates.make("renewed", f"after{i}.example")
                    before = sink.log().count("reloaded")
                    sink.signal(signal.SIGHUP)
                    harness.wait_until(lambda: sink.log().count("reloaded") > before, "certificates are reloaded")
                harness.wait_until(lambda: len(done) > 20, "sessions go on")
            finally:
                end.set()
                for thread in threads:
                    thread.join()
            self.assertEqual(failed, [])
            self.assertRegex(self.s_client(sink.smtp), "subject=CN ?= ?after19.example")

    def test_a_bad_new_certificate_is_refused_and_the_old_one_serves(self):
        crt, key = self.certificates.make("kept", "kept.example")
        with harness.Program("mailquay-sink", "--listen", "127.0.0.1:0", "--tls-cert", crt, "--tls-key", key) as sink:
            with open(key, "w", encoding="ascii") as file:
                file.write("no key\n")
            sink.signal(signal.SIGHUP)
            harness.wait_until(lambda: "not reloaded" in sink.log(), "the fault is told")
            sink.expect_in_log(key)
            self.assertRegex(self.s_client(sink.smtp), "subject=CN ?= ?kept.example")

    def test_a_hangup_before_the_certificates_are_read_has_them_read_anew(self):
        crt, key = self.certificates.make("early", "early.example")
        pipe, copy = self.certificates.path("early.pipe"), self.certificates.path("early.copy")
        os.mkfifo(pipe)
        shutil.copy(crt, copy)
        with harness.Program("mailquay-sink", "--listen", "127.0.0.1:0", "--tls-cert", pipe, "--tls-key", key, ready=False) as sink:
            with open(pipe, "wb") as writer, open(crt, "rb") as certificate:  # opens once the program reads it
                sink.signal(signal.SIGHUP)
                time.sleep(0.2)
                self.assertTrue(sink.running())
                os.replace(copy, pipe)
                writer.write(certificate.read())
            harness.wait_until(lambda: "reloaded" in sink.log() or not sink.running(), "the certificate is read anew")
            self.assertTrue(sink.running())

    def test_a_folder_in_place_of_a_certificate_is_refused_and_the_old_one_serves(self):
        crt, key = self.certificates.make("moved", "moved.example")
        with harness.Program("mailquay-sink", "--listen", "127.0.0.1:0", "--tls-cert", crt, "--tls-key", key) as sink:
            os.remove(crt)
            os.mkdir(crt)
            for times in (1, 2):
                sink.signal(signal.SIGHUP)
                harness.wait_until(lambda: sink.log().count("not reloaded") == times, "the fault is told")
            sink.expect_in_log(crt)
            self.assertRegex(self.s_client(sink.smtp), "subject=CN ?= ?moved.example")


class Faults(TlsCase):
    def test_what_cannot_serve_is_told_at_start(self):
        other = self.certificates.make("other", "other.example")
        missing = self.certificates.path("missing.key")
        for flags, said in ((("--tls-cert", self.crt), "each certificate needs its key"),
                            (("--tls-cert", self.crt, "--tls-key", missing), missing),
                            (("--tls-cert", self.crt, "--tls-key", other[1]), "does not belong"),
                            (("--tls-cert", os.path.dirname(self.crt), "--tls-key", self.key), "check the path"),
                            (("--require-tls",), "without a certificate"),
                            (("--listen-tls", "127.0.0.1:0"), "no TLS provider"),
                            (("--tls-cert", self.crt, "--tls-key", self.key, "--tls-client-cert", "require"), "client CA"),
                            (("--tls-client-cert", "maybe"), "off, request or require")):
            status, _, log = harness.run_program("mailquay-sink", *flags)
            self.assertIn(status, (1, 2), log)
            self.assertIn(said, log)


if __name__ == "__main__":
    harness.main()
