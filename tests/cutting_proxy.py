"""A proxy in front of a database server that cuts a connection at a given word."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class CuttingProxy:
    """Forwards bytes to `port` on this machine until a client sends `word`, and then cuts.

    If `delivers`, the server still gets the bytes with the word, but the client never gets the
    answer. Only the first such connection is cut.
    """

    def __init__(self, port: int, *, word: bytes, delivers: bool) -> None:
        self.server_port = port
        # COMMIT must not match AUTOCOMMIT or COMMITTED.
        self.word = re.compile(rb"(?<!AUTO)%s\b" % word, re.IGNORECASE)
        self.delivers = delivers
        self.is_harmless = False
        self.has_cut = threading.Event()  # set after the server has executed the delivered bytes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for one in [self._listener, *self._sockets]:
            _close(one)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.server_port))
                self._sockets += [client, server]
                # Of this connection alone: after a cut the client may open another one.
                has_answered = threading.Event()
                for pump in (self._ask, self._answer):
                    arguments = (client, server, has_answered)
                    threading.Thread(target=pump, args=arguments, daemon=True).start()

    def _ask(
        self, client: socket.socket, server: socket.socket, has_answered: threading.Event
    ) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self.word.search(data) and not self.is_harmless:
                    self._cut(client, server, has_answered, data)
                    return
                server.sendall(data)
        _close(server)

    def _cut(
        self,
        client: socket.socket,
        server: socket.socket,
        has_answered: threading.Event,
        data: bytes,
    ) -> None:
        self.is_harmless = True
        _close(client)  # before the server can answer
        if self.delivers:
            has_answered.clear()
            server.sendall(data)
            has_answered.wait()
        _close(server)
        self.has_cut.set()

    def _answer(
        self, client: socket.socket, server: socket.socket, has_answered: threading.Event
    ) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                has_answered.set()
                client.sendall(data)
        _close(client)


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
