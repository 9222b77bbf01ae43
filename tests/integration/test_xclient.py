"""Filters and proxies that speak for others: swaks and nginx with XCLIENT, Postfix with XFORWARD."""

import http.server
import os
import subprocess
import tempfile
import threading

import harness
from postfix import Postfix


class Swaks(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.swaks = harness.client("swaks")

    def send(self, mx, *flags, status=0):
        done = subprocess.run([self.swaks, "--server", f"{mx.smtp[0]}:{mx.smtp[1]}", "--helo", "client.example.org", "--from",
                               "a@example.net", "--to", "b@example.org", *flags], capture_output=True, timeout=harness.PATIENCE, check=False)
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        self.assertEqual(done.returncode, status, said)
        return said

    def test_xclient(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--trust-xclient", "127.0.0.1") as mx:
            self.send(mx, "--xclient-addr", "192.0.2.7", "--xclient-name", "mail.example.com", "--xclient-proto", "ESMTP")
            received = harness.split_trace(maildir.stored()[0])[0][2]
            self.assertIn(b"(mail.example.com [192.0.2.7])", received.replace(b"\r\n\t", b" "))
            mx.expect_in_log("client=192.0.2.7:0 was=127.0.0.1:")

    def test_xclient_with_login(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--trust-xclient", "127.0.0.0/8", "--trust-xclient-login") as mx:
            self.send(mx, "--xclient-addr", "192.0.2.7", "--xclient-login", "alice")
            self.assertIn(b"with ESMTPA ", harness.split_trace(maildir.stored()[0])[0][2])
            mx.expect_in_log("user=alice")

    def test_xclient_from_others(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--trust-xclient", "192.0.2.1") as mx:
            self.send(mx, "--xclient-addr", "192.0.2.7", status=33)
            with harness.Talk(mx.smtp) as talk:
                self.assertNotIn("XCLIENT", talk.hello())
                talk.say("XCLIENT ADDR=192.0.2.7", "550 5.7.0")
                talk.say("XFORWARD ADDR=192.0.2.7", "550 5.7.0")


class PostfixAsClient(harness.Case):
    def test_xforward(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--trust-xforward", "127.0.0.1") as mx:
            with Postfix(mx, smtp_send_xforward_command="yes") as postfix:
                with harness.Talk(("127.0.0.1", postfix.port), source="127.0.0.5") as talk:
                    talk.hello()
                    talk.mail("b@example.org")
                    queued = talk.data(harness.message()).rsplit(" ", 1)[-1]
                    talk.say("QUIT", "221")
                harness.wait_until(maildir.files, "Postfix delivers")
            line = [one for one in mx.lines if "accepted " in one][0]
            self.assertIn("fwd-client=127.0.0.5", line)
            self.assertIn("fwd-helo=client.example.org", line)
            self.assertIn("fwd-proto=ESMTP", line)
            self.assertIn(f"fwd-id={queued}", line)
            self.assertIn("fwd-source=", line)
            self.assertIn(" client=127.0.0.1:", line)


class AuthHttp(http.server.BaseHTTPRequestHandler):
    """Tells nginx where mail goes."""

    backend = None

    def do_GET(self):
        self.send_response(200)
        for name, value in (("Auth-Status", "OK"), ("Auth-Server", self.backend[0]), ("Auth-Port", str(self.backend[1]))):
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass


class NginxInFront(harness.Case):
    MODULE = "/usr/lib/nginx/modules/ngx_mail_module.so"

    @classmethod
    def setUpClass(cls):
        cls.nginx = harness.client("nginx")
        if not os.path.exists(cls.MODULE):
            raise harness.unittest.SkipTest("nginx has no mail module")

    def test_xclient(self):
        with harness.Maildir() as maildir, tempfile.TemporaryDirectory() as folder, \
                harness.mx(maildir, "--trust-xclient", "127.0.0.1") as mx:
            os.chmod(folder, 0o755)
            AuthHttp.backend = mx.smtp
            auth = http.server.HTTPServer(("127.0.0.1", 0), AuthHttp)
            threading.Thread(target=auth.serve_forever, daemon=True).start()
            port = harness.free_port()
            config = os.path.join(folder, "nginx.conf")
            with open(config, "w", encoding="utf-8") as file:
                file.write(f"load_module {self.MODULE}; daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;\n"
                           "events {}\n"
                           f"mail {{ server_name mx.example.test; auth_http 127.0.0.1:{auth.server_port}/auth; xclient on;\n"
                           "proxy_pass_error_message on;\n"
                           f"server {{ listen 127.0.0.1:{port}; protocol smtp; smtp_auth none plain login; }} }}\n")
            process = subprocess.Popen([self.nginx, "-p", folder, "-c", config], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                harness.wait_until(lambda: harness.accepts(port) or process.poll() is not None, "nginx listens")
                self.assertIsNone(process.poll(), process.poll() is not None and process.stderr.read())
                with harness.Talk(("127.0.0.1", port), source="127.0.0.5") as talk:
                    talk.hello()
                    talk.mail("b@example.org")
                    talk.data(harness.message())
                    talk.say("QUIT", "221")
            finally:
                process.terminate()
                process.wait(harness.PATIENCE)
                process.stderr.close()
                auth.shutdown()
                auth.server_close()
            self.assert_messages(maildir.messages(), harness.message())
            self.assertIn(b"[127.0.0.5]", harness.split_trace(maildir.stored()[0])[0][2])
            mx.expect_in_log("client=127.0.0.5:")


if __name__ == "__main__":
    harness.main()
