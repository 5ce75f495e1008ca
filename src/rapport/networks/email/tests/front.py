"""A door before Postfix that ends TLS, so that it sees the conversation and can break it at any point."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from pathlib import Path


class Front:
    """Listens with TLS on a free port and passes everything on in the open.

    ``cut``: ``after-data`` takes the whole mail to the server, waits for its word and breaks the connection
    instead of passing it on; ``before-data`` breaks it when the client wants to begin the mail; "" does neither.
    """

    def __init__(self, directory: Path, port: int) -> None:
        self._target = port
        self.cut = ""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(directory / "certificate.pem", directory / "key.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._closed = False
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=[client], daemon=True).start()

    def _pass(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(plain)
            plain.settimeout(30)
            try:
                server = socket.create_connection(("127.0.0.1", self._target), 5)
            except OSError:
                return  # an outage: the door closes at once
            stack.enter_context(server)
            # On a busy machine the server may think for longer than it takes to connect.
            server.settimeout(30)
            client = stack.enter_context(self._context.wrap_socket(plain, server_side=True))
            broken, heard = threading.Event(), threading.Event()
            back = threading.Thread(target=self._back, args=[server, client, broken, heard], daemon=True)
            back.start()
            self._forward(client, server, broken, heard)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join(10)

    def _forward(
        self, client: ssl.SSLSocket, server: socket.socket, broken: threading.Event, heard: threading.Event
    ) -> None:
        in_mail = False
        tail = b""
        while data := client.recv(65536):
            if not in_mail and data.strip().upper() == b"DATA":
                if self.cut == "before-data":
                    return
                in_mail = True
            elif in_mail:
                tail = (tail + data)[-5:]
                if tail == b"\r\n.\r\n" and self.cut == "after-data":
                    broken.set()  # what the server says now is not passed on
                    server.sendall(data)
                    heard.wait(10)
                    return
                if tail == b"\r\n.\r\n":
                    in_mail, tail = False, b""
            server.sendall(data)

    def _back(
        self, server: socket.socket, client: ssl.SSLSocket, broken: threading.Event, heard: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if broken.is_set():
                    break
                client.sendall(data)
        heard.set()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(client, socket.SHUT_RDWR)
