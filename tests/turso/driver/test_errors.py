"""Each error code of a server becomes an exception of PEP 249."""

from __future__ import annotations

import sqlite3
import unittest

from django.db import DatabaseError, DataError, IntegrityError, OperationalError, ProgrammingError

from agent_sessions.turso.driver.errors import error_of, is_busy, is_too_large
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.server import Server, missing


class ErrorTests(unittest.TestCase):
    """Codes and texts."""

    def test_classes(self) -> None:
        """The class comes from the code; an extended code has the class of the plain one."""
        for code, kind in {
            "SQLITE_CONSTRAINT": sqlite3.IntegrityError,
            "SQLITE_CONSTRAINT_UNIQUE": sqlite3.IntegrityError,
            "SQLITE_MISMATCH": sqlite3.IntegrityError,
            "SQLITE_TOOBIG": sqlite3.DataError,
            "SQLITE_RANGE": sqlite3.ProgrammingError,
            "SQLITE_INTERNAL": sqlite3.InternalError,
            "ARGS_INVALID": sqlite3.ProgrammingError,
            "SQLITE_BUSY": sqlite3.OperationalError,
            "TRANSACTION_TIMEOUT": sqlite3.OperationalError,
            "OF_TOMORROW": sqlite3.OperationalError,
            None: sqlite3.OperationalError,
        }.items():
            with self.subTest(code=code):
                self.assertIs(type(error_of({"message": "wrong", "code": code})), kind)

    def test_words(self) -> None:
        """The text has no prefix; a missing one is replaced."""
        self.assertEqual(
            str(error_of({"message": "SQLite error: no such table: x"})), "no such table: x"
        )
        self.assertEqual(str(error_of({})), "The server gave no reason.")

    def test_questions(self) -> None:
        """is_busy() and is_too_large() look at the code."""
        self.assertTrue(is_busy(error_of({"message": "", "code": "SQLITE_BUSY_SNAPSHOT"})))
        self.assertFalse(is_busy(ValueError("SQLITE_BUSY")))
        too_large = error_of({"message": "Response is too large", "code": "RESPONSE_TOO_LARGE"})
        self.assertTrue(is_too_large(too_large))
        self.assertEqual(
            str(too_large),
            "Response is too large. Ask for fewer rows at once, or for fewer columns.",
        )


@unittest.skipIf(missing(), missing())
class ServerErrorTests(WireTestCase):
    """A real server's errors, as Django's exceptions."""

    def test_errors(self) -> None:
        """They have the classes, and mostly the texts, of Django's SQLite backend."""
        with Server() as server, connected(server.create("shop")) as connection:
            run(connection, "CREATE TABLE rows (id integer PRIMARY KEY, n integer CHECK (n > 0))")
            run(connection, "INSERT INTO rows VALUES (1, 1)")
            for sql, error, words in [
                ("INSERT INTO rows VALUES (1, 1)", IntegrityError, "UNIQUE constraint failed"),
                ("INSERT INTO rows VALUES (2, -1)", IntegrityError, "CHECK constraint failed"),
                ("INSERT INTO rows VALUES ('x', 1)", IntegrityError, "datatype mismatch"),
                ("SELECT * FROM missing", OperationalError, "no such table: missing"),
                ("SELECT missing FROM rows", OperationalError, "no such column: missing"),
                ("SELEC 1", OperationalError, "syntax error"),
                ("", DatabaseError, ""),
                ("SELECT zeroblob(2000000000)", DataError, "too big"),
                ("SELECT ?", ProgrammingError, ""),
            ]:
                with self.subTest(sql=sql), self.assertRaises(error) as caught:
                    run(connection, sql, [1, 2] if sql == "SELECT ?" else None)
                self.assertIn(words, str(caught.exception))
