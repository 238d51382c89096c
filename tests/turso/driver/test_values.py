"""Values and results, compared with Django's SQLite backend."""

from __future__ import annotations

import datetime
import decimal
import enum
import math
import unittest
import uuid
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.db import DataError, ProgrammingError, transaction
from django.db.utils import ConnectionHandler
from django.utils.safestring import mark_safe

from agent_sessions.turso.driver.values import decode, encode
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.faults import Fault
from tests.turso.proxy import Proxy
from tests.turso.server import Server, missing

TABLE = """
CREATE TABLE kinds (
    id integer PRIMARY KEY AUTOINCREMENT, "text" text, "real" real, "blob" blob, "date" date,
    "datetime" datetime, "time" time, "decimal" decimal, "bool" bool, "integer" bigint UNIQUE
)
"""
MOMENT = datetime.datetime(2026, 3, 29, 1, 59, 59, 999999)


class Colour(enum.IntEnum):
    RED = 1


VALUES = [
    None,
    0,
    -(2**63),
    2**63 - 1,
    2**53 + 1,
    True,
    False,
    Colour.RED,
    0.1,
    -0.0,
    1e308,
    5e-324,
    3.0,
    "",
    "O'Reilly; -- %s %% ?",
    "NUL \0 within",
    '\u2028 \U0001f600 \ufeff \x7f \\ "',
    mark_safe("<b>safe</b>"),
    b"",
    b"\0\xff",
    bytearray(b"array"),
    memoryview(b"view"),
    decimal.Decimal("123456789012345678.90"),
    datetime.date(2026, 3, 29),
    MOMENT,
    MOMENT.replace(tzinfo=ZoneInfo("Europe/Vienna")),
]
REFUSED = [
    2**63,
    -(2**63) - 1,
    "half \ud83d of a character",
    uuid.UUID(int=1),
    datetime.timedelta(days=1),
    datetime.time(23, 59),
    object(),
    [1],
]
Step = Callable[[Any], Any]


def executing(sql: str, parameters: Any = None) -> Step:
    """Return a step that executes SQL and returns all properties of its cursor."""

    def step(connection: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            names = cursor.description and [column[:] for column in cursor.description]
            rows = cursor.fetchall()
            # After an INSERT that inserts nothing, sqlite3 returns the id of the one before.
            last = cursor.lastrowid if "INSERT" in sql and cursor.rowcount == 1 else None
            return names, rows, cursor.rowcount, last

    return step


def executing_many(sql: str, rows: list[Any]) -> Step:
    def step(connection: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.executemany(sql, rows)
            return cursor.description, cursor.rowcount

    return step


def fetching(connection: Any) -> Any:
    """Return the results of all ways to fetch, past the end too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM kinds ORDER BY id LIMIT 9")
        cursor.arraysize = 2
        return [
            cursor.fetchone(),
            cursor.fetchmany(),
            cursor.fetchmany(3),
            list(cursor),
            cursor.fetchall(),
            cursor.fetchone(),
            cursor.fetchmany(5),
        ]


def unused(connection: Any) -> Any:
    """Return the properties of a cursor that has executed nothing."""
    with connection.cursor() as cursor:
        return cursor.description, cursor.rowcount, cursor.lastrowid, cursor.fetchall()


def in_a_closed_cursor(connection: Any) -> Any:
    cursor = connection.cursor()
    cursor.close()
    cursor.execute("SELECT 1")


def fetching_from_a_closed_cursor(connection: Any) -> Any:
    cursor = connection.cursor()
    cursor.execute("SELECT 1")
    cursor.close()
    cursor.fetchall()


STEPS: list[Step] = [
    unused,
    *[executing("SELECT %s, typeof(%s)", [value, value]) for value in VALUES + REFUSED],
    *[executing("INSERT INTO kinds (text) VALUES (%s) RETURNING id, text", [v]) for v in VALUES],
    *[executing("INSERT INTO kinds (real) VALUES (%s)", [value]) for value in (1, 1.5, "1.5", "x")],
    executing("SELECT id, text, real FROM kinds ORDER BY id"),
    executing("INSERT INTO kinds (date, datetime) VALUES (%s, %s)", ["2026-03-29", str(MOMENT)]),
    executing("INSERT INTO kinds (time, decimal, bool) VALUES ('23:59:59.5', '1.10', 1)"),
    executing("SELECT * FROM kinds ORDER BY id DESC LIMIT 2"),
    executing("SELECT max(date), max(datetime) AS twice, 1 AS twice FROM kinds"),
    executing("SELECT %(a)s, %(b)s, %(a)s, '100%%'", {"a": 1, "b": "two"}),
    executing("SELECT '100%'"),
    executing("INSERT INTO kinds (integer) VALUES (%(n)s)", {"n": 7}),
    executing("INSERT INTO kinds (integer) VALUES (7)"),
    executing("INSERT OR IGNORE INTO kinds (integer) VALUES (7)"),
    executing("REPLACE INTO kinds (integer, text) VALUES (7, 'replaced')"),
    executing("UPDATE kinds SET real = 1 WHERE id < 4"),
    executing("UPDATE kinds SET real = 1 WHERE id < 0"),
    executing("UPDATE kinds SET real = 2 WHERE id < 4 RETURNING id"),
    executing("WITH one AS (SELECT 1 AS id) SELECT * FROM one"),
    executing("DELETE FROM kinds WHERE id = 2"),
    executing_many("INSERT INTO kinds (text, real) VALUES (%s, %s)", [("a", 1), ("b", 2)]),
    executing_many("INSERT INTO kinds (text) VALUES (%(t)s)", [{"t": "a"}, {"t": "b"}]),
    executing_many("UPDATE kinds SET real = 9 WHERE id > %s", [(1,), (3,)]),
    fetching,
    in_a_closed_cursor,
    fetching_from_a_closed_cursor,
    executing("SELECT * FROM missing"),
    executing("SELEC 1"),
    executing("SELECT %s", [1, 2]),
    executing("SELECT %s, %s", [1]),
    executing("/* a comment */ -- another\n SELECT 2"),
    executing("EXPLAIN QUERY PLAN SELECT id FROM kinds WHERE id = 1"),
    executing("PRAGMA table_info(kinds)"),
    executing("CREATE TABLE other (id integer)"),
    executing("DROP TABLE other"),
    executing("SELECT " + ", ".join(["%s"] * 1000), list(range(1000))),
]


def outcome(step: Step, connection: Any) -> Any:
    """Return a step's result with its types, or the class of its error."""
    try:
        return repr(step(connection)), None
    except Exception as error:  # all errors are compared
        return None, type(error).__name__


@unittest.skipIf(missing(), missing())
class SameAsSQLiteTests(WireTestCase):
    """The same statements on Django's SQLite backend and on this one."""

    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Server())

    def test_same_answers(self) -> None:
        """Rows, their types, description, rowcount, lastrowid and error classes are equal."""
        settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
        sqlite = ConnectionHandler({"default": {}, "beside": settings})["beside"]
        self.addCleanup(lambda: sqlite.connection.close())  # Django keeps those in memory open
        with connected(self.server.create("same")) as turso:
            run(sqlite, TABLE)
            run(turso, TABLE)

            for number, step in enumerate(STEPS):
                with self.subTest(number=number):
                    self.assertEqual(outcome(step, turso), outcome(step, sqlite))


@unittest.skipIf(missing(), missing())
class LargeTests(WireTestCase):
    """Large values and results, and values that cannot be sent."""

    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Server())

    def setUp(self) -> None:
        self.proxy = self.enterContext(Proxy(self.server.port))
        name = self.id().rsplit(".", 1)[1].replace("_", "-")
        self.server.create(name)
        self.connection = self.enterContext(connected(self.proxy.url(name)))
        run(self.connection, "CREATE TABLE large (id integer PRIMARY KEY, content)")

    def fill(self) -> None:
        for _ in range(4):
            run(self.connection, "INSERT INTO large (content) VALUES (%s)", ["x" * 3_000_000])
        self.proxy.reset()

    def test_five_megabytes(self) -> None:
        """Text and bytes of nearly 5 MB are stored and read."""
        for value in ("ä\0" * 1_600_000, b"\xff" * 3_600_000):
            run(self.connection, "INSERT INTO large (content) VALUES (%s)", [value])

            found = run(self.connection, "SELECT content FROM large ORDER BY id DESC LIMIT 1")

            self.assertTrue(found == [(value,)])

    def test_cut_while_it_is_sent(self) -> None:
        """A request that was cut off was not executed, and is sent again."""
        self.proxy.arm(Fault.CUT_UNREAD)

        run(self.connection, "INSERT INTO large (content) VALUES (%s)", ["x" * 4_900_000])

        self.assertEqual(run(self.connection, "SELECT count(*) FROM large"), [(1,)])

    def test_many_parameters(self) -> None:
        """A statement takes as many parameters as SQLite's limit."""
        marks = ", ".join(["(%s, %s)"] * (32766 // 2))

        run(self.connection, f"INSERT INTO large VALUES {marks}", list(range(32766)))

        self.assertEqual(run(self.connection, "SELECT count(*) FROM large"), [(16383,)])
        self.assertEqual(self.connection.features.max_query_params, 32766)

    def test_more_than_an_answer_holds(self) -> None:
        """More than 10 MB of rows are read through a cursor, outside a transaction and in one."""
        self.fill()

        found = run(self.connection, "SELECT id, content FROM large ORDER BY id")
        with transaction.atomic(using=self.connection.alias):
            run(self.connection, "INSERT INTO large (content) VALUES ('new')")
            within = run(self.connection, "SELECT id, content FROM large ORDER BY id")

        self.assertEqual([(number, len(text)) for number, text in found][3], (4, 3_000_000))
        self.assertEqual(len(within), 5)
        self.assertEqual(run(self.connection, "SELECT count(*) FROM large"), [(5,)])
        self.assertEqual(self.server.open_streams(), 0)

    def test_first_in_a_transaction(self) -> None:
        """They may be the first result of a transaction or a savepoint."""
        self.fill()

        with transaction.atomic(using=self.connection.alias):
            with transaction.atomic(using=self.connection.alias):
                found = run(self.connection, "SELECT content FROM large")
            run(self.connection, "INSERT INTO large (content) VALUES ('new')")

        self.assertEqual(len(found), 4)
        self.assertEqual(run(self.connection, "SELECT count(*) FROM large"), [(5,)])

    def test_error_in_large_rows(self) -> None:
        """An error within the rows raises, and the transaction goes on."""
        self.fill()
        run(self.connection, "INSERT INTO large (content) VALUES ('fifth')")
        failing = "SELECT content, abs(CASE id WHEN 5 THEN -9223372036854775808 END) FROM large"

        with self.assertRaisesMessage(Exception, "integer overflow"):
            run(self.connection, failing)
        with transaction.atomic(using=self.connection.alias):
            with self.assertRaisesMessage(Exception, "integer overflow"):
                run(self.connection, failing)
            run(self.connection, "INSERT INTO large (content) VALUES ('new')")

        self.assertEqual(run(self.connection, "SELECT count(*) FROM large"), [(6,)])

    def test_refused_before_sending(self) -> None:
        """A value that cannot be sent raises in the call, and the transaction goes on."""
        self.proxy.reset()
        bad = [math.nan, math.inf, -math.inf, 2**63, "\ud800", object()]
        errors = [DataError] * 3 + [OverflowError, UnicodeEncodeError, ProgrammingError]

        with transaction.atomic(using=self.connection.alias):
            for value, error in zip(bad, errors, strict=True):
                with self.assertRaises(error):
                    run(self.connection, "SELECT %s", [value])

        self.assertEqual(self.proxy.requests, [])


class CodecTests(unittest.TestCase):
    """Values that current servers do not send."""

    def test_padding_and_not_a_number(self) -> None:
        """Blobs are read with padding or without; a float of null is NaN."""
        self.assertEqual(decode({"type": "blob", "base64": "AP8"}), b"\0\xff")
        self.assertEqual(decode({"type": "blob", "base64": "AP8="}), b"\0\xff")
        self.assertTrue(math.isnan(decode({"type": "float", "value": None})))

    def test_subclasses(self) -> None:
        """An instance of a subclass is sent as the base type."""

        class Text(str):
            pass

        class Size(str, enum.Enum):  # noqa: UP042  # StrEnum's str() is its value
            SMALL = "s"

        self.assertEqual(encode(Text("a")), {"type": "text", "value": "a"})
        self.assertEqual(encode(Size.SMALL), {"type": "text", "value": "s"})
        self.assertEqual(encode(Colour.RED), {"type": "integer", "value": "1"})
