"""Connections to a server or proxy, besides those of the settings."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, cast

from django.db import connections, transaction
from django.db.utils import ConnectionHandler
from django.test import RequestFactory, SimpleTestCase
from django.views.debug import ExceptionReporter

from agent_sessions.turso.base import DatabaseWrapper
from agent_sessions.turso.driver import dbapi
from tests.turso.proxy import Proxy
from tests.turso.server import Server

_numbers = itertools.count(1)


class WireTestCase(SimpleTestCase):
    """A test that creates its databases itself."""

    # pytest-django allows database access only if a test names one. This one is not used.
    databases = {"archive"}


def settings_of(url: str, *, password: str = "", **options: Any) -> dict[str, Any]:
    """Return an entry of DATABASES for the database at `url`."""
    return {
        "ENGINE": "agent_sessions.turso",
        "NAME": url,
        "PASSWORD": password,
        "OPTIONS": options,
    }


@contextmanager
def connected(url: str, *, password: str = "", **options: Any) -> Iterator[DatabaseWrapper]:
    """Open a connection under an alias, so that `atomic(using=connection.alias)` works."""
    alias = f"turso_{next(_numbers)}"
    handler = ConnectionHandler(
        {"default": {}, alias: settings_of(url, password=password, **options)}
    )
    connection = cast(DatabaseWrapper, handler[alias])
    connections[alias] = connection
    try:
        yield connection
    finally:
        connection.close()
        del connections[alias]


def run(connection: Any, sql: str, parameters: Any = None) -> list[Any]:
    """Execute a statement and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def page_about(error: BaseException) -> str:
    """Return Django's error pages, which show variables and settings."""
    reporter = ExceptionReporter(RequestFactory().get("/"), type(error), error, error.__traceback__)
    return reporter.get_traceback_html() + reporter.get_traceback_text()


def wrapper(name: str, *, alias: str = "turso", **test: Any) -> Any:
    """Return the connection of a DATABASES entry with `test` as its TEST."""
    entry = {"ENGINE": "agent_sessions.turso", "NAME": name, "TEST": test}
    return ConnectionHandler({"default": entry, alias: entry})[alias]


def execute(name: str, *statements: str) -> list[Any]:
    """Execute statements on a database and return the rows of the last one."""
    with closing(dbapi.connect(wrapper(name).address)) as connection:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


def tables(name: str) -> list[str]:
    sql = "SELECT name FROM sqlite_master ORDER BY name"
    return [table for (table,) in execute(name, sql)]


INSERT = "INSERT INTO rows (id) VALUES (%s)"


class RowsTestCase(WireTestCase):
    """A connection through a proxy to an empty table `rows`."""

    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Server())

    def setUp(self) -> None:
        self.name = self.id().rsplit(".", 1)[1].replace("_", "-")
        self.server.create(self.name)
        self.proxy = self.enterContext(Proxy(self.server.port))
        self.connection = self.enterContext(connected(self.proxy.url(self.name), timeout=10))
        self.alias = self.connection.alias
        run(self.connection, "CREATE TABLE rows (id integer PRIMARY KEY, value text)")
        self.proxy.reset()

    def atomic(self) -> Any:
        return transaction.atomic(using=self.alias)

    def insert(self, number: int) -> None:
        run(self.connection, INSERT, [number])

    def rows(self) -> list[int]:
        """Return the stored ids, as another connection sees them."""
        with connected(self.server.url(self.name)) as other:
            return [number for (number,) in run(other, "SELECT id FROM rows ORDER BY id")]
