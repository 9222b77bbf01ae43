"""Filters and proxies that speak for others: swaks and nginx with XCLIENT, Postfix with XFORWARD."""

import http.server
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading

import harness


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


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
            self.assertIn("client=192.0.2.7:0 was=127.0.0.1:", mx.log())

    def test_xclient_with_login(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--trust-xclient", "127.0.0.0/8", "--trust-xclient-login") as mx:
            self.send(mx, "--xclient-addr", "192.0.2.7", "--xclient-login", "alice")
            self.assertIn(b"with ESMTPA ", harness.split_trace(maildir.stored()[0])[0][2])
            self.assertIn("user=alice", mx.log())

    def test_xclient_from_others(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--trust-xclient", "192.0.2.1") as mx:
            self.send(mx, "--xclient-addr", "192.0.2.7", status=33)
            with harness.Talk(mx.smtp) as talk:
                self.assertNotIn("XCLIENT", talk.hello())
                talk.say("XCLIENT ADDR=192.0.2.7", "550 5.7.0")
                talk.say("XFORWARD ADDR=192.0.2.7", "550 5.7.0")


class Postfix:
    """A Postfix of its own that sends everything to one server. `with Postfix(mx) as port:`"""

    MASTER = """\
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

    def __init__(self, mx, **settings):
        self.path = tempfile.mkdtemp(prefix="mailquay-test-")
        os.chmod(self.path, 0o755)
        self.port = free_port()
        data = os.path.join(self.path, "data")
        os.mkdir(data)
        os.mkdir(os.path.join(self.path, "spool"))
        os.chown(data, pwd.getpwnam("postfix").pw_uid, -1)
        main = {"compatibility_level": "3.6", "queue_directory": self.path + "/spool", "data_directory": data,
                "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "myhostname": "client.example.org", "mydestination": "",
                "relayhost": f"[127.0.0.1]:{mx.smtp[1]}", "maillog_file": self.path + "/maillog", "maillog_file_prefixes": self.path,
                "mynetworks": "127.0.0.0/8", "alias_maps": "", "alias_database": "", "local_recipient_maps": "", "smtpd_relay_restrictions": "permit_mynetworks,reject",
                **settings}
        with open(self.path + "/main.cf", "w", encoding="utf-8") as file:
            file.writelines(f"{name} = {value}\n" for name, value in main.items())
        with open(self.path + "/master.cf", "w", encoding="utf-8") as file:
            file.write(self.MASTER.format(port=f"127.0.0.1:{self.port}"))

    def command(self, *words):
        return subprocess.run([harness.client("postfix"), "-c", self.path, *words], capture_output=True, timeout=harness.PATIENCE, check=False)

    def log(self):
        try:
            with open(self.path + "/maillog", encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def __enter__(self):
        done = self.command("start")
        try:
            harness.wait_until(lambda: accepts(self.port), "Postfix listens")
        except AssertionError as failed:
            said = (done.stdout + done.stderr).decode("utf-8", "replace") + self.log()
            self.__exit__()
            raise AssertionError(f"{failed}\n{said}") from None
        return self.port

    def __exit__(self, *_):
        self.command("stop")
        shutil.rmtree(self.path, ignore_errors=True)


class PostfixAsClient(harness.Case):
    @classmethod
    def setUpClass(cls):
        harness.client("postfix")
        if os.geteuid() != 0:
            raise harness.unittest.SkipTest("Postfix is started by root only")

    def test_xforward(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--trust-xforward", "127.0.0.1") as mx:
            with Postfix(mx, smtp_send_xforward_command="yes") as port:
                with harness.Talk(("127.0.0.1", port), source="127.0.0.5") as talk:
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
            port = free_port()
            config = os.path.join(folder, "nginx.conf")
            with open(config, "w", encoding="utf-8") as file:
                file.write(f"load_module {self.MODULE}; daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;\n"
                           "events {}\n"
                           f"mail {{ server_name mx.example.test; auth_http 127.0.0.1:{auth.server_port}/auth; xclient on;\n"
                           "proxy_pass_error_message on;\n"
                           f"server {{ listen 127.0.0.1:{port}; protocol smtp; smtp_auth none plain login; }} }}\n")
            process = subprocess.Popen([self.nginx, "-p", folder, "-c", config], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                harness.wait_until(lambda: accepts(port) or process.poll() is not None, "nginx listens")
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
            self.assertIn("client=127.0.0.5:", mx.log())


if __name__ == "__main__":
    harness.main()
