"""The SQL of time zones: none for UTC, once for each zone."""

from __future__ import annotations

from typing import cast

from django.db import OperationalError

from agent_sessions.turso.operations import DatabaseOperations
from agent_sessions.turso.sql import zones
from agent_sessions.turso.sql.formula import Fragment
from tests.turso.connections import WireTestCase, connected

X: Fragment = ("value", ())


class ZoneTests(WireTestCase):
    """No test sends anything."""

    def setUp(self) -> None:
        self.connection = self.enterContext(connected("http://127.0.0.1:9"))
        self.ops = cast(DatabaseOperations, self.connection.ops)

    def test_zones_that_are_utc_by_another_name(self) -> None:
        """Other names of UTC need no SQL."""
        for zone in ("UTC", "Etc/UTC", "UTC+00:00"):
            self.assertIsNone(zones.shift(zone, "UTC"))

    def test_the_sql_for_a_zone_is_written_once(self) -> None:
        """A zone within a zone costs the sum of both, with the parameters of one."""
        ops = self.ops

        once, _ = ops.datetime_trunc_sql("day", "lower(%s)", ("x",), "Europe/Berlin")
        twice, parameters = ops.datetime_trunc_sql("day", once, ("x",), "Europe/Berlin")

        self.assertLess(len(once), 12_000)
        self.assertLess(len(twice), 2 * len(once) + 100)
        self.assertEqual(parameters, ("x",))

    def test_an_unknown_zone(self) -> None:
        """A name that is not in the tz database raises."""
        for zone in ("Wherever", "../etc"):
            with self.assertRaisesMessage(OperationalError, f"There is no time zone '{zone}'"):
                self.ops.datetime_cast_date_sql(*X, zone)
