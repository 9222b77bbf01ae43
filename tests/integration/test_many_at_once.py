"""Long messages that come at the same time stay apart, and values that are empty are no values."""

import os
import pathlib
import threading

import harness


def stored_in(folder):
    return [pathlib.Path(folder, name).read_bytes() for name in os.listdir(folder)]


class ManyAtOnce(harness.Case):
    def test_long_messages_do_not_mix(self):
        contents = [harness.message(16_000_000, subject=letter * 9).replace(b"0123456789abcdef", letter.encode() * 16)
                    for letter in "ABCD"]
        failures = []

        def deliver(address, content):
            try:
                with harness.Talk(address) as talk:
                    talk.hello()
                    talk.mail("b@example.org")
                    talk.data(content, "250")
            except Exception as failure:  # seen by the test's own thread
                failures.append(failure)

        # The catcher answers each piece at once, so that one turn reads as much as it may.
        with harness.Maildir() as caught, harness.Program("mailquay-catcher", "--save", caught.path, "--listen", "127.0.0.1:0") as catcher:
            threads = [threading.Thread(target=deliver, args=(catcher.smtp, content)) for content in contents]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(failures, [])
            self.assert_messages([stored[-len(contents[0]):] for stored in stored_in(caught.path)], *contents)

    def test_empty_values(self):
        with harness.Maildir() as maildir:
            # "anybody" must be said by leaving the flag out, not by a variable that was not set.
            code, _, log = harness.run_program("mailquay-mx", "--domain", "example.org", "--maildir", maildir.path,
                                               "--listen", "127.0.0.1:0", "--mailbox=", patience=10)
            self.assertEqual(code, 2, log)
            self.assertIn("--mailbox", log)
        code, _, log = harness.run_program("mailquay-catcher", "--save=", "--listen", "127.0.0.1:0")
        self.assertEqual(code, 2, log)
        self.assertIn("--save", log)

    def test_folder_that_cannot_be(self):
        code, _, log = harness.run_program("mailquay-catcher", "--save", "/dev/null/caught", "--listen", "127.0.0.1:0")
        self.assertEqual(code, 2, log)
        self.assertIn("--save /dev/null/caught", log)


if __name__ == "__main__":
    harness.main()
