"""What the integration tests share: starting programs, talking SMTP to them, making and comparing messages.

Each test file starts real programs on ports of their choice, and ends those it started. A test whose client is missing is
skipped; a file whose every test was skipped ends with status 77, which ctest shows as "Skipped".
"""

import glob
import hashlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BIN = os.environ.get("MAILQUAY_BIN_DIR", "build/dev/bin")
# Sanitizers slow everything down; so does a busy machine.
PATIENCE = float(os.environ.get("MAILQUAY_TEST_PATIENCE", "30"))

# Some tests hold a thousand connections.
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def client(name):
    """The path of a client program, or the test is skipped."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise unittest.SkipTest(f"{name} is not installed")
    return path


def without_ubsan(name):
    """Skips a test that leaves the program no descriptor: the sanitizer's own check of objects needs one (a pipe)."""
    with open(os.path.join(BIN, name), "rb") as file:
        if b"__asan_init" in file.read():  # never built without the other
            raise unittest.SkipTest("UndefinedBehaviorSanitizer needs descriptors of its own")


def wait_until(condition, what, patience=PATIENCE):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {patience} s: {what}")


def free_port():
    """A port of 127.0.0.1 for a peer that cannot choose one itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    """Whether something listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Program:
    """One of our programs while it runs. `with Program("mailquay-mx", ...) as mx: mx.smtp`"""

    def __init__(self, name, *flags, files=None, ready=True, user=None):
        self.name = name
        self.lines = []
        self.out = bytearray()
        self._limit = files

        def before_exec():
            if files is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        self.process = subprocess.Popen(
            [os.path.join(BIN, name), *map(str, flags)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=before_exec if files is not None else None, user=user, group=user, extra_groups=None if user is None else [])
        self.pid = self.process.pid
        self._readers = [threading.Thread(target=self._read_log, daemon=True),
                         threading.Thread(target=self._read_out, daemon=True)]
        for reader in self._readers:
            reader.start()
        if ready:
            expected = max(1, sum(1 for flag in map(str, flags) if re.match(r"--listen(-\w+)?(=|$)", flag)))
            try:
                wait_until(lambda: len(self.listening()) >= expected or self.process.poll() is not None, f"{name} is ready")
                assert self.process.poll() is None, f"{name} ended with {self.process.returncode}"
            except AssertionError as failed:
                self.process.kill()
                raise AssertionError(f"{failed}\n{self.log()}") from None

    def _read_log(self):
        for line in self.process.stderr:
            self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))

    def _read_out(self):
        while True:
            octets = self.process.stdout.read1(65536)
            if not octets:
                return
            self.out += octets

    def log(self):
        return "\n".join(self.lines)

    def expect_in_log(self, text):
        """Waits until the log holds it: a reply may be here before the line that was written with it."""
        try:
            wait_until(lambda: text in self.log(), f"{text!r} in the log of {self.name}")
        except AssertionError as failed:
            raise AssertionError(f"{failed}\n{self.log()}") from None

    def listening(self):
        """[(protocol, address)] in the order of the flags."""
        return [tuple(line.split(" ", 2)[1:]) for line in list(self.lines) if line.startswith("listening ")]

    def address(self, protocol, nth=0):
        """(host, port), or the path of a UNIX socket."""
        found = [where for how, where in self.listening() if how == protocol][nth]
        if found.startswith("/") or found.startswith("unix:"):
            return found.removeprefix("unix:")
        host, port = found.rsplit(":", 1)
        return host.strip("[]"), int(port)

    @property
    def smtp(self):
        return self.address("smtp")

    @property
    def lmtp(self):
        return self.address("lmtp")

    def running(self):
        return self.process.poll() is None

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wait(self, patience=PATIENCE):
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"{self.name} does not end\n{self.log()}") from None
        for reader in self._readers:
            reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def signal(self, number):
        os.kill(self.pid, number)

    def stop(self):
        """The ordinary end."""
        self.signal(signal.SIGTERM)
        status = self.wait()
        assert status == 0, f"{self.name} ended with {status}\n{self.log()}"

    def kill(self):
        self.process.kill()
        self.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            if kind is None:
                self.stop()
            else:
                self.process.kill()
                self.wait()
        if kind is not None and self.lines:
            sys.stderr.write(f"--- {self.name} said:\n" + "\n".join(self.lines[-40:]) + "\n---\n")


def run_program(name, *flags, patience=PATIENCE):
    """Runs one of our programs to its end: (status, standard output, standard error)."""
    done = subprocess.run([os.path.join(BIN, name), *map(str, flags)], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=patience, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


class Talk:
    """A client that sends exactly the octets it is told."""

    def __init__(self, address, source=None, greeting="220", patience=PATIENCE):
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(patience)
            try:
                self.socket.connect(address)
            except OSError:
                self.socket.close()
                raise
        else:
            self.socket = socket.create_connection(address, patience, (source, 0) if source else None)
        self.pending = b""
        if greeting:
            try:
                self.expect(greeting)
            except BaseException:
                self.socket.close()
                raise

    def send(self, octets):
        self.socket.sendall(octets.encode() if isinstance(octets, str) else octets)

    def line(self):
        """One line without CRLF; None at the end of the stream."""
        while b"\r\n" not in self.pending:
            try:
                octets = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not octets:
                return None
            self.pending += octets
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line.decode("utf-8", "replace")

    def reply(self):
        """All lines of one reply, joined by LF; None at the end of the stream."""
        lines = []
        while True:
            line = self.line()
            if line is None:
                return "\n".join(lines) or None
            lines.append(line)
            if line[3:4] != "-":
                return "\n".join(lines)

    def expect(self, *codes):
        answer = self.reply()
        if answer is None or not answer.startswith(codes):
            raise AssertionError(f"expected {' or '.join(codes)}, got {answer!r}")
        return answer

    def say(self, command, *codes):
        self.send(command + "\r\n")
        return self.expect(*codes)

    def hello(self, verb="EHLO"):
        return self.say(f"{verb} client.example.org", "250")

    def mail(self, *recipients, sender="a@example.net", parameters=""):
        self.say(f"MAIL FROM:<{sender}>{parameters}", "250")
        for to in recipients:
            self.say(f"RCPT TO:<{to}>", "250")

    def data(self, content, *codes):
        self.say("DATA", "354")
        self.send(stuffed(content) + b".\r\n")
        return self.expect(*(codes or ("250",)))

    def at_end(self):
        """True once the server has closed."""
        return self.line() is None

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def stuffed(content):
    return re.sub(rb"(?m)^\.", b"..", content)


def message(octets=600, subject="test", line=72):
    """A message with CRLF lines, of about that size, with what servers get wrong: dots, blanks at line ends."""
    text = (f"From: Ada <a@example.net>\r\nTo: Grace <b@example.org>\r\nSubject: {subject}\r\n\r\n"
            ".a dot first\r\n..two dots\r\n.\r\nblanks behind   \r\n\tlast\r\n").encode()
    filler = (b"0123456789abcdef" * (line // 16 + 1))[:line] + b"\r\n"
    return text + filler * max(0, (octets - len(text)) // len(filler))


TRACE_FIELDS = (b"Return-Path:", b"Delivered-To:", b"Received:")


def split_trace(stored):
    """(our trace fields in order, the message as it was sent)"""
    fields = []
    for name in TRACE_FIELDS:
        if not stored.startswith(name):
            raise AssertionError(f"{name!r} is missing on top of {stored[:300]!r}")
        field = re.match(rb"[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", stored).group()
        fields.append(field)
        stored = stored[len(field):]
    return fields, stored


class Maildir:
    """A folder that is removed at the end."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="mailquay-test-")

    def files(self, folder="new"):
        """In the order in which they were made: seconds and microseconds are numbers of no fixed length."""
        return sorted(glob.glob(os.path.join(self.path, folder, "*")),
                      key=lambda path: [int(number) for number in re.findall(r"[0-9]+", os.path.basename(path))[:4]])

    def stored(self):
        """The octets of each message."""
        found = []
        for name in self.files():
            with open(name, "rb") as file:
                found.append(file.read())
        return found

    def messages(self):
        """The messages without our trace fields."""
        return [split_trace(stored)[1] for stored in self.stored()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Case(unittest.TestCase):
    """A test case that compares messages without printing megabytes."""

    def assert_messages(self, found, *expected):
        """The same messages, in any order."""
        def names(messages):
            return sorted(f"{len(content)} octets, {hashlib.sha256(content).hexdigest()[:16]}, {content[:40]!r}" for content in messages)
        self.assertEqual(names(found), names(expected))


def mx(maildir, *flags, **options):
    """mailquay-mx for example.org on a free port."""
    return Program("mailquay-mx", "--hostname", "mx.example.org", "--domain", "example.org", "--maildir", maildir.path,
                   *(flags if any(str(f).startswith("--listen") for f in flags) else ("--listen", "127.0.0.1:0", *flags)),
                   **options)


def main():
    """Runs the tests of the calling file."""
    done = unittest.main(exit=False, verbosity=2, warnings="ignore").result
    if not done.wasSuccessful():
        sys.exit(1)
    # A class that is skipped before its first test is an entry of its own, and its tests are not among those run.
    # A part of a test (subTest) that is skipped counts as the test.
    skipped = len({getattr(test, "test_case", test) for test, _ in done.skipped if isinstance(test, unittest.TestCase)})
    sys.exit(77 if done.testsRun == skipped else 0)
