"""Wrong command lines end with status 2 and one line that names the flag, the value and the cure."""

import unittest

import harness

PROGRAMS = ("mailquay-catcher", "mailquay-mx", "mailquay-sink", "mailquay-submission")


class Flags(unittest.TestCase):
    def refused(self, name, *flags, say, status=2):
        code, out, log = harness.run_program(name, *flags)
        self.assertEqual((code, out), (status, ""), log)
        self.assertTrue(log.startswith(name + ": "), log)
        self.assertEqual(log.count("\n"), 1, log)
        for part in say:
            self.assertIn(part, log)

    def test_unknown_flag(self):
        for name in PROGRAMS:
            self.refused(name, "--frobnicate", say=["--frobnicate", "--help"])
            self.refused(name, "--frobnicate", "x", say=["--frobnicate", "unknown flag"])
            self.refused(name, "--max-sise=3", say=["--max-sise", "--max-size"])
            self.refused(name, "2525", say=["2525"])

    def test_missing_value(self):
        self.refused("mailquay-sink", "--hostname", say=["--hostname", "NAME"])

    def test_values(self):
        for flag, value in (("--max-size", "many"), ("--max-size", "-1"), ("--max-size", "1e6"), ("--max-recipients", "5"),
                            ("--max-connections", ""), ("--max-hops", "0"), ("--idle-timeout", "0"), ("--threads", "0"),
                            ("--threads", "1000000"), ("--log-level", "loud"), ("--enable", "FROBNICATE"),
                            ("--show-profile", "nothing")):
            with self.subTest(flag=flag, value=value):
                self.refused("mailquay-sink", f"{flag}={value}", say=[flag, value])

    def test_endpoints(self):
        for value in ("localhost:2525", "127.0.0.1", "127.0.0.1:70000", "::1:25", ":25", ""):
            with self.subTest(value=value):
                code, _, log = harness.run_program("mailquay-sink", f"--listen={value}")
                self.assertIn(code, (1, 2), log)
                self.assertIn(value, log)
                self.assertEqual(log.count("\n"), 1, log)

    def test_hostname(self):
        code, _, log = harness.run_program("mailquay-sink", "--hostname", "not a name", "--listen", "127.0.0.1:0")
        self.assertIn(code, (1, 2))
        self.assertIn("not a name", log)

    def test_mx_needs_domain_and_maildir(self):
        self.refused("mailquay-mx", say=["--domain example.org"])
        self.refused("mailquay-mx", "--domain", "example.org", say=["--maildir"])
        self.refused("mailquay-mx", "--domain", "no domain", "--maildir", "x", say=["--domain no domain"])
        self.refused("mailquay-mx", "--domain", "example.org", "--mailbox", "a b@", "--maildir", "x", say=["--mailbox a b@"])

    def test_nobody_could_log_in(self):
        for name, flags in (("mailquay-mx", ("--domain", "example.org", "--maildir", "x")), ("mailquay-submission", ("--maildir", "x"))):
            with self.subTest(name=name):
                self.refused(name, *flags, "--user", "alice:secret", "--listen", "127.0.0.1:0", say=["--tls-cert", "--auth-without-tls"])
                for without in (("--auth-without-tls",), ("--tls-cert", "x", "--tls-key", "x"),
                                ("--tls-cert", "x", "--tls-key", "x", "--tls-client-cert", "off")):
                    self.refused(name, *flags, "--auth-certificates", *without, "--listen", "127.0.0.1:0",
                                 say=["--auth-certificates", "--tls-client-cert request"])

    def test_a_maildir_that_cannot_be(self):
        code, _, log = harness.run_program("mailquay-mx", "--domain", "example.org", "--maildir", "/dev/null/x", "--listen", "127.0.0.1:0")
        self.assertEqual(code, 1, log)
        self.assertIn("/dev/null/x", log)

    def test_lmtp_on_port_25(self):
        code, _, log = harness.run_program("mailquay-sink", "--listen-lmtp", "127.0.0.1:25")
        self.assertIn(code, (1, 2))
        self.assertIn("25", log)

    def test_help_version_and_profiles(self):
        for name in PROGRAMS:
            code, out, log = harness.run_program(name, "--help")
            self.assertEqual((code, log), (0, ""))
            for flag in ("--listen", "--hostname", "--max-size", "--threads", "--enable", "--version"):
                self.assertIn(flag, out)
            code, out, log = harness.run_program(name, "--version")
            self.assertEqual((code, log), (0, ""))
            self.assertRegex(out, rf"^{name} \d+\.\d+\.\d+\n$")
        code, out, _ = harness.run_program("mailquay-mx", "--show-profile")
        self.assertEqual(code, 0)
        for profile in ("mx", "submission", "lmtp"):
            self.assertIn(profile, out)
        code, out, _ = harness.run_program("mailquay-mx", "--show-profile", "lmtp")
        self.assertEqual(code, 0)
        self.assertNotIn("submission", out)

    def test_what_is_there_may_be_enabled(self):
        with harness.Program("mailquay-sink", "--enable", "size", "--enable", "deliverby", "--enable", "MT-PRIORITY",
                             "--listen", "127.0.0.1:0") as sink:
            with harness.Talk(sink.smtp) as talk:
                said = talk.hello()
                for line in ("DELIVERBY", "MT-PRIORITY"):
                    self.assertIn(line, said)
                self.assertNotIn("DSN", said)
            self.assertNotIn("not-honoured", sink.log())

    def test_what_the_sink_does_not_keep_is_refused(self):
        for name, flags in (("mailquay-sink", ()), ("mailquay-catcher", ()),
                            ("mailquay-mx", ("--domain", "example.org", "--maildir", "/tmp"))):
            for extension in ("DSN", "FUTURERELEASE"):
                with self.subTest(name=name, extension=extension):
                    self.refused(name, *flags, "--enable", extension, "--listen", "127.0.0.1:0", say=[extension, "sink"], status=1)

    def test_all_is_announced_and_what_is_not_kept_is_said(self):
        with harness.Program("mailquay-sink", "--enable", "all", "--listen", "127.0.0.1:0") as sink:
            with harness.Talk(sink.smtp) as talk:
                said = talk.hello()
                for line in ("DSN", "DELIVERBY", "FUTURERELEASE 2592000 2", "MT-PRIORITY", "RRVS"):
                    self.assertIn(line, said)
                self.assertNotIn("REQUIRETLS", said)
                talk.mail("b@example.org", parameters=" RET=HDRS ENVID=x BY=60;R HOLDFOR=60 MT-PRIORITY=-3")
            sink.expect_in_log("not-honoured")
            sink.expect_in_log("DSN,FUTURERELEASE")


if __name__ == "__main__":
    harness.main()
