"""Clients that are slow, silent, or gone."""

import time

import harness

BIG = harness.message(600_000)  # more than the maildir sink keeps in memory: there is a file in tmp meanwhile


def in_the_middle(maildir, talk):
    """Sends half of a big message, and waits until it is in tmp."""
    talk.hello()
    talk.mail("b@example.org")
    talk.say("DATA", "354")
    talk.send(harness.stuffed(BIG)[:300_000])
    harness.wait_until(lambda: maildir.files("tmp"), "half a message is in tmp")


class Slow(harness.Case):
    def test_a_message_that_comes_drop_by_drop_is_delivered_and_holds_nobody_up(self):
        content = harness.message(1500)
        with harness.Maildir() as maildir, harness.mx(maildir, "--idle-timeout", 5) as mx:
            with harness.Talk(mx.smtp) as slow, harness.Talk(mx.smtp) as quick:
                slow.hello()
                slow.mail("b@example.org")
                slow.say("DATA", "354")
                quick.hello()
                began = time.monotonic()
                rest = harness.stuffed(content) + b".\r\n"
                for at in range(0, len(rest), 25):
                    slow.send(rest[at:at + 25])
                    time.sleep(0.1)
                    quick.say("NOOP", "250")
                slow.expect("250 2.0.0")
                self.assertGreater(time.monotonic() - began, 5, "longer than the idle time-out, which is about silence")
            self.assert_messages(maildir.messages(), content)

    def test_a_command_may_come_octet_by_octet(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, harness.Talk(mx.smtp) as talk:
            for octet in "EHLO client.example.org\r\n":
                talk.send(octet)
                time.sleep(0.01)
            talk.expect("250")

    def test_a_client_that_never_reads_is_sent_no_end_of_replies(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, harness.Talk(mx.smtp) as talk:
            talk.socket.settimeout(2)
            sent = 0
            try:
                while sent < 100_000_000:
                    sent += talk.socket.send(b"HELP\r\n" * 10_000)
            except (TimeoutError, ConnectionError):
                pass
            self.assertLess(sent, 50_000_000, "the server stops reading, or closes")
            with harness.Talk(mx.smtp) as other:
                other.hello()


class Silent(harness.Case):
    def test_silence_after_the_greeting_ends_in_421(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--idle-timeout", 2) as mx, harness.Talk(mx.smtp) as talk:
            began = time.monotonic()
            talk.expect("421 4.4.2")
            self.assertTrue(talk.at_end())
            self.assertGreater(time.monotonic() - began, 1.5)

    def test_silence_inside_a_message_ends_in_421_and_leaves_nothing(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--idle-timeout", 2) as mx, harness.Talk(mx.smtp) as talk:
            in_the_middle(maildir, talk)
            talk.expect("421 4.4.2")
            self.assertTrue(talk.at_end())
            harness.wait_until(lambda: not maildir.files("tmp"), "tmp is clean")
            self.assertEqual(maildir.files(), [])


class Gone(harness.Case):
    def vanish(self, leave):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx:
            talk = harness.Talk(mx.smtp)
            in_the_middle(maildir, talk)
            leave(talk)
            harness.wait_until(lambda: not maildir.files("tmp"), "tmp is clean")
            self.assertEqual(maildir.files(), [])
            harness.wait_until(lambda: "aborted " in mx.log(), "the log says aborted")
            with harness.Talk(mx.smtp) as next_one:
                next_one.hello()
                next_one.mail("b@example.org")
                next_one.data(BIG)
            self.assert_messages(maildir.messages(), BIG)

    def test_in_the_middle_of_a_message_by_closing(self):
        self.vanish(harness.Talk.close)

    def test_in_the_middle_of_a_message_by_reset(self):
        self.vanish(harness.Talk.reset)

    def test_before_the_greeting(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx:
            for _ in range(50):
                harness.Talk(mx.smtp, greeting=None).reset()
            harness.Talk(mx.smtp).close()

    def test_with_commands_behind_it_and_without_reading_the_replies(self):
        whole = ("EHLO c\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n".encode() + harness.stuffed(BIG) + b".\r\n")
        with harness.Maildir() as maildir, harness.mx(maildir) as mx:
            for _ in range(10):
                talk = harness.Talk(mx.smtp, greeting=None)
                talk.send(whole)
                talk.reset()
            with harness.Talk(mx.smtp) as last:
                last.hello()
            self.assertTrue(mx.running())
            harness.wait_until(lambda: not maildir.files("tmp"), "tmp is clean")
            self.assertTrue(all(content == BIG for content in maildir.messages()), "whole messages, or none")


if __name__ == "__main__":
    harness.main()
