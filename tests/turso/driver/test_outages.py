"""A server that restarts, and transactions that last too long for it."""

from __future__ import annotations

import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, transaction

from agent_sessions.turso.base import DatabaseWrapper
from agent_sessions.turso.driver.dbapi import InDoubtError
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.server import Server, missing

pytestmark = pytest.mark.exhaustive

INSERT = "INSERT INTO rows (number, value) VALUES (%s, %s)"
TABLE = "CREATE TABLE rows (number integer NOT NULL, value text NOT NULL)"
BOUND_SECONDS = 12


def write(connection: DatabaseWrapper, number: int) -> None:
    run(connection, INSERT, [number, "one"])


@unittest.skipIf(missing(), missing())
class RestartTests(WireTestCase):
    """The server is killed, as by a power cut, and started again."""

    def setUp(self) -> None:
        self.server = self.enterContext(Server())
        self.url = self.server.create("shop")
        self.connection = self.enterContext(connected(self.url))
        run(self.connection, TABLE)

    def restart(self) -> None:
        self.server.stop()
        self.server.start()

    def rows(self) -> int:
        ((count,),) = run(self.connection, "SELECT count(*) FROM rows")
        return int(count)

    def test_between_statements(self) -> None:
        """Outside a transaction, a restart has no effect."""
        write(self.connection, 1)

        self.restart()
        write(self.connection, 2)

        self.assertEqual(self.rows(), 2)

    def test_in_a_transaction(self) -> None:
        """A transaction is lost as a whole, and the connection can be used again."""
        with self.assertRaises(OperationalError), transaction.atomic(using=self.connection.alias):
            write(self.connection, 1)
            self.restart()
            write(self.connection, 2)

        self.assertEqual(self.rows(), 0)
        write(self.connection, 3)
        self.assertEqual(self.rows(), 1)

    def test_before_commit(self) -> None:
        """COMMIT after a restart raises, with a known outcome: nothing is stored."""
        with (
            self.assertRaises(OperationalError) as caught,
            transaction.atomic(using=self.connection.alias),
        ):
            write(self.connection, 1)
            self.restart()

        self.assertNotIsInstance(caught.exception.__cause__, InDoubtError)
        self.assertEqual(self.rows(), 0)

    def test_while_it_is_down(self) -> None:
        """While the server is down, statements raise after a bounded time."""
        self.server.stop()

        began = time.monotonic()
        with self.assertRaisesMessage(OperationalError, "cannot be reached"):
            write(self.connection, 1)

        self.assertLess(time.monotonic() - began, 5)
        self.server.start()
        write(self.connection, 2)
        self.assertEqual(self.rows(), 1)


@unittest.skipIf(missing(), missing())
class TimeTests(WireTestCase):
    """Idle transactions, in real seconds, because the server's limits are fixed."""

    def test_waiting(self) -> None:
        """Only open transactions are lost by waiting, as a whole."""
        with Server() as server, ThreadPoolExecutor() as pool:
            waits = [
                self.idle_outside_a_transaction,
                self.idle_in_a_transaction,
                self.idle_before_commit,
                self.robbed_of_a_transaction,
            ]
            results = [
                pool.submit(wait, server.create(wait.__name__.replace("_", "-"))) for wait in waits
            ]

            for result in results:
                result.result()

    def idle_outside_a_transaction(self, url: str) -> None:
        """A model may think for 15 seconds between two statements."""
        with connected(url) as connection:
            run(connection, TABLE)
            write(connection, 1)

            time.sleep(15)
            write(connection, 2)

            assert run(connection, "SELECT number FROM rows ORDER BY 1") == [(1,), (2,)]

    def idle_in_a_transaction(self, url: str) -> None:
        """A transaction that is idle for 12 seconds is lost, and nothing runs outside of it."""
        with connected(url) as connection:
            run(connection, TABLE)

            with self.assertRaises(OperationalError), transaction.atomic(using=connection.alias):
                write(connection, 1)
                time.sleep(12)
                for number in (2, 3):
                    with self.assertRaises(OperationalError):
                        write(connection, number)

            assert run(connection, "SELECT number FROM rows") == []
            write(connection, 4)
            assert run(connection, "SELECT number FROM rows") == [(4,)]

    def idle_before_commit(self, url: str) -> None:
        """COMMIT after 12 idle seconds raises, with a known outcome: nothing is stored."""
        with connected(url) as connection:
            run(connection, TABLE)

            with (
                self.assertRaises(OperationalError) as caught,
                transaction.atomic(using=connection.alias),
            ):
                write(connection, 1)
                time.sleep(12)

            assert not isinstance(caught.exception.__cause__, InDoubtError)
            assert run(connection, "SELECT number FROM rows") == []

    def robbed_of_a_transaction(self, url: str) -> None:
        """After 5 seconds a waiting writer takes over; the holder's later statements don't run."""

        def second_writer() -> None:
            with connected(url) as connection:
                write(connection, 2)

        with connected(url) as holder:
            run(holder, TABLE)

            with self.assertRaises(OperationalError), transaction.atomic(using=holder.alias):
                write(holder, 1)
                thread = threading.Thread(target=second_writer)
                thread.start()
                thread.join(BOUND_SECONDS)
                for number in (3, 4):
                    with self.assertRaises(OperationalError):
                        write(holder, number)

            assert run(holder, "SELECT number FROM rows") == [(2,)]
            write(holder, 5)
            assert run(holder, "SELECT number FROM rows ORDER BY 1") == [(2,), (5,)]
