#!/usr/bin/env python3
"""Makes the table of docs/performance.md: server CPU per message as a ratio to the harness's `limit`, best rounds of one run.

    chrt -b 0 tests/bench/table.py HARNESS [--build DIR] [--peers LIST] [--shapes LIST] [--rounds N] [--secs S] [--json FILE]

HARNESS is the folder with the harness's run.py; its setup must have run. Columns: mailquay-sink of DIR (build/release/bin), the
same with --portable-reactor, and the peers (default smtp-sink). Everything listens on loopback and is ended by the harness.
"""
import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHAPES = "small,keepalive,pipe,full,bdat,rcpt50,pipe50,large,tls-hs,tls-keep,tls-large"
TARGETS = {"small": 1.05, "keepalive": 1.06, "pipe": 1.12, "full": 1.15, "bdat": 1.18, "rcpt50": 1.10, "pipe50": 1.35, "large": 1.02,
           "tls-hs": 1.02, "tls-keep": 1.00, "tls-large": 0.85}


def measure(given):
    """Runs the harness. @return its JSON"""
    sink = f"{given.build}/mailquay-sink --listen 127.0.0.1:{{port}} --tls-cert {{cert}} --tls-key {{key}}"
    out = pathlib.Path(given.json)
    subprocess.run([sys.executable, str(given.harness / "run.py"), "--cmd", f"mailquay={sink}", "--cmd",
                    f"portable={sink} --portable-reactor", "--vs", f"limit,{given.peers}", "--shape", given.shapes,
                    "--rounds", str(given.rounds), "--secs", str(given.secs), "--json", str(out)], check=True, stdout=sys.stderr)
    return json.loads(out.read_text(encoding="utf-8"))


def cell(row, server):
    found = row.get(server)
    if not found or "cpu_min" not in found:
        return "-"
    ratio = found["cpu_min"] / row["limit"]["cpu_min"]
    return f"{ratio:.2f} ({found['cpu_min']:.1f})"


def table(measured, peers):
    servers = ["mailquay", "portable", *peers]
    lines = ["| shape | target | limit, µs | " + " | ".join(servers) + " |", "|" + "---|" * (3 + len(servers))]
    for shape, row in measured["shapes"].items():
        if "limit" not in row:
            continue
        target = f"{TARGETS[shape]:.2f}" if shape in TARGETS else ""
        lines.append(f"| {shape} | {target} | {row['limit']['cpu_min']:.1f} | " + " | ".join(cell(row, one) for one in servers) + " |")
    return "\n".join(lines)


def main():
    take = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    take.add_argument("harness", type=pathlib.Path)
    take.add_argument("--build", default=str(ROOT / "build/release/bin"))
    take.add_argument("--peers", default="smtp-sink")
    take.add_argument("--shapes", default=SHAPES)
    take.add_argument("--rounds", type=int, default=11)
    take.add_argument("--secs", type=float, default=0.25)
    take.add_argument("--json", default="table.json")
    given = take.parse_args()
    print(table(measure(given), [one for one in given.peers.split(",") if one]))


if __name__ == "__main__":
    main()
