"""Servers that say what a test wants them to: for words that Postfix and Dovecot do not say on demand."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any


@contextlib.contextmanager
def smtp(answers: Mapping[str, str | None] | None = None) -> Iterator[int]:
    """An SMTP server on a free port. ``answers``: what to say to a command (its first word in capitals, and
    ``HELLO`` for the greeting, ``.`` for the end of the mail); None breaks the connection there."""
    said = {
        "HELLO": "220 ready",
        "EHLO": "250-there\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 1000000",
        "AUTH": "235 in",
        "MAIL": "250 ok",
        "RCPT": "250 ok",
        "DATA": "354 go on",
        ".": "250 taken",
        "QUIT": "221 bye",
    } | dict(answers or {})

    def talk(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            word = "HELLO"
            while True:
                answer = said.get(word, "500 what?")
                if answer is None:
                    return
                if answer:
                    connection.sendall(answer.encode() + b"\r\n")
                if word == "DATA" and answer.startswith("354"):
                    while lines.readline() not in {b".\r\n", b""}:
                        pass
                    word = "."
                    continue
                line = lines.readline()
                if not line:
                    return
                word = line.split()[0].decode("ascii", "replace").upper() if line.split() else ""

    with _serving(talk) as port:
        yield port


@contextlib.contextmanager
def imap(answers: Mapping[str, str | Callable[[], str] | None] | None = None) -> Iterator[int]:
    """An IMAP server on a free port. ``answers``: what to say to a command (``UID FETCH`` is one), with
    ``TAG`` where the command's tag goes; ``HELLO`` for the greeting; None breaks the connection there,
    and a function is asked each time."""
    said: dict[str, Any] = {
        "HELLO": "* OK [CAPABILITY IMAP4rev1] ready",
        "CAPABILITY": "* CAPABILITY IMAP4rev1\r\nTAG OK done",
        "LOGIN": "TAG OK in",
        "LIST": '* LIST (\\HasNoChildren \\Sent) "/" Sent\r\nTAG OK done',
        "EXAMINE": "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 2] x\r\nTAG OK done",
        "UID SEARCH": "* SEARCH 1\r\nTAG OK done",
        "NOOP": "TAG OK done",
        "LOGOUT": "* BYE\r\nTAG OK done",
    } | dict(answers or {})

    def talk(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            connection.sendall((said["HELLO"] or "").encode() + b"\r\n")
            while line := lines.readline():
                tag, _, rest = line.decode("utf-8", "replace").partition(" ")
                words = rest.upper().split()
                name = " ".join(words[:2]) if words[:1] == ["UID"] else words[0]
                answer = said.get(name, "TAG BAD what?")
                if answer is None:
                    return
                answer = answer() if callable(answer) else answer
                connection.sendall(answer.replace("TAG", tag).encode("latin-1") + b"\r\n")

    with _serving(talk) as port:
        yield port


@contextlib.contextmanager
def _serving(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return

                def one(connection: socket.socket = connection) -> None:
                    with contextlib.suppress(OSError):
                        talk(connection)

                threading.Thread(target=one, daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
