"""mailquay-mx behind haproxy and swaks, which begin with PROXY headers of both versions, and clients that should not."""

import os
import shutil
import socket
import ssl
import subprocess
import tempfile

import harness


class Haproxy:
    """haproxy in TCP mode in front of one server. `with Haproxy(mx, "send-proxy") as port:`"""

    def __init__(self, mx, server_options, bind_options="", more=()):
        self.path = tempfile.mkdtemp(prefix="mailquay-test-")
        self.port = harness.free_port()
        self.config = os.path.join(self.path, "haproxy.cfg")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("\n".join(["defaults", "  mode tcp", "  timeout connect 5s", "  timeout client 30s", "  timeout server 30s",
                                  "listen smtp", f"  bind 127.0.0.1:{self.port} {bind_options}", *("  " + line for line in more),
                                  f"  server mx 127.0.0.1:{mx.smtp[1]} {server_options}", ""]))

    def __enter__(self):
        self.process = subprocess.Popen([harness.client("haproxy"), "-db", "-f", self.config], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            harness.wait_until(lambda: harness.accepts(self.port) or self.process.poll() is not None, "haproxy listens")
            if self.process.poll() is not None:
                raise AssertionError(self.process.stdout.read().decode())
        except AssertionError:
            self.__exit__()
            raise
        return self.port

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(harness.PATIENCE)
        self.process.stdout.close()
        shutil.rmtree(self.path, ignore_errors=True)


def connects(mx):
    return [line for line in list(mx.lines) if " connect " in line or line.startswith("connect ")]


def certificate(folder, name, issuer=None):
    """(certificate, key) files, self-signed or signed by `issuer`."""
    key, cert = os.path.join(folder, name + ".key"), os.path.join(folder, name + ".pem")
    signed_by = ["-CA", issuer[0], "-CAkey", issuer[1]] if issuer else []
    subprocess.run([harness.client("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-keyout", key, "-out", cert, *signed_by], check=True, capture_output=True, timeout=harness.PATIENCE)
    return cert, key


class Proxied(harness.Case):
    def mx(self, maildir, *flags):
        return harness.mx(maildir, "--trust-proxy", "127.0.0.1", *flags)

    def assert_received_from(self, maildir, address, nth=0):
        fields, _ = harness.split_trace(maildir.stored()[nth])
        self.assertIn(f"[{address}]".encode(), fields[2])


class HaproxyInFront(Proxied):
    @classmethod
    def setUpClass(cls):
        harness.client("haproxy")

    def deliver(self, port):
        # The address that the proxy sees is not its own.
        with harness.Talk(("127.0.0.1", port), source="127.0.0.5") as talk:
            talk.hello()
            talk.mail("b@example.org")
            talk.data(harness.message())
            talk.say("QUIT", "221")

    def test_both_versions(self):
        for option in ("send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id,authority"):
            with self.subTest(option=option), harness.Maildir() as maildir, self.mx(maildir) as mx:
                with Haproxy(mx, option) as port:
                    self.deliver(port)
                self.assert_messages(maildir.messages(), harness.message())
                self.assert_received_from(maildir, "127.0.0.5")
                line = [one for one in connects(mx) if "client=127.0.0.5:" in one][0]
                self.assertIn("proxy=127.0.0.1:", line)
                self.assertIn(f"local=127.0.0.1:{port}", line)

    def test_health_checks(self):
        # Version 2 says LOCAL; version 1 names the check's own connection as if it were a client's.
        for option, mark in (("send-proxy-v2", "health-check=yes"), ("send-proxy", "proxy=127.0.0.1:")):
            with self.subTest(option=option), harness.Maildir() as maildir, self.mx(maildir) as mx:
                with Haproxy(mx, option + " check check-send-proxy inter 200ms", more=["option smtpchk EHLO haproxy.example.net"]) as port:
                    harness.wait_until(lambda: len([line for line in connects(mx) if mark in line]) >= 3, "health checks come")
                    harness.wait_until(lambda: "why=quit" in mx.log(), "a check ends as SMTP does")
                    self.deliver(port)
                self.assert_messages(maildir.messages(), harness.message())
                self.assertNotIn("refused-connect", mx.log())

    def test_tls_that_ends_at_the_proxy(self):
        with tempfile.TemporaryDirectory() as folder, harness.Maildir() as maildir, self.mx(maildir) as mx:
            server = certificate(folder, "mx.example.org")
            client = certificate(folder, "client.example.net")
            both = os.path.join(folder, "both.pem")
            with open(both, "wb") as into:
                for name in server:
                    with open(name, "rb") as part:
                        into.write(part.read())
            options = "send-proxy-v2-ssl-cn proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,authority,crc32c,unique-id"
            with Haproxy(mx, options, bind_options=f"ssl crt {both} ca-file {client[0]} verify optional") as port:
                context = ssl.create_default_context(cafile=server[0])
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                context.load_cert_chain(*client)
                plain = socket.create_connection(("127.0.0.1", port), harness.PATIENCE, ("127.0.0.5", 0))
                with context.wrap_socket(plain, server_hostname="mx.example.org") as talk:
                    self.assertTrue(talk.recv(1000).startswith(b"220 "))
                    cipher = talk.cipher()[0]
                    talk.sendall(b"QUIT\r\n")
                    self.assertTrue(talk.recv(1000).startswith(b"221 "))
            line = [one for one in connects(mx) if "client=127.0.0.5:" in one][0]
            self.assertIn("authority=mx.example.org", line)
            self.assertIn(f"proxy-tls={cipher}", line)
            self.assertIn("proxy-cn=client.example.net", line)


class SwaksAsProxy(Proxied):
    @classmethod
    def setUpClass(cls):
        cls.swaks = harness.client("swaks")

    def send(self, mx, *flags, status=0):
        done = subprocess.run([self.swaks, "--server", f"{mx.smtp[0]}:{mx.smtp[1]}", "--helo", "client.example.org", "--from",
                               "a@example.net", "--to", "b@example.org", *flags], capture_output=True, timeout=harness.PATIENCE, check=False)
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        self.assertEqual(done.returncode, status, said)
        return said

    def ends(self, family, source="192.0.2.7", dest="192.0.2.25"):
        return ("--proxy-family", family, "--proxy-source", source, "--proxy-source-port", "4000", "--proxy-dest", dest,
                "--proxy-dest-port", "25")

    def test_versions_and_families(self):
        for flags, address in ((("--proxy-version", "1", *self.ends("TCP4")), "192.0.2.7"),
                               (("--proxy-version", "1", *self.ends("TCP6", "2001:db8::7", "2001:db8::25")), "IPv6:2001:db8::7"),
                               (("--proxy-version", "2", *self.ends("AF_INET")), "192.0.2.7")):
            with self.subTest(flags=flags), harness.Maildir() as maildir, self.mx(maildir) as mx:
                self.send(mx, *flags)
                self.assert_received_from(maildir, address)

    def test_what_is_no_header_is_cut_off(self):
        with harness.Maildir() as maildir, self.mx(maildir) as mx:
            self.send(mx, "--proxy-version", "1", "--proxy", "TCP4 192.0.2.7 192.0.2.25 4000 65536", status=6)
            harness.wait_until(lambda: "rule=proxy" in mx.log(), "the log says so")
            mx.expect_in_log('why="bad port"')
            self.assertEqual(connects(mx), [])
            self.assertEqual(maildir.files(), [])

    def test_nobody_else_may(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--trust-proxy", "192.0.2.1") as mx:
            self.send(mx)
            self.assert_received_from(maildir, "127.0.0.1")
            with harness.Talk(mx.smtp) as talk:
                talk.say("PROXY TCP4 192.0.2.7 192.0.2.25 4000 25", "500 5.5.1")


class Raw(Proxied):
    def test_header_and_commands_in_one_write(self):
        with harness.Maildir() as maildir, self.mx(maildir) as mx:
            with harness.Talk(mx.smtp, greeting=None) as talk:
                talk.send("PROXY TCP4 192.0.2.7 192.0.2.25 4000 25\r\nEHLO client.example.org\r\nNOOP\r\n")
                talk.expect("220")
                talk.expect("250-")
                talk.expect("250 2.0.0")
                talk.say("PROXY TCP4 192.0.2.8 192.0.2.25 4000 25", "500 5.5.1")

    def test_a_proxy_that_waits_is_cut_off(self):
        with harness.Maildir() as maildir, self.mx(maildir) as mx:
            with harness.Talk(mx.smtp, greeting=None) as talk:
                talk.send("PROXY TCP4 ")
                self.assertTrue(talk.at_end())
            harness.wait_until(lambda: 'why="no header in time"' in mx.log(), "the log says why")

    def test_stopping_does_not_wait_for_headers(self):
        with harness.Maildir() as maildir, self.mx(maildir, "--grace", "30") as mx:
            with harness.Talk(mx.smtp, greeting=None) as talk:
                talk.send("PROXY ")
                mx.stop()
                self.assertIn("421 4.3.2", talk.reply() or "nothing")

    def test_one_client_has_one_place(self):
        with harness.Maildir() as maildir, self.mx(maildir, "--max-connections-per-address", "1") as mx:
            with harness.Talk(mx.smtp, greeting=None) as first, harness.Talk(mx.smtp, greeting=None) as second:
                for talk, code in ((first, "220"), (second, "421 4.7.0")):
                    talk.send("PROXY TCP4 192.0.2.7 192.0.2.25 4000 25\r\n")
                    talk.expect(code)
            with harness.Talk(mx.smtp, greeting=None) as other:
                other.send("PROXY TCP4 192.0.2.8 192.0.2.25 4000 25\r\n")
                other.expect("220")

    def test_a_network_that_is_none(self):
        code, _, log = harness.run_program("mailquay-mx", "--trust-proxy", "192.0.2.1/24")
        self.assertEqual(code, 2, log)
        self.assertIn("--trust-proxy 192.0.2.1/24: ", log)


if __name__ == "__main__":
    harness.main()
