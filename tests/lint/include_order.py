#!/usr/bin/env python3
"""Checks that every public header can come first in the header-only form.

There a header ends with the .ipp that defines it. That .ipp must not be reached before the declarations of what it
includes: else a header compiles or not depending on which was included before it. The order in which a preprocessor
meets the files is followed here from each public header; compiling each of them alone would find the same at a
thousand times the cost.

Usage: include_order.py ROOT | --self-test
"""

import pathlib
import re
import sys

LINE = re.compile(r"^[ \t]*#[ \t]*(?:include[ \t]*<(mailquay/[^>]+)>|(ifdef MAILQUAY_HEADER_ONLY))", re.MULTILINE)


def steps_of(text):
    """The files that a file includes, in order; None stands for the end of its declarations."""
    return [None if block else header for header, block in LINE.findall(text)]


def too_early(first, steps):
    """Pairs (file, header): the file is read before the declarations of a header that it includes."""
    found, declared, seen = [], set(), set()

    def read(path):
        seen.add(path)
        for header in steps.get(path, ()):
            if header is None:
                declared.add(path)
            elif header not in seen:
                read(header)
            elif header not in declared and header.endswith(".hpp"):
                found.append((path, header))
        declared.add(path)

    read(first)
    return found


def check(steps):
    problems = set()
    for first in sorted(steps):
        if first.endswith(".hpp"):
            for path, header in too_early(first, steps):
                problems.add(f"{path}: read before the declarations of <{header}>, which it includes, when <{first}> comes first")
    return sorted(problems)


def self_test():
    good = {"mailquay/a.hpp": [None, "mailquay/impl/a.ipp"], "mailquay/impl/a.ipp": ["mailquay/a.hpp"]}
    assert check(good) == [], check(good)
    # b needs a, and the end of a needs b: fine, as a is declared by then, whichever comes first.
    mutual = {"mailquay/a.hpp": [None, "mailquay/impl/a.ipp"], "mailquay/impl/a.ipp": ["mailquay/a.hpp", "mailquay/b.hpp"],
              "mailquay/b.hpp": ["mailquay/a.hpp"]}
    assert len(check(mutual)) == 1 and "when <mailquay/b.hpp> comes first" in check(mutual)[0], check(mutual)
    assert steps_of("#pragma once\n#include <mailquay/b.hpp>\n#include <vector>\n#ifdef MAILQUAY_HEADER_ONLY\n"
                    "#include <mailquay/impl/a.ipp>\n#endif\n") == ["mailquay/b.hpp", None, "mailquay/impl/a.ipp"]


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        print("ok")
        return 0
    root = pathlib.Path(sys.argv[1]) / "include"
    steps = {path.relative_to(root).as_posix(): steps_of(path.read_text())
             for pattern in ("*.hpp", "*.ipp") for path in root.rglob(pattern)}
    if not steps:
        print(f"no headers below {root}")
        return 1
    problems = check(steps)
    print("\n".join(problems) or f"{len(steps)} files: each header can come first")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
