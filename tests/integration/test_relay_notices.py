#!/usr/bin/env python3
"""Next hops that fail in every way: what they did to a message comes back as a notice that Python's email takes apart, mutt shows
and any server takes.
"""

import email
import email.policy
import mailbox
import os
import pty
import select
import socketserver
import subprocess
import tempfile
import threading
import time

from harness import PATIENCE, Case, client, main, wait_until
from postfix import PostfixServer
from test_relay import Relay, parsed
from test_relay_peers import DATED, give

CONTENT = DATED + b"From: ada@example.org\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\r\ntext\r\n"


class Failing:
    """A server that answers mail at one stage with a reply, or with None: closes; but takes notices."""

    def __init__(self, stage, reply, extensions=("PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME")):
        self.notices, self.attempts = [], 0
        failing = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    failing.serve(self.rfile, self.wfile, stage, reply, extensions)
                except (OSError, EOFError):
                    pass

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def serve(self, read, write, stage, reply, extensions):
        notice = False

        def answer(now, good):
            said = good if notice or now != stage else reply
            if now == stage and not notice:
                self.attempts += 1
            if said is None:
                raise EOFError
            write.write(said + b"\r\n")
            return said is good

        answer("greeting", b"220 failing.example.net")
        while line := read.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                write.write(b"".join(b"250-" + name.encode() + b"\r\n" for name in ("failing.example.net", *extensions)) + b"250 HELP\r\n")
            elif verb == b"MAIL":
                notice = line.startswith(b"MAIL FROM:<>")
                answer("mail", b"250 2.1.0 Ok")
            elif verb == b"RCPT":
                answer("rcpt", b"250 2.1.5 Ok")
            elif verb == b"DATA":
                if not answer("data", b"354 go on"):
                    continue
                content = b""
                while (line := read.readline()) != b".\r\n":
                    if not line:
                        return
                    content += line.removeprefix(b".")
                if notice:
                    self.notices.append(content)
                answer("dot", b"250 2.0.0 taken")
            elif verb == b"QUIT":
                return
            else:
                write.write(b"250 2.0.0 Ok\r\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Told(Case):
    def notice(self, stage, reply, *flags, sender="ada@example.org", parameters=""):
        """The only notice for a message to b and c that met with this."""
        with Failing(stage, reply) as failing, Relay("--relay-to", failing.address, "--retry", "1", *flags) as relay:
            give(relay, CONTENT, "b@example.org", "c@example.org", sender=sender, parameters=parameters)
            relay.empty()
            self.assertEqual(len(failing.notices), 1)
            return failing.notices[0], failing.attempts

    def assert_well_made(self, notice):
        self.assertTrue(notice.isascii())
        self.assertLessEqual(max(map(len, notice.split(b"\r\n"))), 998)
        self.assertNotRegex(notice, rb"[^\r]\n|\r[^\n]|[\0-\10\13\14\16-\37\177]")

    def test_refused_for_good(self):
        for stage in ("mail", "rcpt", "data", "dot"):
            with self.subTest(stage=stage):
                notice, attempts = self.notice(stage, b"554-5.7.1 not from you,\r\n554 5.7.1 never")
                self.assert_well_made(notice)
                message, groups = parsed(notice)
                self.assertEqual(attempts, 2 if stage == "rcpt" else 1)
                self.assertEqual(message["to"], "ada@example.org")
                self.assertEqual(groups[0]["reporting-mta"], "dns; mx.example.org")
                self.assertEqual([(group["final-recipient"], group["action"], group["status"]) for group in groups[1:]],
                                 [(f"rfc822; {to}@example.org", "failed", "5.7.1") for to in "bc"])
                for group in groups[1:]:
                    self.assertEqual(group["diagnostic-code"], "smtp; 554 5.7.1 not from you, never")
                    self.assertIn("remote-mta", group)
                returned = list(message.iter_parts())[2]
                self.assertEqual(returned.get_content_type(), "text/rfc822-headers")
                self.assertIn("Message-ID: <one@example.net>", returned.as_string())

    def test_refused_until_it_expires(self):
        for stage, reply in (("mail", b"451 4.3.0 later"), ("rcpt", b"450 4.2.1 later"), ("dot", b"451 4.3.0 later"), ("dot", None)):
            with self.subTest(stage=stage, reply=reply):
                notice, attempts = self.notice(stage, reply, "--lifetime", "2")
                self.assert_well_made(notice)
                _, groups = parsed(notice)
                self.assertGreaterEqual(attempts, 2)
                self.assertEqual([(group["final-recipient"], group["action"], group["status"]) for group in groups[1:]],
                                 [(f"rfc822; {to}@example.org", "failed", "4.4.7") for to in "bc"])

    def test_replies_that_are_none(self):
        for reply in (b"550 5.1.1 " + b"x" * 3000, b"550 5.1.1 gr\xfc\xdfe \0\1\x1b[31m (\"<&> \xff", b"550-" + b"\r\n550-".join([b"y" * 70] * 40) + b"\r\n550 z",
                      b"550 5.1.1 a\rSubject: b"):
            with self.subTest(reply=reply[:40]):
                notice, _ = self.notice("dot", reply)
                self.assert_well_made(notice)
                message, groups = parsed(notice)
                self.assertEqual(len(groups), 3)
                self.assertTrue(groups[1]["status"].startswith("5."))
                self.assertEqual(len(message.get_all("subject")), 1)


MUTTRC = """\
set folder={path} spoolfile={path}/box mbox_type=Maildir header_cache="" move=no quit=yes read_inc=0 history_file="" confirmappend=no
set pager="{path}/show" prompt_after=no wait_key=no charset=utf-8 send_charset=utf-8 use_domain=no hostname=localhost realname=x
set sort=mailbox-order
push "{keys}<quit>"
"""


def shown_by_mutt(notices):
    """What mutt makes of each message, for a reader."""
    mutt = client("mutt")
    with tempfile.TemporaryDirectory(prefix="mq-") as path:
        box = mailbox.Maildir(os.path.join(path, "box"))
        for notice in notices:
            box.add(notice.replace(b"\r\n", b"\n"))
        with open(path + "/show", "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\n(cat \"$1\"; printf '\\036') >> {path}/shown\n")
        os.chmod(path + "/show", 0o755)
        with open(path + "/muttrc", "w", encoding="ascii") as file:
            file.write(MUTTRC.format(path=path, keys="<first-entry>" + "<display-message><next-entry>" * len(notices)))
        ours, theirs = pty.openpty()
        process = subprocess.Popen([mutt, "-n", "-F", path + "/muttrc", "-f", path + "/box"], stdin=theirs, stdout=theirs, stderr=theirs,
                                   env={"PATH": "/usr/bin:/bin", "HOME": path, "TERM": "vt100", "LC_ALL": "C.UTF-8"}, start_new_session=True)
        os.close(theirs)
        said = b""
        end = time.monotonic() + PATIENCE
        try:
            while process.poll() is None and time.monotonic() < end:
                if select.select([ours], [], [], 0.1)[0]:
                    try:
                        said += os.read(ours, 65536)
                    except OSError:  # the other end is gone
                        process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()
            os.close(ours)
        try:
            with open(path + "/shown", encoding="utf-8") as file:
                return file.read().split("\x1e")[:-1]
        except FileNotFoundError:
            raise AssertionError(f"mutt showed nothing: {said!r}") from None


class Shown(Case):
    def test_mutt_shows_every_part(self):
        with Failing("rcpt", b"550 5.1.1 nobody of that name") as failing, Relay("--relay-to", failing.address, "--retry", "1", "--enable", "DSN") as relay:
            give(relay, CONTENT, "b@example.org", sender="ada@example.org")
            give(relay, CONTENT, "jürgen@example.org", sender="ada@example.org", parameters=" SMTPUTF8")
            relay.empty()
            notices = failing.notices
        self.assertEqual(len(notices), 2)
        shown = sorted(shown_by_mutt(notices), key=lambda text: "utf-8;" in text)
        self.assertEqual(len(shown), 2)
        for text, to in zip(shown, ("Final-Recipient: rfc822; b@example.org", r"Final-Recipient: utf-8; j\x{FC}rgen@example.org")):
            self.assertIn("Subject: Undelivered mail\n", text)
            self.assertRegex(text, r"Attachment #1: What happened --\]\n\[-- Type: text/plain.*\n\nThis is the mail system at mx\.example\.org\.\n")
            self.assertRegex(text, r"Attachment #2: The same for programs --\]\n\[-- Type: message/delivery-status,.*\n\nReporting-MTA: dns; mx\.example\.org\n")
            self.assertIn(to, text)
            self.assertIn("Attachment #3: Header of the message --]", text)
        self.assertIn("    [127.0.0.1] said: 550 5.1.1 nobody of that name\n", shown[0])
        self.assertIn("Status: 5.1.1\n", shown[0])
        self.assertIn("\nMessage-ID: <one@example.net>\n", shown[0].split("Attachment #3")[1])
        self.assertIn("\n<jürgen@example.org>\n    5.6.7 ", shown[1])
        self.assertIn("Status: 5.6.7\n", shown[1])

    def test_a_sender_with_utf8_is_told_in_utf8(self):
        with PostfixServer("jürgen") as postfix, Relay("--relay-to", postfix.address, "--retry", "1") as relay:
            give(relay, CONTENT, "gönner@example.org", sender="jürgen@example.org", parameters=" SMTPUTF8")
            wait_until(lambda: postfix.messages("jürgen"), "the notice arrives")
            (notice,) = postfix.messages("jürgen")
        message = email.message_from_bytes(notice, policy=email.policy.SMTPUTF8)
        self.assertEqual(message.get_param("report-type"), "global-delivery-status")
        self.assertEqual([part.get_content_type() for part in message.get_payload()],
                         ["text/plain", "message/global-delivery-status", "message/global-headers"])
        self.assertIn("\nFinal-Recipient: utf-8; gönner@example.org\nAction: failed\nStatus: 5.1.1\n", notice.decode())
        (shown,) = shown_by_mutt([notice])
        self.assertIn("\n<gönner@example.org>\n    [127.0.0.1] said: 550 5.1.1 ", shown)


if __name__ == "__main__":
    main()
