"""A proxy between engine and server that counts requests and causes faults."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, Self
from unittest import TestCase
from urllib.parse import urlsplit

from tests.turso.faults import SPOILED, Fault, busy


@dataclass
class Request:
    """A request: its path, its statements, and whether it was forwarded to the server."""

    path: str
    body: Any
    headers: dict[str, str] = field(repr=False)
    forwarded: bool = False

    @property
    def sql(self) -> list[str]:
        """Its statements."""
        asked = self.body.get("requests", [{"type": "batch", "batch": self.body.get("batch")}])
        return [sql for request in asked for sql in _sql_of(request)]

    @property
    def closes(self) -> bool:
        """It closes its stream."""
        return bool(self.body.get("requests", [{}])[-1].get("type") == "close")


def _sql_of(request: dict[str, Any]) -> list[str]:
    match request:
        case {"type": "execute", "stmt": statement}:
            return [statement["sql"]]
        case {"type": "batch", "batch": {"steps": steps}}:
            return [step["stmt"]["sql"] for step in steps]
    return []


class _Upstream(HTTPConnection):
    """Sends headers and body together, as OnePieceConnection of the engine does."""

    _headers: bytes | None = None

    def endheaders(self, message_body: Any = None, *, encode_chunked: bool = False) -> None:
        self._headers = b""
        super().endheaders(encode_chunked=encode_chunked)
        self.send(message_body or b"")

    def send(self, data: Any) -> None:
        if self._headers == b"":
            self._headers = data
            return
        headers, self._headers = self._headers or b"", None
        super().send(headers + data)


class Proxy:
    """Forwards to a server on this machine, each connection in its own thread.

    `requests`, `connections` and `bytes` are counted since `reset()`.
    """

    def __init__(
        self,
        server_port: int,
        *,
        latency_seconds: float = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.server_port = server_port
        self.latency_seconds = latency_seconds
        self.tls = tls
        self.port = 0
        self._listener: socket.socket | None = None
        self._clients: set[socket.socket] = set()
        self._lock = threading.RLock()
        self._healed = threading.Event()
        self._fault: tuple[Fault, int] | None = None
        self.reset()

    def reset(self) -> None:
        """Count from zero, and cause no faults."""
        self.heal()
        self._canned = b""
        self.requests: list[Request] = []
        self.has_struck = False
        self.connections = 0
        self.bytes = 0

    def url(self, name: str) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{name}.localhost:{self.port}"

    @property
    def forwarded(self) -> list[Request]:
        """The requests that were forwarded to the server."""
        return [request for request in self.requests if request.forwarded]

    def arm(self, fault: Fault, number: int = 1) -> None:
        """Cause `fault` at the `number`-th request from here, and at no other."""
        with self._lock:
            self._healed = threading.Event()
            self._fault = (fault, len(self.requests) + number)
            self.has_struck = False
        if self._refuse_if_armed():
            self.drop_connections()

    def heal(self) -> None:
        """Cause no more faults."""
        with self._lock:
            self._fault = None
            self._healed.set()
            if self._listener is None and self.port:
                self._listen()

    def answer_with(self, status: int, body: bytes) -> None:
        """Answer every request like this, without the server, until the next `reset()`."""
        self._canned = _answer(status, body)

    def drop_connections(self) -> None:
        """Close all kept connections, as a server does with idle ones."""
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            _close(client)

    # Accepting connections

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._healed.set()
        self._stop_listening()
        self.drop_connections()

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            _close(listener)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Forward requests until one end closes."""
        with self._lock:
            self.connections += 1
            self._clients.add(client)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = _Upstream("127.0.0.1", self.server_port)
        try:
            with suppress(OSError, HTTPException):
                if self.tls:
                    client = self.tls.wrap_socket(client, server_side=True)
                while self._pass_on(client, server):
                    pass
        finally:
            server.close()
            _close(client)
            with self._lock:
                self._clients.discard(client)

    # Forwarding one request

    def _pass_on(self, client: socket.socket, server: HTTPConnection) -> bool:
        """Forward a request and its answer; return whether the connection stays open."""
        if self.tls is None and not client.recv(1, socket.MSG_PEEK):
            return False
        fault = self._next_fault(peek=True)
        if fault is Fault.CUT_UNREAD:
            self.requests.append(Request("", {}, {}))
            self._next_fault()
            return False
        read = _read_request(client)
        if read is None:
            return False
        head, body = read
        method, path, headers = _parsed(head)
        request = Request(path, json.loads(body or b"{}"), headers)
        with self._lock:
            self.requests.append(request)
            self.bytes += len(head) + len(body)
            fault = self._next_fault()
        if self._canned:
            client.sendall(self._canned)
            return True
        if fault is not None and not fault.reaches_server:
            return self._damage_request(fault, client)
        time.sleep(self.latency_seconds / 2)
        request.forwarded = True
        server.request(method, path, body, headers)
        answer = server.getresponse()
        status, content, kind = answer.status, answer.read(), answer.headers["Content-Type"]
        time.sleep(self.latency_seconds / 2)
        with self._lock:
            self.bytes += len(content)
            goes_on = not self._refuse_if_armed()
        if fault is not None:
            return self._damage_answer(fault, client, status, content)
        client.sendall(_answer(status, content, kind or "text/plain", goes_on))
        return goes_on

    def _next_fault(self, *, peek: bool = False) -> Fault | None:
        with self._lock:
            if self._fault is None:
                return None
            fault, number = self._fault
            if fault in (Fault.REFUSE, Fault.REFUSE_ONCE):
                return None
            if len(self.requests) + (1 if peek else 0) != number:
                return None
            if not peek:
                self._fault = None
                self.has_struck = True
            return fault

    def _refuse_if_armed(self) -> bool:
        """Stop listening if the next request is to be refused."""
        with self._lock:
            if self._fault is None or len(self.requests) + 1 != self._fault[1]:
                return False
            fault, _ = self._fault
            if fault not in (Fault.REFUSE, Fault.REFUSE_ONCE):
                return False
            self._stop_listening()
            self.has_struck = True
        if fault is Fault.REFUSE_ONCE:
            threading.Timer(0.02, self.heal).start()
        return True

    def _damage_request(self, fault: Fault, client: socket.socket) -> bool:
        if fault.status is not None:
            client.sendall(_answer(fault.status, b'{"error": "as the test wants it"}'))
            return True
        if fault is Fault.BUSY:
            client.sendall(_answer(200, busy(self.requests[-1].body)))
            return True
        if fault is Fault.LATE_UNFORWARDED:
            self._healed.wait(30)
        if fault is Fault.RESET_UNFORWARDED:
            _reset(client)
        return False

    def _damage_answer(
        self, fault: Fault, client: socket.socket, status: int, content: bytes
    ) -> bool:
        whole = _answer(status, content)
        if fault.status is not None:
            client.sendall(_answer(fault.status, b"Bad gateway"))
            return True
        if fault in SPOILED:
            client.sendall(_answer(200, SPOILED[fault](content)))
            return True
        if fault is Fault.LATE:
            self._healed.wait(30)
        if fault is Fault.CUT_IN_HEADERS:
            client.sendall(whole[:20])
        if fault is Fault.CUT_IN_BODY:
            client.sendall(whole[: -len(content) // 2])
        if fault is Fault.RESET_UNANSWERED:
            _reset(client)
        return False


def _read_request(client: socket.socket) -> tuple[bytes, bytes] | None:
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(65536)
        if not more:
            return None
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    parts = [body]
    missing = int(_parsed(head)[2].get("content-length", "0")) - len(body)
    while missing > 0:
        more = client.recv(min(missing, 1 << 20))
        if not more:
            return None
        parts.append(more)
        missing -= len(more)
    return head, b"".join(parts)


def _parsed(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    return method, path, {name.lower(): value for name, value in headers.items()}


def _answer(
    status: int, body: bytes, kind: str = "application/json", keep_alive: bool = True
) -> bytes:
    lines = [
        f"HTTP/1.1 {status} As It Is",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _close(connection: socket.socket) -> None:
    # A close() alone does not wake the thread that waits in recv() or accept().
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        connection.close()


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def through_proxy(case: TestCase, connection: Any) -> Proxy:
    """Redirect a Django connection through a proxy until the test ends."""
    own = urlsplit(connection.settings_dict["NAME"])
    proxy = case.enterContext(Proxy(own.port))
    case.addCleanup(connection.settings_dict.update, NAME=own.geturl())
    case.addCleanup(connection.close)
    connection.close()
    connection.settings_dict["NAME"] = proxy.url(own.hostname.split(".")[0])
    return proxy
