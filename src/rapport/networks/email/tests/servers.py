"""A real Dovecot and a real Postfix on loopback, with files of their own in a temporary directory.

Dovecot keeps the mailboxes; Postfix takes mail on two ports: one as the world's (for our domains only, without
a login), one for submission. Both know two domains: the company's and the customers'.
"""

from __future__ import annotations

import contextlib
import datetime
import imaplib
import ipaddress
import os
import pwd
import shutil
import signal
import smtplib
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

COMPANY = "alvara.example"
CUSTOMERS = "customers.example"
_SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def missing() -> str:
    """Which of the servers is not installed, in words for a skipped test; "" when all is there."""
    absent = [name for name in ("dovecot", "postfix") if shutil.which(name, path=_SYSTEM_PATH) is None]
    if absent:
        return (
            f"{' and '.join(absent)} not installed: apt-get install -y --no-install-recommends "
            "dovecot-imapd dovecot-lmtpd postfix"
        )
    return "" if os.geteuid() == 0 else "the mail servers must be started as root"


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]


T = TypeVar("T")


def until(question: Callable[[], T], *, seconds: float = 15.0, what: str = "") -> T:
    """The first true answer."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain {what}")
        time.sleep(0.03)


class MailServers:
    """Both servers. ``start`` and ``stop`` may be called again: everything is kept between."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.chmod(0o755)
        self.imap_port, self.imaps_port, self.smtp_port, self.submission_port = free_ports(4)
        self.passwords: dict[str, str] = {}
        self._changes = 0
        self.certificate = self._certificate()
        self._dovecot: subprocess.Popen[bytes] | None = None
        self._write_dovecot()
        self._write_postfix()

    # Accounts -----------------------------------------------------------------------------------------
    def set_password(self, address: str, password: str) -> None:
        """Make an account, or give it another password."""
        self.passwords[address] = password
        users = self.directory / "users"
        fresh = self.directory / "users.new"
        nobody = pwd.getpwnam("nobody")
        owner = f"{nobody.pw_uid}:{nobody.pw_gid}::{self.directory}/mail"
        fresh.write_text(
            "".join(f"{user}:{{PLAIN}}{word}:{owner}/{user}\n" for user, word in self.passwords.items())
        )
        fresh.chmod(0o644)
        # Dovecot reads it again when its time is another one, and looks once a second.
        self._changes += 1
        moment = int(time.time()) + self._changes
        os.utime(fresh, (moment, moment))
        fresh.rename(users)
        if self._dovecot is not None:
            until(lambda: self._lets_in(address, password), what=f"for {address}'s new password")

    def _lets_in(self, address: str, password: str) -> bool:
        with imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=20) as imap:
            try:
                return imap.login(address, password)[0] == "OK"
            except imaplib.IMAP4.error:
                return False

    # Life ---------------------------------------------------------------------------------------------
    def start(self) -> None:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._dovecot = subprocess.Popen(
            ["/usr/sbin/dovecot", "-F", "-c", str(self.directory / "dovecot.conf")],
            **quiet,
            start_new_session=True,
        )
        subprocess.run(["/usr/sbin/postfix", "-c", str(self._postfix), "start"], **quiet, timeout=60)
        for port in (self.imap_port, self.imaps_port, self.smtp_port, self.submission_port):
            until(lambda port=port: _listens(port), what=f"for port {port}; see {self.log()}")

    def stop(self) -> None:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        # At once: "stop" waits for what is under way, and an outage does not.
        subprocess.run(["/usr/sbin/postfix", "-c", str(self._postfix), "abort"], **quiet, timeout=60)
        if self._dovecot is not None:
            self._dovecot.send_signal(signal.SIGTERM)
            self._dovecot.wait(timeout=20)
            # Its children keep sessions open for another ten seconds.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._dovecot.pid, signal.SIGKILL)
            self._dovecot = None
        for port in (self.imap_port, self.imaps_port, self.smtp_port, self.submission_port):
            until(lambda port=port: not _listens(port), what=f"for port {port} to close")

    def log(self) -> str:
        """The last lines of both logs, for a test that fails."""
        found = []
        for name in ("dovecot.log", "postfix.log"):
            with contextlib.suppress(OSError):
                found += (self.directory / name).read_text(errors="replace").splitlines()[-15:]
        return "\n".join(found)

    # Files --------------------------------------------------------------------------------------------
    def _write_dovecot(self) -> None:
        mail = self.directory / "mail"
        mail.mkdir()
        nobody = pwd.getpwnam("nobody")
        os.chown(mail, nobody.pw_uid, nobody.pw_gid)
        (self.directory / "users").touch(mode=0o644)
        (self.directory / "dovecot.conf").write_text(
            f"""
base_dir = {self.directory}/run
state_dir = {self.directory}/state
log_path = {self.directory}/dovecot.log
listen = 127.0.0.1
protocols = imap lmtp
ssl = yes
ssl_cert = <{self.directory}/certificate.pem
ssl_key = <{self.directory}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
auth_verbose = yes
first_valid_uid = 1
mail_location = maildir:{self.directory}/mail/%u
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
shutdown_clients = yes
default_vsz_limit = 512M
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {self.directory}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {self.directory}/users
}}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = create
  }}
}}
service anvil {{
  client_limit = 400
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {self.imap_port}
  }}
  inet_listener imaps {{
    port = {self.imaps_port}
    ssl = yes
  }}
}}
service lmtp {{
  unix_listener {self.directory}/lmtp {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener {self.directory}/auth {{
    mode = 0666
  }}
}}
"""
        )

    def _write_postfix(self) -> None:
        self._postfix = self.directory / "postfix"
        self._postfix.mkdir()
        for name in ("queue", "data"):
            (self.directory / name).mkdir()
        owner = pwd.getpwnam("postfix")
        os.chown(self.directory / "data", owner.pw_uid, owner.pw_gid)
        shutil.copy("/etc/postfix/dynamicmaps.cf", self._postfix)
        (self._postfix / "main.cf").write_text(
            f"""
compatibility_level = 3.6
queue_directory = {self.directory}/queue
data_directory = {self.directory}/data
maillog_file = {self.directory}/postfix.log
maillog_file_prefixes = {self.directory}
myhostname = mx.{COMPANY}
mydestination =
mynetworks = 127.0.0.2/32
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
recipient_delimiter = +
virtual_mailbox_domains = {COMPANY}, {CUSTOMERS}
virtual_mailbox_maps = inline:{{ help@{COMPANY}=x, ivana@{CUSTOMERS}=x, marko@{CUSTOMERS}=x, gone@{CUSTOMERS}=x }}
virtual_transport = lmtp:unix:{self.directory}/lmtp
smtpd_tls_cert_file = {self.directory}/certificate.pem
smtpd_tls_key_file = {self.directory}/key.pem
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = {self.directory}/auth
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = reject_unlisted_recipient
smtpd_client_event_limit_exceptions =
message_size_limit = 8000000
mailbox_size_limit = 0
smtpd_timeout = 30s
smtpd_error_sleep_time = 0
"""
        )
        services = f"""
127.0.0.1:{self.smtp_port} inet n - n - - smtpd
127.0.0.1:{self.submission_port} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
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
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
        (self._postfix / "master.cf").write_text(services)

    def _certificate(self) -> str:
        """A certificate for localhost that nobody has signed but itself; its PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
                ),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        (self.directory / "certificate.pem").write_text(pem)
        secret = self.directory / "key.pem"
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        secret.chmod(0o600)
        return pem

    def deliver(self, mail: bytes, *, sender: str, recipient: str) -> None:
        """Hand in a mail as another mail server of the world does."""
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=20) as smtp:
            smtp.sendmail(sender, [recipient], mail)


def _listens(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0
