"""The engine: Django's SQLite backend with a libSQL server in the place of the file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

# Before its sister modules, which import it themselves.
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLiteWrapper
from django.utils.asyncio import async_unsafe

from agent_sessions.turso import dbapi as Database  # noqa: N812  # Django's name for a driver
from agent_sessions.turso.address import Address, address_of
from agent_sessions.turso.client import DatabaseClient
from agent_sessions.turso.connection import Connection
from agent_sessions.turso.creation import DatabaseCreation
from agent_sessions.turso.features import DatabaseFeatures
from agent_sessions.turso.operations import DatabaseOperations

try:
    with warnings.catch_warnings():
        # It imports names of sqlite3 that Python 3.12 deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        from libsql.db.backends.sqlite3.base import DatabaseWrapper as LibSQLWrapper
except ImportError:
    # libsql-client 0.3.1, on which django-libsql 0.1.3 stands, cannot be imported by Python 3.14,
    # which has removed sqlite3.version. Nothing of it is needed for more than its name.
    LibSQLWrapper = BaseDatabaseWrapper


class DatabaseWrapper(SQLiteWrapper, LibSQLWrapper):  # type: ignore[misc]  # it ships no types
    """A connection of Django to a database on a libSQL server.

    It is django-libsql's wrapper with Django's own SQLite wrapper before it: what django-libsql
    copied from Django 5.0 is taken from the Django that runs.
    """

    # "sqlite" is what Django, and every app with an as_sqlite(), asks for.
    vendor = "sqlite"
    display_name = "Turso"

    Database = Database
    client_class = DatabaseClient  # type: ignore[assignment]  # another program, not sqlite3's
    creation_class = DatabaseCreation
    features_class = DatabaseFeatures
    ops_class = DatabaseOperations

    # The server's REGEXP has no (?i), but a function of its own for it.
    operators = {
        **SQLiteWrapper.operators,
        "iregex": "IS NOT NULL AND regexpi(%s) ",
    }

    def get_connection_params(self) -> dict[str, Any]:
        address = self.address
        self.transaction_mode = address.transaction_mode
        return {"address": address}

    @property
    def address(self) -> Address:
        """Where the database is. Raises the ImproperlyConfigured that says what to write."""
        return address_of(self.settings_dict, self.alias)

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        # No functions are registered and no PRAGMA is sent: the server has its own functions, and
        # foreign keys are on.
        return Database.connect(**conn_params)

    def check_database_version_supported(self) -> None:
        # Every libSQL server is newer than what Django asks for: not worth a round trip.
        pass

    def get_database_version(self) -> tuple[int, ...]:
        with self.cursor() as cursor:
            cursor.execute("SELECT sqlite_version()")
            return tuple(map(int, cursor.fetchone()[0].split(".")))

    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor()

    def is_in_memory_db(self) -> bool:
        return False

    def is_usable(self) -> bool:
        return bool(self.connection.is_usable)

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        """Let statements wait for each other and travel together.

            with connection.pipeline(), transaction.atomic():
                cursor.execute(...)
                cursor.execute(...)

        They are sent as soon as a result is asked for, at the end of the transaction, or of the
        block; there an error surfaces, and what was sent with the statement that failed is rolled
        back with its transaction. Outside of atomic(), statements that travel together are a
        transaction of their own.
        """
        self.ensure_connection()
        with self.wrap_database_errors, self.connection.pipeline():
            yield
