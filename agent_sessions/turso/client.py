"""The SQL shell of `manage.py dbshell`, which needs no other program."""

from __future__ import annotations

import code
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db import DatabaseError
from django.db.backends.base.client import BaseDatabaseClient
from django.db.backends.utils import CursorWrapper

if TYPE_CHECKING:
    from agent_sessions.turso.base import DatabaseWrapper

BANNER = "Statements end with a semicolon, and Ctrl-D ends the shell."


class DatabaseClient(BaseDatabaseClient):
    """Execute SQL from the command line, from standard input or from a prompt.

        manage.py dbshell
        manage.py dbshell -- "SELECT count(*) FROM agent_sessions"
        manage.py dbshell < fixes.sql

    Turso's shell (`turso db shell`) is not used, because it takes the token on its command line,
    where every user of the machine can read it.
    """

    connection: DatabaseWrapper

    def runshell(self, parameters: Iterable[str]) -> None:
        if given := list(parameters):
            self._execute_all(given)
        elif sys.stdin.isatty():
            _import_readline()
            Console(self).interact(f"Connected to {self.connection.address.url}. {BANNER}", "")
        else:
            self._execute_all([sys.stdin.read()])

    def execute_script(self, text: str) -> None:
        """Execute statements and print their rows, one on a line, with | between the values."""
        with self.connection.cursor() as cursor:
            for sql in self.connection.ops.prepare_sql_script(text):
                cursor.execute(sql)
                print_result(cursor)

    def _execute_all(self, texts: Iterable[str]) -> None:
        for text in texts:
            try:
                self.execute_script(text)
            except DatabaseError as error:
                raise CommandError(str(error)) from error


class Console(code.InteractiveConsole):
    """Python's interactive console, for SQL instead of Python."""

    def __init__(self, client: DatabaseClient) -> None:
        super().__init__()
        self._client = client

    def runsource(self, source: str, filename: str = "", symbol: str = "") -> bool:
        """Execute the typed text, or return True if the statement is incomplete."""
        if source.strip() and not sqlite3.complete_statement(source):
            return True
        if source.strip():
            try:
                self._client.execute_script(source)
            except DatabaseError as error:
                self.write(f"{error}\n")
        return False

    def raw_input(self, prompt: str = "") -> str:
        return input("sql> " if prompt == sys.ps1 else "...> ")


def print_result(cursor: CursorWrapper) -> None:
    if not cursor.description:
        return
    print_row(name for name, *_ in cursor.description)
    for row in cursor.fetchall():
        print_row(row)


def print_row(values: Iterable[Any]) -> None:
    sys.stdout.write("|".join("" if value is None else str(value) for value in values) + "\n")


def _import_readline() -> None:
    """Make the arrow keys work, where Python has the module."""
    with suppress(ImportError):
        import readline  # noqa: F401  # importing it is enough
