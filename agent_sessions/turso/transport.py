"""Requests to a libSQL server over kept-alive HTTP connections, and what became of them.

One pool of connections for each address and process, by urllib3, which openai-agents brings along.
What matters of a failure is whether the server can have executed the request: nothing above this
module decides it by a message.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError as NoConnectionInTime
from urllib3.exceptions import (
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
)

from agent_sessions.turso.address import STANDARD_PORTS, Address
from agent_sessions.turso.errors import OperationalError


class UnreachableError(OperationalError):
    """The request did not reach the server: nothing of it has been executed."""


class UnansweredError(OperationalError):
    """The request may have been executed, or not: no answer, or none that can be read, came."""


class TimedOutError(UnansweredError):
    """No answer came in time."""


class RejectedError(OperationalError):
    """The server answered with an HTTP error. `status` is its number, `code` the server's own."""

    def __init__(self, message: str, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    @property
    def is_before_execution(self) -> bool:
        """The server turned the request away unread: 401, 403, 404 and 429 do."""
        return self.status in (401, 403, 404, 429)


class Transport:
    """The way to one address; safe to use from several threads at once.

    Its token is asked for once, and anew when the server refuses it.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._token: str | None = None
        self._pools: dict[tuple[str, str, int], urllib3.HTTPConnectionPool] = {}

    def __repr__(self) -> str:
        return f"<Transport to {self._address.url}>"

    def post(self, path: str, body: bytes, base_url: str | None = None) -> bytes:
        """Send `body` and return the answer's body.

        `base_url` is where the server wants the rest of a stream. Raises UnreachableError, UnansweredError,
        TimedOutError or RejectedError.
        """
        token = self._current_token()
        try:
            return self._post_once(path, body, base_url, token)
        except RejectedError as error:
            if error.status != 401 or not callable(self._address.auth_token):
                raise
        # Refused tokens are old ones. A request that is refused has not been executed.
        return self._post_once(path, body, base_url, self._current_token(refused=token))

    def _post_once(self, path: str, body: bytes, base_url: str | None, token: str | None) -> bytes:
        scheme, host, port, prefix = self._place(base_url)
        pool = self._pool(scheme, host, port)
        headers = {**self._headers(token), "Host": _host_header(scheme, host, port)}
        try:
            response = pool.urlopen(
                "POST", prefix + path, body=body, headers=headers, retries=False
            )
        except (NewConnectionError, NameResolutionError, NoConnectionInTime) as error:
            raise UnreachableError(
                f"{self._address.url} cannot be reached: {_reason(error)}"
            ) from error
        except ReadTimeoutError as error:
            raise TimedOutError(
                f"{self._address.url} has not answered within "
                f"{self._address.timeout_seconds:g} seconds. OPTIONS['timeout'] sets how long to "
                "wait."
            ) from error
        except HTTPError as error:
            raise UnansweredError(
                f"The connection to {self._address.url} was lost: {_reason(error)}"
            ) from error
        if response.status != 200:
            raise self._rejection(response)
        return response.data

    def _rejection(self, response: urllib3.BaseHTTPResponse) -> RejectedError:
        text, code = _said(response)
        advice = {
            401: " The token is missing, wrong or expired: set PASSWORD or OPTIONS['auth_token'].",
            403: " The token does not allow it.",
            404: " Is NAME the right address?",
            429: " The server has too much to do.",
        }.get(response.status, "")
        message = f"{self._address.url} answered {response.status}: {text}{advice}"
        return RejectedError(message, response.status, code)

    def _headers(self, token: str | None) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if self._address.encryption_key:
            headers["x-turso-encryption-key"] = self._address.encryption_key
        return headers

    def _current_token(self, refused: str | None = None) -> str | None:
        source = self._address.auth_token
        if not callable(source):
            return source
        if self._token is None or self._token == refused:
            self._token = source()
        return self._token

    def _place(self, base_url: str | None) -> tuple[str, str, int, str]:
        """Return scheme, host, port and the beginning of the path for a request."""
        address = self._address
        if base_url:
            url = urllib3.util.parse_url(base_url)
            # The token goes along: nobody may lead it from HTTPS to where it can be read.
            if url.scheme == address.scheme and url.host:
                port = url.port or STANDARD_PORTS[url.scheme]
                return url.scheme, url.host, port, (url.path or "").rstrip("/")
        return address.scheme, address.host, address.port, address.path

    def _pool(self, scheme: str, host: str, port: int) -> urllib3.HTTPConnectionPool:
        key = (scheme, host, port)
        if key not in self._pools:
            self._pools[key] = _new_pool(self._address, *key)
        return self._pools[key]


def _new_pool(address: Address, scheme: str, host: str, port: int) -> urllib3.HTTPConnectionPool:
    options: dict[str, Any] = {
        "maxsize": address.pool_size,
        # Never wait for a place: a transaction that holds the writer's lock must always be able to
        # send its COMMIT, also past all who wait for that lock.
        "block": False,
        "timeout": urllib3.Timeout(
            connect=address.connect_timeout_seconds, read=address.timeout_seconds
        ),
        # A connection whose other end silently went away is noticed before it is used.
        "socket_options": [
            *HTTPConnection.default_socket_options,
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        ],
    }
    if scheme == "http":
        return urllib3.HTTPConnectionPool(_loopback(host), port, **options)
    tls = dict(address.tls)
    options["cert_reqs"] = "CERT_REQUIRED" if tls.pop("verify", True) else "CERT_NONE"
    return urllib3.HTTPSConnectionPool(host, port, **options, **tls)


def _loopback(host: str) -> str:
    """Return where `host` is; names under localhost are this machine (RFC 6761, section 6.3).

    A libSQL server with namespaces finds the database in the first part of such a name, and not
    every resolver knows it.
    """
    return "127.0.0.1" if host.endswith(".localhost") else host


def _host_header(scheme: str, host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port == STANDARD_PORTS[scheme] else f"{name}:{port}"


def _said(response: urllib3.BaseHTTPResponse) -> tuple[str, str]:
    """Return the words and the code of an HTTP error, which is JSON or plain text."""
    try:
        said = response.json()
    except (ValueError, UnicodeDecodeError):
        said = {"error": response.data.decode("utf-8", "replace").strip()[:300]}
    if not isinstance(said, Mapping):
        said = {}
    inner = said.get("error") if isinstance(said.get("error"), Mapping) else said
    text = inner.get("message") or inner.get("error") or response.reason or "no reason given"
    return f"{text}.".replace("..", "."), str(inner.get("code") or "")


def _reason(error: HTTPError) -> str:
    """Return what went wrong in words, without the object that urllib3 puts before it."""
    return str(error.args[-1] if error.args else error).split(": ", 1)[-1]


_transports: dict[Address, Transport] = {}
_lock = threading.Lock()


def transport_to(address: Address) -> Transport:
    """Return this process's transport to `address`."""
    with _lock:
        if address not in _transports:
            _transports[address] = Transport(address)
        return _transports[address]


if hasattr(os, "register_at_fork"):  # Windows has no fork
    # Two processes must not talk over one connection: a child begins with none.
    os.register_at_fork(after_in_child=_transports.clear)
