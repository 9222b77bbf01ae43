#!/usr/bin/env python3
"""Delivery by MX with a real name server, NSD, on loopback: order of hosts, CNAME, null MX, names that are not there, answers
that need TCP, and records that lead back to us.
"""

import os
import shutil
import smtplib
import socket
import subprocess
import tempfile
import unittest

from harness import PATIENCE, Case, Maildir, Program, client, free_port, main, wait_until
from test_relay import Relay, Upstream, parsed

ZONE = """\
$ORIGIN test.
$TTL 1
@            SOA   ns.test. hostmaster.test. 1 3600 600 86400 60
             NS    ns.test.
ns           A     127.0.0.1
good         A     127.0.0.1
dead         A     127.0.0.77
ordered      MX    20 good
             MX    10 dead
plain        A     127.0.0.1
alias        CNAME ordered
host-alias   MX    10 good-alias
good-alias   CNAME good
null         MX    0 .
text         TXT   "no address here"
dangling     MX    10 nowhere
a-loop       CNAME b-loop
b-loop       CNAME a-loop
ours         MX    10 mx.example.org.
             MX    20 good
ours-last    MX    10 good
             MX    20 mx.example.org.
*.wild       MX    10 good
ada          A     127.0.0.1
"""


class Nsd:
    """Serves the zone "test" on a port of its own."""

    def __init__(self, zone):
        client("nsd")
        self.path = tempfile.mkdtemp(prefix="mq-")
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        with open(self.path + "/test.zone", "w", encoding="ascii") as file:
            file.write(zone)
        with open(self.path + "/nsd.conf", "w", encoding="ascii") as file:
            file.write(f"""\
server:
  ip-address: 127.0.0.1@{self.port}
  username: ""
  chroot: ""
  zonesdir: "{self.path}"
  database: ""
  pidfile: "{self.path}/nsd.pid"
  zonelistfile: "{self.path}/zone.list"
  xfrdfile: "{self.path}/xfrd.state"
  xfrdir: "{self.path}"
remote-control:
  control-enable: no
zone:
  name: test
  zonefile: test.zone
""")

    def start(self):
        self.process = subprocess.Popen([client("nsd"), "-d", "-c", self.path + "/nsd.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_until(lambda: self.answers() or self.process.poll() is not None, "NSD answers")
        assert self.process.poll() is None, self.process.stderr.read()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()

    def answers(self):
        """To a question for ns.test."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asks:
            asks.settimeout(0.2)
            try:
                asks.sendto(b"\0\1\0\0\0\1\0\0\0\0\0\0\2ns\4test\0\0\1\0\1", ("127.0.0.1", self.port))
                return asks.recv(512)[3] & 15 == 0
            except OSError:
                return False

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.path, ignore_errors=True)


class ByMx(Case):
    def onward(self, nsd, *domains, up, retry="1"):
        flags = [word for domain in (*domains, "ada.test") for word in ("--domain", domain)]
        return Relay(*flags, "--resolver", nsd.address, "--mx-port", up.address.rsplit(":", 1)[1], "--mx-allow-private", "--retry", retry)

    def told(self, up):
        found = {}
        for notice in up.notices():
            for group in parsed(notice[2])[1][1:]:
                found[group["final-recipient"].removeprefix("rfc822; ")] = group["status"]
        return found

    def test_where_mail_goes(self):
        arrives = ("ordered", "plain", "alias", "host-alias", "ours-last", "x.wild")
        fails = {"null": "5.1.10", "text": "5.4.4", "dangling": "5.4.4", "gone": "5.1.2", "ours": "5.4.6"}
        with Upstream() as up, Nsd(ZONE) as nsd, self.onward(nsd, *(name + ".test" for name in (*arrives, *fails)), up=up) as relay:
            relay.send(*(f"b@{name}.test" for name in (*arrives, *fails)), sender="ada@ada.test")
            relay.empty()
            got = sorted(to for one in up.mail() if one[0] for to in one[1])
            self.assertEqual(got, sorted(f"b@{name}.test" for name in arrives))
            self.assertEqual(self.told(up), {f"b@{name}.test": status for name, status in fails.items()})

    def test_what_may_be_cured_waits(self):
        # A loop of aliases, and a name that the server refuses to speak of.
        with Upstream() as up, Nsd(ZONE) as nsd, self.onward(nsd, "a-loop.test", "elsewhere.example", up=up, retry="600") as relay:
            relay.send("b@a-loop.test", "b@elsewhere.example", sender="ada@ada.test")
            for domain in ("a-loop.test", "elsewhere.example"):
                relay.program.expect_in_log(f"deferred id={relay.ids()[0]} to=b@{domain}")
            self.assertRegex(relay.program.log(), r"deferred .*to=b@elsewhere\.example .*dsn=4\.4\.3")
            self.assertEqual(up.mail(), [])

    def test_an_answer_that_needs_tcp(self):
        hosts = "\n".join(f"many MX {100 + number} host{number}-{'x' * 50}\nhost{number}-{'x' * 50} A 127.0.0.77" for number in range(120))
        with Upstream() as up, Nsd(ZONE + hosts + "\nmany MX 5 good\n") as nsd, self.onward(nsd, "many.test", up=up) as relay:
            relay.send("b@many.test", sender="ada@ada.test")
            relay.empty()
            self.assertEqual([one[1] for one in up.mail()], [["b@many.test"]])

    def test_a_host_with_ipv6_alone(self):
        try:
            with socket.create_server(("::1", 0), family=socket.AF_INET6) as free:
                port = free.getsockname()[1]
        except OSError:
            raise unittest.SkipTest("there is no IPv6 here") from None
        with Maildir() as where, Program("mailquay-mx", "--hostname", "six.test", "--domain", "six.test", "--maildir", where.path, "--listen", f"[::1]:{port}"):
            with Nsd(ZONE + "six AAAA ::1\n") as nsd, Relay("--domain", "six.test", "--resolver", nsd.address, "--mx-port", port,
                                                           "--mx-allow-private", "--retry", "1") as relay:
                relay.send("b@six.test", sender="ada@ada.test")
                relay.empty()
                self.assertEqual(len(where.files()), 1)
                self.assertRegex(relay.program.log(), "delivered .*relay=six.test")

    def test_submission_by_mx(self):
        with Upstream() as up, Nsd(ZONE) as nsd, tempfile.TemporaryDirectory(prefix="mq-") as spool, \
                Program("mailquay-submission", "--user", "ada@ada.test:secret", "--auth-without-tls", "--spool", spool, "--resolver", nsd.address,
                        "--mx-port", up.address.rsplit(":", 1)[1], "--mx-allow-private", "--listen", "127.0.0.1:0", "--retry", "1") as program:
            with smtplib.SMTP(*program.smtp, local_hostname="client.example.org", timeout=PATIENCE) as talk:
                talk.login("ada@ada.test", "secret")
                talk.sendmail("ada@ada.test", ["b@ordered.test", "b@plain.test", "b@null.test"], b"From: ada@ada.test\r\nSubject: x\r\n\r\ntext\r\n")
            wait_until(lambda: len(up.mail()) == 3, "both and the notice arrive")
            self.assertEqual(sorted(to for one in up.mail() for to in one[1]), ["ada@ada.test", "b@ordered.test", "b@plain.test"])
            self.assertEqual(self.told(up), {"b@null.test": "5.1.10"})

    def test_away_and_back(self):
        with Upstream() as up, Nsd(ZONE) as nsd, self.onward(nsd, "plain.test", up=up) as relay:
            nsd.stop()
            relay.send("b@plain.test", sender="ada@ada.test")
            relay.program.expect_in_log(f"deferred id={relay.ids()[0]}")
            self.assertRegex(relay.program.log(), "deferred .*dsn=4.4.3")
            nsd.start()
            relay.empty()  # what failed is not asked for again at once
            self.assertEqual([one[1] for one in up.mail()], [["b@plain.test"]])


if __name__ == "__main__":
    main()
