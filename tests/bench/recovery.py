#!/usr/bin/env python3
"""A spool with many messages: cost per message while it fills, then kill -9, recovery and memory.

  LOADGEN=path/to/loadgen tests/bench/recovery.py [MESSAGES] [SIZE]     (default 1000000 messages of 512 octets)

BUILD is where the programs are (default build/release/bin), WORK a folder on the disk to measure (default: one in the current
folder). It takes about 1.5 GiB of the disk for a million messages.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("BUILD", "build/release/bin")
LOADGEN = os.environ.get("LOADGEN") or sys.exit("name the load generator: LOADGEN=path")
PORT = int(os.environ.get("PORT", "29526"))
STEPS = 10


def start(folder):
    began = time.monotonic()
    server = subprocess.Popen([os.path.join(BUILD, "mailquay-mx"), "--hostname", "localhost", "--domain", "example.com", "--spool", folder,
                               "--listen", f"127.0.0.1:{PORT}", "--log-level", "warning"], stderr=subprocess.PIPE, text=True)
    for line in server.stderr:
        if line.startswith("listening"):
            return server, time.monotonic() - began
        print(line, end="", file=sys.stderr)
    sys.exit("mailquay-mx did not start")


def status_of(server, field):
    """In MiB."""
    with open(f"/proc/{server.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(field + ":"))


def processor_seconds(server):
    with open(f"/proc/{server.pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    size = sys.argv[2] if len(sys.argv) > 2 else "512"
    work = os.environ.get("WORK") or tempfile.mkdtemp(prefix="recovery-", dir=".")
    folder = os.path.join(work, "spool")
    try:
        server, _ = start(folder)
        print("messages  µs of the server for each  RSS, MiB", flush=True)
        for step in range(1, STEPS + 1):
            before = processor_seconds(server)
            subprocess.run([LOADGEN, "--port", str(PORT), "--sessions", "50", "--size", size, "--per-conn", "1000", "--msgs",
                            str(messages // STEPS), "--max-sec", "600"], check=True, stdout=subprocess.DEVNULL)
            spent = (processor_seconds(server) - before) / (messages // STEPS) * 1e6
            print(f"{messages // STEPS * step:8}  {spent:26.1f}  {status_of(server, 'VmRSS'):8.0f}", flush=True)
        server.send_signal(signal.SIGKILL)
        server.wait()
        server, took = start(folder)
        print(f"recovery: {took:.1f} s, RSS {status_of(server, 'VmRSS'):.0f} MiB, at most {status_of(server, 'VmHWM'):.0f} MiB", flush=True)
        began = time.monotonic()
        listed = subprocess.run([os.path.join(BUILD, "mailquay-queue"), "--spool", folder, "list"], stdout=subprocess.PIPE, check=True)
        print(f"list: {listed.stdout.count(10)} lines in {time.monotonic() - began:.1f} s", flush=True)
        server.terminate()
        server.wait()
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
