#!/usr/bin/env python3
"""Mail goes onward: from the spool of mailquay-mx and mailquay-submission to other servers, good ones and bad ones, by SMTP
and LMTP; what fails comes back as a notice; kill -9 loses nothing.
"""

import email
import email.policy
import os
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
import unittest

from harness import PATIENCE, Case, Maildir, Program, Talk, client, main, run_program, wait_until
from names import A, MX, NameServer, mx


class Upstream:
    """An SMTP server that does what a test says of each recipient, and remembers what it took.

    A recipient's local part says what happens: "later..." 451, "never..." 550, "drop..." the connection is closed at its RCPT;
    the sender's: "cut..." closed in the middle of the message, "lost..." closed after the dot, once for each message, which it
    then has. `slow` is how long each final reply takes.
    """

    def __init__(self, slow=0.0, extensions=("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"), refuse=None):
        self.slow = slow
        self.extensions = extensions
        self.refuse = refuse
        self.lock = threading.Lock()
        self.taken = []        # (reverse path, [recipients], content, MAIL line, [RCPT lines])
        self.connections = 0
        self.forwarded = []    # XFORWARD lines
        self.once = set()
        upstream = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    upstream.serve(self.rfile, self.wfile, self.connection)
                except (OSError, ValueError):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def first_time(self, what):
        with self.lock:
            new = what not in self.once
            self.once.add(what)
            return new

    def serve(self, read, write, connection):
        def say(line):
            write.write(line.encode() + b"\r\n")
            write.flush()

        with self.lock:
            self.connections += 1
        if self.refuse:
            say(self.refuse)
            return
        say("220 up.example.net ready")
        sender, accepted, lines, mail_line = None, [], [], ""
        while True:
            line = read.readline()
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            verb = text[:4].upper()
            if verb in ("EHLO", "LHLO"):
                names = ["up.example.net", *self.extensions]
                for name in names[:-1]:
                    say("250-" + name)
                say("250 " + names[-1])
            elif verb == "MAIL":
                sender, accepted, lines, mail_line = re.search("<(.*?)>", text).group(1), [], [], text
                say("250 2.1.0 Ok")
            elif verb == "RCPT":
                to = re.search("<(.*?)>", text).group(1)
                if to.startswith("drop"):
                    return
                if to.startswith("later"):
                    say("451 4.2.1 not now")
                elif to.startswith("never"):
                    say("550-5.1.1 no such user here,")
                    say("550 5.1.1 none at all")
                else:
                    accepted.append(to)
                    lines.append(text)
                    say("250 2.1.5 Ok")
            elif verb == "DATA":
                if not accepted:
                    say("503 5.5.1 no recipients")
                    continue
                say("354 go on")
                content = []
                if sender.startswith("cut") and self.first_time(("cut", sender)):
                    read.readline()
                    return
                while True:
                    line = read.readline()
                    if not line:
                        return
                    if line == b".\r\n":
                        break
                    content.append(line[1:] if line.startswith(b".") else line)
                time.sleep(self.slow)
                with self.lock:
                    self.taken.append((sender, accepted, b"".join(content), mail_line, lines))
                if sender.startswith("lost") and self.first_time(("lost", sender)):
                    return
                say("250 2.0.0 taken")
                sender, accepted = None, []
            elif text.startswith("XFORWARD "):
                with self.lock:
                    self.forwarded.append(text)
                say("250 2.0.0 Ok")
            elif verb == "RSET":
                accepted = []
                say("250 2.0.0 Ok")
            elif verb == "QUIT":
                say("221 2.0.0 bye")
                return
            else:
                say("250 2.0.0 Ok" if verb == "NOOP" else "502 5.5.1 no")

    def mail(self):
        with self.lock:
            return list(self.taken)

    def notices(self):
        return [one for one in self.mail() if one[0] == ""]


class Relay:
    """mailquay-mx with a spool, and where its mail goes."""

    def __init__(self, *flags):
        self.path = tempfile.mkdtemp(prefix="mq-")
        # What a test sends is to be in the queue, whoever it is for.
        self.flags = (*flags, "--accept-any")
        self.program = None

    def __enter__(self):
        self.start()
        return self

    def start(self, *flags):
        self.program = Program("mailquay-mx", "--hostname", "mx.example.org", "--domain", "example.org", "--spool", self.path,
                               "--listen", "127.0.0.1:0", *self.flags, *flags)

    def __exit__(self, kind, value, trace):
        if self.program is not None:
            self.program.__exit__(kind, value, trace)
        shutil.rmtree(self.path, ignore_errors=True)

    def kill(self):
        self.program.kill()
        self.program = None

    def queue(self, *words):
        status, out, err = run_program("mailquay-queue", "--spool", self.path, *words)
        assert status == 0, err
        return out

    def ids(self):
        return [line.split()[0] for line in self.queue("list").splitlines()]

    def send(self, *recipients, sender="ada@example.net", parameters="", subject="test", body="text\r\n"):
        with Talk(self.program.smtp) as talk:
            talk.hello()
            talk.mail(*recipients, sender=sender, parameters=parameters)
            talk.data(f"From: Ada <{sender}>\r\nMessage-ID: <{subject}@example.net>\r\nSubject: {subject}\r\n\r\n{body}".encode())

    def empty(self):
        wait_until(lambda: not self.ids(), "the queue is empty")


def own_address():
    """An address of this machine, of loopback if it has no other."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            return probe.getsockname()[0]
    except OSError:
        return "127.0.0.77"


def free_port():
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return str(probe.getsockname()[1])


def parsed(content):
    """A notice, taken apart by Python's own reader: (message, status parts as dictionaries of lower-case names)."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert not message.defects, message.defects
    assert message.get_content_type() == "multipart/report", message.get_content_type()
    parts = list(message.iter_parts())
    assert len(parts) == 3, parts
    for part in parts:
        assert not part.defects, part.defects
    assert parts[1].get_content_type() == "message/delivery-status"
    groups = [{name.lower(): value for name, value in group.items()} for group in parts[1].get_payload() if group.items()]
    return message, groups


class ToServers(Case):
    def test_to_our_own_server(self):
        with Maildir() as where, Program("mailquay-mx", "--hostname", "in.example.org", "--domain", "example.org", "--maildir", where.path,
                                         "--listen", "127.0.0.1:0", "--log-level", "warning") as inside:
            with Relay("--relay-to", "%s:%d" % inside.smtp) as relay:
                subprocess.run([client("smtp-source"), "-m", "100", "-s", "5", "-l", "3000", "-f", "a@example.net", "-t", "b@example.org",
                                "%s:%d" % relay.program.smtp], check=True, timeout=PATIENCE)
                relay.empty()
                self.assertEqual(len(where.files()), 100)

    def test_lines_that_begin_with_dots(self):
        body = ".\r\n..\r\n.a\r\n" + "x" * 990 + "\r\n.\r\n"
        with Upstream() as up, Relay("--relay-to", up.address) as relay:
            relay.send("b@example.org", body=body)
            wait_until(up.mail, "it arrives")
            content = up.mail()[0][2]
            self.assertTrue(content.startswith(b"Received: from "))
            self.assertTrue(content.endswith(("\r\n\r\n" + body).encode()), content[-1200:])

    def test_to_postfix_sink(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        sink = subprocess.Popen([client("smtp-sink"), "-u", "nobody", "-c", f"127.0.0.1:{port}", "100"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        try:
            with Relay("--relay-to", f"127.0.0.1:{port}", "--retry", "1") as relay:
                for number in range(20):
                    relay.send("b@example.org", "c@example.org", subject=f"n{number}")
                relay.empty()
        finally:
            sink.kill()
            sink.wait()

    def test_large_message(self):
        body = ("0123456789abcdef" * 4 + "\r\n") * 40_000
        with Upstream() as up, Relay("--relay-to", up.address) as relay:
            relay.send("b@example.org", body=body)
            relay.empty()
            self.assertTrue(up.mail()[0][2].endswith(body.encode()))

    def test_dovecot_lmtp(self):
        if not os.path.exists("/usr/lib/dovecot/lmtp"):
            raise unittest.SkipTest("Dovecot's LMTP server is not installed")
        with Dovecot() as dovecot, Relay("--deliver-lmtp", dovecot.address, "--retry", "1") as relay:
            relay.send("bob@example.org", "carol@example.org", subject="lmtp")
            relay.empty()
            for user in ("bob@example.org", "carol@example.org"):
                self.assertEqual(len(dovecot.messages(user)), 1)

    def test_submission(self):
        with Upstream() as up, tempfile.TemporaryDirectory(prefix="mq-") as spool:
            with Program("mailquay-submission", "--user", "ada@example.net:secret", "--auth-without-tls", "--spool", spool, "--relay-to", up.address,
                         "--hostname", "out.example.net", "--listen", "127.0.0.1:0") as program:
                with Talk(program.smtp) as talk:
                    talk.hello()
                    talk.say("AUTH PLAIN AGFkYUBleGFtcGxlLm5ldABzZWNyZXQ=", "235")
                    talk.mail("b@example.com", "never@example.com", sender="ada@example.net")
                    talk.data(b"From: ada@example.net\r\nSubject: out\r\n\r\ntext\r\n")
                wait_until(lambda: len(up.mail()) == 2, "message and notice")
                notice = up.notices()[0]
                self.assertEqual(notice[1], ["ada@example.net"])
                message, groups = parsed(notice[2])
                self.assertEqual(groups[1]["final-recipient"], "rfc822; never@example.com")


class Dovecot:
    """A private instance whose LMTP server takes mail for everybody."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="mq-")
        os.chmod(self.path, 0o755)
        os.makedirs(os.path.join(self.path, "mail"))
        shutil.chown(os.path.join(self.path, "mail"), "nobody", "nogroup")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.config = os.path.join(self.path, "dovecot.conf")
        with open(self.config, "w", encoding="ascii") as file:
            file.write(f"""base_dir = {self.path}/run
log_path = {self.path}/log
protocols = lmtp
ssl = no
listen = 127.0.0.1
mail_location = maildir:{self.path}/mail/%u
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={self.path}/mail/%u allow_all_users=yes
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {self.port}
  }}
}}
""")
        self.process = None

    def __enter__(self):
        if os.geteuid() != 0:
            raise unittest.SkipTest("Dovecot needs root")
        self.start()
        return self

    def start(self):
        self.process = subprocess.Popen([client("dovecot"), "-F", "-c", self.config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def ready():
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                return False
        wait_until(ready, "Dovecot listens")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.path, ignore_errors=True)

    def messages(self, user):
        folder = os.path.join(self.path, "mail", user, "new")
        return os.listdir(folder) if os.path.isdir(folder) else []


class Failures(Case):
    def test_some_now_some_later_some_never(self):
        with Upstream() as up, Relay("--relay-to", up.address, "--retry", "1", "--domain", "example.com") as relay:
            relay.send("good@example.org", "later@example.org", "never@example.org", "never2@example.com", sender="ada@example.org")
            wait_until(up.notices, "the notice arrives")
            self.assertEqual([one[1] for one in up.mail() if one[0]], [["good@example.org"]])
            sender, to, content, _, _ = up.notices()[0]
            self.assertEqual(to, ["ada@example.org"])
            message, groups = parsed(content)
            self.assertEqual(message["auto-submitted"], "auto-replied")
            self.assertEqual(message["references"], "<test@example.net>")
            self.assertEqual(groups[0]["reporting-mta"], "dns; mx.example.org")
            self.assertEqual([group["final-recipient"] for group in groups[1:]], ["rfc822; never@example.org", "rfc822; never2@example.com"])
            for group in groups[1:]:
                self.assertEqual((group["action"], group["status"]), ("failed", "5.1.1"))
                self.assertEqual(re.sub(r"\s+", " ", group["diagnostic-code"]), "smtp; 550 5.1.1 no such user here, none at all")
            # "later" alone waits, and is tried again.
            relay_id = relay.ids()
            self.assertEqual(len(relay_id), 1)
            shown = relay.queue("show", relay_id[0])
            self.assertRegex(shown, r"to <later@example.org> deferred .*451 4\.2\.1 not now")
            time.sleep(2)
            self.assertEqual(len(up.mail()), 2)

    def test_closed_in_the_middle_and_after_the_dot(self):
        with Upstream() as up, Relay("--relay-to", up.address, "--retry", "1") as relay:
            relay.send("b@example.org", sender="cut@example.net", subject="cut", body="line\r\n" * 2000)
            relay.send("b@example.org", sender="lost@example.net", subject="lost")
            relay.empty()
            senders = sorted(one[0] for one in up.mail())
            # What was cut arrives once; what was taken without a word is sent again: the window that rule and RFC allow.
            self.assertEqual(senders, ["cut@example.net", "lost@example.net", "lost@example.net"])
            relay.program.expect_in_log("outcome=unknown")

    def test_connection_dropped_at_a_recipient(self):
        with Upstream() as up, Relay("--relay-to", up.address, "--retry", "1") as relay:
            relay.send("drop@example.org")
            wait_until(lambda: up.connections >= 2, "it is tried again")
            relay.send("b@example.org")
            wait_until(up.mail, "other mail goes on")
            self.assertEqual(len(relay.ids()), 1)

    def test_host_that_refuses_connections(self):
        with Upstream(refuse="421 4.3.2 not today") as up, Relay("--relay-to", up.address, "--retry", "2") as relay:
            for number in range(30):
                relay.send("b@example.org", subject=str(number))
            time.sleep(1)
            self.assertLessEqual(up.connections, 3)  # once an interval for all its mail
            self.assertEqual(len(relay.ids()), 30)
            up.refuse = None
            relay.empty()
            self.assertEqual(len(up.mail()), 30)

    def test_nobody_listens_until_later(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with Maildir() as where, Relay("--relay-to", f"127.0.0.1:{port}", "--retry", "600") as relay:
            relay.send("b@example.org")
            wait_until(lambda: "unreachable" in relay.program.log(), "an attempt")
            with Program("mailquay-mx", "--hostname", "in.example.org", "--domain", "example.org", "--maildir", where.path, "--listen",
                         f"127.0.0.1:{port}"):
                time.sleep(0.5)
                self.assertEqual(where.files(), [])
                relay.queue("flush", "all")  # ignores the wait
                relay.empty()
                self.assertEqual(len(where.files()), 1)

    def test_what_expires_is_returned(self):
        with Upstream() as up, Relay("--relay-to", up.address, "--retry", "1", "--lifetime", "2") as relay:
            relay.send("later@example.org", sender="ada@example.org")
            wait_until(up.notices, "the notice arrives")
            _, groups = parsed(up.notices()[0][2])
            self.assertEqual((groups[1]["action"], groups[1]["status"]), ("failed", "4.4.7"))
            relay.empty()

    def test_strangers_get_few_notices(self):
        with Upstream() as up, Relay("--relay-to", up.address) as relay:
            for number in range(8):
                relay.send("never@example.org", sender="ada@example.org", subject=str(number))
            relay.empty()
            self.assertEqual(len(up.notices()), 5)
            kept = os.listdir(os.path.join(relay.path, "undeliverable"))
            self.assertEqual(len(kept), 6)

    def test_notices_are_never_answered(self):
        with Upstream() as up, Relay("--relay-to", up.address) as relay:
            relay.send("never@example.org", sender="never-sender@example.org")
            relay.empty()
            relay.send("never@example.org", sender="")
            relay.empty()
            self.assertEqual(up.mail(), [])


class Parameters(Case):
    def test_dsn_parameters_go_on_or_are_answered_here(self):
        for extensions, passed_on in ((("8BITMIME", "DSN"), True), (("8BITMIME",), False)):
            with Upstream(extensions=extensions) as up, Relay("--relay-to", up.address, "--enable", "DSN") as relay:
                with Talk(relay.program.smtp) as talk:
                    talk.hello()
                    talk.say("MAIL FROM:<ada@example.org> RET=HDRS ENVID=QQ314159", "250")
                    talk.say("RCPT TO:<b@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@example.org", "250")
                    talk.data(b"Subject: dsn\r\n\r\ntext\r\n")
                relay.empty()
                first = next(one for one in up.mail() if one[0])
                self.assertEqual("ENVID=QQ314159" in first[3], passed_on)
                self.assertEqual("NOTIFY=SUCCESS,FAILURE" in first[4][0], passed_on)
                if passed_on:
                    self.assertEqual(up.notices(), [])
                    continue
                _, groups = parsed(up.notices()[0][2])
                self.assertEqual(groups[0]["original-envelope-id"], "QQ314159")
                self.assertEqual(groups[1]["original-recipient"], "rfc822; bob@example.org")
                self.assertEqual(groups[1]["action"], "relayed")

    def test_eight_bit_mail_to_a_hop_that_lacks_it(self):
        with Upstream(extensions=("PIPELINING",)) as up, Relay("--relay-to", up.address) as relay:
            relay.send("b@example.org", sender="ada@example.org", parameters=" BODY=8BITMIME", body="gr\u00fc\u00dfe\r\n")
            relay.empty()
            self.assertEqual(len(up.mail()), 1)
            _, groups = parsed(up.notices()[0][2])
            self.assertEqual(groups[1]["status"], "5.6.3")


class ByMx(Case):
    def test_hosts_in_order_and_domains_that_take_no_mail(self):
        with Upstream() as up:
            port = up.address.rsplit(":", 1)[1]
            with NameServer({("one.example", MX): [mx(20, "good.example"), mx(10, "dead.example")], ("null.example", MX): [mx(0, "")],
                             **{(name, A): [socket.inet_aton("127.0.0.1")] for name in ("good.example", "plain.example", "example.org")},
                             ("dead.example", A): [socket.inet_aton("127.0.0.77")]}) as names:
                with Relay("--domain", "one.example", "--domain", "plain.example", "--domain", "null.example", "--domain", "nowhere.example",
                           "--resolver", names.address, "--mx-port", port, "--mx-allow-private", "--retry", "1") as relay:
                    relay.send("b@one.example", "c@plain.example", "d@null.example", "e@nowhere.example", sender="ada@example.org")
                    relay.empty()
                    wait_until(up.notices, "the notice arrives")
                    self.assertEqual(sorted(one[1] for one in up.mail() if one[0]), [["b@one.example"], ["c@plain.example"]])
                    told = {}
                    for notice in up.notices():
                        for group in parsed(notice[2])[1][1:]:
                            told[group["final-recipient"]] = group["status"]
                    self.assertEqual(told, {"rfc822; d@null.example": "5.1.10", "rfc822; e@nowhere.example": "5.1.2"})

    def test_domains_with_the_same_hosts_share_a_transaction(self):
        many = [f"d{number}.example" for number in range(30)]
        with Upstream() as up, NameServer({("mx.example", A): [socket.inet_aton("127.0.0.1")], ("alone.example", A): [socket.inet_aton("127.0.0.1")],
                                           ("example.org", A): [socket.inet_aton("127.0.0.1")],
                                           **{(name, MX): [mx(10, "mx.example")] for name in many}}) as names:
            domains = [flag for name in [*many, "alone.example", "nowhere.example"] for flag in ("--domain", name)]
            with Relay(*domains, "--resolver", names.address, "--mx-port", up.address.rsplit(":", 1)[1], "--mx-allow-private",
                       "--retry", "1") as relay:
                relay.send(*["b@" + name for name in many], "c@alone.example", "e@nowhere.example", "never@d0.example", "later@d1.example",
                           sender="ada@example.org")
                wait_until(lambda: len([one for one in up.mail() if one[0]]) >= 2 and up.notices(), "delivered, and told of what failed")
                together, = [one[1] for one in up.mail() if one[0] and one[1] != ["c@alone.example"]]
                self.assertEqual(together, ["b@" + name for name in many])
                failed = {group["final-recipient"] for notice in up.notices() for group in parsed(notice[2])[1][1:]}
                wait_until(lambda: "e@nowhere.example" in relay.program.log(), "the other failure")
                self.assertLessEqual(failed, {"rfc822; e@nowhere.example", "rfc822; never@d0.example"})
                relay.program.expect_in_log("later@d1.example")

    def test_mail_is_not_sent_in_a_circle(self):
        here = own_address()
        here_first = {("one.example", MX): [mx(10, "here.example"), mx(20, "worse.example")], ("here.example", A): [socket.inet_aton(here)]}
        with Upstream() as up:
            port = up.address.rsplit(":", 1)[1]
            addresses = {(name, A): [socket.inet_aton("127.0.0.1")] for name in ("good.example", "worse.example", "example.org")}
            for flags, found in ((("--mx-self", here), True), (("--mx-self", f"[{here}]"), True), (("--mx-self", "here.example"), True),
                                 (("--listen", f"0.0.0.0:{port}"), True), (("--listen", f"{here}:{port}"), True), ((), False)):
                if here.startswith("127.") and "--listen" in flags:
                    continue  # this machine has no other address
                if "--listen" in flags:
                    port = free_port()
                    flags = ("--listen", flags[1].rsplit(":", 1)[0] + f":{port}")
                with self.subTest(flags=flags), NameServer({**here_first, **addresses}) as names:
                    with Relay("--domain", "one.example", "--resolver", names.address, "--mx-port", port, "--mx-allow-private", "--retry", "60",
                               *flags) as relay:
                        relay.send("b@one.example")
                        if found:
                            relay.program.expect_in_log("dsn=5.4.6")
                        else:
                            wait_until(lambda: "to=b@one.example" in relay.program.log(), "an attempt")
                            self.assertNotIn("5.4.6", relay.program.log())

    def test_private_addresses_are_not_believed(self):
        with Upstream() as up:
            with NameServer({("one.example", MX): [mx(10, "inside.example")],
                             **{(name, A): [socket.inet_aton("127.0.0.1")] for name in ("inside.example", "example.org")}}) as names:
                with Relay("--domain", "one.example", "--resolver", names.address, "--mx-port", up.address.rsplit(":", 1)[1]) as relay:
                    relay.send("b@one.example")
                    wait_until(lambda: " failed" in relay.program.log() or "failed id" in relay.program.log(), "it fails")
                    relay.program.expect_in_log("dsn=5.4.4")
                    self.assertEqual(up.connections, 0)


class Killed(Case):
    def test_nothing_is_lost_and_little_sent_twice(self):
        count = 400
        with Upstream(slow=0.01) as up, Relay("--relay-to", up.address, "--retry", "1", "--log-level", "warning") as relay:
            relay.program.stop()
            relay.flags, onward = ("--log-level", "warning"), relay.flags
            relay.start()
            for number in range(count):
                relay.send("b@example.org", sender=f"s{number}@example.net", subject=str(number))
            relay.program.stop()
            relay.flags = onward
            kills = 0
            for _ in range(6):
                relay.start()
                before = len(up.mail())
                wait_until(lambda: len(up.mail()) >= min(count, before + 40), "some are delivered")
                relay.kill()
                kills += 1
            relay.start()
            relay.empty()
            senders = [one[0] for one in up.mail()]
            self.assertEqual(set(senders), {f"s{number}@example.net" for number in range(count)})
            # Each kill may have met as many attempts as there are connections.
            self.assertLessEqual(len(senders), count + kills * 20)

    def test_a_failure_is_told_once(self):
        for _ in range(3):
            with Upstream(slow=0.05) as up, Relay("--relay-to", up.address, "--retry", "1") as relay:
                relay.send("never@example.org", sender="ada@example.org")
                relay.send("good@example.org", sender="ada@example.org")
                relay.kill()
                relay.start()
                relay.empty()
                self.assertEqual(len({one[2].split(b"Message-ID: ")[1][:20] for one in up.notices()}), 1)


class Flags(Case):
    def test_what_cannot_be_is_refused_with_its_cure(self):
        with tempfile.TemporaryDirectory() as folder:
            for flags, what in ((("--maildir", folder, "--relay-to", "127.0.0.1:25"), "add --spool"),
                                (("--spool", folder, "--relay-to", "nowhere:99999"), "--relay-to nowhere:99999"),
                                (("--spool", folder, "--relay-to", "a:25", "--deliver-lmtp", "b:24"), "only one of them"),
                                (("--spool", folder, "--relay-to", "a:25", "--retry", "5,x"), "--retry"),
                                (("--relay-now", "nowhere:99999"), "--relay-now nowhere:99999"),
                                (("--maildir", folder, "--relay-now", "a:25"), "only --spool"),
                                (("--spool", folder, "--relay-now", "a:25", "--relay-to", "b:25"), "only one of them"),
                                (("--spool", folder, "--relay-to", "a:25", "--relay-user-file", folder + "/none"), "NAME:PASSWORD")):
                self.refused(flags, what)

    def refused(self, flags, *say):
        with self.subTest(flags=flags):
            status, _, err = run_program("mailquay-mx", "--domain", "example.org", "--listen", "127.0.0.1:0", *flags)
            self.assertEqual(status, 2, err)
            for what in say:
                self.assertIn(what, err)

    def test_what_mx_could_never_lead_to_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            for value in ("192.0.2.1:25", "192.0.2.300", "192.0.2.0/24", "a b", "", "[here.example]", "[192.0.2.1", "-a.example", "a..b",
                          "a@b.example", "2001:db8::1::2"):
                self.refused(("--spool", folder, "--resolver", "127.0.0.1:53", "--mx-self", value), f"--mx-self {value}: ", "mx2.example.org")

    def test_flags_that_would_do_nothing_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            to_host, by_lmtp, by_mx = (("--spool", folder, *way) for way in
                                       (("--relay-to", "a:25"), ("--deliver-lmtp", "b:24"), ("--resolver", "127.0.0.1:53")))
            for way in (to_host, by_lmtp, ("--spool", folder), ("--maildir", folder)):
                for flags in (("--mx-self", "192.0.2.1"), ("--mx-port", "2525"), ("--mx-allow-private",)):
                    self.refused((*way, *flags), flags[0], "--resolver")
            for way in (by_lmtp, by_mx, ("--maildir", folder)):
                for flags in (("--relay-tls", "required"), ("--relay-user", "ada:secret"), ("--relay-user-file", "x"),
                              ("--relay-chunking", "offered"), ("--relay-xforward",)):
                    self.refused((*way, *flags), flags[0], "--relay-to or --relay-now")
            for way in (by_lmtp, ("--maildir", folder)):
                self.refused((*way, "--relay-ca", "x"), "--relay-ca", "--relay-to or --relay-now")


if __name__ == "__main__":
    main()
