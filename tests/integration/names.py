"""A name server on loopback that answers what a test tells it."""

import socket
import struct
import threading

A, CNAME, SOA, MX, TXT, AAAA, TLSA = 1, 5, 6, 15, 16, 28, 52


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def mx(preference, host):
    """The data of an MX record."""
    return struct.pack(">H", preference) + wire(host)


class NameServer:
    """Answers from a dictionary {(name, type): [data]} by UDP; validated (AD) all of it, if asked for."""

    def __init__(self, records, validated=False):
        self.records, self.validated = records, validated
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, client = self.socket.recvfrom(4096)
            except OSError:
                return
            end = query.find(b"\0", 12)
            if end < 0 or len(query) < end + 5:
                continue  # not for us: an answer, perhaps, to whoever had this port before
            question = query[12:end + 5]
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            name, kind = ".".join(labels).lower(), struct.unpack(">H", query[end + 1:end + 3])[0]
            data = self.records.get((name, kind), [])
            known = any(one[0] == name for one in self.records)
            flags = 0x8180 | (0x20 if self.validated else 0) | (0 if known else 3)
            answer = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(one)) + one for one in data)
            denial = b"" if data else b"\0" + struct.pack(">HHIH", SOA, 1, 60, 22) + b"\0\0" + struct.pack(">IIIII", 1, 2, 3, 4, 5)
            self.socket.sendto(query[:2] + struct.pack(">HHHHH", flags, 1, len(data), 0 if data else 1, 0) + question + answer + denial,
                               client)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
