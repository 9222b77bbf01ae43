"""Many destinations on loopback, of which some are down: each domain has a host of its own, at an address of 127.1.0.0/16.

Those that are down refuse connections, take them and say nothing, or do not answer at all, in turn.
"""

import concurrent.futures
import shutil
import socket
import tempfile
import time

from harness import PATIENCE, Program, Talk, wait_until
from names import A, MX, NameServer, mx


def address(number):
    return f"127.1.{number // 250}.{number % 250 + 1}"


class Destinations:
    """`alive` domains a0.example, a1.example, ... and `dead` ones d0.example, ..."""

    def __init__(self, alive, dead, port=None):
        self.alive = [f"a{number}.example" for number in range(alive)]
        self.dead = [f"d{number}.example" for number in range(dead)]
        addresses = {name: address(number) for number, name in enumerate(self.alive + self.dead)}
        self.silent, self.clogging = [], []
        self.port = port or self.find_port(addresses.values())
        for number, name in enumerate(self.dead):
            if number % 3 == 1:  # takes connections, says nothing
                self.silent.append(self.listen(addresses[name], 128))
            elif number % 3 == 2:  # its queue is full: what tries to connect hears nothing
                self.silent.append(self.listen(addresses[name], 0))
                for _ in range(2):
                    clog = socket.socket()
                    clog.setblocking(False)
                    clog.connect_ex((addresses[name], self.port))
                    self.clogging.append(clog)
        self.hosts = Program("mailquay-sink", *[word for name in self.alive for word in ("--listen", f"{addresses[name]}:{self.port}")],
                             "--log-level", "error")
        self.names = NameServer({**{(name, MX): [mx(10, "mx." + name)] for name in addresses},
                                 **{("mx." + name, A): [socket.inet_aton(where)] for name, where in addresses.items()}})

    @staticmethod
    def find_port(addresses):
        with socket.create_server(("0.0.0.0", 0)) as free:
            return free.getsockname()[1]

    def listen(self, where, backlog):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((where, self.port))
        listening.listen(backlog)
        return listening

    def flags(self):
        return ("--resolver", self.names.address, "--mx-port", str(self.port), "--mx-allow-private")

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.hosts.__exit__(*what)
        self.names.close()
        for one in (*self.silent, *self.clogging):
            one.close()


class Queue:
    """A spool that is filled first, and sent from then."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mq-", dir=None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def program(self, domains, *flags):
        return Program("mailquay-mx", "--hostname", "mx.example.org", "--spool", self.folder, "--listen", "127.0.0.1:0", "--accept-any",
                       *[word for name in domains for word in ("--domain", name)], *flags)

    def fill(self, domains, count):
        """`count` messages, to the domains in turn."""
        each = 500  # below what a connection may carry

        def some(first):
            with Talk(program.smtp) as talk:
                talk.hello()
                for number in range(first, min(first + each, count)):
                    talk.mail(f"u{number}@{domains[number % len(domains)]}", sender=f"s{number % 50}@sender.example")
                    talk.data(f"Subject: {number}\r\n\r\ntext\r\n".encode())

        with self.program(domains, "--log-level", "error") as program, concurrent.futures.ThreadPoolExecutor(8) as clients:
            list(clients.map(some, range(0, count, each)))

    def send(self, domains, count, *flags, patience=PATIENCE):
        """How many seconds it takes until as many are delivered."""
        began = time.monotonic()
        seen = delivered = 0

        def all_delivered():
            nonlocal seen, delivered
            lines = program.lines[seen:]
            seen += len(lines)
            delivered += sum(" info delivered " in line for line in lines)
            return delivered >= count

        with self.program(domains, *flags) as program:
            wait_until(all_delivered, f"{count} delivered", patience)
            return time.monotonic() - began


def seconds(alive, dead, messages, patience=PATIENCE):
    """How long the mail of those alive takes, as many messages for each destination."""
    with Destinations(alive, dead) as all_of_them, Queue() as queue:
        domains = [name for pair in zip(all_of_them.alive, all_of_them.dead + [None] * alive) for name in pair if name]
        each = messages // alive
        queue.fill(domains, each * len(domains))
        return queue.send(domains, each * alive, *all_of_them.flags(), patience=patience)
