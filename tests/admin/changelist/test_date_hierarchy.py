"""The years, months and days above the list."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agent_sessions import Session
from agent_sessions.admin.changelist import changelist
from tests.admin.changelist.testcase import ListTestCase
from tests.admin.testcase import LIST
from tests.contract import TURN, USER

CAIRO = ZoneInfo("Africa/Cairo")  # clocks skip midnight on the day when summer time begins


class PeriodsTests(ListTestCase):
    """The periods that the list offers."""

    def active(self, *moments: str, zone: ZoneInfo | None = None) -> None:
        for moment in moments:
            at = datetime.fromisoformat(moment)
            Session.objects.create(
                session_id=moment,
                updated_at=timezone.make_aware(at, zone) if timezone.is_naive(at) else at,
            )

    def offered(self, **query: Any) -> list[str]:
        return [choice["title"] for choice in self.session_list(**query).periods["choices"]]

    def test_years(self) -> None:
        """Years with sessions in them are offered."""
        self.active("2023-05-01", "2025-02-03", "2026-12-31")

        self.assertEqual(self.offered(), ["2023", "2025", "2026"])

    def test_one_year(self) -> None:
        """If all sessions are in one year, its months are offered; if in one month, its days."""
        self.active("2026-02-03", "2026-11-30")
        self.assertEqual(self.offered(), ["February 2026", "November 2026"])

        Session.objects.filter(pk="2026-11-30").delete()
        self.active("2026-02-28")
        self.assertEqual(self.offered(), ["February 3", "February 28"])

    def test_down_and_up(self) -> None:
        """Links lead from years to months to days, and back."""
        self.active("2025-12-31", "2026-02-03", "2026-02-28", "2026-03-01")
        year, month = {"updated_at__year": 2026}, {"updated_at__month": 2}
        day = {"updated_at__day": 28}

        self.assertEqual(self.offered(**year), ["February 2026", "March 2026"])
        self.assertEqual(self.offered(**year, **month), ["February 3", "February 28"])
        self.assertEqual(self.offered(**year, **month, **day), ["February 28"])
        self.assertEqual(self.found(**year, **month, **day), ["2026-02-28"])
        links = [
            self.session_list(**query).periods["back"]
            for query in (
                {},
                year,
                year | month,
                year | month | day,
            )
        ]
        self.assertEqual(
            links,
            [
                None,
                {"title": "All dates", "link": "?"},
                {"title": "2026", "link": "?updated_at__year=2026"},
                {"title": "February 2026", "link": "?updated_at__month=2&updated_at__year=2026"},
            ],
        )

    def test_every_link_finds_something(self) -> None:
        """Each period on offer has sessions, and together they have all, in any time zone."""
        moments = [
            f"2024-{month:02}-{day:02}T{time}+00:00"
            for month, day in ((1, 1), (4, 25), (4, 26), (10, 31), (12, 31))
            for time in ("00:00:00", "21:59:59.999999", "22:00:00", "23:59:59.999999")
        ]
        self.active(*moments)
        for zone in ("UTC", "Africa/Cairo", "Pacific/Kiritimati"):
            with timezone.override(zone), override_settings(TIME_ZONE=zone):
                self.assertEqual(sorted(self.leaves("")), sorted(moments), zone)

    def leaves(self, link: str) -> list[str]:
        """Return the sessions that are found by following every link down to its days."""
        cl = self.client.get(f"{LIST}{link}").context["cl"]
        below = [choice["link"] for choice in cl.periods["choices"] if "link" in choice]
        if not below:
            found = [session.pk for session in cl.result_list]
            self.assertTrue(found, link)
            return found
        return [pk for link in below for pk in self.leaves(link)]

    def test_a_day_without_midnight(self) -> None:
        """A day without midnight begins when clocks skip it."""
        with timezone.override(CAIRO), override_settings(TIME_ZONE="Africa/Cairo"):
            self.active("2024-04-25T23:59:59", "2024-04-26T01:00:00", zone=CAIRO)

            self.assertEqual(self.offered(), ["April 25", "April 26"])

    def test_nothing(self) -> None:
        """Without sessions no period is offered."""
        self.assertEqual(self.offered(), [])

    def test_other_filters(self) -> None:
        """Other filters apply to the periods on offer."""
        self.active("2024-05-01", "2025-02-03", "2026-12-31")
        Session.objects.filter(pk__in=("2024-05-01", "2026-12-31")).update(user=self.owner)

        self.assertEqual(self.offered(owner=self.owner.pk), ["2024", "2026"])
        self.assertEqual(self.offered(q="2025-02-03"), ["February 3"])

    def test_computed_filters(self) -> None:
        """Periods older than the sessions that a computed filter looks at are offered too."""
        self.active("2024-05-01", "2025-02-03", "2026-12-31")
        with mock.patch.object(changelist, "MOST_LISTED", 1):
            self.assertEqual(self.offered(state="empty"), ["2024", "2025", "2026"])
            self.assertEqual(self.offered(), ["2024", "2025", "2026"])

    def test_any_date(self) -> None:
        """Ancient sessions are no error, and an impossible date leads back to the list."""
        self.active("1970-01-01", "0900-01-01", "2026-01-01")

        self.assertEqual(self.offered(), ["1970", "2026"])
        for year in ("1", "9999", "0", "-5", "x", "99999999999", "²"):
            response = self.client.get(LIST, {"updated_at__year": year})
            self.assertRedirects(response, f"{LIST}?e=1")
        response = self.client.get(LIST, {"updated_at__year": 2026, "updated_at__month": 13})
        self.assertRedirects(response, f"{LIST}?e=1")

    def test_statements(self) -> None:
        """No statement truncates dates or counts sessions."""
        Session.objects.append("one", TURN)
        Session.objects.append("two", [USER])

        with CaptureQueriesContext(connection) as captured:
            self.get()

        sql = " ".join(query["sql"] for query in captured).lower()
        for function in ("trunc", "convert_tz", "strftime", "count(*)"):
            self.assertNotIn(function, sql)

    @override_settings(USE_TZ=False)
    def test_without_time_zones(self) -> None:
        """In a project without time zones, the stored time decides the day."""
        for moment in ("2026-02-03T00:00:00", "2026-02-28T23:59:59"):
            Session.objects.create(session_id=moment, updated_at=datetime.fromisoformat(moment))

        self.assertEqual(self.offered(), ["February 3", "February 28"])
