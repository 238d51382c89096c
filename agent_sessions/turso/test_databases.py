"""Where test databases come from: the server makes them, or one that stands ready is emptied.

Both ways know the same verbs: exists, create, remove; only a server makes copies.
"""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import replace

import urllib3
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from agent_sessions.turso.driver import dbapi
from agent_sessions.turso.driver.address import Address
from agent_sessions.turso.driver.unknown_outcome import RejectedError

TIMEOUT_SECONDS = 30

# What holds other tables goes before them: a virtual table takes its own shadows along, and no
# DROP finds a view that has lost its table.
HELD = """
SELECT type, name FROM sqlite_master
WHERE type IN ('view', 'trigger', 'table')
    AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'libsql\\_%' ESCAPE '\\'
ORDER BY type DESC, sql LIKE 'CREATE VIRTUAL TABLE%' DESC
"""


class Namespaces:
    """The databases of a server that was started with --enable-namespaces.

    Its admin interface makes them; the first part of the host name says which one is meant.
    """

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url.rstrip("/")

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
        """Raise ImproperlyConfigured if the server has one database for all names.

        Its admin interface makes namespaces all the same, and what is then done to one of them is
        done to the project's own database.
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
            f"The server at {database.url} has one database for all host names, so that tests "
            "would erase the project's own. Start it with --enable-namespaces, or leave out "
            "TEST['ADMIN_URL'] and write the address of another server into TEST['NAME']."
        )


class Emptied:
    """A database that somebody has made and gives to the tests. It exists if it holds tables."""

    def exists(self, database: Address) -> bool:
        with closing(dbapi.connect(database)) as connection:
            return connection.cursor().execute(HELD).fetchone() is not None

    def create(self, database: Address) -> None:
        pass

    def remove(self, database: Address) -> None:
        """Drop all that the database holds, in one transaction."""
        with closing(dbapi.connect(database)) as connection:
            cursor = connection.cursor()
            held = cursor.execute(HELD).fetchall()
            cursor.execute("PRAGMA foreign_keys = OFF")
            connection.begin()
            with connection.pipeline():
                for kind, name in held:
                    quoted = name.replace('"', '""')
                    cursor.execute(f'DROP {kind} IF EXISTS "{quoted}"')
                connection.commit()


def with_label(host: str, pattern: str) -> str:
    """Return `host` with another first part, where the name of a database stands."""
    return f"{pattern.format(_label(host))}.{host.partition('.')[2]}"


def _label(host: str) -> str:
    label, _, rest = host.partition(".")
    if not rest or host.replace(".", "").isdigit():
        raise ImproperlyConfigured(
            f"{host} does not begin with the name of a database, as 'shop.localhost' in "
            "'http://shop.localhost:8080' does. Beside TEST['ADMIN_URL'] it must."
        )
    return label
