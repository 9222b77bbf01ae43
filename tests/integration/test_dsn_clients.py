"""What real clients ask by DSN arrives as they asked it: smtplib, msmtp, and Postfix as a client."""

import smtplib
import subprocess

import harness
from postfix import Postfix


def catcher():
    return harness.Program("mailquay-catcher", "--enable", "all", "--listen", "127.0.0.1:0")


def shows(program, *parts):
    for part in parts:
        try:
            harness.wait_until(lambda: part.encode() in program.out, f"{part!r} is shown")
        except AssertionError as failed:
            raise AssertionError(f"{failed}; it showed {bytes(program.out)!r} and said {program.log()!r}") from None


class Clients(harness.Case):
    def test_smtplib(self):
        with catcher() as server, smtplib.SMTP(*server.smtp, local_hostname="client.example.org", timeout=harness.PATIENCE) as talk:
            talk.sendmail("a@example.net", ["b@example.org"], harness.message(), mail_options=["RET=HDRS", "ENVID=QQ314159"],
                          rcpt_options=["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;Bob+2Bx@example.org"])
            self.assertTrue(talk.has_extn("dsn"))
            shows(server, "<a@example.net> RET=HDRS ENVID=QQ314159\n",
                  "<b@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob+x@example.org\n")

    def test_msmtp(self):
        msmtp = harness.client("msmtp")
        with catcher() as server:
            done = subprocess.run([msmtp, "--file=/dev/null", f"--host={server.smtp[0]}", f"--port={server.smtp[1]}", "--from=a@example.net",
                                   "--dsn-notify=failure,delay", "--dsn-return=full", "b@example.org"], input=harness.message(),
                                  capture_output=True, timeout=harness.PATIENCE, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            shows(server, "<a@example.net> RET=FULL\n", "<b@example.org> NOTIFY=FAILURE,DELAY\n")

    def test_postfix(self):
        with catcher() as server, Postfix(server, smtp_tls_security_level="none") as postfix:
            with smtplib.SMTP("127.0.0.1", postfix.port, local_hostname="client.example.org", timeout=harness.PATIENCE) as talk:
                talk.sendmail("a@example.net", ["b@example.org"], harness.message(), mail_options=["RET=HDRS", "ENVID=id-7"],
                              rcpt_options=["NOTIFY=SUCCESS,FAILURE"])
            shows(server, "<a@example.net> RET=HDRS ENVID=id-7\n",
                  "<b@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@example.org\n")


if __name__ == "__main__":
    harness.main()
