"""Dates and times in SQL are compared with Django's own Python functions."""

from __future__ import annotations

import json
import unittest
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, cast
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError

# Private, so not in the stubs.
from django.db.backends.sqlite3 import _functions as reference  # type: ignore[attr-defined]
from django.test import override_settings

from agent_sessions.turso.base import DatabaseWrapper
from agent_sessions.turso.operations import DatabaseOperations
from agent_sessions.turso.sql.formula import Fragment
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.server import Server, missing
from tests.turso.sql.moments import EDGES, around

ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",  # whose summer time is the standard
    "America/New_York",
    "America/St_Johns",  # half an hour, and once two hours of summer time
    "America/Sao_Paulo",
    "America/Caracas",
    "Africa/Casablanca",  # which moves with Ramadan
    "Africa/Monrovia",  # 44 minutes and 30 seconds until 1972
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Gaza",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Antarctica/Troll",  # two hours
    "Pacific/Apia",  # which left out a day
    "Pacific/Auckland",
)
OFFSETS = ("UTC+05:30", "UTC-03:00", "+05:30", "-02", "Etc/GMT+10", "Asia/Tokyo+01:00")

PARTS = (
    *("year", "iso_year", "quarter", "month", "week", "week_day", "iso_week_day", "day"),
    *("hour", "minute", "second", "microsecond"),
)
DATE_KINDS = ("year", "quarter", "month", "week", "day")
TIME_KINDS = ("hour", "minute", "second")

# SQL of the engine, and the function whose results it must have.
Case = tuple[Fragment, Callable[[Any], Any]]
X: Fragment = ("value", ())


def changes(zone: ZoneInfo) -> Iterator[datetime]:
    """Find every change of the zone's offset, by the day and then by the second."""

    def offset(moment: datetime) -> timedelta | None:
        return moment.astimezone(zone).utcoffset()

    day, end, step = datetime(1840, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC), 86_400
    before = offset(day)
    while day < end:
        after = offset(day + timedelta(seconds=step))
        if after != before:
            low, high = 0, step
            while high - low > 1:
                middle = (low + high) // 2
                same = offset(day + timedelta(seconds=middle)) == before
                low, high = (middle, high) if same else (low, middle)
            yield (day + timedelta(seconds=high)).replace(tzinfo=None)
        day, before = day + timedelta(seconds=step), after


# In another zone these would be outside of the range of datetime.
FIRST_AND_LAST = [
    *("0001-01-01 00:00:00", "0001-01-02 10:20:30"),
    *("9999-12-26 00:00:00", "9999-12-31 23:59:59.999999"),
]
NOTHING = [None, "never", "2026-13-01 00:00:00", "2026-01-01 25:00:00"]


@unittest.skipIf(missing(), missing())
class DatetimeTests(WireTestCase):
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
        self.ops = cast(DatabaseOperations, self.connection.ops)

    def assertSame(self, cases: list[Case], values: Sequence[str | None]) -> None:  # noqa: N802
        """Assert that each case equals its reference for each value, in one query."""
        columns = ", ".join(sql for (sql, _), _ in cases)
        parameters = [value for (_, values), _ in cases for value in values]
        rows = run(
            self.connection,
            f"SELECT {columns} FROM json_each(%s)",
            [*parameters, json.dumps(values)],
        )
        self.assertEqual(len(rows), len(values))
        for value, row in zip(values, rows, strict=True):
            expected = tuple(function(value) for _, function in cases)
            if row != expected:
                self.fail(f"{value}: {row} is not {expected}")

    def cases(self, zone: str | None) -> list[Case]:
        """Return every function of a moment in a zone."""
        ops, stored_in = self.ops, self.connection.timezone_name if zone else None

        def bound(function: Callable[..., Any], part: str) -> Callable[[Any], Any]:
            return lambda value: function(part, value, zone, stored_in)

        return [
            *((ops.datetime_extract_sql(part, *X, zone), bound(EXTRACT, part)) for part in PARTS),
            *((ops.date_trunc_sql(kind, *X, zone), bound(DATE, kind)) for kind in DATE_KINDS),
            *(
                (ops.datetime_trunc_sql(kind, *X, zone), bound(MOMENT, kind))
                for kind in (*DATE_KINDS, *TIME_KINDS)
            ),
            *((ops.time_trunc_sql(kind, *X, zone), bound(TIME, kind)) for kind in TIME_KINDS),
            (ops.datetime_cast_date_sql(*X, zone), lambda value: CAST_DATE(value, zone, stored_in)),
            (ops.datetime_cast_time_sql(*X, zone), lambda value: CAST_TIME(value, zone, stored_in)),
        ]

    def stored_in(self, zone: str) -> None:
        """Let the connection store moments in another zone than UTC."""
        self.connection.settings_dict["TIME_ZONE"] = zone
        for cached in ("timezone", "timezone_name"):
            self.connection.__dict__.pop(cached, None)

    def test_without_a_zone(self) -> None:
        """Parts, truncation and casts are Django's at every edge, and NULL of NULL."""
        for zone in (None, "UTC"):
            with self.subTest(zone=zone):
                self.assertSame(self.cases(zone), [*EDGES, *FIRST_AND_LAST, *NOTHING])

    @pytest.mark.exhaustive
    def test_at_every_change_of_an_offset(self) -> None:
        """Before, at and after each change from 1840 to 2100, every function is Django's."""
        for zone in ZONES:
            with self.subTest(zone=zone):
                self.assertSame(self.cases(zone), [*around(changes(ZoneInfo(zone))), *NOTHING])

    def test_between_the_changes(self) -> None:
        """The offset is right in the middle of each month too."""
        months = [
            f"{year}-{month:02}-15 12:34:56.789000"
            for year in range(1850, 2101, 3)
            for month in range(1, 13)
        ]

        for zone in ZONES:
            with self.subTest(zone=zone):
                self.assertSame(self.cases(zone)[-2:], months)

    def test_fixed_offsets(self) -> None:
        """A zone may be an offset, with or without a name before it."""
        for zone in OFFSETS:
            with self.subTest(zone=zone):
                self.assertSame(self.cases(zone), EDGES)

    @pytest.mark.exhaustive
    def test_stored_in_another_zone(self) -> None:
        """With TIME_ZONE in DATABASES, its gaps and repeated hours are Django's as well."""
        for stored_in, zone in (
            ("Europe/Berlin", "America/New_York"),
            ("America/New_York", "UTC"),
            ("Pacific/Apia", "Australia/Lord_Howe"),
            ("Africa/Casablanca", "+05:30"),
            ("Europe/London", "Europe/London"),
        ):
            with self.subTest(stored_in=stored_in, zone=zone):
                self.stored_in(stored_in)
                clock = ZoneInfo(stored_in)
                moments = [
                    moment.replace(tzinfo=UTC).astimezone(clock).replace(tzinfo=None) + little
                    for name in (stored_in, "UTC" if zone == "+05:30" else zone)
                    for moment in changes(ZoneInfo(name))
                    for little in map(timedelta, (0,), (-3600,))
                ]
                self.assertSame(self.cases(zone), around(moments))

    def test_times(self) -> None:
        """A time has parts and is truncated, with and without its fraction."""
        ops = self.ops
        parts = ("hour", "minute", "second", "microsecond")
        cases: list[Case] = [
            *(
                (ops.time_extract_sql(part, *X), partial(reference._sqlite_time_extract, part))
                for part in parts
            ),
            *(
                (
                    ops.time_trunc_sql(kind, *X),
                    lambda value, kind=kind: reference._sqlite_time_trunc(kind, value, None, None),
                )
                for kind in TIME_KINDS
            ),
        ]

        times = ["00:00:00", "23:59:59", "23:59:59.999999", "12:30:00.000001", "01:02:03.400000"]
        self.assertSame(cases, [*times, None, "never", "25:00:00"])

    @override_settings(USE_TZ=False)
    def test_without_use_tz(self) -> None:
        """Without USE_TZ the clock is the stored one, for every zone."""
        sql = self.ops.datetime_extract_sql("hour", *X, "Europe/Berlin")

        self.assertSame([(sql, partial(reference._sqlite_datetime_extract, "hour"))], EDGES)

    def test_the_sql_for_utc_is_short(self) -> None:
        """In UTC the SQL is one function call."""
        sql, parameters = self.ops.datetime_trunc_sql("day", '"t"."c"', (), "UTC")

        self.assertEqual(sql, """strftime('%%Y-%%m-%%d 00:00:00',substr("t"."c",1,19))""")
        self.assertEqual(parameters, ())

    def test_an_unknown_part(self) -> None:
        """An unknown part raises as on SQLite, and is never in the SQL."""
        ops = self.ops
        writers: list[Callable[[], Fragment]] = [
            lambda: ops.datetime_extract_sql("year' OR 1=1", *X, None),
            lambda: ops.date_trunc_sql("hour", *X),
            lambda: ops.datetime_trunc_sql("fortnight", *X, None),
            lambda: ops.time_trunc_sql("day", *X),
        ]
        for write in writers:
            with self.assertRaisesMessage(OperationalError, "Unsupported lookup type"):
                write()


EXTRACT = reference._sqlite_datetime_extract
DATE = reference._sqlite_date_trunc
MOMENT = reference._sqlite_datetime_trunc
TIME = reference._sqlite_time_trunc
CAST_DATE = reference._sqlite_datetime_cast_date
CAST_TIME = reference._sqlite_datetime_cast_time
TIMESTAMP_DIFF = reference._sqlite_timestamp_diff
