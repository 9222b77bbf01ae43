"""Starting, stopping, restarting; signals; kill -9."""

import re
import signal
import socket
import threading
import time
import unittest

import harness


def begin_message(talk):
    talk.hello()
    talk.mail("b@example.org")
    talk.say("DATA", "354")
    talk.send(harness.stuffed(harness.message())[:200])


def finish_message(talk):
    talk.send(harness.stuffed(harness.message())[200:] + b".\r\n")


class Stopping(harness.Case):
    def test_idle_server_ends_at_once_with_status_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with harness.Maildir() as maildir, harness.mx(maildir) as mx:
                began = time.monotonic()
                mx.signal(number)
                self.assertEqual(mx.wait(), 0)
                self.assertLess(time.monotonic() - began, 5)

    def test_a_transaction_under_way_is_finished_and_everybody_else_told_421(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--grace", 30) as mx:
            with harness.Talk(mx.smtp) as busy, harness.Talk(mx.smtp) as idle:
                idle.hello()
                begin_message(busy)
                mx.signal(signal.SIGTERM)
                idle.expect("421 4.3.2")
                self.assertTrue(idle.at_end())
                with self.assertRaises((ConnectionError, AssertionError)):
                    harness.Talk(mx.smtp).close()
                finish_message(busy)
                busy.expect("250 2.0.0")
                busy.expect("421 4.3.2")
                self.assertTrue(busy.at_end())
            self.assertEqual(mx.wait(), 0)
            self.assert_messages(maildir.messages(), harness.message())

    def test_a_transaction_that_takes_longer_than_the_grace_is_cut_off(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--grace", 1) as mx, harness.Talk(mx.smtp) as busy:
            begin_message(busy)
            mx.signal(signal.SIGTERM)
            busy.expect("421 4.3.2")
            self.assertEqual(mx.wait(), 0)
            self.assertEqual(maildir.files() + maildir.files("tmp"), [])

    def test_a_second_signal_ends_it_at_once(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--grace", 600) as mx, harness.Talk(mx.smtp) as busy:
            begin_message(busy)
            mx.signal(signal.SIGTERM)
            time.sleep(0.3)
            self.assertTrue(mx.running())
            began = time.monotonic()
            mx.signal(signal.SIGTERM)
            self.assertEqual(mx.wait(), 0)
            self.assertLess(time.monotonic() - began, 10)
            self.assertEqual(maildir.files() + maildir.files("tmp"), [])

    def test_sighup_without_certificates_ends_nothing(self):
        with harness.Program("mailquay-sink", "--listen", "127.0.0.1:0") as sink:
            for times in (1, 2):
                sink.signal(signal.SIGHUP)
                harness.wait_until(lambda: sink.log().count("nothing to reload") == times or not sink.running(), "it is told")
            self.assertTrue(sink.running())
            with harness.Talk(sink.smtp) as talk:
                talk.hello()

    def test_two_threads_stop_alike(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--threads", 2) as mx:
            talks = [harness.Talk(mx.smtp) for _ in range(10)]
            for talk in talks:
                talk.hello()
            mx.signal(signal.SIGTERM)
            for talk in talks:
                talk.expect("421 4.3.2")
                talk.close()
            self.assertEqual(mx.wait(), 0)


class Killed(harness.Case):
    def test_kill_9_loses_nothing_that_was_acknowledged(self):
        acknowledged = []

        def send(address, name):
            try:
                with harness.Talk(address) as talk:
                    talk.hello()
                    for number in range(10_000):
                        talk.mail("b@example.org")
                        talk.data(harness.message(2000, subject=f"{name}-{number}"))
                        acknowledged.append(f"{name}-{number}")
            except (AssertionError, OSError):
                pass  # the server is gone

        with harness.Maildir() as maildir:
            for run in range(3):
                with harness.mx(maildir, "--log-level", "off", "--threads", 2) as mx:
                    clients = [threading.Thread(target=send, args=(mx.smtp, f"{run}-{name}")) for name in range(8)]
                    for each in clients:
                        each.start()
                    before = len(acknowledged)
                    harness.wait_until(lambda: len(acknowledged) > before + 50, "50 messages are acknowledged")
                    mx.kill()
                    for each in clients:
                        each.join()
            there = maildir.messages()
            subjects = [re.search(rb"Subject: (\S+)", content).group(1).decode() for content in there]
            self.assertEqual(set(acknowledged) - set(subjects), set())
            for content, subject in zip(there, subjects):
                self.assertEqual(content, harness.message(2000, subject=subject), "only whole messages are in new")


class Endurance(harness.Case):
    def test_descriptors_do_not_leak(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--log-level", "off") as mx:
            def session(number):
                with harness.Talk(mx.smtp) as talk:
                    talk.hello()
                    talk.mail("b@example.org")
                    if number % 3 == 0:
                        talk.data(harness.message())
                    elif number % 3 == 1:
                        talk.say("DATA", "354")
                        talk.send(b"Subject: cut off\r\n" + b"x" * 200_000)
            for number in range(6):
                session(number)
            harness.wait_until(lambda: not maildir.files("tmp"), "tmp is clean")
            time.sleep(0.5)
            before = mx.descriptors()
            for number in range(150):
                session(number)
            harness.wait_until(lambda: mx.descriptors() <= before, "all descriptors are closed again")


class Starting(harness.Case):
    def test_port_0_and_several_listeners(self):
        with harness.Maildir() as maildir:
            with harness.mx(maildir, "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--listen-lmtp", "127.0.0.1:0") as mx:
                said = mx.listening()
                self.assertEqual([how for how, _ in said], ["smtp", "smtp", "lmtp"])
                self.assertEqual(len({where for _, where in said}), 3)
                for nth in range(2):
                    with harness.Talk(mx.address("smtp", nth)) as talk:
                        self.assertIn("mx.example.org", talk.hello())
                with harness.Talk(mx.lmtp) as talk:
                    talk.say("EHLO c", "500", "501", "503")
                    talk.hello("LHLO")

    @unittest.skipUnless(socket.has_ipv6, "no IPv6")
    def test_ipv6(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("no IPv6 here")
        with harness.Maildir() as maildir, harness.mx(maildir, "--listen", "[::1]:0") as mx:
            with harness.Talk(mx.smtp) as talk:
                talk.hello()
                talk.mail("b@example.org")
                talk.data(harness.message())
            self.assertIn(b"[IPv6:::1]", harness.split_trace(maildir.stored()[0])[0][2])

    def test_the_port_is_free_again_at_once(self):
        with harness.Maildir() as maildir:
            with harness.mx(maildir) as mx:
                address = mx.smtp
                with harness.Talk(address) as talk:
                    talk.say("QUIT", "221")
            with harness.mx(maildir, "--listen", f"{address[0]}:{address[1]}") as again:
                self.assertEqual(again.smtp, address)
                harness.Talk(address).close()

    def test_a_port_in_use_is_an_error_that_names_it(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx:
            where = f"{mx.smtp[0]}:{mx.smtp[1]}"
            status, out, log = harness.run_program("mailquay-sink", "--listen", where)
            self.assertEqual((status, out), (1, ""))
            self.assertIn(where, log)

    def test_the_socket_file_of_a_killed_server_is_no_obstacle(self):
        with harness.Maildir() as maildir:
            path = maildir.path + "/socket"
            with harness.mx(maildir, "--listen-unix", path) as mx:
                mx.kill()
            with harness.mx(maildir, "--listen-unix", path):
                harness.Talk(path).close()

    def test_only_the_ready_line_is_printed_with_the_log_off(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--log-level", "off") as mx:
            with harness.Talk(mx.smtp) as talk:
                talk.hello()
                talk.mail("b@example.org")
                talk.data(harness.message())
            mx.stop()
            self.assertEqual(len(mx.lines), 1, mx.log())
            self.assertEqual(bytes(mx.out), b"")


if __name__ == "__main__":
    harness.main()
