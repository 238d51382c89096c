"""The days and months of a period, and the bucket of each moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from django.test import SimpleTestCase, TestCase, override_settings
from django.utils import timezone

from agent_sessions.admin.usage_page.buckets import DAYS, YEAR, bucket_of, period_until
from agent_sessions.models import Usage
from agent_sessions.models.usage_sums import day_of


class PeriodTests(SimpleTestCase):
    """period_until()."""

    def test_days(self) -> None:
        """A period of days ends with today and has as many days as its name says."""
        for name, number in DAYS.items():
            found = period_until(date(2026, 3, 1), name)

            self.assertEqual(len(found.starts), number)
            self.assertEqual(found.last, date(2026, 3, 1))
            self.assertEqual(found.starts[-1], found.last)
            self.assertEqual({*map(timedelta.total_seconds, _gaps(found.starts))}, {86_400.0})

    def test_months(self) -> None:
        """A year is twelve months up to the current one, across the turn of a year."""
        found = period_until(date(2026, 1, 31), YEAR)

        self.assertEqual((found.starts[0], found.starts[-2]), (date(2025, 2, 1), date(2025, 12, 1)))
        self.assertEqual((found.starts[-1], found.last), (date(2026, 1, 1), date(2026, 1, 31)))

    def test_names(self) -> None:
        """Days and months have a full and a short name."""
        days, months = period_until(date(2026, 3, 1), "7d"), period_until(date(2026, 3, 1), YEAR)

        self.assertEqual((days.name(6), days.short_name(6)), ("March 1, 2026", "Mar 1"))
        self.assertEqual((months.name(11), months.short_name(11)), ("March 2026", "Mar 2026"))

    def test_skipped_midnight(self) -> None:
        """A day without midnight begins when clocks skip it; one with two begins with the first."""
        with timezone.override("Africa/Cairo"):  # 24 April 2026, from 0:00 to 1:00
            found = period_until(date(2026, 4, 24), "7d").moments()
            self.assertEqual(found[-2].astimezone(UTC), datetime(2026, 4, 23, 22, tzinfo=UTC))
        with timezone.override("America/Havana"):  # 1 November 2026, from 1:00 to 0:00
            found = period_until(date(2026, 11, 1), "7d").moments()
            self.assertEqual(found[-2].astimezone(UTC), datetime(2026, 11, 1, 4, tzinfo=UTC))

    @override_settings(USE_TZ=False)
    def test_without_time_zones(self) -> None:
        """Moments are naive in a project without time zones."""
        self.assertEqual(period_until(date(2026, 3, 1), "7d").moments()[-1], datetime(2026, 3, 2))


class BucketTests(TestCase):
    """bucket_of()."""

    def test_every_hour(self) -> None:
        """SQL and Python agree on the bucket of every half hour, even when clocks change."""
        zones = ("Europe/Amsterdam", "Africa/Cairo", "America/Havana", "Asia/Kathmandu", "UTC")
        for zone, today in ((zone, date(2026, 11, 3)) for zone in zones):
            with self.subTest(zone=zone), timezone.override(zone):
                self.check("90d", today)
                self.check("90d", date(2026, 5, 2))
                self.check(YEAR, today)

    def check(self, name: str, today: date) -> None:
        found = period_until(today, name)
        moments = found.moments()
        times = [
            bound + timedelta(minutes=30 * half, microseconds=micro)
            for bound in moments[1:-1]
            for half in (-2, -1, 0, 1)
            for micro in (-1, 0)
        ]
        Usage.objects.all().delete()
        Usage.objects.bulk_create(Usage(session_id="one", created_at=moment) for moment in times)

        rows = Usage.objects.values_list("created_at", bucket_of("created_at", moments))

        for moment, number in rows:
            day = day_of(moment)
            expected = day.replace(day=1) if found.is_by_month else day
            self.assertEqual(found.starts[number], expected, moment)


def _gaps(days: tuple[date, ...]) -> list[timedelta]:
    return [later - earlier for earlier, later in pairwise(days)]
