"""The engine: Django's SQLite backend with a libSQL server instead of a file."""

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

# Before its sister modules: features and operations import from it, and it imports them.
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
        # libsql-client 0.3.1 (dbapi2/_reexports.py) imports sqlite3.version, deprecated in Python
        # 3.12 (https://github.com/python/cpython/issues/118924), and leaves a database in memory
        # unclosed, about which Python 3.13 warns when it is collected.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", ResourceWarning)
        from libsql.db.backends.sqlite3.base import DatabaseWrapper as LibSQLWrapper

        gc.collect()
except ImportError:
    # It is not installed, or cannot be imported: Python 3.14 has removed sqlite3.version. Nothing
    # is lost, because Django's wrapper comes first in the bases and has every method.
    LibSQLWrapper = BaseDatabaseWrapper


class _Cursor(Cursor):
    """A cursor whose properties raise Django's errors too.

    Django wraps the methods of a cursor only (CursorWrapper.__getattr__ in django/db/backends/
    utils.py), but in a pipeline `rowcount` executes a statement.
    """

    def __init__(self, connection: Connection, errors: AbstractContextManager[Any]) -> None:
        super().__init__(connection)
        self._errors = errors

    def _result(self) -> Result:
        with self._errors:
            return super()._result()


class DatabaseWrapper(SQLiteWrapper, LibSQLWrapper):  # type: ignore[misc]  # it ships no types
    """A Django connection to a database on a libSQL server.

    It extends django-libsql's wrapper, with Django's SQLite wrapper before it: the methods that
    django-libsql copied from Django 5.0 come from the installed Django.
    """

    # Django, and every app with an as_sqlite(), asks for "sqlite".
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
        """The database's address. Raises ImproperlyConfigured, which says what to write instead."""
        try:
            return address_of(self.settings_dict, self.alias)
        except ImproperlyConfigured as error:
            # Without the traceback: its functions' variables hold the token.
            raise error.with_traceback(None) from None

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        # Unlike Django's: a server takes no Python functions, and no PRAGMA is needed, because
        # libsql is built with foreign keys on (SQLITE_DEFAULT_FOREIGN_KEYS in libsql-ffi/build.rs
        # of https://github.com/tursodatabase/libsql).
        return Database.connect(**conn_params)

    def init_connection_state(self) -> None:
        # Django checks the server's version here. Every libSQL server is newer than the minimum,
        # and the check would cost a request.
        pass

    def get_database_version(self) -> tuple[int, ...]:
        return self._server_version

    @cached_property
    def _server_version(self) -> tuple[int, ...]:
        # Cached, because expressions ask for it while they are compiled.
        self.ensure_connection()
        with closing(self.connection.cursor()) as cursor:
            cursor.execute("SELECT sqlite_version()")
            return tuple(map(int, cursor.fetchone()[0].split(".")))

    def _start_transaction_under_autocommit(self) -> None:
        # Django logs the statement: "BEGIN IMMEDIATE" if a mode is set (Django 5.1's option,
        # https://code.djangoproject.com/ticket/29280), else "BEGIN", to which the driver's
        # connection adds the default mode.
        if self.settings_dict["OPTIONS"].get("transaction_mode"):
            super()._start_transaction_under_autocommit()
        else:
            self.cursor().execute("BEGIN")

    def create_cursor(self, name: str | None = None) -> Any:
        return _Cursor(self.connection, self.wrap_database_errors)

    def is_in_memory_db(self) -> bool:
        return False

    def is_usable(self) -> bool:
        return bool(self.connection.is_usable)

    @contextmanager
    def pipeline(self) -> Iterator[None]:
        """Send statements together, in as few requests as their results allow.

            with connection.pipeline(), transaction.atomic():
                cursor.execute(...)
                cursor.execute(...)

        Statements wait until a result is asked for, or the transaction or the block ends. An error
        surfaces there, and rolls back the transaction with everything that was sent in it. Outside
        of atomic(), statements that are sent together are a transaction.
        """
        self.ensure_connection()
        with self.wrap_database_errors, self.connection.pipeline():
            yield
