"""The engine: Django's SQLite backend with a libSQL server in the place of the file."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cached_property
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper

# Before its sister modules, which import it themselves.
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLiteWrapper
from django.utils.asyncio import async_unsafe

try:
    import urllib3  # noqa: F401  # the modules below import it
except ImportError as error:
    raise ImproperlyConfigured(
        "The database engine agent_sessions.turso needs urllib3, which is not installed. Install "
        "this package with its extra, as in pip install 'django-agent-sessions[turso]', or urllib3 "
        "alone: pip install 'urllib3>=2.8'."
    ) from error

from agent_sessions.turso.client import DatabaseClient
from agent_sessions.turso.creation import DatabaseCreation
from agent_sessions.turso.driver import dbapi as Database  # noqa: N812  # Django's name for a driver
from agent_sessions.turso.driver.address import Address, address_of, hide_token
from agent_sessions.turso.driver.connection import Connection
from agent_sessions.turso.driver.cursor import Cursor
from agent_sessions.turso.driver.statements import Result
from agent_sessions.turso.features import DatabaseFeatures
from agent_sessions.turso.operations import DatabaseOperations

try:
    with warnings.catch_warnings():
        # libsql-client imports names of sqlite3 that Python 3.12 deprecated, and leaves a database
        # in memory unclosed, of which Python 3.13 warns as soon as it is collected.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", ResourceWarning)
        from libsql.db.backends.sqlite3.base import DatabaseWrapper as LibSQLWrapper

        gc.collect()
except ImportError:
    # It is not installed, or cannot be imported: Python 3.14 has removed sqlite3.version, which
    # libsql-client 0.3.1 imports (https://github.com/python/cpython/issues/118924). The engine
    # loses nothing, because every method comes from Django's own wrapper, which stands before it.
    LibSQLWrapper = BaseDatabaseWrapper


class _Cursor(Cursor):
    """A cursor whose numbers raise Django's errors; in a pipeline to ask for them is to execute."""

    def __init__(self, connection: Connection, errors: AbstractContextManager[Any]) -> None:
        super().__init__(connection)
        self._errors = errors

    def _result(self) -> Result:
        with self._errors:
            return super()._result()


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
    creation_class = DatabaseCreation  # type: ignore[assignment]  # SQLite's is about files
    features_class = DatabaseFeatures
    ops_class = DatabaseOperations

    def __init__(self, settings_dict: dict[str, Any], alias: str = DEFAULT_DB_ALIAS) -> None:
        hide_token(settings_dict)
        super().__init__(settings_dict, alias)

    def get_connection_params(self) -> dict[str, Any]:
        address = self.address
        self.transaction_mode = address.transaction_mode
        return {"address": address}

    @property
    def address(self) -> Address:
        """Where the database is. Raises the ImproperlyConfigured that says what to write."""
        try:
            return address_of(self.settings_dict, self.alias)
        except ImproperlyConfigured as error:
            # Without the functions it passed through, whose variables hold the token.
            raise error.with_traceback(None) from None

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        # No functions are registered and no PRAGMA is sent: the server has its own functions, and
        # foreign keys are on.
        return Database.connect(**conn_params)

    def init_connection_state(self) -> None:
        # Django would check the server's version. Every libSQL server is newer than what it asks
        # for: not worth a round trip.
        pass

    def get_database_version(self) -> tuple[int, ...]:
        return self._server_version

    @cached_property
    def _server_version(self) -> tuple[int, ...]:
        # Expressions ask for it while they are compiled: once is enough, and no query of theirs.
        self.ensure_connection()
        with closing(self.connection.cursor()) as cursor:
            cursor.execute("SELECT sqlite_version()")
            return tuple(map(int, cursor.fetchone()[0].split(".")))

    def _start_transaction_under_autocommit(self) -> None:
        if self.settings_dict["OPTIONS"].get("transaction_mode"):
            super()._start_transaction_under_autocommit()
        else:
            # What Django logs without a mode; the connection knows the one that is meant.
            self.cursor().execute("BEGIN")

    def create_cursor(self, name: str | None = None) -> Any:
        return _Cursor(self.connection, self.wrap_database_errors)

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
