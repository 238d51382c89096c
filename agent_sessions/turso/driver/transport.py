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

import json
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

import urllib3
from django.utils.http import is_same_domain
from urllib3.exceptions import HTTPError, ReadTimeoutError

from agent_sessions.turso.driver.address import STANDARD_PORTS, Address, is_header_text
from agent_sessions.turso.driver.errors import OperationalError
from agent_sessions.turso.driver.explanations import explanation, of_status, said
from agent_sessions.turso.driver.masking import Hidden, masked
from agent_sessions.turso.driver.pool import host_header, is_before_sending, new_pool
from agent_sessions.turso.driver.unknown_outcome import (
    MisdirectedError,
    RejectedError,
    TimedOutError,
    UnansweredError,
    UnreachableError,
)

NO_REASON = "no reason given"
LONGEST_WORDS = 300
# A token that was replaced may still be on its way, and come back in an error.
REMEMBERED_TOKENS = 4


class Transport:
    """The way to one address; safe to use from several threads at once.

    Its token is asked for once, and anew when the server refuses it.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        if isinstance(address.auth_token, str) and not is_header_text(address.auth_token):
            raise OperationalError("PASSWORD is no token, which is printable ASCII characters.")
        self._token: Hidden[str] | None = None
        self._tokens: deque[Hidden[str]] = deque(maxlen=REMEMBERED_TOKENS)
        self._has_answered = False
        self._pools: dict[tuple[str, str, int], urllib3.HTTPConnectionPool] = {}
        self._writers = BoundedSemaphore(address.writers)

    def __repr__(self) -> str:
        return f"<Transport to {self.url}>"

    @property
    def url(self) -> str:
        """The address as a person would write it, without the token."""
        return self._address.url

    def masked(self, text: str) -> str:
        """Return a server's or a proxy's words without the token and the key of the database."""
        secrets = {token.content: "[token]" for token in tuple(self._tokens)}
        if self._address.encryption_key:
            secrets[self._address.encryption_key] = "[key]"
        return masked(text, secrets)

    def post(self, path: str, body: bytes, base_url: str | None = None) -> bytes:
        """Send `body` and return the answer's body.

        `base_url` is where the server wants the rest of a stream. Raises UnreachableError,
        MisdirectedError, UnansweredError, TimedOutError or RejectedError.
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
        self, path: str, body: bytes, base_url: str | None, token: Hidden[str] | None
    ) -> bytes:
        scheme, host, port, prefix = self._place(base_url)
        pool = self._pool(scheme, host, port)
        failure: OperationalError
        try:
            response = pool.urlopen(
                "POST",
                prefix + path,
                body=body,
                # In no variable, because a page about an error may show variables.
                headers=self._headers(token, host_header(scheme, host, port)),
                retries=False,
            )
        except HTTPError as error:
            failure = self._failure(error)
        else:
            if response.status == 200:
                self._has_answered = True
                return response.data
            failure = self._rejection(response)
        raise failure  # here, where no error of urllib3's is its context

    def _failure(self, error: HTTPError) -> UnreachableError | UnansweredError:
        """Return the error for a request without an answer; its cause if that tells no secret."""
        failure: UnreachableError | UnansweredError
        if isinstance(error, ReadTimeoutError):
            failure = TimedOutError(
                f"{self.url} has not answered within {self._address.timeout_seconds:g} seconds. "
                "OPTIONS['timeout'] sets how long to wait."
            )
        else:
            why = self.masked(explanation(error, self._address, has_answered=self._has_answered))
            if is_before_sending(error):
                failure = UnreachableError(f"{self.url} cannot be reached: {why}")
            else:
                failure = UnansweredError(f"The connection to {self.url} was lost: {why}")
        # Those of http.client, and what they come from, may hold a piece of the answer.
        if all(isinstance(inner, (OSError, HTTPError)) for inner in _chain(error)):
            failure.__cause__ = _without_frames(error)
        return failure

    def _rejection(self, response: urllib3.BaseHTTPResponse) -> RejectedError:
        text = response.data.decode("utf-8", "replace").strip()
        try:
            text, code = said(json.loads(text), response.reason or NO_REASON)
        except ValueError:
            text, code = text or response.reason or NO_REASON, ""
        # Some proxies repeat what they refuse. What is cut after a secret was hidden holds no half.
        text = self.masked(text)[:LONGEST_WORDS]
        location = self.masked(response.headers.get("Location", ""))
        message = f"{self.url} answered {response.status}: "
        message += of_status(response.status, text, location)
        return RejectedError(message, response.status, self.masked(code))

    def _headers(self, token: Hidden[str] | None, host: str) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Host": host}
        if token:
            headers["Authorization"] = f"Bearer {token.content}"
        if self._address.encryption_key:
            headers["x-turso-encryption-key"] = self._address.encryption_key
        return headers

    def _current_token(self, refused: Hidden[str] | None = None) -> Hidden[str] | None:
        source = self._address.auth_token
        if source is None:
            return None
        if self._token is None or self._token is refused:
            self._token = Hidden(source() if callable(source) else source)
            self._check_token(self._token)
            self._tokens.append(self._token)
        return self._token

    def _check_token(self, token: Hidden[str]) -> None:
        text = token.content
        if not isinstance(text, str) or not text or not is_header_text(text):
            self._token = None
            raise OperationalError(
                "The function in OPTIONS['auth_token'] gave something else than a token: it must "
                "return a str of printable ASCII characters."
            )

    @contextmanager
    def turn_to_write(self) -> Iterator[None]:
        """Wait while too many others of this process wait for the database's lock.

        Raises OperationalError, with nothing sent, after `timeout` seconds.
        """
        # The server writes one transaction after the other, and its queue for that may stop for
        # good when several requests wait in it at once. docs/turso.md has the numbers; this can go
        # when tests/turso/load.py passes with --writers 4. sqld's queue:
        # libsql-server/src/connection/connection_manager.rs of github.com/tursodatabase/libsql.
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
        """Return scheme, host, port and the beginning of the path for a request.

        Raises MisdirectedError if `base_url` is elsewhere than NAME and OPTIONS["stream_hosts"].
        """
        address = self._address
        url = urllib3.util.parse_url(base_url or "")
        # Where the request goes the token goes: nobody may lead it from HTTPS to where it can be
        # read. Behind a proxy that ends TLS a server may name itself so; then NAME is right.
        if url.scheme != address.scheme or not url.host:
            return address.scheme, address.host, address.port, address.path
        port = url.port or STANDARD_PORTS[url.scheme]
        is_home = (url.host.strip("[]"), port) == (address.host, address.port)
        if not is_home and not any(is_same_domain(url.host, h) for h in address.stream_hosts):
            raise MisdirectedError(
                f"{self.url} wants the transaction to go on at {url.scheme}://{url.host}:{port}. "
                "The token would go there too, so nothing was sent. If that server is yours, name "
                "its host in OPTIONS['stream_hosts']."
            )
        return url.scheme, url.host, port, (url.path or "").rstrip("/")

    def _pool(self, scheme: str, host: str, port: int) -> urllib3.HTTPConnectionPool:
        key = (scheme, host, port)
        if key not in self._pools:
            self._pools[key] = new_pool(self._address, *key)
        return self._pools[key]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it was made of."""
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        inner = inner.__cause__ or inner.__context__


def _without_frames(error: BaseException) -> BaseException:
    """Return an error without the functions that it passed through, urllib3's and those beneath.

    Their variables hold the token, and Django's page about an error shows variables.
    """
    for inner in _chain(error):
        inner.__traceback__ = None
    return error


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
