#!/usr/bin/env python3
"""Counts instructions of whole connections, in process, and fails above the bounds.

    instructions.py PROGRAM [gate|growth]...

PROGRAM is bench-cost. `gate`: one message (shape full), one more recipient, one message step by
step and one connection. `growth`: what a message, a recipient, a header
field and a KiB cost must not depend on how many there are. Without Valgrind: says so and ends with status 77 (skipped).
"""
import re
import shutil
import subprocess
import sys

SKIPPED = 77
# What is reached, and a little for other compilers (docs/performance.md). To be lowered with each gain.
MESSAGE = 4_500    # instructions of a message of 1 KiB to one recipient, its envelope and end in one read
RECIPIENT = 710    # of each further one
STEP_BY_STEP = 6_920  # of the same message, each command in a read of its own
CONNECTION = 13_400   # of a connection with one such message, from its greeting to its end
FLAT = 1.10        # the dearest unit of a row over the cheapest
# Instructions of a KiB of a body. Led lines are held by this alone: their ratio to plain ones, of which the aim is 2, rises as these
# get cheaper (docs/performance.md).
KIB = {"body": 420,     # lines of 72 octets
       "small": 420,    # lines of three
       "led": 970,      # lines of 72 octets that each begin with a stuffed dot
       "dotted": 1_370}  # lines of nothing but a stuffed dot, the dearest there are
SHORT_LINES = 2.0  # a KiB of short lines over a KiB of plain ones
DOTTED = 3.35      # the same for lines of nothing but a stuffed dot

counted = {}


def count(program, what, number, times):
    """Instructions of one run."""
    key = what, number, times
    if key not in counted:
        run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, *map(str, key)],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        found = re.search(r"Collected : (\d+)", run.stdout)
        if run.returncode != 0 or not found:
            sys.exit(f"{program} {key} failed:\n{run.stdout}")
        counted[key] = int(found[1])
    return counted[key]


def message(program, what, number, fewer, more):
    """Instructions of one message among many: what comes once a run, this program's own part among it, drops out."""
    return (count(program, what, number, more) - count(program, what, number, fewer)) / (more - fewer)


def each(program, what, small, large, fewer=10, more=20):
    """Instructions of one unit of a message: a recipient, a header field, a KiB."""
    return (message(program, what, large, fewer, more) - message(program, what, small, fewer, more)) / (large - small)


def check(problems, name, cost, bound):
    verdict = "" if cost <= bound else "  <-- ABOVE"
    print(f"{name:44} {cost:10.1f} of {bound:g}{verdict}", flush=True)
    if verdict:
        problems.append(name)


def gate(program, problems):
    check(problems, "instructions of a message (full)", message(program, "messages", 1, 100, 600), MESSAGE)
    check(problems, "instructions of a message step by step", message(program, "steps", 100, 200, 1200), STEP_BY_STEP)
    check(problems, "instructions of a connection", message(program, "steps", 1, 100, 600), CONNECTION)
    check(problems, "instructions of a further recipient", each(program, "recipients", 50, 150), RECIPIENT)


def flat(problems, name, steps, costs):
    """Whether a unit costs the same whatever the number of them."""
    print(f"{name}: " + ", ".join(f"{fewer}-{more}: {cost:.1f}" for fewer, more, cost in zip(steps, steps[1:], costs)))
    check(problems, f"dearest {name} over the cheapest", max(costs) / min(costs), FLAT)


def growth(program, problems):
    steps = [1, 100, 1000, 10_000, 100_000]
    flat(problems, "message", steps, [message(program, "messages", 1, fewer, more) for fewer, more in zip(steps, steps[1:])])
    for what, name, steps, fewer, more in (("recipients", "recipient", [1, 100, 1000, 10_000], 2, 4),
                                           ("fields", "header field", [1, 100, 1000, 10_000], 2, 4),
                                           ("body", "KiB of a body", [1, 1024, 10 * 1024, 100 * 1024], 1, 2)):
        flat(problems, name, steps, [each(program, what, small, large, fewer, more) for small, large in zip(steps, steps[1:])])
    for what, bound in KIB.items():
        check(problems, f"instructions of a KiB of {what} lines", each(program, what, 1024, 10 * 1024, 1, 2), bound)
    plain = each(program, "body", 1024, 10 * 1024, 1, 2)
    for what, bound in (("small", SHORT_LINES), ("dotted", DOTTED)):
        check(problems, f"a KiB of {what} lines over a plain one", each(program, what, 1024, 10 * 1024, 1, 2) / plain, bound)


def main(program, parts):
    if not shutil.which("valgrind"):
        print("no valgrind: instructions are not counted")
        return SKIPPED
    problems = []
    for part in parts or ["gate", "growth"]:
        {"gate": gate, "growth": growth}[part](program, problems)
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or not {"gate", "growth"}.issuperset(sys.argv[2:]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
