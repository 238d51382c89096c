"""The repr of everything that has a state tells the state and the host, and no secret."""

from __future__ import annotations

import unittest

from agent_sessions.turso.driver.dbapi import connect
from agent_sessions.turso.driver.masking import Hidden
from agent_sessions.turso.driver.pool import new_pool
from agent_sessions.turso.driver.savepoints import Savepoints
from agent_sessions.turso.driver.statements import Statement
from agent_sessions.turso.test_databases import Namespaces
from tests.turso.connections import RowsTestCase, connected
from tests.turso.faults import Fault
from tests.turso.server import missing

TOKEN = "eyJhbGciOiJFZERTQSJ9.shown.signature"
KEY = "a2V5+c2hvd24/a2V5=="


@unittest.skipIf(missing(), missing())
class ReprTests(RowsTestCase):
    """Objects of a connection in the states that they go through."""

    def setUp(self) -> None:
        super().setUp()
        self.url = self.proxy.url(self.name)
        connection = self.enterContext(
            connected(self.url, password=TOKEN, encryption_key=KEY, timeout=10)
        )
        connection.ensure_connection()
        self.driver = connection.connection

    def tearDown(self) -> None:
        """No object on the way to a connection shows the token or the key."""
        driver = self.driver
        for thing in (driver, driver._stream, driver._stream._transport, driver._address):
            for secret in (TOKEN, KEY):
                self.assertNotIn(secret, repr(thing))

    def test_connection(self) -> None:
        """A connection is idle, has a transaction in some state, or is closed."""
        shown = [repr(self.driver)]
        self.driver.begin()
        shown.append(repr(self.driver))
        self.driver.rollback()
        self.driver.close()
        shown.append(repr(self.driver))

        self.assertEqual(
            shown,
            [
                f"<Connection (idle) to {self.url}>",
                f"<Connection (active transaction) to {self.url}>",
                f"<Connection (closed) to {self.url}>",
            ],
        )

    def test_transaction(self) -> None:
        """A transaction tells its status, and how many statements wait to be sent."""
        self.driver.begin()
        begun = self.driver._transaction
        shown = [repr(begun)]
        self.driver.cursor().execute("INSERT INTO rows DEFAULT VALUES")
        shown.append(repr(begun))
        self.proxy.arm(Fault.STATUS_500)
        with self.assertRaises(Exception), self.assertLogs("agent_sessions.turso"):  # noqa: B017  # any
            self.driver.cursor().execute("INSERT INTO rows DEFAULT VALUES")
        shown.append(repr(begun))
        self.driver.rollback()

        self.assertEqual(
            shown,
            [
                f"<Transaction (active, 1 waiting) on {self.url}>",
                f"<Transaction (active, all sent) on {self.url}>",
                f"<Transaction (lost, all sent) on {self.url}>",
            ],
        )

    def test_stream_and_transport(self) -> None:
        """A stream is open in a transaction only; a transport has been answered or not."""
        stream = self.driver._stream
        shown = [repr(stream), repr(stream._transport)]
        self.driver.begin()
        self.driver.cursor().execute("SELECT 1")
        shown += [repr(stream), repr(stream._transport)]
        self.driver.rollback()

        self.assertEqual(
            shown,
            [
                f"<Stream (closed) to {self.url}>",
                f"<Transport (unused) to {self.url}>",
                f"<Stream (open) to {self.url}>",
                f"<Transport (answered) to {self.url}>",
            ],
        )

    def test_cursor(self) -> None:
        """A cursor tells what has become of its last statement."""
        cursor = self.driver.cursor()
        shown = [repr(cursor)]
        cursor.execute("SELECT 'my diary'")
        shown.append(repr(cursor))
        cursor.close()
        shown.append(repr(cursor))

        connection = f"<Connection (idle) to {self.url}>"
        self.assertEqual(
            shown,
            [
                f"<Cursor (unused) of {connection}>",
                f"<Cursor (<Statement (done) SELECT>) of {connection}>",
                f"<Cursor (closed) of {connection}>",
            ],
        )

    def test_unopened(self) -> None:
        """An object whose making failed, which an error page may show, has a repr too."""
        statement = Statement.__new__(Statement)
        with self.assertRaises(OverflowError):
            statement.__init__("SELECT ?", [2**64])  # type: ignore[misc]  # to keep it

        self.assertEqual(repr(statement), "<Statement (waiting) SELECT>")


class PlainReprTests(unittest.TestCase):
    """Objects that need no server."""

    def test_statement(self) -> None:
        """A statement is its first word: the rest, and parameters, may be what a person wrote."""
        statement = Statement("INSERT INTO rows VALUES ('my diary', ?)", ["secret"])
        shown = [repr(statement)]
        statement.drop(ValueError("no"))
        shown.append(repr(statement))

        self.assertEqual(shown, ["<Statement (waiting) INSERT>", "<Statement (failed) INSERT>"])

    def test_result(self) -> None:
        """A result shows its columns, and no row."""
        statement = Statement("SELECT diary FROM rows")
        statement.succeed(
            {"cols": [{"name": "diary"}], "rows": [[{"type": "text", "value": "secret"}]]}
        )

        self.assertIn("names=['diary']", repr(statement.result))
        self.assertNotIn("secret", repr(statement.result))

    def test_savepoints(self) -> None:
        """Savepoints are their names, from the outermost to the innermost."""
        savepoints = Savepoints()
        savepoints.follow(Statement("SAVEPOINT a"))
        savepoints.follow(Statement('SAVEPOINT "b"'))

        self.assertEqual(repr(savepoints), "<Savepoints ['a', 'b']>")

    def test_pool(self) -> None:
        """A pool and its connections are urllib3's, with the host and the port."""
        from agent_sessions.turso.driver.address import Address

        address = Address("https", "shop.turso.io", 443, auth_token=TOKEN, encryption_key=KEY)
        pool = new_pool(address, "https", "shop.turso.io", 443)
        self.addCleanup(pool.close)

        self.assertEqual(str(pool), "SecurePool(host='shop.turso.io', port=443)")
        self.assertIn("host='shop.turso.io', port=443", repr(pool._get_conn()))
        self.assertNotIn(TOKEN, repr(vars(connect(address))) + repr(pool))

    def test_hidden(self) -> None:
        """A hidden value shows nothing."""
        self.assertEqual(repr(Hidden(TOKEN)), "<Hidden>")

    def test_namespaces(self) -> None:
        """The admin address is shown without a password in it."""
        namespaces = Namespaces("http://admin:secret@127.0.0.1:8081/")

        self.assertEqual(repr(namespaces), "<Namespaces at 127.0.0.1:8081>")
