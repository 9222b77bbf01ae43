#!/usr/bin/env python3
"""The spool of mailquay-mx: killed under load, taken by one server only, looked at and steered by mailquay-queue.

MAILQUAY_SPOOL_KILLS=200 kills it as often (default 8).
"""

import base64
import contextlib
import mailbox
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
import unittest.mock

from harness import Case, Program, Talk, client, main, run_program
from load import CLIENTS, Load

KILLS = int(os.environ.get("MAILQUAY_SPOOL_KILLS", "8"))


class Spool:
    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="mq-")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def server(self, *flags, **options):
        return Program("mailquay-mx", "--hostname", "mx.example.org", "--domain", "example.org", "--spool", self.path,
                       "--log-level", "warning", "--listen", "127.0.0.1:0", *flags, **options)

    def ask(self, line):
        """What a server that has the spool answers to one line of mailquay-queue."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(60)
            asking.connect(os.path.join(self.path, "control.sock"))
            asking.sendall(line.encode() + b"\n")
            answer = bytearray()
            while True:
                octets = asking.recv(65536)
                if not octets:
                    break
                answer += octets
        text = answer.decode("utf-8", "replace")
        if not text.startswith("ok\n"):
            raise AssertionError(f"{line}: {text}")
        return text[3:]

    def ids(self):
        found, last = [], ""
        while True:
            lines = self.ask(f"list {last}".rstrip()).splitlines()
            if not lines:
                return found
            found += [line.split(" ", 1)[0] for line in lines]
            last = found[-1]


def run_source(address, messages):
    host, port = address
    done = subprocess.run([client("smtp-source"), "-s", "10", "-m", str(messages), "-l", "4096", "-f", "a@example.net", "-t",
                           "b@example.org", f"{host}:{port}"], capture_output=True, timeout=120, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)


def run_swaks(address):
    host, port = address
    done = subprocess.run([client("swaks"), "--server", f"{host}:{port}", "--from", "s@example.net", "--to", "b@example.org",
                           "--header", "Subject: swaks"], capture_output=True, timeout=60, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stdout)


class SpoolTest(Case):
    def test_kill_9_under_load(self):
        """Every acknowledged message is there, none torn, and twice only where its answer was lost."""
        with Spool() as spool:
            load = Load.through_kills(spool.server, KILLS)
            with spool.server() as server:
                seen, large = {}, 0
                for ident in spool.ids():
                    shown = spool.ask(f"show {ident}")
                    head, _, stored = shown.partition("\n\n")
                    token = re.search(r"^X-Token: (\w+)$", stored, re.M).group(1)
                    whole = load.content[token].replace("\r\n", "\n")
                    sent = stored[stored.index("X-Token:"):]
                    if int(re.search(r"^octets (\d+)$", head, re.M).group(1)) > 65536:
                        # Only its beginning is shown.
                        with open(os.path.join(spool.path, "large", ident), "rb") as file:
                            stored = file.read().decode().replace("\r\n", "\n")
                        self.assertTrue(stored[stored.index("X-Token:"):].startswith(sent))
                        sent = stored[stored.index("X-Token:"):]
                        large += 1
                    self.assertTrue(sent == whole, f"{ident} is not what was sent")
                    seen[token] = seen.get(token, 0) + 1
                # What was being written when it was killed may be there in part.
                self.assertEqual([line for line in spool.ask("damaged").splitlines() if not line.startswith("unfinished ")], [])
                if len(seen) > 40 * CLIENTS:
                    self.assertGreater(large, 0)
            missing = [token for token in load.acknowledged if token not in seen]
            self.assertEqual(missing, [])
            for token, times in seen.items():
                self.assertLessEqual(times, load.acknowledged.get(token, 1 << 30), f"{token} is there {times} times")
            self.assertGreater(len(load.acknowledged), KILLS)
            print(f"{KILLS} kills, {len(load.acknowledged)} acknowledged, {sum(seen.values())} in the queue", flush=True)

    def test_second_server_is_refused(self):
        with Spool() as spool, spool.server() as first:
            status, _, said = run_program("mailquay-mx", "--domain", "example.org", "--spool", spool.path, "--listen", "127.0.0.1:0")
            self.assertEqual(status, 1)
            self.assertIn(f"process {first.pid} has it", said)
            self.assertTrue(first.running())

    def test_queue_program_beside_a_server_and_alone(self):
        with Spool() as spool:
            with spool.server() as server:
                with Talk(server.smtp) as talk:
                    talk.hello()
                    for subject in ("one", "two"):
                        talk.mail("b@example.org")
                        talk.data(f"Subject: {subject}\r\n\r\nbody\r\n".encode())
                status, listed, _ = run_program("mailquay-queue", "--spool", spool.path, "list")
                self.assertEqual(status, 0)
                first, second = [line.split(" ", 1)[0] for line in listed.splitlines()]
                self.assertIn("from <a@example.net> to <b@example.org>", listed)
                self.assertEqual(run_program("mailquay-queue", "--spool", spool.path, "hold", first)[0], 0)
            # The server is gone: the program takes the spool itself.
            status, shown, said = run_program("mailquay-queue", "--spool", spool.path, "show", first)
            self.assertEqual(status, 0, said)
            self.assertIn("state held\n", shown)
            self.assertIn("Subject: one\n", shown)
            self.assertEqual(run_program("mailquay-queue", "--spool", spool.path, "delete", second)[0], 0)
            self.assertEqual(run_program("mailquay-queue", "--spool", spool.path, "release", "all")[1], "1 messages\n")
            self.assertEqual(run_program("mailquay-queue", "--spool", spool.path, "list", "--damaged")[1], "")
            with spool.server():
                self.assertEqual(spool.ids(), [first])
                self.assertNotIn("held", spool.ask("list"))

    def test_queue_program_alone_flushes_for_the_next_server(self):
        with Spool() as spool:
            with spool.server("--enable", "FUTURERELEASE") as server, Talk(server.smtp) as talk:
                talk.hello()
                for _ in range(2):
                    talk.mail("b@example.org", parameters=" HOLDFOR=3600")
                    talk.data(b"Subject: later\r\n\r\nbody\r\n")
                first, second = spool.ids()
            self.assertEqual(run_program("mailquay-queue", "--spool", spool.path, "flush", first)[:2], (0, "1 messages\n"))
            listed = run_program("mailquay-queue", "--spool", spool.path, "list")[1]
            self.assertRegex(listed, rf"(?m)^{first} .*, due, from")
            self.assertRegex(listed, rf"(?m)^{second} .*, to be released in 3[56]\d\d s, from")
            with spool.server("--enable", "FUTURERELEASE"):
                self.assertRegex(spool.ask("list"), rf"(?m)^{first} .*, due, from")
                self.assertEqual(run_program("mailquay-queue", "--spool", spool.path, "flush", "all")[:2], (0, "2 messages\n"))
                self.assertEqual(run_program("mailquay-queue", "--spool", spool.path, "clock-ok")[0], 0)
            self.assertNotIn("released in", run_program("mailquay-queue", "--spool", spool.path, "list")[1])
            self.assertEqual(run_program("mailquay-queue", "--spool", spool.path, "clock-ok")[:2], (0, ""))

    def test_root_leaves_a_spool_to_its_owner(self):
        if os.geteuid() != 0:
            self.skipTest("not run by root")
        nobody = 65534
        with Spool() as spool:
            os.chown(spool.path, nobody, nobody)
            with spool.server(user=nobody) as server, Talk(server.smtp) as talk:
                talk.hello()
                talk.mail("b@example.org")
                talk.data(b"Subject: x\r\n\r\n")
            # A process that changed its user may not look for leaks.
            options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
            with unittest.mock.patch.dict(os.environ, {"ASAN_OPTIONS": options}):
                self.assertEqual(run_program("mailquay-queue", "--spool", spool.path, "hold", "all")[1], "1 messages\n")
            owners = {os.stat(os.path.join(folder, name)).st_uid for folder, _, names in os.walk(spool.path) for name in names}
            self.assertEqual(owners, {nobody})
            with spool.server(user=nobody):
                self.assertEqual(len(spool.ids()), 1)

    def test_queue_program_says_what_is_wrong(self):
        with Spool() as spool:
            for flags, status, why in ((["list"], 2, "--spool is missing"), (["--spool", spool.path], 2, "a command is missing"),
                                       (["--spool", spool.path, "list"], 2, "there is no spool")):
                got, _, said = run_program("mailquay-queue", *flags)
                self.assertEqual((got, why in said), (status, True), said)
            with spool.server():
                got, _, said = run_program("mailquay-queue", "--spool", spool.path, "show", "nothing")
                self.assertEqual((got, "is not an id" in said), (1, True), said)

    def test_damaged_segment(self):
        """The server starts, the other messages are there, and the damage is shown."""
        with Spool() as spool:
            with spool.server() as server, Talk(server.smtp) as talk:
                talk.hello()
                for number in range(5):
                    talk.mail("b@example.org")
                    talk.data(f"Subject: number {number}\r\n\r\nbody\r\n".encode())
            folder = os.path.join(spool.path, "journal")
            name = os.path.join(folder, sorted(n for n in os.listdir(folder) if n.endswith(".seg"))[0])
            with open(name, "r+b") as file:
                at = file.read().index(b"Subject: number 2")
                file.seek(at)
                file.write(b"?")
            with spool.server() as server:
                self.assertEqual(len(spool.ids()), 4)
                self.assertEqual(len(spool.ask("damaged").splitlines()), 1)
                self.assertTrue(any("damage" in line for line in server.lines), server.log())

    def test_smtp_source(self):
        """Postfix's load generator: every message is there."""
        with Spool() as spool, spool.server() as server:
            run_source(server.smtp, 300)
            self.assertEqual(len(spool.ids()), 300)

    def test_swaks(self):
        with Spool() as spool, spool.server() as server:
            run_swaks(server.smtp)
            ident, = spool.ids()
            shown = spool.ask(f"show {ident}")
            self.assertIn("\nfrom <s@example.net>\nto <b@example.org>\n", shown)
            self.assertIn("\nSubject: swaks\n", shown)

    def test_unknown_extension_of_the_next_hop(self):
        with Spool() as spool:
            got, _, said = run_program("mailquay-mx", "--domain", "example.org", "--spool", spool.path, "--next-hop-keeps", "DNS")
            self.assertEqual((got, '"DNS" is unknown' in said), (2, True), said)
            with spool.server("--next-hop-keeps", "8BITMIME") as server, Talk(server.smtp) as talk:
                self.assertNotIn("SMTPUTF8", talk.hello())


class RequestsTest(Case):
    def test_future_release(self):
        """FUTURERELEASE needs no next hop: the spool itself keeps the message until then, over restarts."""
        with Spool() as spool:
            with spool.server("--enable", "FUTURERELEASE") as server, Talk(server.smtp) as talk:
                self.assertIn("FUTURERELEASE", talk.hello())
                for parameters in (" HOLDFOR=3600", " HOLDFOR=2", ""):
                    talk.mail("b@example.org", parameters=parameters)
                    talk.data(b"Subject: later\r\n\r\nbody\r\n")
                later, soon, now = spool.ids()
                self.assertRegex(spool.ask("list"), rf"(?m)^{later} .*, to be released in 3[56]\d\d s, from")
                self.assertRegex(spool.ask("list"), rf"(?m)^{now} .*, due, from")
                shown = spool.ask(f"show {later}")
                accepted = int(re.search(r"(?m)^accepted (\d+)$", shown).group(1))
                release = int(re.search(r"(?m)^release (\d+)$", shown).group(1))
                self.assertLessEqual(abs(release - accepted - 3600), 2)
                self.assertEqual(int(re.search(r"(?m)^lifetime from (\d+)$", shown).group(1)), release)
            time.sleep(2.1)
            with spool.server("--enable", "FUTURERELEASE"):
                self.assertRegex(spool.ask("list"), rf"(?m)^{soon} .*, due, from")
                status, listed, _ = run_program("mailquay-queue", "--spool", spool.path, "list")
                self.assertEqual(status, 0)
                self.assertRegex(listed, rf"(?m)^{later} .*, to be released in 3[56]\d\d s, from")

    def test_whole_envelope_after_kill_9(self):
        """What --next-hop-keeps lets clients ask for is there after a crash, and so is what XFORWARD told."""
        flags = ["--next-hop-keeps", "DSN,DELIVERBY,MT-PRIORITY", "--trust-xforward", "127.0.0.1"]
        for name in ("DSN", "DELIVERBY", "MT-PRIORITY"):
            flags += ["--enable", name]
        with Spool() as spool:
            server = spool.server(*flags)
            with Talk(server.smtp) as talk:
                hello = talk.hello()
                for name in ("DSN", "DELIVERBY", "MT-PRIORITY", "XFORWARD"):
                    self.assertIn(name, hello)
                talk.say("XFORWARD NAME=up.example.net ADDR=192.0.2.77", "250")
                talk.say("MAIL FROM:<a@example.net> RET=HDRS ENVID=envelope+2B1 BY=600;NT MT-PRIORITY=-3", "250")
                talk.say("RCPT TO:<b@example.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;first@example.com", "250")
                talk.say("RCPT TO:<c@example.org> NOTIFY=NEVER", "250")
                talk.data(b"Subject: all of it\r\n\r\nbody\r\n")
                server.kill()
            with spool.server(*flags):
                ident, = spool.ids()
                shown = spool.ask(f"show {ident}")
                for line in ("bounce restrained", "ret HDRS", "envid envelope+1", "by 600;NT", "priority -3, asked for -3",
                             "to <b@example.org> notify SUCCESS,DELAY orcpt rfc822;first@example.com",
                             "to <c@example.org> notify NEVER", "forwarded for up.example.net [192.0.2.77]"):
                    self.assertIn(f"\n{line}\n", shown)

    def test_bounces_go_to_those_who_logged_in(self):
        with Spool() as spool, spool.server("--user", "alice:secret", "--auth-without-tls") as server:
            for login in (True, False):
                with Talk(server.smtp) as talk:
                    talk.hello()
                    if login:
                        talk.say("AUTH PLAIN " + base64.b64encode(b"\0alice\0secret").decode(), "235")
                    talk.mail("b@example.org")
                    talk.data(b"Subject: one\r\n\r\nbody\r\n")
            known, stranger = spool.ids()
            self.assertIn("\nbounce always\n", spool.ask(f"show {known}"))
            self.assertIn("\nuser alice\n", spool.ask(f"show {known}"))
            self.assertIn("\nbounce restrained\n", spool.ask(f"show {stranger}"))


class MboxTest(Case):
    def test_mbox(self):
        with Spool() as folder:
            path = os.path.join(folder.path, "box")
            with Program("mailquay-mx", "--hostname", "mx.example.org", "--domain", "example.org", "--mbox", path, "--listen",
                         "127.0.0.1:0") as server, Talk(server.smtp) as talk:
                talk.hello()
                for number in range(3):
                    talk.mail("b@example.org", parameters=" BODY=8BITMIME")
                    talk.data(f"Subject: {number}\r\n\r\nFrom the start of a line\r\n".encode())
            stored = mailbox.mbox(path)
            self.assertEqual([m["Subject"] for m in stored], ["0", "1", "2"])
            self.assertIn(">From the start", stored[0].get_payload())


    def test_clients(self):
        with Spool() as folder:
            path = os.path.join(folder.path, "box")
            with Program("mailquay-mx", "--hostname", "mx.example.org", "--domain", "example.org", "--mbox", path, "--listen",
                         "127.0.0.1:0", "--log-level", "warning") as server:
                run_source(server.smtp, 100)
                run_swaks(server.smtp)
            stored = list(mailbox.mbox(path))
            self.assertEqual(len(stored), 101)
            self.assertEqual([m["Return-Path"] for m in stored if m["Subject"] == "swaks"], ["<s@example.net>"])
            self.assertEqual({m["Delivered-To"] for m in stored}, {"b@example.org"})
            self.assertTrue(all(len(m.get_payload()) >= 4000 for m in stored if m["Subject"] != "swaks"))
            self.assertEqual(os.listdir(folder.path), ["box"])


class SqliteTest(Case):
    def test_sqlite(self):
        with Spool() as folder:
            path = os.path.join(folder.path, "mail.db")
            if "--sqlite" not in run_program("mailquay-mx", "--help")[1]:
                self.skipTest("built without SQLite")
            with Program("mailquay-mx", "--hostname", "mx.example.org", "--domain", "example.org", "--sqlite", path, "--listen",
                         "127.0.0.1:0", "--log-level", "warning") as server:
                with Talk(server.smtp) as talk:
                    talk.hello()
                    talk.mail("b@example.org", "c@example.org")
                    talk.data(b"Subject: one\r\n\r\nbody\r\n")
                run_source(server.smtp, 200)
                run_swaks(server.smtp)
            with contextlib.closing(sqlite3.connect(path)) as base:
                self.assertEqual(base.execute("SELECT count(*) FROM messages").fetchone(), (202,))
                self.assertEqual(base.execute("SELECT count(*) FROM recipients").fetchone(), (203,))
                self.assertEqual(base.execute("SELECT reverse_path FROM messages JOIN header_fields ON id = message "
                                              "WHERE name = 'Subject' AND value = 'swaks'").fetchall(), [("s@example.net",)])


if __name__ == "__main__":
    main()
