"""Send requests to a libSQL server, and classify their failures.

The HTTP client is the engine's own, on urllib3, because the existing drivers decide otherwise about
requests and streams, in ways that cannot be changed from outside. turso-serverless 0.1.0, the
official Python driver, opens a TCP connection for each statement, has no time-outs and no
pipelines, and leaves a stream open after each statement, which expires while a model thinks for 10
seconds. libsql 0.1.11 holds the GIL during requests, sends two of them for a statement, and panics.
docs/turso.md compares the numbers.

A failure's class says whether the server may have executed the request: no code above this module
decides that by a message.
"""

from __future__ import annotations

import json
import logging
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
from agent_sessions.turso.driver.explanations import explanation, of_status, reason_of
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
LONGEST_REASON = 300
# A request with a token that has been replaced may still be under way, and an error may repeat it.
REMEMBERED_TOKENS = 4

logger = logging.getLogger("agent_sessions.turso")


class Transport:
    """The way to one address; safe to use from several threads at once.

    A function for the token is called once, and again whenever the server refuses the token.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._has_answered = False
        if isinstance(address.auth_token, str) and not is_header_text(address.auth_token):
            raise OperationalError(
                "PASSWORD is not a token: a token consists of printable ASCII characters."
            )
        self._token: Hidden[str] | None = None
        self._tokens: deque[Hidden[str]] = deque(maxlen=REMEMBERED_TOKENS)
        self._pools: dict[tuple[str, str, int], urllib3.HTTPConnectionPool] = {}
        self._writers = BoundedSemaphore(address.writers)

    def __repr__(self) -> str:
        status = "answered" if self._has_answered else "unused"
        return f"<Transport ({status}) to {self.url}>"

    @property
    def url(self) -> str:
        """The database's address, without the token."""
        return self._address.url

    def masked(self, text: str) -> str:
        """Return a server's or a proxy's text without the token and the encryption key."""
        secrets = {token.content: "[token]" for token in tuple(self._tokens)}
        if self._address.encryption_key:
            secrets[self._address.encryption_key] = "[key]"
        return masked(text, secrets)

    def post(self, path: str, body: bytes, base_url: str | None = None) -> bytes:
        """Send `body` and return the answer's body.

        `base_url` is the address at which the server continues a stream. Raises UnreachableError,
        MisdirectedError, UnansweredError, TimedOutError or RejectedError.
        """
        token = self._current_token()
        try:
            return self._post_once(path, body, base_url, token)
        except RejectedError as error:
            if error.status != 401 or not callable(self._address.auth_token):
                raise
        # The token has probably expired. A refused request has not been executed.
        logger.info("%r refused the token: asking for another one", self)
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
                # Not in a variable: an error page may show variables.
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
        raise failure  # not above, where an error of urllib3's would be its context

    def _failure(self, error: HTTPError) -> UnreachableError | UnansweredError:
        """Return the error for a request without an answer, with a cause that holds no secret."""
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
        # Errors of http.client may hold a piece of the answer, so they are not shown as the cause.
        if all(isinstance(inner, (OSError, HTTPError)) for inner in _chain(error)):
            failure.__cause__ = _without_frames(error)
        return failure

    def _rejection(self, response: urllib3.BaseHTTPResponse) -> RejectedError:
        text = response.data.decode("utf-8", "replace").strip()
        try:
            text, code = reason_of(json.loads(text), response.reason or NO_REASON)
        except ValueError:
            text, code = text or response.reason or NO_REASON, ""
        # A proxy may repeat the request. Mask first and cut then, so that no half token is left.
        text = self.masked(text)[:LONGEST_REASON]
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
                "The function in OPTIONS['auth_token'] did not return a token: it must return a "
                "str of printable ASCII characters."
            )

    @contextmanager
    def turn_to_write(self) -> Iterator[None]:
        """Wait while `writers` other requests of this process wait for the database's lock.

        Raises OperationalError, with nothing sent, after `timeout` seconds.
        """
        # In sqld 0.24.32 the queue of writers, libsql-server/src/connection/connection_manager.rs
        # of https://github.com/tursodatabase/libsql, may stop for good when several requests wait
        # in it at once. docs/turso.md, "Many writers", has the numbers; libsql has no issue about
        # it. This can go when `python -m tests.turso.load --writers 4` passes.
        writers = self._writers
        if not writers.acquire(blocking=False):
            self._wait_for(writers)
        try:
            yield
        finally:
            writers.release()

    def _wait_for(self, writers: BoundedSemaphore) -> None:
        address = self._address
        logger.debug("%r: a request waits for others of this process to write", self)
        if not writers.acquire(timeout=address.timeout_seconds):
            raise OperationalError(
                f"database is locked: {address.writers} requests of this process have been "
                f"waiting to write for {address.timeout_seconds:g} seconds."
            )

    def reset_after_fork(self) -> None:
        """Leave the connections to the parent process, and wait for none of its writers."""
        self._pools = {}
        self._writers = BoundedSemaphore(self._address.writers)

    def _place(self, base_url: str | None) -> tuple[str, str, int, str]:
        """Return scheme, host, port and the beginning of the path for a request.

        Raises MisdirectedError if neither NAME nor OPTIONS["stream_hosts"] has `base_url`'s host.
        """
        address = self._address
        url = urllib3.util.parse_url(base_url or "")
        # The token goes with the request, so it must not be led from HTTPS to HTTP. A server behind
        # a proxy that ends TLS may name itself with http://; the address in NAME is right then.
        if url.scheme != address.scheme or not url.host:
            return address.scheme, address.host, address.port, address.path
        port = url.port or STANDARD_PORTS[url.scheme]
        is_home = (url.host.strip("[]"), port) == (address.host, address.port)
        if not is_home and not any(is_same_domain(url.host, h) for h in address.stream_hosts):
            raise MisdirectedError(
                f"{self.url} continues the transaction at {url.scheme}://{url.host}:{port}. The "
                "token would be sent there too, so nothing was sent. If that server is yours, name "
                "its host in OPTIONS['stream_hosts']."
            )
        return url.scheme, url.host, port, (url.path or "").rstrip("/")

    def _pool(self, scheme: str, host: str, port: int) -> urllib3.HTTPConnectionPool:
        key = (scheme, host, port)
        if key not in self._pools:
            self._pools[key] = new_pool(self._address, *key)
        return self._pools[key]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, its cause or context, that error's cause or context, and so on."""
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        inner = inner.__cause__ or inner.__context__


def _without_frames(error: BaseException) -> BaseException:
    """Return an error without the tracebacks of its chain.

    The variables of urllib3's functions hold the token, and Django's error page shows variables.
    """
    for inner in _chain(error):
        inner.__traceback__ = None
    return error


_transports: dict[Address, Transport] = {}


def transport_to(address: Address) -> Transport:
    """Return this process's transport to `address`."""
    return _transports.setdefault(address, Transport(address))


def _reset_after_fork() -> None:
    for transport in _transports.values():
        transport.reset_after_fork()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # Windows has no fork
    # Two processes must not use one connection: a child begins without any.
    os.register_at_fork(after_in_child=_reset_after_fork)
