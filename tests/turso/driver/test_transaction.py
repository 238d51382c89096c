"""Transactions: what they store, and what remains of them after an error."""

from __future__ import annotations

import threading
import unittest
from typing import Any

from django.db import IntegrityError, OperationalError, transaction

from agent_sessions.turso.driver import dbapi
from tests.turso.connections import INSERT, RowsTestCase, connected, run
from tests.turso.faults import Fault, busy
from tests.turso.server import missing

FAMILY = """
CREATE TABLE child (
    id integer PRIMARY KEY, rows_id integer REFERENCES rows (id) DEFERRABLE INITIALLY DEFERRED
)
"""


@unittest.skipIf(missing(), missing())
class TransactionTests(RowsTestCase):
    """Transactions as Django begins, marks and ends them."""

    def tearDown(self) -> None:
        self.assertEqual(self.server.open_streams(), 0)

    def test_integrity_error_in_a_savepoint(self) -> None:
        """The rollback to a savepoint undoes the statements in it and nothing else."""
        with self.atomic():
            self.insert(1)
            with self.assertRaises(IntegrityError), self.atomic():
                self.insert(2)
                self.insert(1)
            self.insert(3)

        self.assertEqual(self.rows(), [1, 3])

    def test_error_in_the_first_statement(self) -> None:
        """An SQL error in the first statement also stops BEGIN, which is sent with the next one."""
        for sql in ("SELEC 1", "SELECT * FROM missing"):
            with self.subTest(sql=sql), self.atomic():
                with self.assertRaises(OperationalError), self.atomic():
                    run(self.connection, sql)
                run(self.connection, "INSERT INTO rows DEFAULT VALUES")

        self.assertEqual(self.rows(), [1, 2])

    def test_deferred_constraint(self) -> None:
        """A COMMIT that fails rolls back and raises IntegrityError."""
        run(self.connection, FAMILY)

        with self.assertRaises(IntegrityError), self.atomic():
            run(self.connection, "INSERT INTO child (rows_id) VALUES (7)")

        self.assertEqual(run(self.connection, "SELECT * FROM child"), [])
        self.insert(1)
        self.assertEqual(self.rows(), [1])

    def test_close_in_a_transaction(self) -> None:
        """Closing rolls back, and no other connection has to wait."""
        with self.atomic():
            self.insert(1)
            self.connection.close()

        self.assertEqual(self.server.open_streams(), 0)
        self.assertEqual(self.rows(), [])

    def test_rollback_over_another_savepoint(self) -> None:
        """A rollback undoes a waiting savepoint that was released within it."""
        with self.atomic():
            with self.assertRaises(LookupError), self.atomic():
                with self.atomic():
                    pass
                raise LookupError

            self.assertEqual(run(self.connection, "SELECT 1"), [(1,)])

    def test_unknown_savepoint(self) -> None:
        """An unknown savepoint raises where it is used."""
        with self.atomic():
            self.insert(1)
            with self.assertRaisesMessage(OperationalError, "no such savepoint"):
                run(self.connection, "ROLLBACK TO nowhere")
            self.insert(2)

        self.assertEqual(self.rows(), [1, 2])

    def test_queue_of_writers(self) -> None:
        """A writer waits for its turn, outside a transaction and in one."""
        begun, go_on = threading.Event(), threading.Event()

        def other() -> None:
            with (
                connected(self.server.url(self.name)) as connection,
                transaction.atomic(using=connection.alias),
            ):
                run(connection, INSERT, [1])
                begun.set()
                go_on.wait(10)

        thread = threading.Thread(target=other)
        thread.start()
        begun.wait(10)
        threading.Timer(0.2, go_on.set).start()
        self.insert(2)
        with self.atomic():
            self.insert(3)
        thread.join()

        self.assertEqual(self.rows(), [1, 2, 3])

    def test_busy_for_too_long(self) -> None:
        """A writer that waited for `timeout` raises, and nothing of it is executed."""
        single = busy({"baton": None, "requests": [{"type": "execute"}, {}]})
        whole = busy({"baton": None, "requests": [{"type": "batch", "batch": {"steps": [1, 2]}}]})
        with connected(self.proxy.url(self.name), timeout=0.2) as connection:
            self.proxy.answer_with(200, single)
            with self.assertRaisesMessage(OperationalError, "database is locked"):
                run(connection, INSERT, [1])
            self.proxy.answer_with(200, whole)
            with (
                self.assertRaisesMessage(OperationalError, "database is locked"),
                transaction.atomic(using=connection.alias),
            ):
                run(connection, INSERT, [2])
            self.proxy.reset()
            run(connection, INSERT, [3])

        self.assertEqual(self.rows(), [3])

    def test_busy(self) -> None:
        """A reader that writes after another connection's write raises at once."""
        with self.assertRaisesMessage(OperationalError, "database is locked"):
            run(self.connection, "BEGIN DEFERRED")
            run(self.connection, "SELECT * FROM rows")
            with connected(self.server.url(self.name)) as other:
                run(other, INSERT, [1])
            self.insert(2)
        run(self.connection, "ROLLBACK")

        self.assertEqual(self.rows(), [1])


@unittest.skipIf(missing(), missing())
class LostTests(RowsTestCase):
    """A lost transaction stays lost until its end."""

    def test_every_statement_says_so(self) -> None:
        """Nothing more is sent, even if the error is caught."""
        with self.assertRaises(OperationalError), self.atomic():
            self.insert(1)
            self.proxy.arm(Fault.STATUS_500)
            for number in (2, 3):
                with self.assertRaises(OperationalError):
                    self.insert(number)
            sent = len(self.proxy.requests)
            with self.assertRaises(OperationalError):
                self.insert(4)
            self.assertEqual(len(self.proxy.requests), sent)
            self.assertFalse(self.connection.is_usable())

        self.assertTrue(self.connection.is_usable())
        self.assertEqual(self.rows(), [])

    def test_in_a_savepoint(self) -> None:
        """A rollback to a savepoint does not bring it back."""
        with self.assertRaises(transaction.TransactionManagementError), self.atomic():
            self.insert(1)
            self.proxy.arm(Fault.CUT_UNANSWERED)
            with self.assertRaises(OperationalError), self.atomic():
                self.insert(2)
            self.insert(3)

        self.assertEqual(self.rows(), [])

    def test_rollback_as_sql(self) -> None:
        """ROLLBACK ends it, as rollback() does."""
        run(self.connection, "BEGIN")
        self.insert(1)
        self.proxy.arm(Fault.STATUS_500)
        with self.assertRaises(OperationalError):
            self.insert(2)

        run(self.connection, "ROLLBACK")
        self.insert(3)

        self.assertEqual(self.rows(), [3])

    def test_interrupted(self) -> None:
        """After an exception such as Ctrl+C, it is unknown what was executed."""

        def interrupted(*arguments: Any, **options: Any) -> None:
            raise KeyboardInterrupt

        with self.assertRaises(OperationalError), self.atomic():
            self.insert(1)
            stream = self.connection.connection._stream
            stream.ask, kept = interrupted, stream.ask
            with self.assertRaises(KeyboardInterrupt):
                self.insert(2)
            stream.ask = kept
            self.insert(3)

        self.assertEqual(self.rows(), [])

    def test_unreachable_before_it_began(self) -> None:
        """A transaction that has not begun is not lost."""
        with self.atomic():
            self.proxy.arm(Fault.REFUSE)
            with self.assertRaises(OperationalError), self.atomic():
                self.insert(1)
            self.proxy.heal()
            self.insert(2)

        self.assertEqual(self.rows(), [2])

    def test_rows_too_large_to_return(self) -> None:
        """A change with too large rows is not repeated: outside it is done, inside lost."""
        for number in range(4):
            run(self.connection, "INSERT INTO rows VALUES (%s, %s)", [number, "x" * 3_000_000])
        change = "UPDATE rows SET id = id + 10 RETURNING *"

        with self.assertRaisesMessage(OperationalError, "was executed") as caught:
            run(self.connection, change)
        self.assertIsInstance(caught.exception.__cause__, dbapi.InDoubtError)
        self.assertEqual(self.rows(), [10, 11, 12, 13])

        with (
            self.assertRaises(OperationalError),
            self.atomic(),
            self.assertRaisesMessage(OperationalError, "too large"),
        ):
            run(self.connection, change)
        self.assertEqual(self.rows(), [10, 11, 12, 13])
