"""Limits on connections, descriptors, sizes, recipients, hops."""

import os
import socket
import time

import harness


def own_address():
    """An address of this machine that is not loopback, or nothing."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))
            address = probe.getsockname()[0]
            return None if address.startswith("127.") else address
    except OSError:
        return None


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_kib(pid):
    """The most memory it had at a time."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


class Connections(harness.Case):
    def test_one_over_the_total_gets_421_and_a_place_that_is_free_again_is_given(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--max-connections", 3) as mx:
            talks = [harness.Talk(mx.smtp) for _ in range(3)]
            with harness.Talk(mx.smtp, greeting="421 4.3.2") as turned_away:
                self.assertTrue(turned_away.at_end())
            talks.pop().close()

            def again():
                with harness.Talk(mx.smtp, greeting=None) as talk:
                    return talk.reply().startswith("220")
            harness.wait_until(again, "the place is free")
            for talk in talks:
                talk.hello()
                talk.close()

    def test_loopback_has_no_limit_per_address(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--max-connections-per-address", 2) as mx:
            talks = [harness.Talk(mx.smtp, source=source) for source in ("127.0.0.1", "127.0.0.2", "127.0.0.3") * 5]
            for talk in talks:
                talk.close()

    def test_others_have(self):
        address = own_address()
        if address is None:
            self.skipTest("this machine has only its loopback address")
        with harness.Maildir() as maildir:
            with harness.mx(maildir, "--listen", f"{address}:0", "--max-connections-per-address", 2) as mx:
                talks = [harness.Talk(mx.smtp) for _ in range(2)]
                with harness.Talk(mx.smtp, greeting="421 4.7.0") as turned_away:
                    self.assertTrue(turned_away.at_end())
                for talk in talks:
                    talk.hello()
                    talk.close()

    def test_it_recovers_when_it_has_run_out_of_descriptors(self):
        harness.without_ubsan("mailquay-mx")
        with harness.Maildir() as maildir, harness.mx(maildir, "--log-level", "warning", files=40) as mx:
            sockets = [socket.create_connection(mx.smtp, harness.PATIENCE) for _ in range(80)]
            harness.wait_until(lambda: mx.descriptors() >= 39, "it has no descriptor left")
            time.sleep(0.5)
            before = cpu_seconds(mx.pid)
            time.sleep(2)
            self.assertLess(cpu_seconds(mx.pid) - before, 1, "it waits instead of spinning")
            for each in sockets:
                each.close()
            with harness.Talk(mx.smtp) as talk:
                talk.hello()
                talk.mail("b@example.org")
                harness.wait_until(lambda: mx.descriptors() < 20, "the descriptors are free again")
                talk.data(harness.message())
            self.assert_messages(maildir.messages(), harness.message())
            self.assertLess(len(mx.lines), 100, "the log is not flooded")

    def test_a_sink_that_cannot_open_files_answers_4xx(self):
        harness.without_ubsan("mailquay-mx")
        with harness.Maildir() as maildir, harness.mx(maildir, files=40) as mx:
            talks = []
            with harness.Talk(mx.smtp) as talk:
                talk.hello()
                talks = [socket.create_connection(mx.smtp, harness.PATIENCE) for _ in range(60)]
                harness.wait_until(lambda: mx.descriptors() >= 39, "it has no descriptor left")
                talk.mail("b@example.org")
                talk.send("DATA\r\n")
                if talk.expect("354", "451", "452").startswith("354"):
                    talk.send(harness.stuffed(harness.message()) + b".\r\n")
                    talk.expect("451 4.3.0", "452 4.3.1")
                for each in talks:
                    each.close()
                self.assertEqual(maildir.files(), [])

                def delivered():
                    talk.say("RSET", "250")
                    talk.mail("b@example.org")
                    talk.send("DATA\r\n")
                    if not talk.expect("354", "451", "452").startswith("354"):
                        return False
                    talk.send(harness.stuffed(harness.message()) + b".\r\n")
                    return talk.expect("250", "451", "452").startswith("250")
                harness.wait_until(delivered, "the message is taken later")
            self.assert_messages(maildir.messages(), harness.message())

    def test_a_thousand_connections(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--log-level", "off", files=2000) as mx:
            talks = [harness.Talk(mx.smtp) for _ in range(1000)]
            for talk in talks:
                talk.hello()
            for talk in talks:
                talk.close()


class Messages(harness.Case):
    def test_size_is_announced_and_held(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--max-size", 20_000) as mx, harness.Talk(mx.smtp) as talk:
            self.assertIn("SIZE 20000", talk.hello())
            talk.say("MAIL FROM:<a@example.net> SIZE=20001", "552 5.3.4")
            talk.mail("b@example.org")
            talk.data(harness.message(30_000), "552 5.3.4")
            talk.mail("b@example.org")
            talk.data(harness.message(15_000), "250")
            self.assert_messages(maildir.messages(), harness.message(15_000))
            self.assertEqual(maildir.files("tmp"), [])

    def test_recipients(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--max-recipients", 100) as mx, harness.Talk(mx.smtp) as talk:
            talk.hello()
            talk.mail(*[f"u{number}@example.org" for number in range(100)])
            talk.say("RCPT TO:<one-more@example.org>", "452 4.5.3")
            talk.data(harness.message())
            self.assert_messages(maildir.messages(), *[harness.message()] * 100)

    def test_hops(self):
        def hops(number):
            return b"Received: from a by b; Mon, 23 Nov 2026 21:00:00 +0000\r\n" * number + harness.message()
        with harness.Maildir() as maildir, harness.mx(maildir, "--max-hops", 5) as mx, harness.Talk(mx.smtp) as talk:
            talk.hello()
            talk.mail("b@example.org")
            talk.data(hops(7), "554 5.4.6")
            talk.mail("b@example.org")
            talk.data(hops(4), "250")
            self.assert_messages(maildir.messages(), hops(4))

    def test_a_mail_loop_is_seen_by_delivered_to(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, harness.Talk(mx.smtp) as talk:
            talk.hello()
            talk.mail("b@example.org")
            talk.data(b"Delivered-To: b@example.org\r\n" + harness.message(), "554 5.4.6")
            self.assertEqual(maildir.files() + maildir.files("tmp"), [])

    def test_too_many_errors_end_in_421(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, harness.Talk(mx.smtp) as talk:
            talk.hello()
            for _ in range(50):
                talk.send("NONSENSE\r\n")
                if talk.expect("500 5.5.1", "421 4.7.0").startswith("421"):
                    break
            else:
                self.fail("never closed")
            self.assertTrue(talk.at_end())

    def test_a_line_without_end_is_skipped_in_bounded_memory(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, harness.Talk(mx.smtp) as talk:
            talk.hello()
            before = peak_kib(mx.pid)
            for _ in range(64):
                talk.send(b"N" * 1_000_000)
            talk.send("\r\n")
            talk.expect("500 5.5.2")
            talk.say("NOOP", "250")
            self.assertLess(peak_kib(mx.pid) - before, 20_000)


if __name__ == "__main__":
    harness.main()
