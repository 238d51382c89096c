"""The connection: statements about itself, and its end."""

from __future__ import annotations

import unittest

from django.db import IntegrityError, OperationalError, ProgrammingError
from django.test import override_settings

from agent_sessions.turso.driver import dbapi
from tests.turso.connections import INSERT, RowsTestCase, run
from tests.turso.server import missing

FAMILY = """
CREATE TABLE child (
    id integer PRIMARY KEY, rows_id integer REFERENCES rows (id) DEFERRABLE INITIALLY DEFERRED
)
"""


@unittest.skipIf(missing(), missing())
class StatementTests(RowsTestCase):
    """Statements about the connection itself."""

    def tearDown(self) -> None:
        self.assertEqual(self.server.open_streams(), 0)

    def test_commit_and_rollback_as_sql(self) -> None:
        """Raw SQL begins and ends transactions, as Django's functions do."""
        for end in ("COMMIT", "END;", "ROLLBACK", "rollback transaction"):
            run(self.connection, "BEGIN")
            run(self.connection, "INSERT INTO rows DEFAULT VALUES")
            run(self.connection, end)

        self.assertEqual(self.rows(), [1, 2])

    def test_mode(self) -> None:
        """BEGIN without a mode gets the mode of the options; a mode in the SQL is kept."""
        for sql in ("BEGIN", "BEGIN DEFERRED"):
            run(self.connection, sql)
            run(self.connection, "SELECT 1")
            run(self.connection, "COMMIT")

        begun = [sql for request in self.proxy.requests for sql in request.sql if "BEGIN" in sql]
        self.assertEqual(begun, ["BEGIN IMMEDIATE", "BEGIN DEFERRED"])

    def test_misplaced(self) -> None:
        """A misplaced BEGIN or SAVEPOINT raises, and the connection stays usable."""
        with self.assertRaisesMessage(OperationalError, "is outside a transaction"):
            run(self.connection, "SAVEPOINT one")
        with self.atomic(), self.assertRaisesMessage(OperationalError, "within a transaction"):
            run(self.connection, "BEGIN")
        run(self.connection, "COMMIT")
        run(self.connection, "ROLLBACK")

        self.insert(1)
        self.assertEqual(self.rows(), [1])

    def test_autocommit_off(self) -> None:
        """Without autocommit a change begins a transaction; with it back on, that commits."""
        self.connection.set_autocommit(False)
        run(self.connection, "SELECT 1")
        self.assertFalse(self.connection.connection.in_transaction)
        self.insert(1)
        self.connection.rollback()
        self.insert(2)
        self.connection.commit()
        with self.atomic():
            self.insert(3)

        self.connection.set_autocommit(True)

        self.assertEqual(self.rows(), [2, 3])

    def test_foreign_keys_off(self) -> None:
        """PRAGMA foreign_keys applies to later statements, in transactions and outside."""
        run(self.connection, FAMILY)

        run(self.connection, "PRAGMA foreign_keys = OFF")
        run(self.connection, "INSERT INTO child (rows_id) VALUES (7)")
        with self.atomic():
            with self.assertRaises(OperationalError), self.atomic():
                run(self.connection, "SELEC 1")
            run(self.connection, "INSERT INTO child (rows_id) VALUES (8)")
            run(self.connection, "PRAGMA foreign_keys = ON")  # no effect here, as on SQLite
            run(self.connection, "INSERT INTO child (rows_id) VALUES (9)")
        run(self.connection, "PRAGMA foreign_keys = ON")

        with self.assertRaises(IntegrityError):
            run(self.connection, "INSERT INTO child (rows_id) VALUES (10)")
        self.assertEqual(run(self.connection, "SELECT count(*) FROM child"), [(3,)])


@unittest.skipIf(missing(), missing())
class DriverTests(RowsTestCase):
    """The driver without Django."""

    def connect(self) -> dbapi.Connection:
        return dbapi.connect(self.connection.address)

    def test_closed(self) -> None:
        """A closed connection refuses statements; closing it again does nothing."""
        connection = self.connect()
        cursor = connection.cursor()
        connection.close()
        connection.close()

        with self.assertRaisesMessage(dbapi.ProgrammingError, "closed database"):
            cursor.execute("SELECT 1")
        self.assertFalse(connection.is_usable)

    def test_closed_in_django(self) -> None:
        """Django's wrapper opens a new connection."""
        self.connection.close()

        self.insert(1)

        self.assertEqual(self.rows(), [1])

    def test_commit_without_a_transaction(self) -> None:
        """Commit and rollback without a transaction send nothing."""
        connection = self.connect()

        connection.commit()
        connection.rollback()

        self.assertEqual(self.proxy.requests, [])

    @override_settings(DEBUG=True)
    def test_log_of_queries(self) -> None:
        """With DEBUG, Django logs statements with their parameters, without another request."""
        self.connection.force_debug_cursor = True
        self.insert(1)

        self.assertEqual(self.connection.queries[-1]["sql"], INSERT.replace("%s", "1"))
        self.assertEqual(len(self.proxy.requests), 1)

    def test_several_statements_in_one(self) -> None:
        """Two statements in one string are refused, as by sqlite3."""
        with self.assertRaises(ProgrammingError):
            run(self.connection, "SELECT 1; SELECT 2")
