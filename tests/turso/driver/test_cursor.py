"""The cursor: parameters, many rows and its end."""

from __future__ import annotations

import unittest

from django.db import IntegrityError

from agent_sessions.turso.driver import dbapi
from tests.turso.connections import INSERT, RowsTestCase, run
from tests.turso.server import missing


@unittest.skipIf(missing(), missing())
class CursorTests(RowsTestCase):
    """A cursor on a real server."""

    def tearDown(self) -> None:
        self.assertEqual(self.server.open_streams(), 0)

    def test_names_of_parameters(self) -> None:
        """Parameters may be named, and some may be unused."""
        sql = "SELECT %(a)s, '%%(c)s', %(a)s"

        self.assertEqual(run(self.connection, sql, {"a": 1, "b": 2}), [(1, "%(c)s", 1)])

    def test_executemany(self) -> None:
        """Outside a transaction all rows are stored or none; inside, a savepoint undoes them."""
        with self.connection.cursor() as cursor:
            with self.assertRaises(IntegrityError):
                cursor.executemany(INSERT, [(1,), (2,), (1,), (3,)])
            self.assertEqual(self.rows(), [])
            with self.atomic():
                with self.assertRaises(IntegrityError), self.atomic():
                    cursor.executemany(INSERT, [(1,), (2,), (1,), (3,)])
                cursor.executemany(INSERT, [])
                cursor.executemany(INSERT, [(4,), (5,)])
                self.assertEqual(cursor.rowcount, 2)

        self.assertEqual(self.rows(), [4, 5])

    def test_closed(self) -> None:
        """A closed cursor executes no statement and returns no rows."""
        cursor = dbapi.connect(self.connection.address).cursor()
        cursor.close()

        with self.assertRaisesMessage(dbapi.ProgrammingError, "closed cursor"):
            cursor.execute("SELECT 1")
        with self.assertRaisesMessage(dbapi.ProgrammingError, "closed cursor"):
            cursor.fetchone()
