"""The examples that ask the DNS: 17_where_mail_goes, 18_mta_sts. Name server and policy host are Python's, on loopback."""

import http.server
import os
import ssl
import struct
import subprocess
import tempfile
import threading
import unittest

import harness
from names import A, AAAA, MX, TLSA, TXT, NameServer, wire


class PolicyHost:
    def __init__(self, crt, key):
        self.status, self.kind, self.body = 200, "text/plain", b""
        self.asked = []
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host.asked.append((self.headers["Host"], self.path))
                self.send_response(host.status)
                self.send_header("Content-Type", host.kind)
                self.send_header("Content-Length", str(len(host.body)))
                self.end_headers()
                self.wfile.write(host.body)

            def log_message(self, *_):
                pass

            def finish(self):
                super().finish()
                try:
                    self.connection.unwrap()  # close_notify
                except OSError:
                    pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(crt, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def run(name, *words):
    program = os.path.join(harness.BIN, name)
    if not os.path.exists(program):
        raise unittest.SkipTest(f"{name} is not built")
    done = subprocess.run([program, *words], capture_output=True, timeout=harness.PATIENCE * 2, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class WhereMailGoes(harness.Case):
    def ask(self, records, *domains, validated=False):
        names = NameServer(records, validated)
        self.addCleanup(names.close)
        status, out, err = run("17_where_mail_goes", "--resolver", names.address, *domains)
        self.assertEqual(status, 0, err)
        return out

    def test_hosts(self):
        mx = [struct.pack(">H", 20) + wire("b.example.org"), struct.pack(">H", 10) + wire("a.example.org")]
        out = self.ask({("example.org", MX): mx, ("a.example.org", A): [b"\xc6\x33\x64\x01"], ("b.example.org", A): [b"\xc6\x33\x64\x02"],
                        ("b.example.org", AAAA): [bytes.fromhex("20014860" + "00" * 11 + "01")]}, "example.org")
        self.assertEqual(out, "example.org: by MX\n  10 a.example.org\n    198.51.100.1\n  20 b.example.org\n    2001:4860::1\n    198.51.100.2\n")

    def test_failures(self):
        out = self.ask({("null.example", MX): [b"\0\0\0"], ("local.example", A): [b"\x7f\0\0\1"]}, "null.example", "local.example", "gone.example")
        self.assertEqual(sorted(line.split(": ")[0] + " " + line.split(" ")[2] for line in out.splitlines()),
                         ["gone.example 5.1.2", "local.example 5.4.4", "null.example 5.1.10"])

    def test_dane(self):
        out = self.ask({("example.org", MX): [struct.pack(">H", 10) + wire("a.example.org")], ("a.example.org", A): [b"\xc6\x33\x64\x01"],
                        ("_25._tcp.a.example.org", TLSA): [b"\3\1\1" + b"x" * 32]}, "example.org", validated=True)
        self.assertIn("validated", out)
        self.assertIn("a.example.org with DANE", out)

    def test_usage(self):
        self.assertEqual(run("17_where_mail_goes")[0], 2)
        status, _, err = run("17_where_mail_goes", "--resolver", "nowhere", "example.org")
        self.assertEqual(status, 2)
        self.assertIn("cares_settings::servers: 'nowhere'", err)


class MtaSts(harness.Case):
    @classmethod
    def setUpClass(cls):
        openssl = harness.client("openssl")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.crt, cls.key = os.path.join(folder.name, "crt"), os.path.join(folder.name, "key")
        subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                        "/CN=mta-sts.example.org", "-addext", "subjectAltName=DNS:mta-sts.example.org", "-keyout", cls.key, "-out", cls.crt],
                       capture_output=True, check=True)

    def setUp(self):
        text = b"v=STSv1; id=77;"
        self.names = NameServer({("_mta-sts.example.org", TXT): [bytes([len(text)]) + text],
                                 ("_mta-sts.example.net", TXT): [bytes([len(text)]) + text]})
        self.host = PolicyHost(self.crt, self.key)
        self.host.body = b"version: STSv1\r\nmode: enforce\r\nmx: *.example.org\r\nmax_age: 600\r\n"
        self.addCleanup(self.names.close)
        self.addCleanup(self.host.close)

    def policy(self, domain="example.org", ca=True):
        flags = ["--ca", self.crt] if ca else []
        return run("18_mta_sts", "--resolver", self.names.address, "--https", self.host.address, *flags, domain)

    def test_policy(self):
        status, out, err = self.policy()
        self.assertEqual((status, out), (0, "example.org: enforce, id 77, 600 s\n  *.example.org\n"), err)
        self.assertEqual(self.host.asked, [("mta-sts.example.org", "/.well-known/mta-sts.txt")])

    def test_no_policy(self):
        self.assertEqual(self.policy("elsewhere.example")[:2], (1, "elsewhere.example has no policy\n"))
        self.host.status = 404
        self.assertIn("sts-policy-fetch-error", self.policy()[1])
        self.host.status, self.host.kind = 200, "text/html"
        self.assertIn("sts-policy-fetch-error: the policy is not text/plain", self.policy()[1])
        self.host.kind, self.host.body = "text/plain", b"no policy"
        self.assertIn("sts-policy-invalid", self.policy()[1])
        self.host.body = b"x" * 100_000
        self.assertIn("the policy is too long", self.policy()[1])

    def test_certificates(self):
        status, out, _ = self.policy(ca=False)
        self.assertEqual(status, 1)
        self.assertIn("sts-webpki-invalid", out)
        self.assertIn("sts-webpki-invalid", self.policy("example.net")[1])  # the certificate is for example.org
        self.assertEqual(self.host.asked, [])


if __name__ == "__main__":
    harness.main()
