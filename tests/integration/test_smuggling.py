"""SMTP smuggling over a real socket: no mixture of CR, LF and NUL around a dot makes a second message of the first."""

import itertools
import unittest

import harness

ENDS = (b"\r\n", b"\n", b"\r", b"\n\r", b"\r\r\n", b"\r\n\0", b"\0\r\n", b"\0", b"")
SMUGGLED = (b"MAIL FROM:<evil@example.net>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nSubject: smuggled\r\n\r\nbad\r\n")


def cases():
    for before, after in itertools.product(ENDS, ENDS):
        octets = b"innocent" + before + b"." + after
        if b"\r\n.\r\n" not in octets:
            yield octets


class Smuggling(unittest.TestCase):
    def attempt(self, talk, octets, pieces):
        talk.mail("b@example.org")
        talk.say("DATA", "354")
        whole = b"Subject: first\r\n\r\n" + octets + SMUGGLED + b"\r\n.\r\n"
        for piece in pieces(whole):
            talk.send(piece)
        answer = talk.expect("250 2.0.0", "550 5.6.11")
        # Had the smuggled commands been obeyed, their replies would stand before this one.
        talk.send("NOOP still\r\n")
        self.assertRegex(talk.reply(), r"^250 2\.\d\.\d", repr(octets))
        return answer.startswith("250")

    def run_all(self, pieces):
        with harness.Maildir() as maildir, harness.mx(maildir, "--log-level", "off") as mx:
            taken = 0
            for octets in cases():
                with harness.Talk(mx.smtp) as talk:
                    talk.hello()
                    taken += self.attempt(talk, octets, pieces)
                    talk.say("QUIT", "221")
            stored = maildir.messages()
            self.assertEqual(len(stored), taken)
            for content in stored:
                self.assertTrue(content.startswith(b"Subject: first\r\n"))
                self.assertNotRegex(content, rb"\r(?!\n)|(?<!\r)\n", "bare line ends are not passed on")

    def test_whole(self):
        self.run_all(lambda whole: [whole])

    def test_cut_behind_each_line_end_and_dot(self):
        def pieces(whole):
            start = 0
            for at, octet in enumerate(whole):
                if octet in b"\r\n.":
                    yield whole[start:at + 1]
                    start = at + 1
        self.run_all(pieces)

    def test_a_bare_line_feed_ends_no_command(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, harness.Talk(mx.smtp) as talk:
            talk.hello()
            talk.send("MAIL FROM:<a@example.net>\nRCPT TO:<b@example.org>\r\n")
            talk.expect("501 5.5.2")
            talk.say("NOOP", "250")

    def test_commands_of_http_close_the_connection(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, harness.Talk(mx.smtp) as talk:
            talk.send("POST / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<a@example.net>\r\n")
            talk.expect("500", "421")
            self.assertTrue(talk.at_end())

    def test_what_stands_behind_a_refused_data_is_not_obeyed(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, harness.Talk(mx.smtp) as talk:
            talk.hello()
            talk.send(b"MAIL FROM:<a@example.net>\r\nRCPT TO:<nobody@elsewhere.example>\r\nDATA\r\nSubject: x\r\n\r\n" + SMUGGLED + b".\r\n")
            talk.expect("250")
            talk.expect("550 5.7.1")
            talk.expect("503 5.5.1")
            self.assertTrue(talk.at_end())
            self.assertEqual(maildir.files(), [])


if __name__ == "__main__":
    harness.main()
