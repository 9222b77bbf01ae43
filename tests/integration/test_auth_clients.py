"""Real clients log in at mailquay-submission: every mechanism that each of them has, with the right secret and a wrong one."""

import base64
import os
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

import harness
from postfix import Postfix
from test_tls import TlsCase

MESSAGE = b"From: alice@example.org\r\nTo: bob@example.net\r\nSubject: x\r\n\r\nhello\r\n"
GSASL = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")


class AuthCase(TlsCase):
    users = ("--user", "alice:s3cret", "--auth-cram-md5", "--token", "alice:t0ken")

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.program = self.start(*self.users)

    def start(self, *flags):
        program = harness.Program("mailquay-submission", "--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0", "--hostname",
                                  "mx.example.org", "--domain", "example.org", "--maildir", self.folder.name, *self.flags, *flags)
        program.__enter__()
        self.addCleanup(program.__exit__, None, None, None)
        return program

    def run_client(self, name, *words, text=b"", environment=None):
        """-> exit status, what it printed"""
        done = subprocess.run([harness.client(name), *words], input=text, capture_output=True, timeout=harness.PATIENCE, check=False,
                              env={**os.environ, **(environment or {})})
        return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")

    def expect_log(self, mechanism, result):
        self.program.expect_in_log(f"mechanism={mechanism} ")
        self.program.expect_in_log(f"result={result}")

    def tearDown(self):
        for secret in ("s3cret", "wr0ng", "t0ken"):
            self.assertNotIn(secret, self.program.log())
            self.assertNotIn(base64.b64encode(secret.encode()).decode(), self.program.log())


class Gsasl(AuthCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.crt, cls.key = cls.certificates.make("here", "localhost")  # it checks the name that it connects to
        cls.flags = ("--tls-cert", cls.crt, "--tls-key", cls.key)

    def gsasl(self, mechanism, *flags, password="s3cret"):
        return self.run_client("gsasl", "--smtp", "--connect=localhost:%d" % self.program.smtp[1], "--starttls", "--x509-ca-file=" + self.crt,
                               "-m", mechanism, "-a", "alice", "-p", password, *flags)

    def test_mechanisms(self):
        for mechanism in GSASL:
            with self.subTest(mechanism):
                status, said = self.gsasl(mechanism, "--no-cb")
                self.assertEqual(status, 0, said)
                self.expect_log(mechanism, "succeeded")
                status, said = self.gsasl(mechanism, "--no-cb", password="wr0ng")
                self.assertNotEqual(status, 0, said)
                self.expect_log(mechanism, "failed")

    def test_channel_binding(self):
        for mechanism in ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"):
            for priority in ("NORMAL", "NORMAL:-VERS-TLS1.3"):
                with self.subTest(mechanism + " " + priority):
                    status, said = self.gsasl(mechanism, "--priority", priority)
                    self.assertEqual(status, 0, said)
                    self.expect_log(mechanism, "succeeded")
                    status, said = self.gsasl(mechanism, "--priority", priority, password="wr0ng")
                    self.assertNotEqual(status, 0, said)


class Msmtp(AuthCase):
    def msmtp(self, method, secret):
        return self.run_client("msmtp", "-C", "/dev/null", "--host=%s" % self.program.smtp[0], "--port=%d" % self.program.smtp[1],
                               "--tls=on", "--tls-certcheck=off", "--auth=" + method, "--user=alice",
                               "--passwordeval=echo " + secret, "--from=alice@example.org", "bob@example.net", text=MESSAGE)

    def test_mechanisms(self):
        for method, secret in (("plain", "s3cret"), ("login", "s3cret"), ("cram-md5", "s3cret"), ("scram-sha-1", "s3cret"),
                               ("scram-sha-256", "s3cret"), ("oauthbearer", "t0ken"), ("xoauth2", "t0ken")):
            with self.subTest(method):
                status, said = self.msmtp(method, secret)
                self.assertEqual(status, 0, said)
                self.expect_log(method.upper(), "succeeded")
                status, said = self.msmtp(method, "wr0ng")
                self.assertNotEqual(status, 0, said)
        self.assertEqual(len(os.listdir(os.path.join(self.folder.name, "new"))), 7)


class Curl(AuthCase):
    def curl(self, scheme, where, *flags):
        return self.run_client("curl", "-sS", "--url", "%s://%s:%d/client.example.org" % (scheme, *where), "--ssl-reqd", "-k",
                               "--mail-from", "alice@example.org", "--mail-rcpt", "bob@example.net", "-T", "-", *flags, text=MESSAGE)

    def test_mechanisms(self):
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            for scheme, where in (("smtp", self.program.smtp), ("smtps", self.program.address("smtps"))):
                with self.subTest(mechanism + " " + scheme):
                    asked = ("--login-options", "AUTH=" + mechanism)
                    status, said = self.curl(scheme, where, "--user", "alice:s3cret", *asked)
                    self.assertEqual(status, 0, said)
                    self.assertEqual(self.curl(scheme, where, "--user", "alice:wr0ng", *asked)[0], 67)

    def test_bearer_tokens(self):
        self.assertEqual(self.curl("smtp", self.program.smtp, "--user", "alice:", "--oauth2-bearer", "t0ken")[0], 0)
        self.assertEqual(self.curl("smtp", self.program.smtp, "--user", "alice:", "--oauth2-bearer", "wr0ng")[0], 67)


class Swaks(AuthCase):
    def test_mechanisms(self):
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            for secret, expected in (("s3cret", 0), ("wr0ng", 28)):
                with self.subTest(mechanism + " " + secret):
                    status, said = self.run_client("swaks", "--server", "%s:%d" % self.program.smtp, "-tls", "--from", "alice@example.org",
                                                   "--to", "bob@example.net", "--auth", mechanism, "-au", "alice", "-ap", secret)
                    self.assertEqual(status, expected, said)


class Smtplib(AuthCase):
    def test_starttls_and_tls(self):
        context = self.trusting()
        for secret, wanted in (("s3cret", 235), ("wr0ng", 535)):
            with smtplib.SMTP(*self.program.smtp, timeout=harness.PATIENCE) as client:
                client.ehlo("client.example.org")
                self.assertNotIn("auth", client.esmtp_features)
                self.assertEqual(client.docmd("AUTH PLAIN", "AGFsaWNlAHMzY3JldA==")[0], 530)
                client.starttls(context=context)
                client.ehlo("client.example.org")
                self.assertIn("SCRAM-SHA-256-PLUS", client.esmtp_features["auth"])
                try:
                    self.assertEqual(client.login("alice", secret)[0], wanted)
                except smtplib.SMTPAuthenticationError as refused:
                    self.assertEqual(refused.smtp_code, wanted)
        with smtplib.SMTP_SSL(*self.program.address("smtps"), context=context, timeout=harness.PATIENCE) as client:
            client.login("alice", "s3cret")
            self.assertEqual(client.mail("mallory@example.org")[0], 553)
            client.sendmail("alice@example.org", ["bob@example.net"], MESSAGE)

    def test_unknown_users_are_told_the_same(self):
        answers = set()
        for name in ("alice", "nobody"):
            with smtplib.SMTP_SSL(*self.program.address("smtps"), context=self.trusting(), timeout=harness.PATIENCE) as client:
                client.ehlo("client.example.org")
                token = base64.b64encode(f"\0{name}\0wr0ng".encode()).decode()
                answers.add(client.docmd("AUTH PLAIN", token))
        self.assertEqual(len(answers), 1)
        self.assertEqual(answers.pop()[0], 535)

    def test_the_server_speaks_first(self):
        with smtplib.SMTP_SSL(*self.program.address("smtps"), context=self.trusting(), timeout=harness.PATIENCE) as client:
            client.ehlo("client.example.org")
            self.assertEqual(client.docmd("AUTH CRAM-MD5", "YWxpY2U=")[0], 501)
            self.assertEqual(client.docmd("AUTH FROBNICATE")[0], 504)
            self.assertEqual(client.docmd("AUTH PLAIN", "!!!!")[0], 501)


class Perl(AuthCase):
    def test_net_smtp(self):
        program = r"""
            use Net::SMTP;
            my ($host, $port, $secret) = @ARGV;
            my $talk = Net::SMTP->new(Host => $host, Port => $port, Hello => 'client.example.org') or die 'connect';
            $talk->starttls(SSL_verify_mode => 0) or exit 3;
            $talk->auth('alice', $secret) or exit 4;
            $talk->mail('alice@example.org') && $talk->to('bob@example.net') && $talk->data("Subject: x\n\nhello\n") or exit 5;
            $talk->quit; exit 0;
        """
        probe, said = self.run_client("perl", "-MNet::SMTP", "-MAuthen::SASL", "-MIO::Socket::SSL", "-e", "1")
        if probe != 0:
            raise unittest.SkipTest("Perl lacks Authen::SASL or IO::Socket::SSL: " + said.splitlines()[0])
        where = (self.program.smtp[0], str(self.program.smtp[1]))
        status, said = self.run_client("perl", "-e", program, *where, "s3cret")
        self.assertEqual(status, 0, said)
        self.assertEqual(self.run_client("perl", "-e", program, *where, "wr0ng")[0], 4)


class PostfixWithCyrus(AuthCase):
    def relay(self, secret, mechanism):
        return Postfix(self.program, smtp_sasl_auth_enable="yes", smtp_sasl_security_options="noanonymous",
                       smtp_sasl_mechanism_filter=mechanism, smtp_tls_security_level="encrypt",
                       smtp_sasl_password_maps="inline:{ { [127.0.0.1]:%d=alice:%s } }" % (self.program.smtp[1], secret))

    def give(self, postfix):
        with smtplib.SMTP("127.0.0.1", postfix.port, local_hostname="client.example.org", timeout=harness.PATIENCE) as client:
            client.sendmail("alice@example.org", ["bob@example.net"], MESSAGE)

    def test_mechanisms(self):
        for number, mechanism in enumerate(("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "LOGIN"), 1):
            with self.subTest(mechanism), self.relay("s3cret", mechanism) as postfix:
                self.give(postfix)
                harness.wait_until(lambda: "status=" in postfix.log(), "Postfix tries")
                if "no mechanism available" in postfix.log():
                    self.skipTest(f"this Cyrus SASL has no {mechanism}")
                self.assertIn("status=sent", postfix.log())
                self.expect_log(mechanism, "succeeded")
                harness.wait_until(lambda: self.program.log().count(" accepted ") == number, "it is logged")

    def test_a_wrong_secret(self):
        with self.relay("wr0ng", "SCRAM-SHA-512") as postfix:
            self.give(postfix)
            harness.wait_until(lambda: "status=" in postfix.log(), "Postfix tries")
            self.assertIn("status=deferred", postfix.log())
            self.assertIn("535 5.7.8", postfix.log())
            self.expect_log("SCRAM-SHA-512", "failed")


class Nodemailer(AuthCase):
    """Runs where Node.js finds the package: by NODE_PATH, or where Debian puts it."""

    PROGRAM = """
        const [host, port, method, secret] = process.argv.slice(1);
        const settings = {host, port: Number(port), requireTLS: true, tls: {rejectUnauthorized: false}, name: 'client.example.org',
            authMethod: method, auth: method === 'XOAUTH2' ? {type: 'OAuth2', user: 'alice', accessToken: secret} : {user: 'alice', pass: secret}};
        require('nodemailer').createTransport(settings).sendMail({from: 'alice@example.org', to: 'bob@example.net', subject: 'x', text: 'hello'})
            .then(() => process.exit(0), error => { console.error(String(error)); process.exit(error.code === 'EAUTH' ? 4 : 5); });
    """

    def node(self, *words):
        paths = [path for path in (os.environ.get("NODE_PATH"), "/usr/share/nodejs") if path]
        return self.run_client("node", "-e", *words, environment={"NODE_PATH": os.pathsep.join(paths)})

    def test_mechanisms(self):
        probe, _ = self.node("require('nodemailer')")
        if probe != 0:
            raise unittest.SkipTest("Node.js finds no nodemailer")
        for mechanism, secret in (("PLAIN", "s3cret"), ("LOGIN", "s3cret"), ("CRAM-MD5", "s3cret"), ("XOAUTH2", "t0ken")):
            with self.subTest(mechanism):
                where = (self.program.smtp[0], str(self.program.smtp[1]), mechanism)
                status, said = self.node(self.PROGRAM, *where, secret)
                self.assertEqual(status, 0, said)
                self.expect_log(mechanism, "succeeded")
                self.assertEqual(self.node(self.PROGRAM, *where, "wr0ng")[0], 4)


class Certificate(AuthCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client = cls.certificates.make("alice")
        cls.stranger = cls.certificates.make("mallory")
        cls.users = ("--auth-certificates", "--tls-client-cert", "request", "--tls-client-ca", cls.client[0])

    def external(self, files, initial):
        context = self.trusting()
        context.load_cert_chain(*files)
        with smtplib.SMTP_SSL(*self.program.address("smtps"), context=context, timeout=harness.PATIENCE) as client:
            client.ehlo("client.example.org")
            if "auth" not in client.esmtp_features:
                return None
            return client.docmd("AUTH EXTERNAL", initial)[0]

    def test_external(self):
        self.assertEqual(self.external(self.client, "="), 235)
        self.program.expect_in_log("mechanism=EXTERNAL user=alice ")
        try:
            self.assertIsNone(self.external(self.stranger, "="))
        except (ssl.SSLError, smtplib.SMTPException, ConnectionError, socket.timeout):
            pass  # the handshake itself may refuse whom nobody signed


class PasswordFile(AuthCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.home = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.home.cleanup)
        cls.file = os.path.join(cls.home.name, "passwd")
        cls.write("s3cret")
        cls.users = ("--password-file", cls.file)

    @classmethod
    def write(cls, password):
        made = subprocess.run([harness.client("openssl"), "passwd", "-6", "-stdin"], input=password.encode(), capture_output=True, check=True)
        with open(cls.file + ".new", "w", encoding="ascii") as file:
            file.write("# users\nalice:" + made.stdout.decode().strip() + "\n")
        os.replace(cls.file + ".new", cls.file)

    def login(self, password):
        with smtplib.SMTP_SSL(*self.program.address("smtps"), context=self.trusting(), timeout=harness.PATIENCE) as client:
            client.ehlo("client.example.org")
            self.assertEqual(client.esmtp_features["auth"].split(), ["PLAIN", "LOGIN"])
            token = base64.b64encode(f"\0alice\0{password}".encode()).decode()
            return client.docmd("AUTH PLAIN", token)[0]

    def test_a_new_password_counts_without_a_restart(self):
        self.assertEqual(self.login("s3cret"), 235)
        self.assertEqual(self.login("wr0ng"), 535)
        self.write("changed")
        self.addCleanup(self.write, "s3cret")
        harness.wait_until(lambda: self.login("changed") == 235, "the file is read again")
        self.assertEqual(self.login("s3cret"), 535)
        self.program.expect_in_log(self.file + " read again: 1 users")

    def test_a_bad_new_file_is_told_and_the_one_before_stays(self):
        self.addCleanup(self.write, "s3cret")
        with open(self.file + ".new", "w", encoding="ascii") as file:
            file.write("# users\nalice\n")
        os.replace(self.file + ".new", self.file)

        def told():
            self.assertEqual(self.login("s3cret"), 235)
            return "going on with the one before" in self.program.log()
        harness.wait_until(told, "the bad file is looked at")
        self.program.expect_in_log(self.file + ": line 2: ")


class DovecotAway(AuthCase):
    """A Dovecot that names its mechanisms when the program starts, and then is gone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        home = tempfile.TemporaryDirectory()
        cls.addClassCleanup(home.cleanup)
        cls.path = os.path.join(home.name, "auth-client")
        cls.users = ("--auth-socket", cls.path)

    def start(self, *flags):
        with socket.socket(socket.AF_UNIX) as dovecot:
            dovecot.bind(self.path)
            dovecot.listen()
            thread = threading.Thread(target=self.greet, args=(dovecot,))
            thread.start()
            try:
                return super().start(*flags)
            finally:
                thread.join()
                os.unlink(self.path)

    @staticmethod
    def greet(dovecot):
        dovecot.settimeout(harness.PATIENCE)
        with dovecot.accept()[0] as there:
            there.sendall(b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nCOOKIE\tx\nDONE\n")
            while there.recv(1000):
                pass

    def test_it_is_told(self):
        with smtplib.SMTP_SSL(*self.program.address("smtps"), context=self.trusting(), timeout=harness.PATIENCE) as client:
            client.ehlo("client.example.org")
            self.assertEqual(client.esmtp_features["auth"].split(), ["PLAIN"])
            self.assertEqual(client.docmd("AUTH PLAIN", base64.b64encode(b"\0alice\0s3cret").decode())[0], 454)
        self.assertRegex(self.program.log(), f"Dovecot at {self.path} could not be asked: ")


class Memory(AuthCase):
    def test_no_copy_of_the_command_line_stays(self):
        """The table of users has the password, but nothing keeps what the flag said as a whole."""
        with smtplib.SMTP_SSL(*self.program.address("smtps"), context=self.trusting(), timeout=harness.PATIENCE) as client:
            client.login("alice", "s3cret")
        try:
            memory = open(f"/proc/{self.program.pid}/mem", "rb", buffering=0)
        except OSError as refused:
            raise unittest.SkipTest(f"memory of processes cannot be read: {refused}")
        found = []
        with memory, open(f"/proc/{self.program.pid}/maps", encoding="ascii") as maps:
            for line in maps:
                words = line.split()
                begin, end = (int(number, 16) for number in words[0].split("-"))
                # Not where the arguments themselves stand, nor the shadow of a sanitizer.
                if not words[1].startswith("rw") or words[-1] == "[stack]" or end - begin > 1 << 28:
                    continue
                memory.seek(begin)
                octets = memory.read(end - begin)
                found += [(words[-1], secret) for secret in (b"alice:s3cret", b"alice:t0ken") if secret in octets]
        self.assertEqual(found, [])


if __name__ == "__main__":
    harness.main()
