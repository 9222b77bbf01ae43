#!/usr/bin/env python3
"""Checks that each public header a/b.hpp has its test file tests/unit/a/b.cpp, which includes that header first.

Usage: headers_have_tests.py ROOT
"""

import pathlib
import re
import sys

# Nothing in them to test by itself.
EXEMPT = {"base/config.hpp"}


def main(root):
    headers = [path.relative_to(root / "include/mailquay").as_posix()
               for path in sorted((root / "include/mailquay").rglob("*.hpp"))]
    problems = []
    for header in headers:
        if "/" not in header or "/detail/" in header or header in EXEMPT:
            continue
        test = root / "tests/unit" / header.replace(".hpp", ".cpp")
        if not test.is_file():
            problems.append(f"include/mailquay/{header}: no {test.relative_to(root).as_posix()}")
            continue
        first = re.search(r"#include\s+[<\"]([^>\"]+)", test.read_text(encoding="utf-8"))
        if not first or first.group(1) != f"mailquay/{header}":
            problems.append(f"{test.relative_to(root).as_posix()}: does not include <mailquay/{header}> first")
    for problem in problems:
        print(problem)
    print(f"{len(headers)} headers, {len(problems)} problems")
    return 1 if problems or not headers else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
