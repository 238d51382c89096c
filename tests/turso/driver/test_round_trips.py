"""Round trips, counted by a proxy between engine and server."""

from __future__ import annotations

import unittest
from concurrent.futures import ThreadPoolExecutor

from django.db import transaction

from agent_sessions.turso.base import DatabaseWrapper
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.proxy import Proxy
from tests.turso.server import Server, missing

INSERT = "INSERT INTO rows (value) VALUES (%s)"


class RolledBackError(Exception):
    """Raised by a test to roll back a transaction."""


@unittest.skipIf(missing(), missing())
class RoundTripTests(WireTestCase):
    """The number of requests of each operation; no stream is left open."""

    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Server())
        with connected(cls.server.create("shop")) as connection:
            run(connection, "CREATE TABLE rows (id integer PRIMARY KEY, value text)")

    def setUp(self) -> None:
        self.proxy = self.enterContext(Proxy(self.server.port))
        self.connection = self.enterContext(connected(self.proxy.url("shop")))
        self.alias = self.connection.alias

    def tearDown(self) -> None:
        self.assertEqual(self.server.open_streams(), 0)

    def assert_requests(self, count: int) -> None:
        """Assert the number of requests, and that the last one closed its stream."""
        sent = [request.sql for request in self.proxy.requests]
        self.assertEqual(len(sent), count, sent)
        self.assertTrue(not count or self.proxy.requests[-1].closes)

    def insert(self, number: int) -> None:
        run(self.connection, INSERT, [str(number)])

    def test_first_query_on_a_new_connection(self) -> None:
        """Nothing is sent before the first query."""
        self.assertEqual(run(self.connection, "SELECT 1"), [(1,)])

        self.assert_requests(1)

    def test_each_further_statement(self) -> None:
        """A statement outside a transaction is one request, which closes its stream."""
        for number in range(5):
            run(self.connection, "SELECT 1")
            self.insert(number)

        self.assert_requests(10)
        self.assertTrue(all(request.closes for request in self.proxy.requests))

    def test_hundred_statements(self) -> None:
        """A hundred statements share one TCP connection."""
        for _ in range(100):
            run(self.connection, "SELECT 1")

        self.assert_requests(100)
        self.assertEqual(self.proxy.connections, 1)

    def test_new_connections_of_django(self) -> None:
        """A new Django connection uses the TCP connection of the closed one."""
        for _ in range(5):
            run(self.connection, "SELECT 1")
            self.connection.close()

        self.assert_requests(5)
        self.assertEqual(self.proxy.connections, 1)

    def test_atomic(self) -> None:
        """A block of five statements is six requests: BEGIN is sent with the first."""
        with transaction.atomic(using=self.alias):
            for number in range(5):
                self.insert(number)

        self.assert_requests(6)

    def test_nested_atomic(self) -> None:
        """Savepoints are sent with the statements in and after them."""
        with transaction.atomic(using=self.alias):
            self.insert(1)
            for number in range(3):
                with transaction.atomic(using=self.alias), transaction.atomic(using=self.alias):
                    self.insert(number)
            self.insert(5)

        self.assert_requests(6)

    def test_empty_atomic(self) -> None:
        """A block without statements sends nothing."""
        with transaction.atomic(using=self.alias), transaction.atomic(using=self.alias):
            pass

        self.assert_requests(0)

    def test_rollback_before_anything_was_sent(self) -> None:
        """Without statements, a rollback sends nothing either."""
        with self.assertRaises(RolledBackError), transaction.atomic(using=self.alias):
            raise RolledBackError

        self.assert_requests(0)

    def test_rollback(self) -> None:
        """A rollback is a request, which closes the stream."""
        with self.assertRaises(RolledBackError), transaction.atomic(using=self.alias):
            self.insert(1)
            raise RolledBackError

        self.assert_requests(2)

    def test_rollback_to_a_savepoint(self) -> None:
        """A savepoint and its rollback are sent with the next statement."""
        with transaction.atomic(using=self.alias):
            self.insert(1)
            with self.assertRaises(RolledBackError), transaction.atomic(using=self.alias):
                self.insert(2)
                raise RolledBackError
            self.insert(3)

        self.assert_requests(4)

    def test_atomic_in_a_pipeline(self) -> None:
        """A transaction of five statements is one request."""
        with self.connection.pipeline(), transaction.atomic(using=self.alias):
            self.statements_that_wait(self.connection, 5)

        self.assert_requests(1)

    def test_nested_atomic_in_a_pipeline(self) -> None:
        """A nested block is a request, because its errors must surface in it."""
        with self.connection.pipeline(), transaction.atomic(using=self.alias):
            self.statements_that_wait(self.connection, 5)
            with transaction.atomic(using=self.alias):
                self.statements_that_wait(self.connection, 3)

        self.assert_requests(3)

    def test_pipeline(self) -> None:
        """Without a transaction, five statements are one request too."""
        with self.connection.pipeline():
            self.statements_that_wait(self.connection, 5)

        self.assert_requests(1)

    def statements_that_wait(self, connection: DatabaseWrapper, count: int) -> None:
        for number in range(count):
            with connection.cursor() as cursor:
                cursor.execute(INSERT, [str(number)])

    def test_executemany(self) -> None:
        """All rows are one request."""
        with self.connection.cursor() as cursor:
            cursor.executemany(INSERT, [(str(number),) for number in range(50)])

        self.assert_requests(1)

    def test_table_rebuild_settings(self) -> None:
        """PRAGMA foreign_keys before a transaction is sent with its BEGIN."""
        run(self.connection, "PRAGMA foreign_keys = OFF")
        with transaction.atomic(using=self.alias):
            self.assertEqual(run(self.connection, "PRAGMA foreign_keys"), [(0,)])
        run(self.connection, "PRAGMA foreign_keys = ON")

        self.assert_requests(2)
        self.assertEqual(run(self.connection, "PRAGMA foreign_keys"), [(1,)])

    def test_forty_at_once(self) -> None:
        """40 requests at once, each with a read and two transactions, leave no stream and no error.

        Each thread has its own connection, as a request under ASGI.
        """
        url = self.server.create("crowd")
        with connected(url) as connection:
            run(connection, "CREATE TABLE rows (id integer PRIMARY KEY, value text)")

        def visit(number: int) -> None:
            with connected(url) as connection:
                run(connection, "SELECT count(*) FROM rows")
                for _ in range(2):
                    with transaction.atomic(using=connection.alias):
                        run(connection, INSERT, [str(number)])
                        run(connection, INSERT, [str(number)])

        with ThreadPoolExecutor(40) as pool:
            for result in [pool.submit(visit, number) for number in range(40)]:
                result.result()

        with connected(url) as connection:
            self.assertEqual(run(connection, "SELECT count(*) FROM rows"), [(160,)])
