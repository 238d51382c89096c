"""Savepoints are followed in the driver, so that a wrong name raises where it is used."""

from __future__ import annotations

import unittest

from agent_sessions.turso.driver.errors import OperationalError
from agent_sessions.turso.driver.savepoints import Savepoints
from agent_sessions.turso.driver.statements import Statement
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.server import Server, missing


class SavepointsTests(unittest.TestCase):
    def setUp(self) -> None:
        self.savepoints = Savepoints()

    def follow(self, *statements: str) -> None:
        for sql in statements:
            self.savepoints.follow(Statement(sql))

    def test_names_are_written_in_many_ways(self) -> None:
        """Names are quoted or not, in any case, with SAVEPOINT after the verb or without."""
        self.follow('SAVEPOINT "a b"', "savepoint s1;", "Rollback Transaction To S1")

        self.follow("ROLLBACK TO SAVEPOINT s1", "RELEASE s1", 'RELEASE SAVEPOINT "A B"')

    def test_a_release_takes_later_ones_along(self) -> None:
        """A release ends the savepoints within it."""
        self.follow("SAVEPOINT a", "SAVEPOINT b", "RELEASE a")

        with self.assertRaisesRegex(OperationalError, "no such savepoint: b"):
            self.follow("RELEASE b")

    def test_a_rollback_keeps_its_savepoint(self) -> None:
        """A rollback keeps its own savepoint and ends the later ones."""
        self.follow("SAVEPOINT a", "SAVEPOINT b", "ROLLBACK TO a", "ROLLBACK TO a")

        with self.assertRaisesRegex(OperationalError, "no such savepoint: b"):
            self.follow("ROLLBACK TO b")

    def test_the_innermost_of_a_name_is_meant(self) -> None:
        """A name that was set twice means the innermost savepoint."""
        self.follow("SAVEPOINT a", "SAVEPOINT b", "SAVEPOINT a", "RELEASE a", "RELEASE b")

        self.follow("RELEASE a")

    def test_other_statements(self) -> None:
        """Other statements are ignored, and invalid ones are left to the server."""
        self.follow(
            "SELECT 'RELEASE a'", "INSERT INTO t VALUES ('SAVEPOINT a')", "BEGIN", "SAVEPOINT"
        )
        self.follow("RELEASE ;")

        with self.assertRaisesRegex(OperationalError, "no such savepoint: a"):
            self.follow("RELEASE a")


@unittest.skipIf(missing(), missing())
class ServerTests(WireTestCase):
    def test_the_transaction_survives_a_wrong_name(self) -> None:
        """As on SQLite, the statement fails and nothing else."""
        server = self.enterContext(Server())
        connection = self.enterContext(connected(server.create("shop")))
        run(connection, "CREATE TABLE rows (id integer)")

        run(connection, "BEGIN")
        run(connection, "INSERT INTO rows VALUES (1)")
        with self.assertRaisesRegex(connection.Database.OperationalError, "no such savepoint"):
            connection.connection.cursor().execute("ROLLBACK TO SAVEPOINT nowhere")
        run(connection, "INSERT INTO rows VALUES (2)")
        run(connection, "COMMIT")

        self.assertEqual(run(connection, "SELECT id FROM rows"), [(1,), (2,)])
