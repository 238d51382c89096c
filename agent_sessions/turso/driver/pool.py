"""Kept-alive HTTP connections to a server, and what their failures say of a request."""

from __future__ import annotations

import queue
import socket
from http.client import HTTPException
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError as NoConnectionInTime
from urllib3.exceptions import (
    HTTPError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)

from agent_sessions.turso.driver.address import STANDARD_PORTS, Address

# A connection whose other end silently went away is noticed before it is used, and none is
# forgotten on the way after some idle minutes: of a write on such a connection nobody would know
# what has become of it. Linux waits two hours unless it is told.
KEEP_ALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}.items()
        if hasattr(socket, name)
    ),
]


class CutOffError(HTTPError):
    """The other end closed before it had the whole request."""


class HandshakeError(HTTPError):
    """Both ends did not come to a TLS connection, so that nothing was sent."""


NOT_SENT = (
    NewConnectionError,
    NameResolutionError,
    NoConnectionInTime,
    LocationValueError,
    CutOffError,
    HandshakeError,
)


class InOnePiece(HTTPConnection):
    """Sends headers and body together, and knows of a request that did not get through.

    A server that refuses a token does so as soon as it has the headers, and closes if the body is
    not there by then: of every tenth write nobody would know what has become of it.
    """

    _held: bytes | None = None
    _is_cut_off = False

    def endheaders(self, *arguments: Any, **options: Any) -> None:
        self._held = b""
        super().endheaders(*arguments, **options)

    def send(self, data: Any) -> None:
        if self._held == b"":
            self._held = data
            return
        headers, self._held = self._held or b"", None
        try:
            super().send(headers + data)
            self._is_cut_off = False
        except OSError as error:
            self._is_cut_off = True
            raise BrokenPipeError from error  # after which urllib3 looks for an early answer

    def getresponse(self) -> Any:
        try:
            return super().getresponse()
        except (OSError, HTTPException) as error:
            if self._is_cut_off:
                raise CutOffError("it hung up before it had the request") from error
            raise


class SecureInOnePiece(InOnePiece, HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, SSLError) as error:  # urllib3 does not tell them from those of a request
            raise HandshakeError(error) from error


class Kept(queue.LifoQueue[Any]):
    """The connections that stand idle. One too many is closed; urllib3 would warn of each."""

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        try:
            super().put(item, block=False)
        except queue.Full:
            if item is not None:  # of a connection that failed nothing comes back
                item.close()


class PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = InOnePiece
    QueueCls = Kept


class SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = SecureInOnePiece
    QueueCls = Kept


def new_pool(address: Address, scheme: str, host: str, port: int) -> urllib3.HTTPConnectionPool:
    options: dict[str, Any] = {
        "maxsize": address.pool_size,
        # Never wait for a place: a transaction that holds the writer's lock must always be able to
        # send its COMMIT, also past all who wait for that lock.
        "block": False,
        "timeout": urllib3.Timeout(
            connect=address.connect_timeout_seconds, read=address.timeout_seconds
        ),
        "socket_options": [*HTTPConnection.default_socket_options, *KEEP_ALIVE],
    }
    if scheme == "http":
        return PlainPool(_loopback(host), port, **options)
    tls = dict(address.tls)
    options["cert_reqs"] = "CERT_REQUIRED" if tls.pop("verify", True) else "CERT_NONE"
    return SecurePool(host, port, **options, **tls)


def _loopback(host: str) -> str:
    """Return where `host` is; names under localhost are this machine (RFC 6761, section 6.3).

    A libSQL server with namespaces finds the database in the first part of such a name, and not
    every resolver knows it.
    """
    return "127.0.0.1" if host.endswith(".localhost") else host


def host_header(scheme: str, host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port == STANDARD_PORTS[scheme] else f"{name}:{port}"


def is_before_sending(error: HTTPError) -> bool:
    """Tell whether no whole request was sent, for want of a host, connection or certificate."""
    return isinstance(error, NOT_SENT)
