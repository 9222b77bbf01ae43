"""Clients that send until they are stopped, and know what was acknowledged."""

import random
import threading
import time

from harness import Talk

CLIENTS = 8


def content(token, large):
    body = f"X-Token: {token}\r\n\r\n" + f"{token} in each line, so that a torn message shows\r\n" * (9000 if large else random.randint(1, 120))
    return body + f"end of {token}\r\n"


class Load:
    """Clients that send as fast as they can, and send again what was not answered."""

    def __init__(self, address):
        self.address = address
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.acknowledged = {}  # token: times it was sent
        self.content = {}
        self.threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        sent, token, tries = 0, None, 0
        while not self.stop.is_set():
            try:
                with Talk(self.address, patience=20) as talk:
                    talk.hello()
                    while not self.stop.is_set():
                        if token is None:
                            sent += 1
                            token, tries = f"t{number}x{sent}y", 0
                            with self.lock:
                                self.content[token] = content(token, sent % 40 == 0)
                        talk.mail("b@example.org")
                        talk.say("DATA", "354")
                        tries += 1
                        talk.send(self.content[token] + ".\r\n")
                        talk.expect("250")
                        with self.lock:
                            self.acknowledged[token] = tries
                        token = None
            except (OSError, TypeError, AssertionError):
                time.sleep(0.01)

    @classmethod
    def through_kills(cls, start, kills):
        """Loads what `start()` starts, and kills it as often. @return the load, ended, with the last server killed too"""
        server = start()
        load = cls(server.smtp)
        try:
            for _ in range(kills):
                time.sleep(random.uniform(0.05, 0.5))
                server.kill()
                server = start()
                load.address = server.smtp
            time.sleep(0.3)
        finally:
            load.end()
        server.kill()
        return load

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()
