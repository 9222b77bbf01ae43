#!/usr/bin/env python3
"""Checks every #include of include/ and src/ against the table of layers, and that the tree keeps its form.

Nothing includes upwards; what a layer takes from outside is named below; a component uses its own headers and those of
the components it depends on.

Usage: layering.py ROOT | --self-test
"""

import pathlib
import re
import sys

CORE = ("base", "protocol", "message", "session")
ASIO_IN_HEADERS = ("asio/awaitable.hpp", "asio/any_io_executor.hpp")

# folder: (folders it may include, third-party headers in public headers, third-party headers in .ipp files, component).
# A third-party header ending in "/" stands for all below it. Every layer may include fmt.
UP_TO_HANDLER = (*CORE, "handler")
UP_TO_5 = (*UP_TO_HANDLER, "server", "tls", "sasl", "store", "dns")
UP_TO_6 = (*UP_TO_5, "client", "mailauth", "filter")
UP_TO_7 = (*UP_TO_6, "sink", "policy")
OPENSSL = ("openssl/",)
ASIO = ("asio/",)
LAYERS = {
    "base": ((), (), ("idn2.h",), "core"),
    "protocol": (("base",), (), (), "core"),
    "message": (("base",), (), (), "core"),
    "session": (("base", "protocol", "message"), (), (), "core"),
    "handler": (CORE, ASIO_IN_HEADERS, ASIO_IN_HEADERS, "server"),
    "server": (UP_TO_HANDLER, ASIO_IN_HEADERS, ASIO, "server"),
    "tls": (UP_TO_HANDLER, ASIO_IN_HEADERS, (*ASIO, *OPENSSL), "tls"),
    "sasl": (UP_TO_HANDLER, ASIO_IN_HEADERS, (*ASIO, *OPENSSL, "crypt.h", "unicode/"), "sasl"),
    "store": (UP_TO_HANDLER, ASIO_IN_HEADERS, (*ASIO, "sqlite3.h", "hiredis/"), "store"),
    "dns": (UP_TO_HANDLER, ASIO_IN_HEADERS, (*ASIO, "ares.h"), "dns"),
    "client": (UP_TO_5, ASIO_IN_HEADERS, (*ASIO, *OPENSSL), "client"),
    "mailauth": ((*UP_TO_HANDLER, "dns"), ASIO_IN_HEADERS, (*ASIO, *OPENSSL, "idn2.h", "libpsl.h"), "mailauth"),
    "filter": ((*UP_TO_HANDLER, "server"), ASIO_IN_HEADERS, ASIO, "filter"),
    "sink": (UP_TO_6, ASIO_IN_HEADERS, (*ASIO, "sqlite3.h", "hiredis/"), "server"),
    "policy": ((*UP_TO_HANDLER, "server", "sasl", "store"), ASIO_IN_HEADERS, ASIO, "policy"),
    "relay": (UP_TO_7, ASIO_IN_HEADERS, ASIO, "relay"),
    "observe": ((*UP_TO_HANDLER, "server"), ASIO_IN_HEADERS, ASIO, "observe"),
    "testing": (UP_TO_7, ASIO_IN_HEADERS, ASIO, "testing"),
}

# The one header that may include any of Asio; only .ipp files may include it.
ASIO_COMPAT = "server/asio_compat.hpp"

# Files that belong to another component than their folder; a name is that of the header without ".hpp".
COMPONENT_OF_FILE = {
    "sink/sqlite": "sink-sqlite",
    "sink/redis_stream": "sink-redis",
    "store/sqlite": "store-sqlite",
    "store/redis": "store-redis",
}

# component: components it depends on, directly or not.
COMPONENTS = {
    "core": (),
    "server": ("core",),
    "tls": ("core", "server"),
    "sasl": ("core", "server"),
    "store-sqlite": ("core", "server"),
    "store-redis": ("core", "server"),
    "dns": ("core", "server"),
    "client": ("core", "server", "tls", "sasl", "dns"),
    "mailauth": ("core", "server", "dns"),
    "filter": ("core", "server"),
    "policy": ("core", "server", "sasl"),
    "sink-sqlite": ("core", "server"),
    "sink-redis": ("core", "server", "store-redis"),
    "relay": ("core", "server", "dns", "client", "policy", "tls", "sasl"),
    "observe": ("core", "server"),
    "testing": ("core", "server"),
}

# The core does no I/O and knows no threads. What it takes from the system is named per file.
NOT_IN_CORE = {"iostream", "fstream", "filesystem", "thread", "mutex", "shared_mutex", "condition_variable", "future",
               "coroutine", "cstdio"}
SYSTEM = re.compile(r"(sys|netinet|arpa|net|linux)/[\w/]+\.h$|"
                    r"(unistd|fcntl|poll|pthread|signal|netdb|dirent|pwd|grp|time|sched)\.h$")
INTRINSICS = ("immintrin.h", "emmintrin.h", "arm_neon.h")
SYSTEM_IN_CORE = {
    "base/impl/random.ipp": {"sys/random.h", "unistd.h"},
    "base/impl/log.ipp": {"unistd.h"},  # the log that goes to standard error
    "base/impl/ip_address.ipp": {"arpa/inet.h", "netinet/in.h", "sys/socket.h"},
}

INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"]+)[>\"]", re.MULTILINE)


def names(header, allowed):
    return any(header == name or name.endswith("/") and header.startswith(name) for name in allowed)


def component_of(path):
    """The component of a path below include/mailquay/, such as "base/impl/log.ipp"."""
    folder = path.split("/")[0]
    stem = re.sub(r"\.(hpp|ipp)$", "", path.replace("/impl/", "/"))
    return COMPONENT_OF_FILE.get(stem, LAYERS[folder][3])


def check_include(path, quote, header):
    """What is wrong when the file `path` (below include/mailquay/) includes `header`, or None."""
    folder = path.split("/")[0]
    may_include, in_headers, inside, _ = LAYERS[folder]
    if quote == '"':
        return f'"{header}": write <mailquay/...>'
    if header.startswith("mailquay/"):
        target = header.removeprefix("mailquay/")
        target_folder = target.split("/")[0]
        if "/" not in target:
            return f"{header}: a header for users that gathers others; include what is needed"
        if target_folder not in LAYERS:
            return f"{header}: no such layer"
        if target_folder != folder and target_folder not in may_include:
            return f"{header}: layer '{folder}' may not include layer '{target_folder}'"
        if target.endswith(".ipp") and target_folder != folder:
            return f"{header}: an .ipp is included by headers of its own layer only"
        if target == ASIO_COMPAT and path.endswith(".hpp"):
            return f"{header}: for .ipp files only"
        mine, theirs = component_of(path), component_of(target)
        if mine != theirs and theirs not in COMPONENTS[mine]:
            return f"{header}: component '{mine}' does not depend on component '{theirs}'"
        return None
    if re.fullmatch(r"[a-z_]+", header):
        if folder in CORE and header in NOT_IN_CORE:
            return f"<{header}>: the core does no I/O and knows no threads"
        return None
    if header in INTRINSICS:
        return None
    if SYSTEM.match(header):
        if folder in CORE and header not in SYSTEM_IN_CORE.get(path, ()):
            return f"<{header}>: the core takes nothing from the system but what this check names"
        return None
    allowed = ("fmt/", *(inside if path.endswith(".ipp") or path == ASIO_COMPAT else in_headers))
    if not names(header, allowed):
        kind = "an .ipp" if path.endswith(".ipp") else "a header"
        return f"<{header}>: layer '{folder}' may not include it in {kind}"
    return None


def header_of(ipp):
    return ipp.replace("/impl/", "/").replace(".ipp", ".hpp")


def reached_from(starts, headers):
    """Every .ipp that the given files include, directly or by way of other .ipp files."""
    reached, todo = set(), list(starts)
    while todo:
        for _, header in INCLUDE.findall(headers.get(todo.pop(), "")):
            path = header.removeprefix("mailquay/")
            if path.endswith(".ipp") and path not in reached:
                reached.add(path)
                todo.append(path)
    return reached


def check_form(path, headers):
    """What is wrong with the form of one file below include/mailquay/."""
    text = headers[path]
    problems = []
    if not re.fullmatch(r"[a-z]+/([a-z0-9_]+/)?([a-z0-9_]+\.hpp|impl/([a-z0-9_]+/)?[a-z0-9_]+\.ipp)", path):
        problems.append("is neither <layer>/[<folder>/]x.hpp nor <layer>/[<folder>/]impl/x.ipp")
    if path.endswith(".hpp"):
        if not text.startswith("#pragma once\n"):
            problems.append("does not begin with #pragma once")
        ipps = [ipp for ipp in headers if ipp.endswith(".ipp") and header_of(ipp) == path]
        block = re.search(r"\n#ifdef MAILQUAY_HEADER_ONLY\n((?:#include <mailquay/[^>]+\.ipp>\n)+)#endif\n$", text)
        for ipp in ipps:
            if not block or f"<mailquay/{ipp}>" not in block.group(1):
                problems.append("does not end with the block that includes its .ipp for MAILQUAY_HEADER_ONLY")
        return problems
    own = header_of(path)
    if own in headers and f"#include <mailquay/{own}>" not in text:
        problems.append(f"does not include its own header <mailquay/{own}>")
    users = sum(f"<mailquay/{path}>" in other for other in headers.values())
    if users > 1 and "#pragma once" not in text:
        problems.append("is included in several places without #pragma once")
    return problems


# Headers that gather others for users, and the layers they may show.
GATHERING = {"core.hpp": CORE, "mailquay.hpp": tuple(LAYERS)}


def check_gathering(path, text, headers):
    if path not in GATHERING:
        return ["is in no layer"]
    problems = []
    for _, header in INCLUDE.findall(text):
        target = header.removeprefix("mailquay/")
        if target not in headers or "/impl/" in target:
            problems.append(f"{header}: there is no such public header")
        elif target.split("/")[0] not in GATHERING[path] and target not in GATHERING:
            problems.append(f"{header}: not for {path}")
    return problems


def check_tree(files):
    """All problems of a tree, given as {path: text}."""
    problems = []
    headers = {path.removeprefix("include/mailquay/"): text for path, text in files.items()
               if path.startswith("include/mailquay/")}
    in_headers = reached_from([path for path in headers if path.endswith(".hpp")], headers)
    in_sources = set()
    for path, text in files.items():
        if not re.fullmatch(r"[a-z0-9_.\-/]+", path):
            problems.append((path, "a file name is of a-z, 0-9 and _"))
        if path.startswith("src/"):
            component = path.removeprefix("src/").removesuffix(".cpp").replace("_", "-")
            while component not in COMPONENTS and "-" in component:
                component = component.rsplit("-", 1)[0]
            for ipp in sorted(reached_from([path], {**headers, path: text})):
                in_sources.add(ipp)
                if ipp not in headers:
                    problems.append((path, f"{ipp}: there is no such file"))
                elif component_of(ipp) != component:
                    problems.append((path, f"{ipp}: belongs to the component '{component_of(ipp)}'"))

    for path, text in headers.items():
        where = f"include/mailquay/{path}"
        if "/" not in path:
            problems += [(where, what) for what in check_gathering(path, text, headers)]
            continue
        if path.split("/")[0] not in LAYERS:
            problems.append((where, f"no such layer: {path.split('/')[0]}"))
            continue
        problems += [(where, what) for what in check_form(path, headers)]
        for quote, header in INCLUDE.findall(text):
            what = check_include(path, quote, header)
            if what:
                problems.append((where, what))
            elif header.startswith("mailquay/") and header.removeprefix("mailquay/") not in headers:
                problems.append((where, f"{header}: there is no such file"))
        if path.endswith(".ipp") and path not in in_sources:
            problems.append((where, "is listed in no source of src/: the compiled form lacks it"))
        if path.endswith(".ipp") and path not in in_headers:
            problems.append((where, "is included by no header: the header-only form lacks it"))
    return problems


def read_tree(root):
    files = {}
    for folder in ("include", "src"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file():
                files[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8")
    return files


def self_test():
    cases = [  # path, include, right
        ("base/log.hpp", "<string>", True),
        ("base/log.hpp", "<fmt/format.h>", True),
        ("base/log.hpp", "<mailquay/base/result.hpp>", True),
        ("base/log.hpp", '"result.hpp"', False),
        ("base/log.hpp", "<mailquay/protocol/reply.hpp>", False),
        ("base/log.hpp", "<iostream>", False),
        ("base/log.hpp", "<sys/socket.h>", False),
        ("base/log.hpp", "<idn2.h>", False),
        ("base/impl/idna.ipp", "<idn2.h>", True),
        ("protocol/reply.hpp", "<mailquay/message/date.hpp>", False),
        ("protocol/reply.hpp", "<asio/awaitable.hpp>", False),
        ("session/session.hpp", "<mailquay/message/date.hpp>", True),
        ("session/session.hpp", "<mailquay/handler/eventual.hpp>", False),
        ("handler/eventual.hpp", "<asio/awaitable.hpp>", True),
        ("handler/eventual.hpp", "<asio/ip/tcp.hpp>", False),
        ("handler/impl/x.ipp", "<asio/ip/tcp.hpp>", False),
        ("server/server.hpp", "<asio/ip/tcp.hpp>", False),
        ("server/impl/server.ipp", "<asio/ip/tcp.hpp>", True),
        ("server/impl/server.ipp", "<sys/epoll.h>", True),
        ("server/impl/server.ipp", "<openssl/ssl.h>", False),
        ("server/server.hpp", "<mailquay/sink/maildir.hpp>", False),
        ("server/server.hpp", "<mailquay/server/asio_compat.hpp>", False),
        ("server/impl/server.ipp", "<mailquay/server/asio_compat.hpp>", True),
        ("server/asio_compat.hpp", "<asio/strand.hpp>", True),
        ("server/impl/server.ipp", "<fmt/format.h>", True),
        ("protocol/detail/find.hpp", "<immintrin.h>", True),
        ("server/server.hpp", "<mailquay/server/impl/server.ipp>", True),
        ("server/server.hpp", "<mailquay/handler/impl/other.ipp>", False),
        ("sink/maildir.hpp", "<mailquay/server/workers.hpp>", True),
        ("sink/maildir.hpp", "<mailquay/client/client.hpp>", False),
        ("relay/queue.hpp", "<mailquay/sink/spool.hpp>", True),
        ("relay/queue.hpp", "<mailquay/client/client.hpp>", True),
    ]
    failed = 0
    for path, include, right in cases:
        quote, header = INCLUDE.findall(f"#include {include}")[0]
        if (check_include(path, quote, header) is None) != right:
            failed += 1
            print(f"{path} including {include}: should be {'right' if right else 'wrong'}")
    block = "#ifdef MAILQUAY_HEADER_ONLY\n#include <mailquay/base/impl/a.ipp>\n#endif\n"
    good = {"include/mailquay/base/a.hpp": f"#pragma once\n{block}",
            "include/mailquay/base/impl/a.ipp": "#include <mailquay/base/a.hpp>\n",
            "src/core.cpp": "#include <mailquay/base/impl/a.ipp>\n"}
    trees = [
        ({**good, "include/mailquay/core.hpp": "#include <mailquay/base/a.hpp>\n"}, 0),
        ({**good, "include/mailquay/core.hpp": "#include <mailquay/server/a.hpp>\n"}, 1),
        ({**good, "include/mailquay/other.hpp": "#include <mailquay/base/a.hpp>\n"}, 1),
        (good, 0),
        ({**good, "src/core.cpp": ""}, 1),
        ({**good, "src/core.cpp": "", "src/core_more.cpp": good["src/core.cpp"]}, 0),
        ({**good, "src/core.cpp": "", "src/server.cpp": good["src/core.cpp"]}, 1),
        ({**good, "include/mailquay/base/a.hpp": "#pragma once\n"}, 2),
        ({**good, "include/mailquay/base/a.hpp": "\n" + block}, 1),
        ({**good, "include/mailquay/other/b.hpp": "#pragma once\n"}, 1),
        ({**good, "include/mailquay/base/B.hpp": "#pragma once\n"}, 2),
        ({**good, "include/mailquay/base/c.hpp": f"#pragma once\n{block}"}, 1),
        ({**good, "include/mailquay/base/c.hpp": "#pragma once\n#include <mailquay/base/gone.hpp>\n"}, 1),
        ({**good, "include/mailquay/base/impl/b.ipp": "#include <mailquay/base/a.hpp>\n"}, 2),
        ({**good, "include/mailquay/base/impl/a.ipp": ""}, 1),
        ({**good, "src/core.cpp": good["src/core.cpp"] + "#include <mailquay/base/impl/gone.ipp>\n"}, 1),
    ]
    for number, (tree, expected) in enumerate(trees):
        found = check_tree(tree)
        if len(found) != expected:
            failed += 1
            print(f"tree {number}: {expected} problems expected, found {found}")
    for component, depends in COMPONENTS.items():
        for other in depends:
            if other not in COMPONENTS or not set(COMPONENTS[other]) <= set(depends):
                failed += 1
                print(f"table: '{component}' depends on '{other}' but not on all that needs")
    print(f"{len(cases) + len(trees)} samples, {failed} failures")
    return 1 if failed else 0


def main(root):
    files = read_tree(root)
    problems = check_tree(files)
    for path, what in problems:
        print(f"{path}: {what}")
    print(f"{len(files)} files, {len(problems)} problems")
    return 1 if problems or not files else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(self_test() if sys.argv[1] == "--self-test" else main(pathlib.Path(sys.argv[1]).resolve()))
