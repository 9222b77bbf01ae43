"""A private Exim that sends what it is given to one port: a real client of CHUNKING and PRDR; and one that listens.

Exim is not installed, but unpacked by cmake/bootstrap.sh into the user's cache: its package and Postfix's exclude each other. It
insists on root (it changes to its own user) and on a user Debian-exim, which nss_wrapper makes up.
"""

import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import harness

CACHE = os.environ.get("MAILQUAY_EXIM", os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "mailquay", "exim"))
NOBODY = 64999  # of no user on this machine

CONFIGURATION = """\
exim_path = {folder}/exim
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
primary_hostname = client.example.org
acl_not_smtp = accept_all
keep_environment =
begin acl
accept_all:
  accept
begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1 byname
  self = send
  transport = out
begin transports
out:
  driver = smtp
  port = {port}
  hosts_try_chunking = *
  hosts_try_prdr = *
  tls_verify_hosts =
  tls_try_verify_hosts =
begin retry
* * F,1h,1m
"""


# It takes mail for everybody but, by PRDR, for c, and keeps it in its queue.
SERVER_CONFIGURATION = """\
exim_path = {folder}/exim
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/spool/exim.pid
primary_hostname = exim.example.org
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
tls_advertise_hosts =
chunking_advertise_hosts = {chunking}
pipelining_advertise_hosts = *
prdr_enable = true
queue_only = true
log_selector = +received_recipients
acl_smtp_rcpt = accept_all
acl_smtp_data_prdr = all_but_c
keep_environment =
begin acl
accept_all:
  accept
all_but_c:
  deny local_parts = c
       message = not for c
  accept
begin routers
all:
  driver = redirect
  data = :blackhole:
"""


class Exim:
    """`with Exim(port) as exim: exim.send(content, "b@example.org")`"""

    configuration = CONFIGURATION

    def __init__(self, port, chunking=True):
        binary = os.path.join(CACHE, "usr/sbin/exim4")
        libraries = next(iter(glob.glob(os.path.join(CACHE, "usr/lib/*-linux-gnu"))), None)
        if not os.path.exists(binary) or libraries is None:
            raise unittest.SkipTest(f"no Exim in {CACHE}; cmake/bootstrap.sh unpacks it with the group tests")
        if os.getuid() != 0:
            raise unittest.SkipTest("Exim changes its user, which only root may")
        self.folder = tempfile.mkdtemp(prefix="mailquay-exim-")
        os.chmod(self.folder, 0o755)
        for name in ("spool", "log"):
            os.mkdir(os.path.join(self.folder, name))
            os.chown(os.path.join(self.folder, name), NOBODY, NOBODY)
        for name, line in (("passwd", f"Debian-exim:x:{NOBODY}:{NOBODY}::/nonexistent:/bin/false\n"), ("group", f"Debian-exim:x:{NOBODY}:\n")):
            with open(f"/etc/{name}", encoding="utf-8") as known:
                self._write(name, known.read() + line)
        self._write("exim.conf", self.configuration.format(folder=self.folder, port=port, chunking="*" if chunking else ""))
        self._write("exim", f"""#!/bin/sh
export LD_LIBRARY_PATH={libraries} LD_PRELOAD={libraries}/libnss_wrapper.so
export NSS_WRAPPER_PASSWD={self.folder}/passwd NSS_WRAPPER_GROUP={self.folder}/group
exec {binary} "$@"
""")
        os.chmod(os.path.join(self.folder, "exim"), 0o755)

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def send(self, content, *recipients):
        """Delivers while it waits. @return what Exim logged of it"""
        before = len(self.log())
        # Exim takes text with LF alone. Queued first, then delivered by another process: after it has changed its user the loader
        # would not look into our folder any more.
        self._run("-odq", "-oi", "-f", "a@example.net", *recipients, given=content.replace(b"\r\n", b"\n"))
        found = re.search(r" (\S+) <= ", self.log()[before:])
        if not found:
            raise AssertionError(f"exim did not take the message: {self.log()[before:]}")
        self._run("-M", found.group(1))
        return self.log()[before:]

    def _run(self, *flags, given=b""):
        done = subprocess.run([os.path.join(self.folder, "exim"), "-C", os.path.join(self.folder, "exim.conf"), *flags], input=given,
                              capture_output=True, timeout=harness.PATIENCE, check=False)
        if done.returncode != 0:
            raise AssertionError(f"exim {flags} ended with {done.returncode}: {done.stdout!r} {done.stderr!r}")

    def log(self):
        try:
            with open(os.path.join(self.folder, "log/mainlog"), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)


class EximServer(Exim):
    """`with EximServer(port) as exim: ...; exim.bodies()`"""

    configuration = SERVER_CONFIGURATION

    def __enter__(self):
        self.process = subprocess.Popen([os.path.join(self.folder, "exim"), "-C", os.path.join(self.folder, "exim.conf"), "-bdf"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            harness.wait_until(lambda: "listening for SMTP" in self.log() or self.process.poll() is not None, "Exim listens")
            assert self.process.poll() is None, self.process.stderr.read()
        except AssertionError:
            self.__exit__()
            raise
        return self

    def bodies(self):
        """What is in the queue, with LF, without header."""
        found = []
        for name in glob.glob(os.path.join(self.folder, "spool/input/*-D")):
            with open(name, "rb") as file:
                found.append(file.read().split(b"\n", 1)[1])  # the first line names the file
        return found

    def messages(self):
        """The messages in the queue, with their header as it is kept beside the body."""
        found = []
        for name in glob.glob(os.path.join(self.folder, "spool/input/*-H")):
            with open(name, "rb") as file:
                rest = file.read().split(b"\n\n", 1)[1]
            header = b""
            while rest:
                length, flag, rest = re.match(rb"(?s)(\d+)(.) (.*)", rest).groups()  # "*" is one that was rewritten
                header += b"" if flag == b"*" else rest[:int(length)]
                rest = rest[int(length):]
            with open(name[:-1] + "D", "rb") as file:
                found.append(header + b"\n" + file.read().split(b"\n", 1)[1])
        return found

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()
        super().__exit__()
