"""connection: what a transaction is, and what becomes of it when something fails in it."""

from __future__ import annotations

import threading
import unittest
from typing import Any

from django.db import IntegrityError, OperationalError, ProgrammingError, transaction
from django.test import override_settings

from agent_sessions.turso.driver import dbapi
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.proxy import Fault, Proxy, busy
from tests.turso.server import Server, missing

INSERT = "INSERT INTO rows (id) VALUES (%s)"
FAMILY = """
CREATE TABLE child (
    id integer PRIMARY KEY, rows_id integer REFERENCES rows (id) DEFERRABLE INITIALLY DEFERRED
)
"""


class ConnectionTestCase(WireTestCase):
    """A connection to an empty table `rows`, through a proxy."""

    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Server())

    def setUp(self) -> None:
        self.name = self.id().rsplit(".", 1)[1].replace("_", "-")
        self.server.create(self.name)
        self.proxy = self.enterContext(Proxy(self.server.port))
        self.connection = self.enterContext(connected(self.proxy.url(self.name), timeout=10))
        self.alias = self.connection.alias
        run(self.connection, "CREATE TABLE rows (id integer PRIMARY KEY, value text)")
        self.proxy.reset()

    def atomic(self) -> Any:
        return transaction.atomic(using=self.alias)

    def insert(self, number: int) -> None:
        run(self.connection, INSERT, [number])

    def rows(self) -> list[int]:
        """Return what is stored, as another connection sees it."""
        with connected(self.server.url(self.name)) as other:
            return [number for (number,) in run(other, "SELECT id FROM rows ORDER BY id")]


@unittest.skipIf(missing(), missing())
class TransactionTests(ConnectionTestCase):
    """Transactions as Django opens, marks and ends them."""

    def tearDown(self) -> None:
        self.assertEqual(self.server.open_streams(), 0)

    def test_integrity_error_in_a_savepoint(self) -> None:
        """The rollback to a savepoint undoes what is in it and nothing else."""
        with self.atomic():
            self.insert(1)
            with self.assertRaises(IntegrityError), self.atomic():
                self.insert(2)
                self.insert(1)
            self.insert(3)

        self.assertEqual(self.rows(), [1, 3])

    def test_error_in_the_first_statement(self) -> None:
        """What cannot be parsed stops BEGIN too, which then travels with the next statement."""
        for sql in ("SELEC 1", "SELECT * FROM missing"):
            with self.subTest(sql=sql), self.atomic():
                with self.assertRaises(OperationalError), self.atomic():
                    run(self.connection, sql)
                run(self.connection, "INSERT INTO rows DEFAULT VALUES")

        self.assertEqual(self.rows(), [1, 2])

    def test_deferred_constraint(self) -> None:
        """A COMMIT that fails rolls back, and is an IntegrityError."""
        run(self.connection, FAMILY)

        with self.assertRaises(IntegrityError), self.atomic():
            run(self.connection, "INSERT INTO child (rows_id) VALUES (7)")

        self.assertEqual(run(self.connection, "SELECT * FROM child"), [])
        self.insert(1)
        self.assertEqual(self.rows(), [1])

    def test_close_in_a_transaction(self) -> None:
        """To close rolls back, and lets nobody wait."""
        with self.atomic():
            self.insert(1)
            self.connection.close()

        self.assertEqual(self.server.open_streams(), 0)
        self.assertEqual(self.rows(), [])

    def test_commit_and_rollback_as_sql(self) -> None:
        """Raw SQL opens and ends transactions as well as Django's functions do."""
        for end in ("COMMIT", "END;", "ROLLBACK", "rollback transaction"):
            run(self.connection, "BEGIN")
            run(self.connection, "INSERT INTO rows DEFAULT VALUES")
            run(self.connection, end)

        self.assertEqual(self.rows(), [1, 2])

    def test_mode(self) -> None:
        """BEGIN without a mode takes that of the options; one with a mode is left as it is."""
        for sql in ("BEGIN", "BEGIN DEFERRED"):
            run(self.connection, sql)
            run(self.connection, "SELECT 1")
            run(self.connection, "COMMIT")

        begun = [sql for request in self.proxy.requests for sql in request.sql if "BEGIN" in sql]
        self.assertEqual(begun, ["BEGIN IMMEDIATE", "BEGIN DEFERRED"])

    def test_misplaced(self) -> None:
        """What stands in the wrong place is an error, and no harm."""
        with self.assertRaisesMessage(OperationalError, "is outside a transaction"):
            run(self.connection, "SAVEPOINT one")
        with self.atomic(), self.assertRaisesMessage(OperationalError, "within a transaction"):
            run(self.connection, "BEGIN")
        run(self.connection, "COMMIT")
        run(self.connection, "ROLLBACK")

        self.insert(1)
        self.assertEqual(self.rows(), [1])

    def test_rollback_over_another_savepoint(self) -> None:
        """A rollback undoes what waits in a savepoint that was released within it."""
        with self.atomic():
            with self.assertRaises(LookupError), self.atomic():
                with self.atomic():
                    pass
                raise LookupError

            self.assertEqual(run(self.connection, "SELECT 1"), [(1,)])

    def test_unknown_savepoint(self) -> None:
        """A savepoint that nobody has set is an error where it is used."""
        with self.atomic():
            self.insert(1)
            with self.assertRaisesMessage(OperationalError, "no such savepoint"):
                run(self.connection, "ROLLBACK TO nowhere")
            self.insert(2)

        self.assertEqual(self.rows(), [1, 2])

    def test_autocommit_off(self) -> None:
        """Without autocommit a change opens a transaction; to switch it on commits, as sqlite3."""
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
        """PRAGMA foreign_keys holds for what comes after it, in transactions and outside."""
        run(self.connection, FAMILY)

        run(self.connection, "PRAGMA foreign_keys = OFF")
        run(self.connection, "INSERT INTO child (rows_id) VALUES (7)")
        with self.atomic():
            with self.assertRaises(OperationalError), self.atomic():
                run(self.connection, "SELEC 1")
            run(self.connection, "INSERT INTO child (rows_id) VALUES (8)")
            run(self.connection, "PRAGMA foreign_keys = ON")  # nothing in a transaction, as SQLite
            run(self.connection, "INSERT INTO child (rows_id) VALUES (9)")
        run(self.connection, "PRAGMA foreign_keys = ON")

        with self.assertRaises(IntegrityError):
            run(self.connection, "INSERT INTO child (rows_id) VALUES (10)")
        self.assertEqual(run(self.connection, "SELECT count(*) FROM child"), [(3,)])

    def test_names_of_parameters(self) -> None:
        """Parameters may be named, and more be given than the statement names."""
        sql = "SELECT %(a)s, '%%(c)s', %(a)s"

        self.assertEqual(run(self.connection, sql, {"a": 1, "b": 2}), [(1, "%(c)s", 1)])

    def test_executemany(self) -> None:
        """Outside a transaction all rows are stored or none; in one a savepoint undoes them."""
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
        """A writer's patience ends after the time-out, and nothing of it is executed."""
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
        """A reader that writes after somebody else has is told at once, and loses nothing."""
        with self.assertRaisesMessage(OperationalError, "database is locked"):
            run(self.connection, "BEGIN DEFERRED")
            run(self.connection, "SELECT * FROM rows")
            with connected(self.server.url(self.name)) as other:
                run(other, INSERT, [1])
            self.insert(2)
        run(self.connection, "ROLLBACK")

        self.assertEqual(self.rows(), [1])


@unittest.skipIf(missing(), missing())
class LostTests(ConnectionTestCase):
    """A transaction that is lost stays lost until its end."""

    def test_every_statement_says_so(self) -> None:
        """Nothing is sent any more, not even by those who catch the error and go on."""
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
        """After an exception from outside, such as Ctrl+C, nobody knows what was executed."""

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
        """A change whose rows cannot be had is not repeated: outside it is done, inside lost."""
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


@unittest.skipIf(missing(), missing())
class DriverTests(ConnectionTestCase):
    """The driver by itself, without Django around it."""

    def connect(self) -> dbapi.Connection:
        return dbapi.connect(self.connection.address)

    def test_closed(self) -> None:
        """A closed connection says so; to close it again is nothing."""
        connection = self.connect()
        cursor = connection.cursor()
        connection.close()
        connection.close()

        with self.assertRaisesMessage(dbapi.ProgrammingError, "closed database"):
            cursor.execute("SELECT 1")
        self.assertFalse(connection.is_usable)

    def test_closed_in_django(self) -> None:
        """Django's wrapper opens a new one."""
        self.connection.close()

        self.insert(1)

        self.assertEqual(self.rows(), [1])

    def test_commit_without_a_transaction(self) -> None:
        """To commit or roll back nothing is nothing."""
        connection = self.connect()

        connection.commit()
        connection.rollback()

        self.assertEqual(self.proxy.requests, [])

    def test_unclosed_cursor_in_closed_cursor(self) -> None:
        """A cursor that is closed takes no statement, and gives no rows."""
        cursor = self.connect().cursor()
        cursor.close()

        with self.assertRaisesMessage(dbapi.ProgrammingError, "closed cursor"):
            cursor.execute("SELECT 1")
        with self.assertRaisesMessage(dbapi.ProgrammingError, "closed cursor"):
            cursor.fetchone()

    @override_settings(DEBUG=True)
    def test_log_of_queries(self) -> None:
        """With DEBUG Django logs each statement with its parameters, in no request of its own."""
        self.connection.force_debug_cursor = True
        self.insert(1)

        self.assertEqual(self.connection.queries[-1]["sql"], INSERT.replace("%s", "1"))
        self.assertEqual(len(self.proxy.requests), 1)

    def test_several_statements_in_one(self) -> None:
        """Two statements in one string are refused, as by sqlite3."""
        with self.assertRaises(ProgrammingError):
            run(self.connection, "SELECT 1; SELECT 2")
