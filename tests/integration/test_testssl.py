"""testssl.sh judges the TLS of mailquay-sink: versions, ciphers, forward secrecy, and every attack that it knows.

It takes minutes and says the same each time, so it runs where MAILQUAY_TEST_TESTSSL is set:

    MAILQUAY_TEST_TESTSSL=1 ctest --preset dev -R integration_testssl
"""

import json
import os
import subprocess
import tempfile
import unittest

import harness
from test_tls import TlsCase

# The certificates are not asked about: they are made here. docs/tls.md has these as a table.
OFFERED = {
    "SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered", "TLS1_2": "offered",
    "TLS1_3": "offered with final",
    "cipherlist_NULL": "not offered", "cipherlist_aNULL": "not offered", "cipherlist_EXPORT": "not offered", "cipherlist_LOW": "not offered",
    "cipherlist_3DES_IDEA": "not offered", "cipherlist_AVERAGE": "not offered", "cipherlist_STRONG": "offered", "PFS": "offered",
}
ATTACKS = {
    "cipher_order": "server", "secure_renego": "supported", "secure_client_renego": "not vulnerable", "heartbleed": "not vulnerable",
    "CCS": "not vulnerable", "ROBOT": "not vulnerable", "CRIME_TLS": "not vulnerable", "POODLE_SSL": "not vulnerable",
    "fallback_SCSV": "no protocol below TLS 1.2 offered", "SWEET32": "not vulnerable", "FREAK": "not vulnerable", "DROWN": "not vulnerable",
    "LOGJAM": "not vulnerable", "LOGJAM-common_primes": "no DH key", "BEAST": "not vulnerable", "LUCKY13": "not vulnerable",
    "RC4": "not vulnerable",
}


class Judged(TlsCase):
    @classmethod
    def setUpClass(cls):
        if not os.environ.get("MAILQUAY_TEST_TESTSSL"):
            raise unittest.SkipTest("MAILQUAY_TEST_TESTSSL is not set: it takes minutes")
        super().setUpClass()
        cls.testssl = harness.client("testssl")
        rsa = cls.certificates.make("rsa", "mx.example.org", rsa=True)
        cls.flags += ("--tls-cert", rsa[0], "--tls-key", rsa[1])

    def findings(self, port, *how):
        """{id: (severity, finding)}"""
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "findings.json")
            done = subprocess.run([self.testssl, "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", "127.0.0.1",
                                   "--openssl", self.certificates.openssl, "--jsonfile", file, *how, "localhost:%d" % port],
                                  stdin=subprocess.DEVNULL, capture_output=True, cwd=folder, timeout=60 * harness.PATIENCE, check=False)
            self.assertTrue(os.path.exists(file), done.stdout.decode("utf-8", "replace"))
            with open(file, encoding="utf-8") as text:
                return {one["id"]: (one["severity"], one["finding"]) for one in json.load(text)}

    def judge(self, found, wanted):
        # What it says of its own openssl is no finding.
        bad = {name: what for name, what in found.items() if what[0] not in ("OK", "INFO", "DEBUG") and name != "engine_problem"}
        self.assertEqual(bad, {})
        for name, begin in wanted.items():
            with self.subTest(name):
                self.assertIn(name, found)
                self.assertTrue(found[name][1].startswith(begin), found[name])

    def test_starttls(self):
        with harness.Program("mailquay-sink", "--listen", "127.0.0.1:0", *self.flags) as sink:
            found = self.findings(sink.smtp[1], "--starttls", "smtp", "--protocols", "--std", "--pfs", "--server-preference", "--vulnerable")
            self.judge(found, {**OFFERED, **ATTACKS})

    def test_implicit(self):
        with harness.Program("mailquay-mx", "--domain", "example.org", "--maildir", self.certificates.path("maildir"),
                             "--listen-tls", "127.0.0.1:0", *self.flags) as mx:
            found = self.findings(mx.address("smtps")[1], "--protocols", "--std", "--pfs", "--server-preference", "--vulnerable")
            self.judge(found, {**OFFERED, **ATTACKS})


if __name__ == "__main__":
    harness.main()
