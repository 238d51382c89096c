"""Two sources of test databases: a server creates them, or an existing one is emptied.

Both have exists(), create() and remove(); a server also has copy().
"""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import replace
from urllib.parse import urlsplit

import urllib3
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from agent_sessions.turso.driver import dbapi
from agent_sessions.turso.driver.address import Address
from agent_sessions.turso.driver.unknown_outcome import RejectedError

TIMEOUT_SECONDS = 30

# In the order in which they can be dropped: a view cannot be dropped after its table, and a virtual
# table drops its shadow tables (https://www.sqlite.org/vtab.html) itself.
CONTENTS = """
SELECT type, name FROM sqlite_master
WHERE type IN ('view', 'trigger', 'table')
    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'libsql\\_%' ESCAPE '\\'
ORDER BY type DESC, sql LIKE 'CREATE VIRTUAL TABLE%' DESC
"""


class Namespaces:
    """The databases of a server that was started with --enable-namespaces.

    Its admin API creates them, and the first part of a host name selects one:
    https://github.com/tursodatabase/libsql/blob/main/docs/ADMIN_API.md
    """

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url.rstrip("/")

    def __repr__(self) -> str:
        return f"<Namespaces at {urlsplit(self._admin_url).netloc.rpartition('@')[2]}>"

    def exists(self, database: Address) -> bool:
        self._check_are_served(database)
        return self._ask("GET", f"{_label(database.host)}/config", also=404) == 200

    def create(self, database: Address) -> None:
        self._ask("POST", f"{_label(database.host)}/create", b"{}")

    def copy(self, source: Address, target: Address) -> None:
        self._ask("POST", f"{_label(source.host)}/fork/{_label(target.host)}")

    def remove(self, database: Address) -> None:
        self._ask("DELETE", _label(database.host), also=404)

    def _ask(self, method: str, what: str, body: bytes | None = None, *, also: int = 200) -> int:
        url = f"{self._admin_url}/v1/namespaces/{what}"
        headers = {"Content-Type": "application/json"}
        try:
            answer = urllib3.request(
                method, url, body=body, headers=headers, timeout=TIMEOUT_SECONDS, retries=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise OperationalError(
                f"TEST['ADMIN_URL'], {self._admin_url}, cannot be reached. Start the server with "
                "--admin-listen-addr, or write its admin address."
            ) from error
        if answer.status not in (200, also):
            said = answer.data.decode("utf-8", "replace")[:300]
            raise OperationalError(f"{method} {url} answered {answer.status}: {said}")
        return answer.status

    def _check_are_served(self, database: Address) -> None:
        """Raise ImproperlyConfigured if the server was started without --enable-namespaces.

        sqld 0.24.32 creates namespaces then too, but serves one database under every host name:
        tests would write to the project's own. This check can go when sqld refuses to create them.
        """
        host = with_label(database.host, f"none-{secrets.token_hex(8)}")
        try:
            with closing(dbapi.connect(replace(database, host=host))) as connection:
                connection.cursor().execute("SELECT 1")
        except RejectedError as error:
            if error.status == 404:
                return
            raise
        raise ImproperlyConfigured(
            f"The server at {database.url} has one database for all host names, so tests would "
            "erase the project's own. Start it with --enable-namespaces, or leave out "
            "TEST['ADMIN_URL'] and write the address of another server into TEST['NAME']."
        )


class EmptiedDatabase:
    """A database that somebody has set aside for tests. It "exists" if it contains tables."""

    def exists(self, database: Address) -> bool:
        with closing(dbapi.connect(database)) as connection:
            return connection.cursor().execute(CONTENTS).fetchone() is not None

    def create(self, database: Address) -> None:
        pass

    def remove(self, database: Address) -> None:
        """Drop everything in the database, in one transaction."""
        with closing(dbapi.connect(database)) as connection:
            _empty(connection)


def _empty(connection: dbapi.Connection) -> None:
    cursor = connection.cursor()
    contents = cursor.execute(CONTENTS).fetchall()
    cursor.execute("PRAGMA foreign_keys = OFF")
    connection.begin()
    with connection.pipeline():
        for kind, name in contents:
            quoted = name.replace('"', '""')
            cursor.execute(f'DROP {kind} IF EXISTS "{quoted}"')
        connection.commit()


def with_label(host: str, pattern: str) -> str:
    """Return `host` with `pattern` applied to its first part, the name of a database."""
    return f"{pattern.format(_label(host))}.{host.partition('.')[2]}"


def _label(host: str) -> str:
    label, _, rest = host.partition(".")
    if not rest or host.replace(".", "").isdigit():
        raise ImproperlyConfigured(
            f"{host} does not begin with the name of a database, which TEST['ADMIN_URL'] requires. "
            "'http://shop.localhost:8080' begins with 'shop'."
        )
    return label
