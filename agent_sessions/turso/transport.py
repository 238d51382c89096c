"""Requests to a libSQL server, and what became of them.

The client is a small one of the engine's own, on urllib3. turso-serverless 0.1.0, the official
driver in Python, opens a TCP connection for each statement, has no time-outs and no pipelines, and
leaves a stream open after each statement, which expires while a model thinks for 10 seconds. libsql
0.1.11 holds the GIL during requests, needs two of them for a statement, and panics. What a request
holds and when a stream ends is the heart of both, and nothing that could be put around them.
docs/turso.md compares the numbers.

What matters of a failure is whether the server can have executed the request: nothing above this
module decides it by a message.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import BoundedSemaphore

import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError

from agent_sessions.turso.address import STANDARD_PORTS, Address, is_header_text
from agent_sessions.turso.errors import OperationalError
from agent_sessions.turso.failures import (
    RejectedError,
    TimedOutError,
    UnansweredError,
    UnreachableError,
)
from agent_sessions.turso.pool import host_header, is_before_sending, new_pool


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
        self._writers = BoundedSemaphore(address.writers)

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
        try:
            response = pool.urlopen(
                "POST",
                prefix + path,
                body=body,
                # In no variable, because a page about an error may show variables.
                headers=self._headers(token, host_header(scheme, host, port)),
                retries=False,
            )
        except ReadTimeoutError as error:
            raise TimedOutError(
                f"{self._address.url} has not answered within "
                f"{self._address.timeout_seconds:g} seconds. OPTIONS['timeout'] sets how long to "
                "wait."
            ) from _without_frames(error)
        except HTTPError as error:
            if is_before_sending(error):
                raise UnreachableError(
                    f"{self._address.url} cannot be reached: {_reason(error)}"
                ) from _without_frames(error)
            raise UnansweredError(
                f"The connection to {self._address.url} was lost: {_reason(error)}"
            ) from _without_frames(error)
        if response.status != 200:
            raise self._rejection(response, token)
        return response.data

    def _rejection(self, response: urllib3.BaseHTTPResponse, token: Secret | None) -> RejectedError:
        text, code = _said(response)
        if token:
            text = text.replace(token.text, "[token]")  # some proxies repeat what they refuse
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

    @contextmanager
    def turn_to_write(self) -> Iterator[None]:
        """Wait while too many others of this process wait for the database's lock.

        The server writes one transaction after the other, and sqld 0.24.32 may stop writing for
        good where many requests wait for that: docs/turso.md has the numbers. Raises
        OperationalError, with nothing sent, after `timeout` seconds.
        """
        writers = self._writers
        if not writers.acquire(timeout=self._address.timeout_seconds):
            raise OperationalError(
                f"database is locked: {self._address.writers} requests of this process have been "
                f"waiting to write for {self._address.timeout_seconds:g} seconds."
            )
        try:
            yield
        finally:
            writers.release()

    def begin_anew(self) -> None:
        """Let the connections and who uses them be, as a process must that is another's child."""
        self._pools = {}
        self._writers = BoundedSemaphore(self._address.writers)

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
            self._pools[key] = new_pool(self._address, *key)
        return self._pools[key]


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


def _begin_anew() -> None:
    for transport in _transports.values():
        transport.begin_anew()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows has no fork
    # Two processes must not talk over one connection: a child begins with none.
    os.register_at_fork(after_in_child=_begin_anew)
