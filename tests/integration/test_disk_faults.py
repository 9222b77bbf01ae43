#!/usr/bin/env python3
"""Durable sinks whose server is killed under load, and whose disk is full or read-only for a while.

MAILQUAY_SINK_KILLS=200 kills each as often (default 4). The disk is a tmpfs of 512 MiB: where none can be mounted, those are skipped.
"""

import contextlib
import glob
import mailbox
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time
import unittest

from harness import Case, Program, Talk, main, run_program, wait_until
from load import Load

KILLS = int(os.environ.get("MAILQUAY_SINK_KILLS", "4"))
TOKEN = re.compile(r"^X-Token: (\w+)$", re.M)


class Place:
    """A folder, the flag of a sink that stores there, and what it stored."""

    cut_by_kill = 0  # so many entries each kill may leave half written, beside the copies that were sent again

    def __init__(self, folder):
        self.folder = folder

    def server(self, **options):
        return Program("mailquay-mx", "--hostname", "mx.example.org", "--domain", "example.org", "--log-level", "warning",
                       "--listen", "127.0.0.1:0", *self.flags(), **options)

    def path(self, name):
        return os.path.join(self.folder, name)

    def tokens(self):
        """{token: [content]}, with LF; what was cut before its token stands under None"""
        found = {}
        for text in self.stored():
            text = text.replace("\r\n", "\n")
            begin = TOKEN.search(text)
            token, at = (begin.group(1), begin.start()) if begin else (None, 0)
            found.setdefault(token, []).append(text[at:].rstrip("\n"))
        return found


class Maildir(Place):
    def flags(self):
        return "--maildir", self.path("maildir")

    def stored(self):
        for name in glob.glob(self.path("maildir/new/*")):
            with open(name, encoding="utf-8", newline="") as file:
                yield file.read()


class Mbox(Place):
    cut_by_kill = 1  # one process at a time appends, and what a crash left unfinished stays (sink/mbox.hpp)

    def flags(self):
        return "--mbox", self.path("box")

    def stored(self):
        with contextlib.closing(mailbox.mbox(self.path("box"))) as box:
            for key in box.keys():
                yield box.get_bytes(key).decode()


class Sqlite(Place):
    def flags(self):
        if "--sqlite" not in run_program("mailquay-mx", "--help")[1]:
            raise unittest.SkipTest("built without SQLite")
        return "--sqlite", self.path("mail.db")

    def stored(self):
        with contextlib.closing(sqlite3.connect(self.path("mail.db"))) as base:
            for row in base.execute("SELECT content FROM messages"):
                yield row[0].decode()


class SpoolFolder(Place):
    def flags(self):
        return "--spool", self.path("spool")

    def stored(self):
        with self.server():
            for line in run_program("mailquay-queue", "--spool", self.path("spool"), "list")[1].splitlines():
                shown = run_program("mailquay-queue", "--spool", self.path("spool"), "show", line.split(" ", 1)[0])[1]
                yield shown.partition("\n\n")[2]


class Killed(Case):
    def check(self, kind):
        with tempfile.TemporaryDirectory(prefix="mq-") as folder:
            place = kind(folder)
            load = Load.through_kills(place.server, KILLS)
            with place.server():  # what a crash left is put right by who comes next
                pass
            stored = place.tokens()
            self.assertEqual([token for token in load.acknowledged if token not in stored], [])
            cut = len(stored.pop(None, []))
            for token, copies in stored.items():
                whole = load.content[token].replace("\r\n", "\n").rstrip("\n")
                for one in copies:
                    self.assertEqual(one, whole[:len(one)])
                halves = sum(one != whole for one in copies)
                if token in load.acknowledged:
                    self.assertLess(halves, len(copies), f"{token} was acknowledged, and no copy is whole")
                    self.assertLess(halves, load.acknowledged[token], f"{token} is cut more often than it was sent again")
                cut += halves
            self.assertLessEqual(cut, place.cut_by_kill * (KILLS + 1))
            self.assertGreater(len(load.acknowledged), KILLS)
            print(f"{kind.__name__}: {KILLS} kills, {len(load.acknowledged)} acknowledged", flush=True)

    def test_maildir(self):
        self.check(Maildir)

    def test_mbox(self):
        self.check(Mbox)

    def test_sqlite(self):
        self.check(Sqlite)


class Disk(Case):
    def setUp(self):
        super().setUp()
        self.disk = tempfile.mkdtemp(prefix="mq-")
        self.addCleanup(shutil.rmtree, self.disk, ignore_errors=True)
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", self.disk], capture_output=True, check=False)
        if made.returncode != 0:
            self.skipTest("no tmpfs can be mounted: " + made.stderr.decode().strip())
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=False)

    def send(self, server, token):
        """What the client is told last, by MAIL or by the end of data."""
        with Talk(server.smtp) as talk:
            talk.hello()
            said = talk.say("MAIL FROM:<a@example.net> SIZE=60000", "")
            if not said.startswith("250"):
                return said
            talk.say("RCPT TO:<b@example.org>", "250")
            talk.say("DATA", "354")
            talk.send(f"X-Token: {token}\r\n\r\n" + f"{token} in each line\r\n" * 3000 + ".\r\n")
            return talk.expect("")

    def until(self, server, kept, prefix, wanted):
        """Sends until the answer is as wanted. @return it"""
        for number in range(2000):
            token = f"{prefix}{number}"
            said = self.send(server, token)
            if said.startswith("250"):
                kept.append(token)
            else:
                self.assertEqual(said[0], "4", said)
                time.sleep(0.02)
            if said.startswith(wanted):
                return said
        raise AssertionError(f"never {wanted}: {said}")

    def fill(self):
        with open(os.path.join(self.disk, "filler"), "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 16))

    def check_full(self, kind):
        place = kind(self.disk)
        kept = []
        with place.server() as server:
            self.until(server, kept, "before", "250")
            self.fill()
            self.until(server, kept, "full", "452 4.3.1")
            os.remove(os.path.join(self.disk, "filler"))
            self.until(server, kept, "after", "250")
        self.assertEqual(sorted(place.tokens()), sorted(kept))

    def test_full_maildir(self):
        self.check_full(Maildir)

    def test_full_mbox(self):
        self.check_full(Mbox)

    def test_full_sqlite(self):
        self.check_full(Sqlite)

    def test_full_spool(self):
        self.check_full(SpoolFolder)

    def check_read_only(self, kind):
        place = kind(self.disk)
        kept = []
        with place.server() as server:
            self.until(server, kept, "before", "250")
            wait_until(lambda: self.remount("ro"), "the disk is read-only")
            self.until(server, kept, "readonly", "4")
            self.remount("rw")
            self.until(server, kept, "after", "250")
        self.assertEqual(sorted(place.tokens()), sorted(kept))

    def remount(self, how):
        """Not while a file is open for writing."""
        return subprocess.run(["mount", "-o", f"remount,{how}", self.disk], capture_output=True, check=False).returncode == 0

    def test_read_only_maildir(self):
        self.check_read_only(Maildir)

    def test_read_only_mbox(self):
        self.check_read_only(Mbox)


if __name__ == "__main__":
    main()
