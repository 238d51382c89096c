"""The address of a database and the options for reaching it, read from DATABASES."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured

# Turso's names for HTTPS. wss:// asks for WebSockets, which Turso Cloud does not serve in its AWS
# regions (https://github.com/aaronkazah/django-libsql/issues/4); HTTP works at the same address.
SCHEMES = {
    "libsql": "https",
    "https": "https",
    "wss": "https",
    "http": "http",
    "ws": "http",
}
STANDARD_PORTS = {"https": 443, "http": 80}
MODES = ("DEFERRED", "IMMEDIATE", "EXCLUSIVE")
# A day. A socket accepts neither infinity nor very large numbers.
LONGEST_SECONDS = 86_400.0
TLS_OPTIONS = ("ca_certs", "cert_file", "key_file", "verify")
OPTIONS = (
    "auth_token",
    "connect_timeout",
    "encryption_key",
    "pool_size",
    "stream_hosts",
    "timeout",
    "tls",
    "transaction_mode",
    "writers",
)

Token = str | Callable[[], str]


@dataclass(frozen=True)
class Address:
    """A database on a server. Equal addresses share a pool of connections.

    Neither `repr` nor a property shows the token or the encryption key.
    """

    scheme: str
    host: str
    port: int
    path: str = ""
    auth_token: Token | None = field(default=None, repr=False)
    encryption_key: str | None = field(default=None, repr=False)
    timeout_seconds: float = 30.0
    connect_timeout_seconds: float = 5.0
    transaction_mode: str = "IMMEDIATE"
    pool_size: int = 32
    writers: int = 1
    tls: tuple[tuple[str, Any], ...] = ()
    stream_hosts: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The address as in NAME, with the port, without the token."""
        return f"{self.scheme}://{self.netloc}{self.path}"

    @property
    def netloc(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Mistakes:
    """Errors about DATABASES[alias]. Each says what to write instead."""

    def __init__(self, alias: str) -> None:
        self.where = f"DATABASES[{alias!r}]"

    def option(self, name: str, expected: str) -> ImproperlyConfigured:
        return ImproperlyConfigured(f"{self.where}['OPTIONS'][{name!r}] must be {expected}.")

    def transaction_mode(self, mode: object) -> ImproperlyConfigured:
        # The text of Django's SQLite backend.
        return ImproperlyConfigured(
            f"settings.{self.where}['OPTIONS']['transaction_mode'] is improperly configured to "
            f"{mode!r}. Use one of {', '.join(map(repr, sorted(MODES)))}, or None."
        )

    def name(self, problem: str) -> ImproperlyConfigured:
        return ImproperlyConfigured(
            f"{self.where}['NAME'] {problem}. Write the address of a libSQL server, such as "
            "'libsql://my-database-my-organisation.turso.io', or 'http://127.0.0.1:8080' for a "
            "server on this machine."
        )


def address_of(settings: Mapping[str, Any], alias: str) -> Address:
    """Read a DATABASES entry. Raises ImproperlyConfigured, which says what to write instead.

    The token is the first of OPTIONS["auth_token"], PASSWORD and ?authToken= in NAME.
    """
    mistakes = Mistakes(alias)
    scheme, host, port, path, token = _located(settings["NAME"], mistakes)
    options = dict(settings.get("OPTIONS") or {})
    for unknown in options.keys() - set(OPTIONS):
        raise ImproperlyConfigured(
            f"{mistakes.where}['OPTIONS'] has {unknown!r}, which this engine does not know. It "
            f"knows {', '.join(OPTIONS)}."
        )
    return Address(
        scheme=scheme,
        host=host,
        port=port,
        path=path,
        auth_token=(
            _token(options.get("auth_token"), mistakes)
            or _password(settings.get("PASSWORD"), mistakes)
            or _token(token, mistakes)
        ),
        encryption_key=_text(options, "encryption_key", "the key in base64", mistakes),
        timeout_seconds=_seconds(options, "timeout", Address.timeout_seconds, mistakes),
        connect_timeout_seconds=_seconds(
            options, "connect_timeout", Address.connect_timeout_seconds, mistakes
        ),
        transaction_mode=_mode(options, mistakes),
        pool_size=_count(options, "pool_size", Address.pool_size, mistakes),
        writers=_count(options, "writers", Address.writers, mistakes),
        tls=_tls(options, scheme, mistakes),
        stream_hosts=_hosts(options, mistakes),
    )


def hide_token(settings: dict[str, Any]) -> None:
    """Move the token from NAME to PASSWORD, because Django's error page shows NAME.

    It hides settings with certain words in their names:
    https://docs.djangoproject.com/en/stable/ref/settings/#debug
    """
    name = settings.get("NAME")
    if not isinstance(name, str) or "authToken=" not in name:
        return
    with suppress(ValueError):  # address_of() raises the error about an invalid NAME
        parts = urlsplit(name)
        query = dict(parse_qsl(parts.query))
        token = query.pop("authToken", "")
        settings["PASSWORD"] = settings.get("PASSWORD") or token
        settings["NAME"] = urlunsplit(parts._replace(query=urlencode(query)))


def _located(name: Any, mistakes: Mistakes) -> tuple[str, str, int, str, str | None]:
    if not name or not isinstance(name, str):
        raise mistakes.name("is missing" if not name else "is not a str")
    try:
        parts = urlsplit(name.strip())
        port = parts.port
    except ValueError as error:
        raise mistakes.name("is not a valid address") from error
    if parts.scheme not in SCHEMES:
        raise mistakes.name(
            f"begins with {parts.scheme!r}" if parts.scheme else "has no libsql:// before the host"
        )
    if not parts.hostname:
        raise mistakes.name("has no host")
    if parts.username or parts.password:
        raise mistakes.name(
            "has a user name, which libSQL does not use; the token goes into PASSWORD"
        )
    query = dict(parse_qsl(parts.query))
    token = query.pop("authToken", None)
    # libSQL clients write ?tls=0 for a libsql:// server without TLS:
    # https://github.com/tursodatabase/libsql-client-ts/blob/main/packages/libsql-core/src/config.ts
    scheme = "http" if query.pop("tls", None) == "0" else SCHEMES[parts.scheme]
    for unknown in query:
        raise mistakes.name(f"has the parameter {unknown!r}; only authToken and tls are known")
    return (
        scheme,
        parts.hostname,
        port or STANDARD_PORTS[scheme],
        parts.path.rstrip("/"),
        token,
    )


def is_header_text(text: str) -> bool:
    """Tell whether `text` can be sent in an HTTP header."""
    return text.isascii() and text.isprintable()


def _token(token: Any, mistakes: Mistakes) -> Token | None:
    if not token or callable(token):
        return token or None
    if not isinstance(token, str):
        raise mistakes.option(
            "auth_token", "a str, or a function without arguments that returns one"
        )
    # A token that was read from a file may end with a newline.
    if not is_header_text(token.strip()):
        raise mistakes.option("auth_token", "printable ASCII characters, as PASSWORD must")
    return token.strip() or None


def _password(password: Any, mistakes: Mistakes) -> Token | None:
    # Django accepts any text as a password, so one that is not a token raises on connecting.
    if isinstance(password, str) and not password.isascii() and password.isprintable():
        return password
    return _token(password, mistakes)


def _text(options: dict[str, Any], name: str, expected: str, mistakes: Mistakes) -> str | None:
    value = options.get(name)
    if value is not None and (not isinstance(value, str) or not is_header_text(value)):
        raise mistakes.option(name, f"{expected}, as a str")
    return value


def _seconds(options: dict[str, Any], name: str, default: float, mistakes: Mistakes) -> float:
    value = options.get(name, default)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and 0 < value <= LONGEST_SECONDS):
        raise mistakes.option(name, f"a number of seconds above 0, such as {default:g}")
    return float(value)


def _mode(options: dict[str, Any], mistakes: Mistakes) -> str:
    mode = options.get("transaction_mode") or Address.transaction_mode
    if not isinstance(mode, str) or mode.upper() not in MODES:
        raise mistakes.transaction_mode(mode)
    return mode.upper()


def _count(options: dict[str, Any], name: str, default: int, mistakes: Mistakes) -> int:
    size = options.get(name, default)
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise mistakes.option(name, "a whole number above 0")
    return size


def _tls(options: dict[str, Any], scheme: str, mistakes: Mistakes) -> tuple[tuple[str, Any], ...]:
    tls = options.get("tls") or {}
    if not isinstance(tls, dict) or tls.keys() - set(TLS_OPTIONS):
        raise mistakes.option("tls", f"a dict with any of {', '.join(map(repr, TLS_OPTIONS))}")
    if tls and scheme != "https":
        raise mistakes.option("tls", "left out: NAME asks for HTTP, which has no TLS")
    if not isinstance(tls.get("verify", True), bool):
        raise mistakes.option("tls", "a dict whose 'verify' is True or False")
    return tuple(sorted((name, value) for name, value in tls.items()))


def _hosts(options: dict[str, Any], mistakes: Mistakes) -> tuple[str, ...]:
    hosts = options.get("stream_hosts") or ()
    # tuple() would split a str into its letters.
    if not isinstance(hosts, list | tuple) or not all(isinstance(h, str) and h for h in hosts):
        raise mistakes.option("stream_hosts", "a list of host names, such as ['.example.com']")
    return tuple(hosts)
