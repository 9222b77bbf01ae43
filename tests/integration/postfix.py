"""Postfix as a client: what is given to it by SMTP it sends to the server under test; and as a server with mailboxes."""

import os
import pwd
import shutil
import subprocess
import tempfile

import harness


class Postfix:
    """A Postfix of its own that sends everything to one server. `with Postfix(mx, smtp_send_xforward_command="yes") as postfix:`"""

    MASTER = """\
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
virtual unix - n n - - virtual
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

    def __init__(self, server, **settings):
        harness.client("postfix")
        if os.geteuid() != 0:
            raise harness.unittest.SkipTest("Postfix is started by root only")
        self.path = tempfile.mkdtemp(prefix="mailquay-test-")
        os.chmod(self.path, 0o755)
        self.port = harness.free_port()
        self.said = ""  # the log, once it has ended
        data = os.path.join(self.path, "data")
        os.mkdir(data)
        os.mkdir(os.path.join(self.path, "spool"))
        os.chown(data, pwd.getpwnam("postfix").pw_uid, -1)
        main = {"compatibility_level": "3.6", "queue_directory": self.path + "/spool", "data_directory": data,
                "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "myhostname": "client.example.org", "mydestination": "",
                "relayhost": f"[127.0.0.1]:{server.smtp[1]}" if server else "", "maillog_file": self.path + "/maillog", "maillog_file_prefixes": self.path,
                "mynetworks": "127.0.0.0/8", "alias_maps": "", "alias_database": "", "local_recipient_maps": "",
                "smtpd_relay_restrictions": "permit_mynetworks,reject", **settings}
        with open(self.path + "/main.cf", "w", encoding="utf-8") as file:
            file.writelines(f"{name} = {value}\n" for name, value in main.items())
        with open(self.path + "/master.cf", "w", encoding="utf-8") as file:
            file.write(self.MASTER.format(port=f"127.0.0.1:{self.port}"))

    def command(self, *words):
        return subprocess.run([harness.client("postfix"), "-c", self.path, *words], capture_output=True, timeout=harness.PATIENCE, check=False)

    def log(self):
        try:
            with open(self.path + "/maillog", encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return ""

    def __enter__(self):
        done = self.command("start")
        try:
            harness.wait_until(lambda: harness.accepts(self.port), "Postfix listens")
        except AssertionError as failed:
            said = (done.stdout + done.stderr).decode("utf-8", "replace") + self.log()
            self.__exit__()
            raise AssertionError(f"{failed}\n{said}") from None
        return self

    def __exit__(self, *_):
        self.command("stop")
        self.said = self.log()
        shutil.rmtree(self.path, ignore_errors=True)


class PostfixServer(Postfix):
    """It files mail for the users of example.org that are named. `with PostfixServer("b", "c") as postfix: postfix.messages("b")`"""

    def __init__(self, *users, **settings):
        nobody = pwd.getpwnam("nobody")
        super().__init__(None, virtual_mailbox_domains="example.org", virtual_transport="virtual", virtual_minimum_uid="1",
                         virtual_uid_maps=f"static:{nobody.pw_uid}", virtual_gid_maps=f"static:{nobody.pw_gid}",
                         smtpd_client_connection_count_limit="0",
                         **{"smtputf8_enable": "yes", "myhostname": "postfix.example.org", **settings})
        self.address = f"127.0.0.1:{self.port}"
        mail = os.path.join(self.path, "mail")
        os.mkdir(mail)
        os.chown(mail, nobody.pw_uid, nobody.pw_gid)
        with open(self.path + "/users", "w", encoding="utf-8") as file:
            file.writelines(f"{user}@example.org box{number}/\n" for number, user in enumerate(users))
        with open(self.path + "/main.cf", "a", encoding="utf-8") as file:
            file.write(f"virtual_mailbox_base = {mail}\nvirtual_mailbox_maps = texthash:{self.path}/users\n")
        self.boxes = {user: os.path.join(mail, f"box{number}", "new") for number, user in enumerate(users)}

    def messages(self, user):
        """What is filed for one, with LF."""
        found = []
        for name in os.listdir(self.boxes[user]) if os.path.isdir(self.boxes[user]) else ():
            with open(os.path.join(self.boxes[user], name), "rb") as file:
                found.append(file.read())
        return found
