"""pipeline(): which statements wait, when they are sent, and where their errors surface."""

from __future__ import annotations

import unittest

from django.db import IntegrityError, OperationalError

from agent_sessions.turso.driver.dbapi import InDoubtError
from tests.turso.connections import INSERT, RowsTestCase, run
from tests.turso.faults import Fault
from tests.turso.server import missing


@unittest.skipIf(missing(), missing())
class PipelineTests(RowsTestCase):
    """Statements that wait for each other."""

    def tearDown(self) -> None:
        self.assertEqual(self.server.open_streams(), 0)

    def wait_with(self, number: int) -> None:
        """Insert a row without asking for a result."""
        with self.connection.cursor() as cursor:
            cursor.execute(INSERT, [number])

    def test_result(self) -> None:
        """Asking for a result sends everything that waits, in order."""
        with self.connection.pipeline(), self.connection.cursor() as cursor:
            self.wait_with(1)
            cursor.execute("SELECT count(*) FROM rows")
            self.assertEqual(self.proxy.requests, [])

            self.assertEqual(cursor.fetchall(), [(1,)])
            self.assertEqual(len(self.proxy.requests), 1)

    def test_rowcount_and_lastrowid(self) -> None:
        """They are results too, and their errors are Django's."""
        with self.connection.pipeline(), self.connection.cursor() as cursor:
            cursor.execute(INSERT, [7])
            self.assertEqual((cursor.rowcount, cursor.lastrowid), (1, 7))
            cursor.execute(INSERT, [7])
            with self.assertRaises(IntegrityError):
                cursor.rowcount  # noqa: B018  # to ask is what is tested

    def test_outside_a_transaction(self) -> None:
        """Statements that are sent together are stored together, or not at all."""
        with self.assertRaises(IntegrityError), self.connection.pipeline():
            self.wait_with(1)
            self.wait_with(1)

        self.assertEqual(self.rows(), [])

    def test_one_statement(self) -> None:
        """A single statement needs no transaction."""
        with self.connection.pipeline():
            self.wait_with(1)

        self.assertEqual(self.proxy.requests[0].sql, [INSERT.replace("%s", "?")])

    def test_readers_need_not_queue(self) -> None:
        """Reads that are sent together do not wait for the lock."""
        with self.connection.pipeline(), self.connection.cursor() as one:
            one.execute("SELECT 1")
            with self.connection.cursor() as two:
                two.execute("SELECT 2")

        self.assertEqual(self.proxy.requests[0].sql[0], "BEGIN DEFERRED")

    def test_reads_of_unknown_outcome(self) -> None:
        """Reads are never in doubt: their failure is a plain error."""
        with self.assertRaises(OperationalError) as caught, self.connection.pipeline():
            for _ in range(2):
                with self.connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
            self.connection.connection._stream.ask = self.cut

        self.assertNotIsInstance(caught.exception.__cause__, InDoubtError)
        self.connection.close()

    def cut(self, *arguments: object, **options: object) -> None:
        from agent_sessions.turso.driver.unknown_outcome import UnansweredError

        raise UnansweredError("cut")

    def test_error_in_the_block(self) -> None:
        """After an exception, waiting statements are never sent, and their cursors raise."""
        cursor = self.connection.cursor()
        with self.assertRaises(ZeroDivisionError), self.connection.pipeline():
            cursor.execute(INSERT, [1])
            raise ZeroDivisionError

        self.assertEqual(self.proxy.requests, [])
        with self.assertRaisesMessage(OperationalError, "was not executed"):
            cursor.fetchall()

    def test_error_in_a_block_within_a_transaction(self) -> None:
        """In a transaction they are committed or rolled back with it, as without a pipeline."""
        with self.atomic():
            self.insert(1)
            with self.assertRaises(ZeroDivisionError), self.connection.pipeline():
                self.wait_with(2)
                raise ZeroDivisionError
            with self.assertRaises(ZeroDivisionError), self.atomic(), self.connection.pipeline():
                self.wait_with(3)
                raise ZeroDivisionError

        self.assertEqual(self.rows(), [1, 2])

    def test_rolled_back_before_it_was_sent(self) -> None:
        """A statement that was rolled back before it was sent has an error, not no rows."""
        cursor = self.connection.cursor()
        with self.connection.pipeline():
            with self.assertRaises(ZeroDivisionError), self.atomic():
                cursor.execute("SELECT 1")
                raise ZeroDivisionError
            with self.assertRaisesMessage(OperationalError, "rolled back"):
                cursor.fetchall()

        self.assertEqual(self.proxy.requests, [])

    def test_error_of_an_earlier_statement(self) -> None:
        """An error that surfaces late loses the transaction, even if it is caught."""
        with self.assertRaises(OperationalError), self.connection.pipeline(), self.atomic():
            self.wait_with(1)
            self.wait_with(1)
            with self.assertRaises(IntegrityError):
                run(self.connection, "SELECT 1")
            with self.assertRaisesMessage(OperationalError, "was lost"):
                self.wait_with(2)

        self.assertEqual(self.rows(), [])

    def test_error_within_a_savepoint(self) -> None:
        """If an error stopped only statements within a savepoint, its rollback undoes them."""
        with self.connection.pipeline(), self.atomic():
            self.wait_with(1)
            with self.assertRaises(IntegrityError), self.atomic():
                self.wait_with(2)
                self.wait_with(1)
                self.wait_with(3)
                run(self.connection, "SELECT 1")
            self.wait_with(4)

        self.assertEqual(self.rows(), [1, 4])

    def test_error_at_the_end_of_a_nested_block(self) -> None:
        """The errors of a nested block surface in it, and its savepoint undoes them."""
        with self.connection.pipeline(), self.atomic():
            self.wait_with(1)
            with self.assertRaises(IntegrityError), self.atomic():
                self.wait_with(2)
                self.wait_with(1)
            self.wait_with(3)

        self.assertEqual(self.rows(), [1, 3])

    def test_error_before_a_savepoint(self) -> None:
        """An error from before a savepoint is neither undone by it nor forgotten."""
        with (
            self.assertRaisesMessage(OperationalError, "was lost"),
            self.connection.pipeline(),
            self.atomic(),
        ):
            self.wait_with(1)
            self.wait_with(1)
            with self.assertRaises(IntegrityError), self.atomic():
                run(self.connection, "SELECT 1")

        self.assertEqual(self.rows(), [])

    def test_rolled_back_to_a_savepoint_before_it_was_sent(self) -> None:
        """Statements that a savepoint undoes are never sent, and have no errors."""
        with self.connection.pipeline(), self.atomic():
            self.wait_with(1)
            with self.assertRaises(KeyError), self.atomic():
                self.wait_with(2)
                self.wait_with(1)
                raise KeyError
            self.wait_with(3)

        self.assertEqual(self.rows(), [1, 3])

    def test_error_before_a_nested_savepoint(self) -> None:
        """An outer block's error surfaces before a nested block, and the outer undoes it."""
        with self.connection.pipeline(), self.atomic():
            self.wait_with(1)
            with self.assertRaises(OperationalError), self.atomic():
                self.wait_with(1)
                with self.assertRaises(IntegrityError), self.atomic():
                    self.wait_with(2)
            self.wait_with(3)

        self.assertEqual(self.rows(), [1, 3])

    def test_unreachable(self) -> None:
        """If statements did not reach the server, the transaction cannot go on."""
        with self.assertRaises(OperationalError), self.connection.pipeline(), self.atomic():
            self.wait_with(1)
            self.proxy.arm(Fault.REFUSE)
            with self.assertRaises(OperationalError):
                run(self.connection, "SELECT 1")
            self.proxy.heal()
            self.wait_with(2)

        self.assertEqual(self.rows(), [])

    def test_more_than_an_answer_holds(self) -> None:
        """A result too large for an answer raises among others, and says what to do."""
        for _ in range(4):
            run(self.connection, "INSERT INTO rows (value) VALUES (%s)", ["x" * 3_000_000])

        with (
            self.assertRaisesMessage(OperationalError, "fewer rows"),
            self.connection.pipeline(),
            self.atomic(),
        ):
            self.wait_with(10)
            run(self.connection, "SELECT * FROM rows")
        with self.assertRaisesMessage(OperationalError, "fewer rows"), self.connection.pipeline():
            self.wait_with(11)
            run(self.connection, "SELECT * FROM rows")

        self.assertEqual(self.rows(), [1, 2, 3, 4])

    def test_nested_pipelines(self) -> None:
        """A pipeline within another sends nothing at its end."""
        with self.connection.pipeline():
            with self.connection.pipeline():
                self.wait_with(1)
            self.assertEqual(self.proxy.requests, [])

        self.assertEqual(self.rows(), [1])

    def test_begin_sends_what_waits(self) -> None:
        """Statements before a transaction are not part of it."""
        with self.connection.pipeline():
            self.wait_with(1)
            with self.assertRaises(IntegrityError), self.atomic():
                self.insert(2)
                self.insert(2)

        self.assertEqual(self.rows(), [1])

    def test_commit_without_a_transaction(self) -> None:
        """A commit sends what waits."""
        with self.connection.pipeline():
            self.wait_with(1)
            self.connection.connection.commit()

            self.assertEqual(self.rows(), [1])
