"""Sentences about failed connections and unexpected answers: the reason and the remedy (pure).

The errors are urllib3's with their causes; the answers are HTTP errors and web pages.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from http.client import BadStatusLine
from typing import Any

from urllib3.exceptions import HTTPError

from agent_sessions.turso.driver.address import Address

# OpenSSL's reasons for an answer that is not TLS; they differ between its versions.
NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
OF_STATUS = {
    401: " The token is missing, wrong or expired: set PASSWORD or OPTIONS['auth_token'].",
    403: " The token does not allow this.",
    404: " Is NAME the right address?",
    429: " The server has too much to do.",
}
PAGE = "an HTML page"
NOT_A_SERVER = (
    "Is NAME the address of a libSQL server, without a login page or another proxy before it?"
)


def explanation(error: HTTPError, address: Address, *, has_answered: bool) -> str:
    """Return why a request failed and what to do, as sentences.

    `has_answered` tells whether the server has ever answered, which means that NAME is right.
    """
    cause = _cause(error)
    reason = (getattr(cause, "strerror", None) or str(cause) or type(cause).__name__).rstrip(".")
    return f"{reason}.{_advice(cause, address, has_answered)}"


def of_status(status: int, text: str, location: str | None) -> str:
    """Return what an HTTP error says and what to do, as sentences.

    `text` is the answer's text, `location` the address to which it redirects.
    """
    if is_page(text):
        return f"{PAGE}. {NOT_A_SERVER}"
    advice = OF_STATUS.get(status, "")
    if location and 300 <= status < 400:
        advice = f" It redirects to {location}: write the database's address there in NAME."
    return f"{text}.{advice}".replace("..", ".")


def of_unreadable(text: str) -> str:
    """Return what is wrong with an answer that does not come from a libSQL server."""
    return f"it is {PAGE if is_page(text) else 'not in the form of the protocol'}. {NOT_A_SERVER}"


def is_page(text: str) -> bool:
    return text.lstrip("\ufeff \r\n\t").startswith("<")


def reason_of(answer: Any, default: str) -> tuple[str, str]:
    """Return the message and the code in an HTTP error's JSON, which has several forms.

    {"error": "..."}   {"message": "...", "code": "..."}   {"error": {"message": "...", ...}}
    """
    outer = answer if isinstance(answer, Mapping) else {}
    within = outer.get("error")
    inner = within if isinstance(within, Mapping) else outer
    return str(inner.get("message") or inner.get("error") or default), str(inner.get("code") or "")


def _cause(error: BaseException) -> BaseException:
    """Return the innermost error, which says most; urllib3 wraps it in others."""
    for inner in (*error.args, error.__cause__):
        if isinstance(inner, BaseException):
            return _cause(inner)
    return error


def _advice(cause: BaseException, address: Address, has_answered: bool) -> str:
    match cause:
        case ssl.SSLCertVerificationError():
            return (
                " If you trust the server, name a file with its certificate, or with that of its "
                "certificate authority, in OPTIONS['tls']['ca_certs']."
            )
        case ssl.SSLError(reason=reason) if reason in NOT_TLS:
            plain = f"http://{address.netloc}{address.path}"
            return f" The server does not speak TLS: write {plain} in NAME."
        case ssl.SSLError():
            return " TLS could not be negotiated. Is NAME the address of a libSQL server?"
        case socket.gaierror():
            return f" Is {address.host} spelled right in NAME, and is this machine on the network?"
        case ConnectionRefusedError():
            return f" Is the server running, and is {address.port} its port?"
        case FileNotFoundError() | PermissionError() | IsADirectoryError():
            return " Can every file in OPTIONS['tls'] be read?"
        case TimeoutError():
            return " OPTIONS['connect_timeout'] sets how long to wait for a connection."
        case BadStatusLine() | ConnectionError() if address.scheme == "http" and not has_answered:
            return f" If the server speaks TLS, write https://{address.netloc} in NAME."
    return ""
