"""Requests to a libSQL server over kept-alive HTTP connections, and what became of them.

One pool of connections for each address and process, by urllib3, which openai-agents brings along.
What matters of a failure is whether the server can have executed the request: nothing above this
module decides it by a message.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping
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
    ReadTimeoutError,
)

from agent_sessions.turso.address import STANDARD_PORTS, Address, is_header_text
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


NOT_SENT = (NewConnectionError, NameResolutionError, NoConnectionInTime, LocationValueError)


class Secret:
    """A token in the variables of functions, which a page about an error may show."""

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def is_sendable(self) -> bool:
        return isinstance(self.text, str) and self.text != "" and is_header_text(self.text)


class Transport:
    """The way to one address; safe to use from several threads at once.

    Its token is asked for once, and anew when the server refuses it.
    """

    def __init__(self, address: Address) -> None:
        if isinstance(address.auth_token, str) and not is_header_text(address.auth_token):
            raise OperationalError("PASSWORD is no token, which is printable ASCII characters.")
        self._address = address
        self._token: Secret | None = None
        self._pools: dict[tuple[str, str, int], urllib3.HTTPConnectionPool] = {}

    def __repr__(self) -> str:
        return f"<Transport to {self._address.url}>"

    def post(self, path: str, body: bytes, base_url: str | None = None) -> bytes:
        """Send `body` and return the answer's body.

        `base_url` is where the server wants the rest of a stream. Raises UnreachableError,
        UnansweredError, TimedOutError or RejectedError.
        """
        token = self._current_token()
        try:
            return self._post_once(path, body, base_url, token)
        except RejectedError as error:
            if error.status != 401 or not callable(self._address.auth_token):
                raise
        # Refused tokens are old ones. A request that is refused has not been executed.
        return self._post_once(path, body, base_url, self._current_token(refused=token))

    def _post_once(
        self, path: str, body: bytes, base_url: str | None, token: Secret | None
    ) -> bytes:
        scheme, host, port, prefix = self._place(base_url)
        pool = self._pool(scheme, host, port)
        host_header = _host_header(scheme, host, port)
        try:
            response = pool.urlopen(
                "POST",
                prefix + path,
                body=body,
                headers=self._headers(token, host_header),
                retries=False,
            )
        except ReadTimeoutError as error:
            raise TimedOutError(
                f"{self._address.url} has not answered within "
                f"{self._address.timeout_seconds:g} seconds. OPTIONS['timeout'] sets how long to "
                "wait."
            ) from _without_frames(error)
        except HTTPError as error:
            if _is_before_sending(error):
                raise UnreachableError(
                    f"{self._address.url} cannot be reached: {_reason(error)}"
                ) from _without_frames(error)
            raise UnansweredError(
                f"The connection to {self._address.url} was lost: {_reason(error)}"
            ) from _without_frames(error)
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

    def _headers(self, token: Secret | None, host: str) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Host": host}
        if token:
            headers["Authorization"] = f"Bearer {token.text}"
        if self._address.encryption_key:
            headers["x-turso-encryption-key"] = self._address.encryption_key
        return headers

    def _current_token(self, refused: Secret | None = None) -> Secret | None:
        source = self._address.auth_token
        if source is None:
            return None
        if self._token is None or self._token is refused:
            self._token = Secret(source() if callable(source) else source)
        if not self._token.is_sendable:
            self._token = None
            raise OperationalError(
                "The function in OPTIONS['auth_token'] gave something else than a token: it must "
                "return a str of printable ASCII characters."
            )
        return self._token

    def forget_connections(self) -> None:
        """Let the connections be, as a process must that has them from its parent."""
        self._pools = {}

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


class _CutOffError(HTTPError):
    """The other end closed before it had the whole request."""


class _InOnePiece(HTTPConnection):
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
                raise _CutOffError("it hung up before it had the request") from error
            raise


class _SecureConnection(_InOnePiece, HTTPSConnection):
    pass


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
        plain = urllib3.HTTPConnectionPool(_loopback(host), port, **options)
        plain.ConnectionCls = _InOnePiece
        return plain
    tls = dict(address.tls)
    options["cert_reqs"] = "CERT_REQUIRED" if tls.pop("verify", True) else "CERT_NONE"
    secure = urllib3.HTTPSConnectionPool(host, port, **options, **tls)
    secure.ConnectionCls = _SecureConnection
    return secure


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


def _is_before_sending(error: HTTPError) -> bool:
    """Tell whether no whole request was sent, for want of a host, connection or certificate."""
    return isinstance(error, (*NOT_SENT, _CutOffError)) or any(
        isinstance(argument, ssl.SSLCertVerificationError) for argument in error.args
    )


def _without_frames(error: BaseException) -> BaseException:
    """Return an error without the functions that it passed through, urllib3's and those beneath.

    Their variables hold the token, and Django's page about an error shows variables.
    """
    inner: BaseException | None = error
    while inner is not None:
        inner.__traceback__ = None
        inner = inner.__cause__ or inner.__context__
    return error


def _reason(error: HTTPError) -> str:
    """Return what went wrong in words, without the object that urllib3 puts before it."""
    return str(error.args[-1] if error.args else error).split(": ", 1)[-1]


_transports: dict[Address, Transport] = {}


def transport_to(address: Address) -> Transport:
    """Return this process's transport to `address`."""
    return _transports.setdefault(address, Transport(address))


def _forget_connections() -> None:
    for transport in _transports.values():
        transport.forget_connections()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    # Two processes must not talk over one connection: a child begins with none.
    os.register_at_fork(after_in_child=_forget_connections)
