#!/usr/bin/env python3
"""Rates of delivery from a queue on disk to one next hop, in one run: Postfix and our spool, interleaved.

  LOADGEN=path/to/loadgen SINK=path/to/sink POSTFIX=folder tests/bench/delivery.py [ROUNDS]

LOADGEN   the load generator: loadgen --port N --sessions 50 --msgs N --size 4096 --per-conn 100
SINK      the next hop, started with its port: takes all mail, announces PIPELINING
BUILD     where the programs are (default build/release/bin)
WORK      a folder on the disk to measure (default: one in the current folder)
MESSAGES  of a round (default 20000; Postfix gets a quarter)
POSTFIX   a folder with postfix_main.cf and postfix_master.cf; absent: no Postfix

Each queue is filled while nothing is sent onward. Measured is the time from the start of delivery until the queue is empty. Everything
listens on loopback alone, and is ended by its process id.
"""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("BUILD", "build/release/bin")
LOADGEN = os.environ.get("LOADGEN") or sys.exit("name the load generator: LOADGEN=path")
SINK = os.environ.get("SINK") or sys.exit("name the next hop: SINK=path")
POSTFIX = os.environ.get("POSTFIX")
MESSAGES = int(os.environ.get("MESSAGES", "20000"))
PORT, HOP = 29527, 29528
PATIENCE = 600


def wait_for(condition, what, pause=0.02):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"not within {PATIENCE} s: {what}")
        time.sleep(pause)


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def load(count):
    subprocess.run([LOADGEN, "--port", str(PORT), "--sessions", "50", "--size", "4096", "--per-conn", "100", "--msgs", str(count),
                    "--max-sec", "600"], check=True, stdout=subprocess.DEVNULL)


class Spool:
    name = "spool"
    count = MESSAGES

    def __init__(self, work):
        self.folder = os.path.join(work, "spool")

    def start(self, *flags):
        server = subprocess.Popen([os.path.join(BUILD, "mailquay-mx"), "--hostname", "localhost", "--domain", "example.com", "--accept-any",
                                   "--spool", self.folder, "--listen", f"127.0.0.1:{PORT}", "--log-level", "error", *flags],
                                  stderr=subprocess.PIPE, text=True)
        next(line for line in server.stderr if line.startswith("listening"))
        return server

    def stop(self, server):
        server.terminate()
        server.wait()

    def is_empty(self):
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(os.path.join(self.folder, "control.sock"))
            asking.sendall(b"list\n")
            return asking.recv(64) == b"ok\n"

    def measure(self):
        server = self.start()
        load(self.count)
        self.stop(server)
        began = time.monotonic()
        server = self.start("--relay-to", f"127.0.0.1:{HOP}", "--relay-tls", "off")
        wait_for(self.is_empty, "the spool is empty")
        took = time.monotonic() - began
        self.stop(server)
        shutil.rmtree(self.folder)
        return took


class Postfix:
    name = "postfix"
    count = MESSAGES // 4

    def __init__(self, work):
        self.folder = os.path.join(work, "postfix")

    def run(self, *words):
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def files(self, *queues):
        return sum(len(names) for queue in queues for _, _, names in os.walk(os.path.join(self.folder, "queue", queue)))

    def measure(self):
        etc, queue, data = (os.path.join(self.folder, name) for name in ("etc", "queue", "data"))
        for name in (etc, queue, data):
            os.makedirs(name)
        shutil.chown(data, "postfix")
        for above in list(pathlib.Path(self.folder).resolve().parents)[:2] + [self.folder]:
            os.chmod(above, 0o755)
        settings = pathlib.Path(POSTFIX, "postfix_main.cf").read_text(encoding="utf-8")
        settings = settings.replace("@ETC@", etc).replace("@QUEUE@", queue).replace("@DATA@", data)
        settings = "\n".join(line for line in settings.splitlines() if not re.search("@CERT@|@KEY@|smtpd_tls|_transport", line))
        onward = f"\nrelayhost = [127.0.0.1]:{HOP}\n"
        pathlib.Path(etc, "main.cf").write_text(settings + onward + "defer_transports = smtp\n", encoding="utf-8")
        services = pathlib.Path(POSTFIX, "postfix_master.cf").read_text(encoding="utf-8").replace("@PORT@", str(PORT))
        pathlib.Path(etc, "master.cf").write_text(services + "\nsmtp unix - - n - - smtp\n", encoding="utf-8")
        self.run("postfix", "-c", etc, "start")
        try:
            wait_for(lambda: answers(PORT), "Postfix listens")
            load(self.count)
            wait_for(lambda: self.files("deferred") == self.count and self.files("incoming", "active") == 0, "all is in the queue")
            pathlib.Path(etc, "main.cf").write_text(settings + onward, encoding="utf-8")
            self.run("postfix", "-c", etc, "stop")
            self.run("postfix", "-c", etc, "start")
            wait_for(lambda: answers(PORT), "Postfix listens")
            time.sleep(2)  # a queue manager that is just beginning does not hear of a flush
            began = time.monotonic()
            self.run("postqueue", "-c", etc, "-f")
            wait_for(lambda: self.files("incoming", "active", "deferred") == 0, "Postfix' queue is empty", 0.1)
            return time.monotonic() - began
        finally:
            subprocess.run(["postfix", "-c", etc, "stop"], check=False, stderr=subprocess.DEVNULL)
            shutil.rmtree(self.folder)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    work = os.path.abspath(os.environ.get("WORK") or tempfile.mkdtemp(prefix="delivery-", dir="."))
    os.makedirs(work, exist_ok=True)
    hop = subprocess.Popen([SINK, str(HOP)])
    try:
        wait_for(lambda: answers(HOP), "the next hop listens")
        for _ in range(rounds):
            for one in [Spool(work)] + ([Postfix(work)] if POSTFIX else []):
                took = one.measure()
                print(f"{one.name}\t{one.count / took:.0f} messages/s", flush=True)
    finally:
        hop.terminate()
        hop.wait()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
