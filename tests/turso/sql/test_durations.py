"""Durations are compared with Python's and SQLite's."""

from __future__ import annotations

import json
import unittest
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar

from django.db import DatabaseError, models

# Private, so not in the stubs.
from django.db.backends.sqlite3 import _functions as reference  # type: ignore[attr-defined]
from django.db.models import F, Value

from agent_sessions.turso.base import DatabaseWrapper
from agent_sessions.turso.sql import durations
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.server import Server, missing
from tests.turso.sql.moments import EDGES
from tests.turso.sql.samples import Sample, SampleTestCase

TIMESTAMP_DIFF = reference._sqlite_timestamp_diff


@unittest.skipIf(missing(), missing())
class DurationTests(SampleTestCase):
    """Dates and times, plus and minus durations and each other."""

    def test_durations(self) -> None:
        """Sums, differences, products and quotients are Python's to the microsecond."""
        self.assertSame(
            F("moment") + F("lasts"),
            F("moment") - F("lasts"),
            F("lasts") + F("moment"),
            F("moment") + timedelta(days=-400, seconds=1, microseconds=-1),
            F("moment") - timedelta(microseconds=1) - timedelta(hours=5) + F("lasts"),
            F("moment") - F("moment"),
            F("moment") - Value(datetime(1900, 1, 1, 0, 0, 0, 1, UTC)),
            F("day") - Value(date(1970, 1, 1)),
            F("clock") - Value(time(12)),
            models.ExpressionWrapper(F("lasts") * 3, models.DurationField()),
            models.ExpressionWrapper(F("lasts") * Value(0.5), models.DurationField()),
            models.ExpressionWrapper(F("lasts") / 4, models.DurationField()),
            F("lasts") - timedelta(1),
        )

    def test_dates_and_durations(self) -> None:
        """A date moves by whole days."""
        moved = [
            models.ExpressionWrapper(F("day") + F("lasts"), models.DateField()),
            models.ExpressionWrapper(F("day") - timedelta(hours=1), models.DateField()),
        ]

        self.assertSame(*moved)

    def test_a_time_and_a_duration(self) -> None:
        """A time goes round the clock; on SQLite it would be NULL."""
        rows = self.values(self.alias, F("clock") + timedelta(hours=23, microseconds=1))

        self.assertEqual(rows[2], (time(1, 30, 0, 2001),))

    def test_comparing_durations(self) -> None:
        """Sums of moments are compared with moments."""
        for alias in (self.alias, "reference"):
            rows = Sample.objects.using(alias).filter(
                moment__lt=F("moment") + F("lasts"), moment__gt=F("moment") - F("lasts")
            )

            self.assertEqual(list(rows.values_list("id", flat=True)), [4, 5, 6, 7, 8])

    def test_a_duration_and_nothing(self) -> None:
        """A duration plus a value without a type is NULL."""
        nothing = models.ExpressionWrapper(
            F("lasts") + Value(None), output_field=models.DurationField()
        )

        self.assertEqual({value for (value,) in self.values(self.alias, nothing)}, {None})

    def test_what_no_duration_can(self) -> None:
        """An operator that durations do not have raises, as on SQLite."""
        rest = models.ExpressionWrapper(F("lasts") % F("whole"), models.DurationField())

        for alias in (self.alias, "reference"):
            with self.assertRaisesMessage(DatabaseError, "Invalid connector for timedelta"):
                self.values(alias, rest)


@unittest.skipIf(missing(), missing())
class MicrosecondTests(WireTestCase):
    """The same with texts, at the edges."""

    server: ClassVar[Server]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = Server().start()
        cls.addClassCleanup(cls.server.remove)

    def setUp(self) -> None:
        self.connection: DatabaseWrapper = self.enterContext(
            connected(self.server.create(f"db{id(self)}"))
        )

    def test_differences(self) -> None:
        """Differences of moments, dates and times are exact to the microsecond, NULL with NULL."""
        moments = [
            "0001-01-01 00:00:00",
            "1969-12-31 23:59:59.999999",
            "2026-03-29 01:00:00.000001",
        ]
        dates = ["1900-01-01", "2024-02-29", "9999-12-31"]
        times = ["00:00:00", "23:59:59.999999", "12:00:00.500000"]
        for kind, values, function in (
            ("DateTimeField", [*moments, "9999-12-31 23:59:59", None], TIMESTAMP_DIFF),
            ("DateField", [*dates, None], TIMESTAMP_DIFF),
            ("TimeField", [*times, None], reference._sqlite_time_diff),
        ):
            pairs = [(left, right) for left in values for right in values]
            sql, _ = self.connection.ops.subtract_temporals(
                kind, ("value->>0", ()), ("value->>1", ())
            )

            rows = run(
                self.connection,
                f"SELECT {sql} FROM json_each(%s)",
                [json.dumps(pairs)],
            )

            self.assertEqual([row[0] for row in rows], [function(*pair) for pair in pairs])

    def test_sums(self) -> None:
        """A date or moment plus or minus microseconds is Python's."""
        moments = [*EDGES[::7], "1969-12-31 23:59:59.999999", "0002-01-01 00:00:00.000001"]
        dates = ["1969-12-31", "2024-02-29", "0002-01-01"]
        amounts = [0, 1, -1, 999_999, 1_000_000, -86_400_000_000, 86_399_999_999, 10**13, None]
        for kind, values in (("DateTimeField", [*moments, None]), ("DateField", [*dates, None])):
            pairs = [(value, amount) for value in values for amount in amounts]
            for sign in "+-":
                sql, _ = durations.add(kind, ("value->>0", ()), sign, ("value->>1", ()))

                rows = run(
                    self.connection,
                    f"SELECT {sql} FROM json_each(%s)",
                    [json.dumps(pairs)],
                )

                expected = [reference._sqlite_format_dtdelta(sign, *pair) for pair in pairs]
                self.assertEqual([row[0] for row in rows], expected)
