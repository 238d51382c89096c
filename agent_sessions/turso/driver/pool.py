"""Keep HTTP connections to a server alive, and tell failures before the request from later ones."""

from __future__ import annotations

import logging
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

# Idle connections are probed every minute, so that no router on the way forgets them and a dead one
# is noticed before it is used: the outcome of a write on a dead connection would be unknown. Linux
# probes after two hours by default: https://www.tldp.org/HOWTO/TCP-Keepalive-HOWTO/
KEEP_ALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}.items()
        if hasattr(socket, name)
    ),
]

logger = logging.getLogger("agent_sessions.turso")


class CutOffError(HTTPError):
    """The other end closed the connection before it had the whole request."""


class HandshakeError(HTTPError):
    """The TLS handshake failed, so nothing was sent."""


NOT_SENT = (
    NewConnectionError,
    NameResolutionError,
    NoConnectionInTime,
    LocationValueError,
    CutOffError,
    HandshakeError,
)


class OnePieceConnection(HTTPConnection):
    """Sends headers and body together, and recognises a request that did not get through.

    http.client sends them apart. A server that refuses a token answers as soon as it has the
    headers, and closes; if the body arrives after that, the client gets a reset instead of the
    answer (https://github.com/hyperium/hyper/issues/3078), and the outcome of a write is unknown.
    That happened to every tenth refused write with sqld 0.24.32. This class can go when urllib3 or
    http.client sends small requests in one piece.
    """

    _held: bytes | None = None
    _is_cut_off = False
    _has_connected = False

    def connect(self) -> None:
        if self._has_connected:
            logger.info("Reconnecting to %s:%s", self.host, self.port)
        else:
            logger.debug("Connecting to %s:%s", self.host, self.port)
        super().connect()
        self._has_connected = True

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
            # After this one, urllib3 reads an answer that came early:
            # https://github.com/urllib3/urllib3/pull/1524
            raise BrokenPipeError from error

    def getresponse(self) -> Any:
        try:
            return super().getresponse()
        except (OSError, HTTPException) as error:
            if self._is_cut_off:
                raise CutOffError("it hung up before it had the request") from error
            raise


class OnePieceTLSConnection(OnePieceConnection, HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, SSLError) as error:
            # urllib3 raises the same classes for a failed handshake and for a failed request:
            # https://github.com/urllib3/urllib3/issues/1366
            raise HandshakeError(error) from error


class IdleConnections(queue.LifoQueue[Any]):
    """The idle connections of a pool. One too many is closed without a warning.

    urllib3 logs a warning for each; this class can go when it does not:
    https://github.com/urllib3/urllib3/issues/3167
    """

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        try:
            super().put(item, block=False)
        except queue.Full:
            if item is not None:  # urllib3 puts None after a connection that failed
                item.close()


class PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = OnePieceConnection
    QueueCls = IdleConnections


class SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = OnePieceTLSConnection
    QueueCls = IdleConnections


def new_pool(address: Address, scheme: str, host: str, port: int) -> urllib3.HTTPConnectionPool:
    options: dict[str, Any] = {
        "maxsize": address.pool_size,
        # Never wait for a connection: a transaction that holds the database's lock must be able to
        # send its COMMIT while others wait for that lock.
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
    """Return the host to connect to: this machine for every name under localhost.

    A libSQL server with namespaces finds the database in the first part of such a name. RFC 6761,
    section 6.3, makes it a loopback name, but not every resolver knows that:
    https://www.rfc-editor.org/rfc/rfc6761#section-6.3
    """
    return "127.0.0.1" if host.endswith(".localhost") else host


def host_header(scheme: str, host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port == STANDARD_PORTS[scheme] else f"{name}:{port}"


def is_before_sending(error: HTTPError) -> bool:
    """Tell whether the request was not sent as a whole, so that it cannot have been executed."""
    return isinstance(error, NOT_SENT)
