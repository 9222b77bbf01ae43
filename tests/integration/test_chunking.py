"""BDAT against mailquay-mx with a maildir: pipelined chunks, binary content, refusals; Exim as client, also with PRDR."""

import random
import unittest

import exim
import harness


def chunks(content, sizes):
    """BDAT commands with their octets; the last one takes what is left."""
    sent = b""
    for size in sizes:
        sent += b"BDAT %d\r\n" % size + content[:size]
        content = content[size:]
    return sent + b"BDAT %d LAST\r\n" % len(content) + content


class Chunking(harness.Case):
    def test_announced(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--max-recipients", 200) as mx, harness.Talk(mx.smtp) as talk:
            said = talk.hello().split("\n")
            self.assertIn("250-CHUNKING", said)
            self.assertIn("250-BINARYMIME", said)
            self.assertIn("250-LIMITS MAILMAX=1000 RCPTMAX=200", said)

    def test_everything_in_one_write(self):
        content = harness.message(5000)
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, harness.Talk(mx.smtp) as talk:
            talk.hello()
            for sizes in ((), (1, 2, 3), (0, 1000, 0, 1), (len(content),), (7,) * 500):
                talk.send(b"MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\n" + chunks(content, sizes))
                talk.expect("250 2.1.0")
                talk.expect("250 2.1.5")
                talk.expect("250 2.1.5")
                for _ in sizes:
                    talk.expect("250 2.0.0 OK")
                talk.expect("250 2.0.0 Ok: queued as")
            self.assert_messages(maildir.messages(), *[content] * 10)

    def test_binary_content_is_kept_to_the_octet(self):
        chance = random.Random(3030)
        content = b"Content-Transfer-Encoding: binary\r\n\r\n" + chance.randbytes(3_000_000) + b"\r\n.\r\nQUIT\r\n\r"
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, harness.Talk(mx.smtp) as talk:
            talk.hello()
            for sizes in ((), (65_536, 1_000_000, 1), (100_000,) * 20):
                talk.mail("b@example.org", parameters=" BODY=BINARYMIME")
                talk.send(chunks(content, sizes))
                for _ in sizes:
                    talk.expect("250 2.0.0 OK")
                talk.expect("250 2.0.0 Ok: queued as")
            self.assert_messages(maildir.messages(), *[content] * 3)

    def test_no_line_end_is_added_and_none_is_repaired(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, harness.Talk(mx.smtp) as talk:
            talk.hello()
            talk.mail("b@example.org")
            talk.send(chunks(b"Subject: x\r\n\r\nno line end", (11,)))
            talk.expect("250")
            talk.expect("250")
            talk.mail("b@example.org")
            talk.send(chunks(b"Subject: x\r\n\r\nbare\nline end\r\n", (20,)))
            talk.expect("550 5.6.11")
            talk.expect("550 5.6.11")
            self.assert_messages(maildir.messages(), b"Subject: x\r\n\r\nno line end")
            self.assertEqual(maildir.files("tmp"), [])

    def test_too_big_is_read_and_refused_and_the_session_goes_on(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--max-size", 100_000) as mx, harness.Talk(mx.smtp) as talk:
            talk.hello()
            for octets, code in ((99_999, "250"), (100_000, "250"), (100_001, "552 5.3.4"), (5_000_000, "552 5.3.4")):
                content = b"\r\n" + b"x" * (octets - 2)
                talk.mail("b@example.org")
                talk.send(chunks(content, ()))
                talk.expect(code)
                talk.mail("b@example.org")
                talk.send(chunks(content, (50_000,)))
                talk.expect("250")
                talk.expect(code)
            talk.say("NOOP", "250")
            self.assertEqual(len(maildir.files()), 4)
            self.assertEqual(maildir.files("tmp"), [])

    def test_data_counts_alike(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--max-size", 1000) as mx, harness.Talk(mx.smtp) as talk:
            talk.hello()
            for octets, code in ((999, "250"), (1000, "250"), (1001, "552 5.3.4")):
                talk.mail("b@example.org")
                talk.data(b"\r\n..\r\n" + b"x" * (octets - 8) + b"\r\n", code)
            self.assertEqual(len(maildir.files()), 2)

    def test_what_does_not_come_to_its_end_leaves_nothing(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx:
            for end in ("RSET\r\n", "EHLO client.example.org\r\n", "QUIT\r\n", "BDAT 1000 LAST\r\nhalf", "BDAT x\r\n", ""):
                with harness.Talk(mx.smtp) as talk:
                    talk.hello()
                    talk.mail("b@example.org")
                    talk.send(b"BDAT 300000\r\n" + b"\r\n" + b"x" * 299_998)
                    talk.expect("250 2.0.0 OK")
                    talk.send(end)
            harness.wait_until(lambda: maildir.files("tmp") == [], "nothing is left")
            self.assertEqual(maildir.files(), [])

    def test_lmtp(self):
        with harness.Maildir() as maildir, harness.mx(maildir, "--listen-lmtp", "127.0.0.1:0") as mx, harness.Talk(mx.lmtp) as talk:
            talk.hello("LHLO")
            talk.mail("b@example.org", "c@example.org")
            talk.send(chunks(harness.message(), (100,)))
            talk.expect("250 2.0.0 OK")
            talk.expect("250 2.0.0 Ok: queued as")
            talk.expect("250 2.0.0 Ok: queued as")
            self.assert_messages(maildir.messages(), *[harness.message()] * 2)


class EximClient(harness.Case):
    def test_one_chunk(self):
        with harness.Maildir() as maildir, harness.mx(maildir) as mx, exim.Exim(mx.smtp[1]) as sender:
            for octets in (600, 700_000):
                content = harness.message(octets)
                said = sender.send(content, "b@example.org", "c@example.org")
                self.assertRegex(said, r' K C="250 .*queued as', "Exim did not send by BDAT")
                body = content.split(b"\r\n\r\n", 1)[1]
                stored = maildir.messages()
                self.assertEqual([one.split(b"\r\n\r\n", 1)[1] == body for one in stored[-2:]], [True, True])
            self.assertEqual(len(maildir.files()), 4)
            self.assertEqual(maildir.files("tmp"), [])

    def test_prdr(self):
        if "no such extension" in harness.run_program("mailquay-mx", "--enable", "PRDR", "--listen", "127.0.0.1:bad")[2]:
            raise unittest.SkipTest("mailquay-mx cannot switch PRDR on")
        with harness.Maildir() as maildir, harness.mx(maildir, "--enable", "PRDR") as mx, exim.Exim(mx.smtp[1]) as sender:
            with harness.Talk(mx.smtp) as talk:
                self.assertIn("PRDR", talk.hello())
            said = sender.send(harness.message(), "b@example.org", "c@example.org")
            self.assertEqual(said.count(" PRDR "), 2, said)
            # A recipient that has had this message before is a loop: one is refused, the other has it.
            said = sender.send(b"Delivered-To: b@example.org\r\n" + harness.message(), "b@example.org", "c@example.org")
            self.assertIn("** b@example.org", said)
            self.assertIn("=> c@example.org", said)
            self.assertEqual(len(maildir.files()), 3)


if __name__ == "__main__":
    harness.main()
