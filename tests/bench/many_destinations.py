#!/usr/bin/env python3
"""Whether destinations that are down slow the others: the rate at which mail for those alive leaves, with and without them, in one run.

  tests/bench/many_destinations.py [ROUNDS]

BUILD         where the programs are (default build/release/bin)
MESSAGES      for those alive (default 6600)
DESTINATIONS  in all (default 200), of which a third is down: they refuse connections, say nothing, or do not answer

Everything listens on loopback alone: mailquay-sink at 127.1.x.y for those alive, a name server of our own.
"""

import os
import sys

os.environ.setdefault("MAILQUAY_BIN_DIR", os.environ.get("BUILD", "build/release/bin"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))

from destinations import seconds  # noqa: E402

MESSAGES = int(os.environ.get("MESSAGES", "6600"))
DESTINATIONS = int(os.environ.get("DESTINATIONS", "200"))


def main():
    dead = DESTINATIONS // 3
    alive = DESTINATIONS - dead
    count = MESSAGES // alive * alive
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        for name, down in (("all alive", 0), (f"{dead} of {DESTINATIONS} down", dead)):
            took = seconds(alive, down, MESSAGES, patience=600)
            print(f"{name}\t{count / took:.0f} messages/s to those alive", flush=True)


if __name__ == "__main__":
    main()
