"""A proxy in front of a database server, which cuts a connection where a word passes."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class CuttingProxy:
    """Forwards bytes to `port` of this machine, until `word` is sent to the server.

    `delivers` says whether the server is still given what holds the word. Neither it nor the
    client hears anything more of a connection after that.
    """

    def __init__(self, port: int, *, word: bytes, delivers: bool) -> None:
        self.server_port = port
        # Neither AUTOCOMMIT nor COMMITTED is COMMIT.
        self.word = re.compile(rb"(?<!AUTO)%s\b" % word, re.IGNORECASE)
        self.delivers = delivers
        self.is_harmless = False
        self.has_cut = threading.Event()  # and the server has done what it was asked for
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._has_answered = threading.Event()

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
                for pump, ends in ((self._ask, (client, server)), (self._answer, (server, client))):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self.word.search(data) and not self.is_harmless:
                    self._cut(client, server, data)
                    return
                server.sendall(data)
        _close(server)

    def _cut(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        self.is_harmless = True
        _close(client)  # before the server is given anything that it could answer
        if self.delivers:
            self._has_answered.clear()
            server.sendall(data)
            self._has_answered.wait()
        _close(server)
        self.has_cut.set()

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                self._has_answered.set()
                client.sendall(data)
        _close(client)


def _close(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
