"""Python's smtplib delivers to mailquay-mx: plain, UTF-8 addresses, 5 MB, many messages on one connection, LMTP."""

import re
import smtplib

import harness


def connected(mx):
    return smtplib.SMTP(*mx.smtp, local_hostname="client.example.org", timeout=harness.PATIENCE)


class Smtplib(harness.Case):
    def test_plain(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, connected(mx) as talk:
            refused = talk.sendmail("a@example.net", ["b@example.org"], harness.message())
            self.assertEqual(refused, {})
            self.assert_messages(maildir.messages(), harness.message())

    def test_utf8_addresses(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, connected(mx) as talk:
            talk.sendmail("jörg@bücher.example", ["grüße@example.org"], harness.message(), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
            fields, content = harness.split_trace(maildir.stored()[0])
            self.assertEqual(content, harness.message())
            self.assertEqual(fields[0].decode(), "Return-Path: <jörg@bücher.example>\r\n")
            self.assertIn(b"with UTF8SMTP id", fields[2])

    def test_utf8_address_without_smtputf8_is_refused(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, harness.Talk(mx.smtp) as talk:
            talk.hello()
            talk.say("MAIL FROM:<jörg@example.net>", "553 5.6.7")

    def test_five_megabytes(self):
        content = harness.message(5_000_000)
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, connected(mx) as talk:
            talk.sendmail("a@example.net", ["b@example.org"], content)
            self.assert_messages(maildir.messages(), content)

    def test_a_line_of_a_megabyte(self):
        content = harness.message(1_500_000, line=1_000_000)
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, connected(mx) as talk:
            talk.sendmail("a@example.net", ["b@example.org"], content)
            self.assert_messages(maildir.messages(), content)

    def test_many_messages_on_one_connection(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, connected(mx) as talk:
            for number in range(50):
                talk.sendmail("a@example.net", ["b@example.org"], harness.message(subject=str(number)))
            self.assert_messages(maildir.messages(), *(harness.message(subject=str(n)) for n in range(50)))

    def test_lmtp(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--listen-lmtp", "127.0.0.1:0") as mx:
            with smtplib.LMTP(*mx.lmtp, local_hostname="client.example.org") as talk:
                talk.sendmail("a@example.net", ["b@example.org"], harness.message())
            self.assert_messages(maildir.messages(), harness.message())

    def test_one_file_for_each_mailbox_however_often_it_is_named(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, connected(mx) as talk:
            talk.sendmail("a@example.net", ["b@example.org", "B@Example.ORG", "c@example.org"], harness.message())
            to = sorted(harness.split_trace(stored)[0][1] for stored in maildir.stored())
            self.assertEqual(to, [b"Delivered-To: b@example.org\r\n", b"Delivered-To: c@example.org\r\n"])

    def test_the_id_in_the_reply_is_the_one_in_received_and_log(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, harness.Talk(mx.smtp) as talk:
            talk.hello()
            talk.mail("b@example.org")
            answer = talk.data(harness.message())
            name = re.search(r"queued as ([0-9A-Z]{12})$", answer).group(1)
            self.assertIn(f"id {name}".encode(), harness.split_trace(maildir.stored()[0])[0][2])
            harness.wait_until(lambda: re.search(rf"\baccepted id=\S*{name}", mx.log()), "the message is in the log")


class Catcher(harness.Case):
    def test_shows_envelope_header_and_size_and_saves_the_octets(self):
        with harness.Maildir() as folder:
            with harness.Program("mailquay-catcher", "--listen", "127.0.0.1:0", "--save", folder.path) as catcher:
                with connected(catcher) as talk:
                    talk.sendmail("a@example.net", ["anyone@anywhere.example", "two@anywhere.example"], harness.message())
                saved = harness.wait_until(lambda: harness.glob.glob(folder.path + "/*.eml"), "the message is saved")
            with open(saved[0], "rb") as file:
                stored = file.read()
            self.assertTrue(stored.startswith(b"Received: from client.example.org"))
            self.assertTrue(stored.endswith(b"\r\n" + harness.message()))
            shown = catcher.out.decode()
            for part in ("a@example.net", "anyone@anywhere.example", "two@anywhere.example", "Subject: test",
                         f"{len(harness.message())} octets"):
                self.assertIn(part, shown)

    def test_control_characters_do_not_reach_the_terminal(self):
        with harness.Program("mailquay-catcher", "--listen", "127.0.0.1:0") as catcher:
            with connected(catcher) as talk:
                talk.sendmail("a@example.net", ["b@example.org"], b"Subject: \x1b]0;owned\x07\x9b1m\r\n\r\nhi\r\n")
            harness.wait_until(lambda: b"Subject:" in catcher.out, "the message is shown")
        self.assertNotIn(b"\x1b", catcher.out)
        self.assertNotIn(b"\x07", catcher.out)
        self.assertNotIn(b"\x9b", catcher.out)


class Sink(harness.Case):
    def test_takes_everything_on_two_threads(self):
        for reactor in ([], ["--portable-reactor"]):
            with self.subTest(reactor=reactor), \
                    harness.Program("mailquay-sink", "--listen", "127.0.0.1:0", "--threads", 2, *reactor) as sink:
                talks = [connected(sink) for _ in range(8)]
                for number, talk in enumerate(talks * 5):
                    talk.sendmail("a@example.net", [f"{number}@anywhere.example"], harness.message())
                for talk in talks:
                    talk.quit()


if __name__ == "__main__":
    harness.main()
