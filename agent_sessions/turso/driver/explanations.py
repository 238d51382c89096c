"""Sentences about failed connections and answers of strangers: reason and remedy (pure).

The errors are urllib3's and those that caused them; the answers are HTTP errors and web pages.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from http.client import BadStatusLine
from typing import Any

from urllib3.exceptions import HTTPError

from agent_sessions.turso.driver.address import Address

# OpenSSL's names for an answer that is not TLS; they differ between its versions.
NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
OF_STATUS = {
    401: " The token is missing, wrong or expired: set PASSWORD or OPTIONS['auth_token'].",
    403: " The token does not allow it.",
    404: " Is NAME the right address?",
    429: " The server has too much to do.",
}
PAGE = "a page of HTML"
NOT_A_SERVER = (
    "Is NAME the address of a libSQL server, with no login page or other proxy before it?"
)


def explanation(error: HTTPError, address: Address, *, has_answered: bool) -> str:
    """Return why a request failed and what to do, as sentences.

    `has_answered` tells whether the server has ever answered: then NAME is right.
    """
    cause = _cause(error)
    words = (getattr(cause, "strerror", None) or str(cause) or type(cause).__name__).rstrip(".")
    return f"{words}.{_advice(cause, address, has_answered)}"


def of_status(status: int, text: str, location: str | None) -> str:
    """Return what an HTTP error says and what to do, as sentences.

    `text` is what the server said, `location` where it points to.
    """
    if is_page(text):
        return f"{PAGE}. {NOT_A_SERVER}"
    advice = OF_STATUS.get(status, "")
    if location and 300 <= status < 400:
        advice = f" It points to {location}: write the address of the database there in NAME."
    return f"{text}.{advice}".replace("..", ".")


def of_unreadable(text: str) -> str:
    """Return what is wrong with an answer that is none of a libSQL server."""
    return f"{PAGE if is_page(text) else 'something else'} came. {NOT_A_SERVER}"


def is_page(text: str) -> bool:
    return text.lstrip("\ufeff \r\n\t").startswith("<")


def said(answer: Any, default: str) -> tuple[str, str]:
    """Return the words and the code in an HTTP error's JSON, which has several forms."""
    outer = answer if isinstance(answer, Mapping) else {}
    within = outer.get("error")
    inner = within if isinstance(within, Mapping) else outer
    return str(inner.get("message") or inner.get("error") or default), str(inner.get("code") or "")


def _cause(error: BaseException) -> BaseException:
    """Return the innermost error, which says the most; urllib3 puts others around it."""
    for inner in (*error.args, error.__cause__):
        if isinstance(inner, BaseException):
            return _cause(inner)
    return error


def _advice(cause: BaseException, address: Address, has_answered: bool) -> str:
    match cause:
        case ssl.SSLCertVerificationError():
            return (
                " If you trust the server, name a file with its certificate, or with that of who "
                "signed it, in OPTIONS['tls']['ca_certs']."
            )
        case ssl.SSLError(reason=reason) if reason in NOT_TLS:
            plain = f"http://{address.netloc}{address.path}"
            return f" The server does not speak TLS: write {plain} in NAME."
        case ssl.SSLError():
            return " No TLS connection came about. Is NAME the address of a libSQL server?"
        case socket.gaierror():
            return f" Is {address.host} spelled right in NAME, and is this machine on the network?"
        case ConnectionRefusedError():
            return f" Is the server running, and is {address.port} its port?"
        case FileNotFoundError() | PermissionError() | IsADirectoryError():
            return " Can every file that OPTIONS['tls'] names be read?"
        case TimeoutError():
            return " OPTIONS['connect_timeout'] sets how long to wait for a connection."
        case BadStatusLine() | ConnectionError() if address.scheme == "http" and not has_answered:
            return f" If the server speaks TLS, write https://{address.netloc} in NAME."
    return ""
