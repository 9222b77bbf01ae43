#!/usr/bin/env python3
"""To a smarthost that is Postfix with TLS, and with AUTH by Dovecot: what its certificate must be, who we are, and what happens to
mail where one of them does not hold: it waits, and comes as soon as it does.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import unittest

from harness import Case, client, main, message, wait_until
from postfix import PostfixServer
from test_relay import Relay
from test_relay_peers import DATED, as_filed, give
from test_tls import Certificates

CA = """\
[ca]
default_ca = ours
[ours]
database = {folder}/index
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
policy = any
x509_extensions = extensions
[any]
commonName = supplied
[extensions]
basicConstraints = CA:TRUE
subjectAltName = DNS:localhost
"""


class DovecotAuth:
    """Answers for AUTH: ada has the password secret."""

    def __init__(self):
        program = client("dovecot")
        if os.geteuid() != 0:
            raise unittest.SkipTest("Dovecot needs root")
        self.folder = tempfile.mkdtemp(prefix="mailquay-dovecot-")
        os.chmod(self.folder, 0o755)
        nobody = pwd.getpwnam("nobody")
        with open(self.folder + "/users", "w", encoding="ascii") as file:
            file.write(f"ada:{{PLAIN}}secret:{nobody.pw_uid}:{nobody.pw_gid}::{self.folder}::\n")
        with open(self.folder + "/dovecot.conf", "w", encoding="ascii") as file:
            file.write(f"""\
base_dir = {self.folder}/run
log_path = {self.folder}/log
protocols =
ssl = no
first_valid_uid = 1
auth_mechanisms = plain login scram-sha-256
passdb {{
  driver = passwd-file
  args = {self.folder}/users
}}
userdb {{
  driver = passwd-file
  args = {self.folder}/users
}}
service auth {{
  unix_listener auth-client {{
    mode = 0666
  }}
}}
""")
        self.socket = self.folder + "/run/auth-client"
        self.process = subprocess.Popen([program, "-F", "-c", self.folder + "/dovecot.conf"], stderr=subprocess.PIPE)

    def __enter__(self):
        wait_until(lambda: os.path.exists(self.socket) or self.process.poll() is not None, "Dovecot listens")
        assert self.process.poll() is None, self.process.stderr.read().decode()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Smarthost(Case):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()
        cls.addClassCleanup(cls.certificates.close)
        cls.good = cls.certificates.make("good", "localhost")

    def postfix(self, pair, **settings):
        return PostfixServer("b", smtpd_tls_cert_file=pair[0], smtpd_tls_key_file=pair[1],
                             **{"smtpd_tls_security_level": "may", "smtpd_tls_received_header": "yes", **settings})

    def relay(self, postfix, *flags):
        return Relay("--relay-to", f"localhost:{postfix.port}", "--retry", "600", *flags)


class Verified(Smarthost):
    def expired(self):
        folder = self.certificates.folder.name
        crt, key = self.certificates.path("expired.crt"), self.certificates.path("expired.key")
        for name, text in (("ca.conf", CA.format(folder=folder)), ("index", ""), ("serial", "01\n")):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text)
        self.certificates.run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-keyout", key,
                              "-out", folder + "/expired.csr")
        self.certificates.run("ca", "-batch", "-notext", "-selfsign", "-config", folder + "/ca.conf", "-keyfile", key, "-in", folder + "/expired.csr", "-out", crt,
                              "-startdate", "20200101000000Z", "-enddate", "20200201000000Z")
        return crt, key

    def test_a_certificate_that_holds(self):
        content = DATED + message(20_000)
        with self.postfix(self.good) as postfix, self.relay(postfix, "--relay-tls", "verified", "--relay-ca", self.good[0]) as relay:
            give(relay, content, "b@example.org")
            wait_until(lambda: postfix.messages("b"), "it arrives")
            (filed,) = postfix.messages("b")
            self.assertTrue(filed.endswith(as_filed(content)), filed[:2000])
            self.assertRegex(filed[:2000], rb"using TLSv1\.3 with cipher")
            self.assertRegex(filed[:2000], rb"with ESMTPS id")
            relay.empty()

    def test_certificates_that_do_not_hold(self):
        other = self.certificates.make("other", "localhost")
        elsewhere = self.certificates.make("elsewhere", "elsewhere.example")
        expired = self.expired()
        for pair, trusted in ((other, self.good), (elsewhere, elsewhere), (expired, expired)):
            with self.subTest(pair=os.path.basename(pair[0])), self.postfix(pair) as postfix:
                with self.relay(postfix, "--relay-tls", "verified", "--relay-ca", trusted[0]) as relay:
                    give(relay, message(), "b@example.org")
                    relay.program.expect_in_log("deferred id=")
                    self.assertRegex(relay.program.log(), r"deferred .*dsn=4\.7\.")
                    self.assertEqual(len(relay.ids()), 1)
                    self.assertNotIn("(queue active)", postfix.log())
                    # Not verified, but encrypted: that was not asked for.
                    relay.program.stop()
                    relay.flags = ("--relay-to", f"localhost:{postfix.port}", "--relay-tls", "required", "--accept-any")
                    relay.start()
                    relay.queue("flush", "all")
                    relay.empty()
                    wait_until(lambda: postfix.messages("b"), "it arrives")

    def test_a_smarthost_without_tls(self):
        with PostfixServer("b") as postfix, self.relay(postfix, "--relay-tls", "required") as relay:
            give(relay, message(), "b@example.org")
            relay.program.expect_in_log("deferred id=")
            self.assertRegex(relay.program.log(), r"deferred .*dsn=4\.7\.")
            self.assertNotIn("(queue active)", postfix.log())


class LoggedIn(Smarthost):
    def postfix(self, pair, **settings):
        return super().postfix(pair, smtpd_sasl_auth_enable="yes", smtpd_sasl_type="dovecot", smtpd_sasl_path=self.dovecot.socket, smtpd_tls_auth_only="yes",
                               mynetworks="192.0.2.0/24", smtpd_relay_restrictions="permit_sasl_authenticated,reject",
                               smtpd_recipient_restrictions="permit_sasl_authenticated,reject", **settings)

    def relay(self, postfix, *flags):
        return super().relay(postfix, "--relay-tls", "verified", "--relay-ca", self.good[0], *flags)

    def setUp(self):
        self.dovecot = self.enterContext(DovecotAuth())

    def test_who_logs_in_may_send(self):
        with self.postfix(self.good) as postfix, self.relay(postfix, "--relay-user", "ada:secret") as relay:
            give(relay, message(), "b@example.org")
            relay.empty()
        self.assertRegex(postfix.said, "sasl_method=SCRAM-SHA-256, sasl_username=ada")

    def test_a_wrong_password_makes_mail_wait(self):
        with self.postfix(self.good) as postfix:
            with self.relay(postfix, "--relay-user", "ada:wrong") as relay:
                give(relay, message(), "b@example.org")
                relay.program.expect_in_log("deferred id=")
                self.assertEqual(len(relay.ids()), 1)
                self.assertNotIn("wrong", relay.program.log().replace("went wrong", ""))
                self.assertNotIn("(queue active)", postfix.log())


if __name__ == "__main__":
    main()
