"""What real clients ask by DSN arrives as they asked it: smtplib, msmtp, and Postfix as a client."""

import os
import shutil
import smtplib
import subprocess
import tempfile

import harness


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
        postfix = harness.client("postfix")
        sendmail = harness.client("sendmail")
        if os.geteuid() != 0:
            self.skipTest("Postfix starts for root only")
        folder = tempfile.mkdtemp(prefix="mailquay-postfix-")
        try:
            os.chmod(folder, 0o755)
            with catcher() as server:
                self.deliver_by_postfix(postfix, sendmail, folder, server)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def deliver_by_postfix(self, postfix, sendmail, folder, server):
        etc, data = os.path.join(folder, "etc"), os.path.join(folder, "data")
        os.mkdir(etc)
        os.mkdir(data)
        os.mkdir(os.path.join(folder, "spool"))
        shutil.chown(data, "postfix")
        for name in ("master.cf", "postfix-files", "dynamicmaps.cf"):
            for where in ("/etc/postfix", "/usr/share/postfix"):
                for ending in ("", ".dist", ".proto"):
                    if os.path.exists(os.path.join(where, name + ending)) and not os.path.exists(os.path.join(etc, name)):
                        shutil.copy(os.path.join(where, name + ending), os.path.join(etc, name))
        with open(os.path.join(etc, "main.cf"), "w", encoding="ascii") as file:
            file.write(f"""compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {data}
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = client.example.org
mydestination =
alias_maps =
local_recipient_maps =
relayhost = [{server.smtp[0]}]:{server.smtp[1]}
smtp_tls_security_level = none
""")

        def run(*command, **options):
            done = subprocess.run(command, capture_output=True, timeout=60, check=False, **options)
            self.assertEqual(done.returncode, 0, done.stderr)

        run("postconf", "-c", etc, "-F", "*/*/chroot = n")
        run("postconf", "-c", etc, "-MX", "smtp/inet")
        run(postfix, "-c", etc, "start")
        try:
            # As root sendmail takes another configuration without asking.
            run(sendmail, "-C", etc, "-f", "a@example.net", "-N", "success,failure", "-R", "hdrs", "-V", "id-7", "b@example.org",
                input=harness.message().replace(b"\r\n", b"\n"), env=os.environ | {"MAIL_CONFIG": etc})
            shows(server, "<a@example.net> RET=HDRS ENVID=id-7\n",
                  "<b@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@example.org\n")
        finally:
            subprocess.run([postfix, "-c", etc, "stop"], capture_output=True, timeout=60, check=False)


if __name__ == "__main__":
    harness.main()
