"""The client, by way of examples/16_send: to Postfix's smtp-sink with and without what it can, to Dovecot's LMTP,
to Exim with PRDR, to mailquay-mx."""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import exim
import harness


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def send(where, *recipients, content=None, lmtp=False, status=0):
    """What 16_send prints; its last line is the summary."""
    program = os.path.join(harness.BIN, "16_send")
    if not os.path.exists(program):
        raise unittest.SkipTest("16_send is not built")
    done = subprocess.run([program, *(["--lmtp"] if lmtp else []), where, "a@example.net", *recipients],
                          input=(content or harness.message()).replace(b"\r\n", b"\n"), capture_output=True,
                          timeout=harness.PATIENCE * 2, check=False)
    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == status, said
    return said


class SmtpSink:
    """Postfix's test server, which keeps each message in a file."""

    def __init__(self, *flags):
        self.program = harness.client("smtp-sink")
        self.folder = tempfile.mkdtemp(prefix="mailquay-sink-")
        os.chmod(self.folder, 0o777)
        self.port = free_port()
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        self.process = subprocess.Popen([self.program, *user, *flags, "-h", "sink.example.org", "-d", os.path.join(self.folder, "mail-"),
                                         f"inet:127.0.0.1:{self.port}", "100"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def __enter__(self):
        def answers():
            assert self.process.poll() is None, self.process.stderr.read().decode()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                return False
        harness.wait_until(answers, "smtp-sink listens")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def where(self):
        return f"127.0.0.1:{self.port}"

    def messages(self):
        """Without the lines that smtp-sink puts before them."""
        found = []
        for name in sorted(glob.glob(os.path.join(self.folder, "mail-*"))):
            with open(name, "rb") as file:
                stored = file.read()
            begin = stored.find(b"From: Ada")
            if begin >= 0:
                found.append(stored[begin:])
        return found


class ToSmtpSink(harness.Case):
    def delivers(self, *flags, lmtp=False, recipients=("b@example.org", "c@example.org")):
        content = harness.message(20_000)
        with SmtpSink(*flags) as sink:
            said = send(sink.where, *recipients, content=content, lmtp=lmtp)
            self.assertEqual(said.count(" delivered 2."), len(recipients), said)
            harness.wait_until(sink.messages, "the message is kept")
            self.assertEqual(sink.messages()[0].rstrip(b"\n"), content.replace(b"\r\n", b"\n").rstrip(b"\n"))

    def test_with_all_it_can(self):
        self.delivers()

    def test_without_pipelining(self):
        self.delivers("-p")

    def test_without_esmtp(self):
        self.delivers("-e")

    def test_without_enhanced_status_codes(self):
        self.delivers("-E")

    def test_lmtp(self):
        self.delivers("-L", lmtp=True)

    def test_lmtp_without_pipelining(self):
        self.delivers("-L", "-p", lmtp=True)

    def test_many_recipients_go_in_several_transactions(self):
        self.delivers(recipients=[f"r{i}@example.org" for i in range(250)])

    def test_slow_answers(self):
        self.delivers("-w", "1", "-p", recipients=("b@example.org",))

    def refused(self, *flags, state, lmtp=False):
        with SmtpSink(*flags) as sink:
            said = send(sink.where, "b@example.org", status=1, lmtp=lmtp)
            self.assertIn(f"b@example.org {state}", said)
            self.assertEqual([kept for kept in sink.messages() if kept.endswith(b"last\n")], [])
            return said

    def test_hard_refusals(self):
        for stage in ("MAIL", "RCPT", "DATA", "."):
            with self.subTest(stage):
                self.refused("-f", stage, state="permanent 5")

    def test_soft_refusals(self):
        for stage in ("MAIL", "RCPT", "DATA", "."):
            with self.subTest(stage):
                self.refused("-r", stage, state="temporary 4")

    def test_a_refused_connection_is_the_hosts_problem(self):
        for stage in ("CONNECT", "EHLO"):
            with self.subTest(stage):
                flags = ("-f", stage) if stage == "CONNECT" else ("-f", "EHLO,HELO")
                self.assertIn("refused", self.refused(*flags, state="untried"))

    def test_closing_without_a_word(self):
        for stage in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA"):
            with self.subTest(stage):
                self.assertIn("connection lost", self.refused("-q", stage, state="untried"))

    def test_closing_after_the_dot_is_an_unknown_outcome(self):
        self.refused("-q", ".", state="unknown 4.4.2")

    def test_421(self):
        for stage, state in (("MAIL", "untried"), ("RCPT", "temporary 4"), ("DATA", "temporary 4"), (".", "temporary 4")):
            with self.subTest(stage):
                self.assertIn("421", self.refused("-Q", stage, state=state))


class DovecotLmtp:
    """A private Dovecot that takes mail by LMTP, on a UNIX socket, for some users of example.org, and files it in Maildirs.

    `users` are names with fields for Dovecot, `more` are settings.
    """

    def __init__(self, users=None, more=""):
        program = harness.client("dovecot")
        if not os.path.exists("/usr/lib/dovecot/lmtp"):
            raise unittest.SkipTest("Dovecot has no LMTP: dovecot-lmtpd is not installed")
        if os.getuid() != 0:
            raise unittest.SkipTest("Dovecot changes its user, which only root may")
        self.folder = tempfile.mkdtemp(prefix="mailquay-dovecot-")
        os.chmod(self.folder, 0o755)
        mail = os.path.join(self.folder, "mail")
        os.mkdir(mail)
        nobody = pwd.getpwnam("nobody")
        os.chown(mail, nobody.pw_uid, nobody.pw_gid)
        with open(os.path.join(self.folder, "users"), "w", encoding="ascii") as file:
            for user, fields in (users or {"b": "", "c": ""}).items():
                file.write(f"{user}@example.org::{nobody.pw_uid}:{nobody.pw_gid}::{mail}/{user}::{fields}\n")
        with open(os.path.join(self.folder, "dovecot.conf"), "w", encoding="ascii") as file:
            file.write(f"""\
base_dir = {self.folder}/run
log_path = {self.folder}/log
protocols = lmtp
ssl = no
first_valid_uid = 1
mail_location = maildir:~/Maildir
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = passwd-file
  args = {self.folder}/users
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
{more}""")
        self.process = subprocess.Popen([program, "-F", "-c", os.path.join(self.folder, "dovecot.conf")], stderr=subprocess.PIPE)
        self.socket = os.path.join(self.folder, "run/lmtp")

    def __enter__(self):
        harness.wait_until(lambda: os.path.exists(self.socket) or self.process.poll() is not None, "Dovecot listens")
        assert self.process.poll() is None, self.process.stderr.read().decode()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def messages(self, user):
        found = []
        for name in glob.glob(os.path.join(self.folder, "mail", user, "Maildir/new/*")):
            with open(name, "rb") as file:
                found.append(file.read())
        return found


class ToDovecot(harness.Case):
    def test_each_recipient_has_its_own_answer(self):
        content = harness.message()
        with DovecotLmtp() as dovecot:
            said = send("unix:" + dovecot.socket, "b@example.org", "nobody@example.org", "c@example.org", lmtp=True, status=1, content=content)
            self.assertIn("b@example.org delivered 2.", said)
            self.assertIn("c@example.org delivered 2.", said)
            self.assertIn("nobody@example.org permanent 5.1.1", said)
            for user in ("b", "c"):
                self.assertEqual(len(dovecot.messages(user)), 1)
                self.assertTrue(dovecot.messages(user)[0].replace(b"\r\n", b"\n").endswith(content.replace(b"\r\n", b"\n")))


class ToExim(harness.Case):
    def test_prdr_refuses_for_one_recipient(self):
        content = harness.message()
        port = free_port()
        with exim.EximServer(port) as server:
            said = send(f"127.0.0.1:{port}", "b@example.org", "c@example.org", status=1, content=content)
            self.assertIn("b@example.org delivered 2.0.0", said)
            self.assertIn("c@example.org permanent 5.0.0", said)
            body = content.split(b"\r\n\r\n", 1)[1].replace(b"\r\n", b"\n")
            self.assertEqual(server.bodies(), [body])
            self.assertIn("PRDR R=<b@example.org> acceptance", server.log())
            self.assertIn("PRDR c@example.org not for c", server.log())

    def test_one_recipient_has_an_ordinary_answer(self):
        port = free_port()
        with exim.EximServer(port) as server:
            self.assertIn("b@example.org delivered 2.0.0", send(f"127.0.0.1:{port}", "b@example.org"))
            self.assertEqual(len(server.bodies()), 1)


class ToMailquay(harness.Case):
    def test_smtp_and_lmtp(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--listen", "127.0.0.1:0", "--listen-lmtp", "127.0.0.1:0", "--mailbox", "b") as mx:
            for (host, port), lmtp in ((mx.smtp, False), (mx.lmtp, True)):
                said = send(f"{host}:{port}", "b@example.org", "x@example.org", lmtp=lmtp, status=1)
                self.assertIn("b@example.org delivered 2.0.0", said)
                self.assertIn("x@example.org permanent 5.1.1", said)
            self.assert_messages(maildir.messages(), harness.message(), harness.message())

    def test_a_large_message(self):
        content = harness.message(8_000_000)
        with harness.Maildir() as maildir, harness.mx(maildir) as mx:
            send(f"{mx.smtp[0]}:{mx.smtp[1]}", "b@example.org", content=content)
            self.assert_messages(maildir.messages(), content)

    def test_too_large_a_message_is_not_even_offered(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--max-size", "1000") as mx:
            said = send(f"{mx.smtp[0]}:{mx.smtp[1]}", "b@example.org", content=harness.message(5000), status=1)
            self.assertIn("permanent 5.3.4", said)

    def test_nobody_listens(self):
        begun = time.monotonic()
        self.assertIn("no connection", send(f"127.0.0.1:{free_port()}", "b@example.org", status=1))
        self.assertLess(time.monotonic() - begun, 10)


if __name__ == "__main__":
    harness.main()
