"""The numbers of the usage page: exact sums and sessions by day, agent, model and user."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from itertools import product
from random import Random
from typing import Any

from django.contrib.auth.models import User
from django.test import TestCase, override_settings
from django.utils import timezone

from agent_sessions.admin.usage_page.buckets import YEAR, Period, period_until
from agent_sessions.admin.usage_page.numbers import report_of, usage_of
from agent_sessions.admin.usage_page.report import (
    DRAWN,
    LISTED,
    NOBODY,
    NOTHING_RECORDED,
    Cell,
    Tally,
    UsageReport,
)
from agent_sessions.models import Session, Usage
from agent_sessions.models.usage_sums import day_of
from agent_sessions.usage.totals import UsageTotal
from tests.admin.usage_page.usage_rows import PRICES, step, store, unknown

TODAY = date(2026, 4, 2)


def various(days: Period, number: int) -> list[Usage]:
    """Return random rows, many of them close to the bounds of days."""
    random = Random(5)
    moments = days.moments()
    rows = []
    for _ in range(number):
        close = timedelta(seconds=random.choice([-1, 0, 1, -3600, 3600, 40_000]))
        values = {
            "created_at": random.choice(moments) + close,
            "agent_name": random.choice(["Bot", "Desk", "Guide", ""]),
            "model": random.choice(["small", "large", ""]),
            "input_tokens": random.randint(10, 999),
        }
        kind = unknown if random.random() < 0.1 else step
        rows.append(kind(f"s{random.randint(1, number // 4)}", **values))
    return rows


@override_settings(AGENT_SESSIONS_PRICES=PRICES)
class NumbersTests(TestCase):
    """report_of()."""

    def report(self, name: str = "7d", by: str = "agent", measure: str = "tokens") -> UsageReport:
        return report_of(Usage.objects.all(), period_until(TODAY, name), by=by, measure=measure)

    def test_exact(self) -> None:
        """Sums and sessions are exact in any time zone, even when clocks change."""
        for zone in ("Europe/Amsterdam", "Pacific/Auckland", "America/New_York", "UTC"):
            for name, by in product(("7d", "30d", YEAR), ("agent", "model")):
                with self.subTest(zone=zone, name=name, by=by), timezone.override(zone):
                    self.check(name, by)

    def check(self, name: str, by: str) -> None:
        days = period_until(TODAY, name)
        Usage.objects.all().delete()
        store(various(days, 120))
        column = {"agent": "agent_name", "model": "model"}[by]

        found = self.report(name, by)

        expected = expected_tallies(days, column)
        self.assertEqual(found.whole, expected[None, None])
        self.assertEqual(found.buckets, {key: expected[key, None] for key in sorted(found.buckets)})
        self.assertEqual(
            {(day, found.series[at]): tally for (day, at), tally in found.cells.items()},
            {key: tally for key, tally in expected.items() if None not in key},
        )
        tallies = {"agent": found.agents, "model": found.models}[by]
        self.assertEqual(tallies, {name: expected[None, name] for name in tallies})
        self.assertEqual(
            sum((tally.total for tally in tallies.values()), UsageTotal()), found.whole.total
        )

    def test_agrees_with_by(self) -> None:
        """Sums are the same as those of by()."""
        store(various(period_until(TODAY, "30d"), 100))
        days = period_until(TODAY, "30d")
        moments = days.moments()

        found = self.report("30d")

        inside = Usage.objects.filter(created_at__gte=moments[0], created_at__lt=moments[-1])
        self.assertEqual(
            {days.starts[day]: tally.total for day, tally in found.buckets.items()},
            inside.by("day"),
        )
        self.assertEqual(
            {name: tally.total for name, tally in found.agents.items()}, inside.by("agent")
        )
        self.assertEqual(
            {name: tally.total for name, tally in found.models.items()}, inside.by("model")
        )

    def test_order(self) -> None:
        """Names are sorted by the measure, the greatest first."""
        store([step("one", agent_name="A", total_tokens=500)])
        store([step("two", agent_name="B", total_tokens=1), step("three", agent_name="B")])
        store([step("two", agent_name="C", model="large", total_tokens=9)])
        store([step("two", agent_name="D", input_tokens=9_000_000)])

        orders = {
            measure: [*self.report(measure=measure).agents] for measure in ("tokens", "sessions")
        }

        self.assertEqual(orders, {"tokens": [*"ABDC"], "sessions": [*"BACD"]})
        self.assertEqual([*self.report(measure="cost").agents], [*"DBAC"])
        self.assertEqual(self.report(measure="sessions").series, [*"BACD"])

    def test_unknown_tokens(self) -> None:
        """Steps with unknown tokens are counted for their day and their agent."""
        store([step(), unknown(), unknown(agent_name="Desk")])

        found = self.report()

        self.assertEqual(found.buckets[6].total.unknown_steps, 2)
        self.assertEqual(found.agents["Bot"].total.unknown_steps, 1)
        self.assertEqual(found.agents["Desk"].total.cost, None)

    def test_many_names(self) -> None:
        """The greatest of thousands of agents are named; all others share exact numbers."""
        store(
            step(
                f"s{at % 7}", agent_name=f"agent {at}", model=f"m{at % 30}", total_tokens=9_999 - at
            )
            for at in range(3_000)
        )

        found = self.report()

        self.assertEqual(len(found.series), DRAWN + 1)
        self.assertEqual(len(found.cells), DRAWN + 1)
        for tallies in (found.agents, found.models):
            self.assertEqual(len(tallies), LISTED + 1)
            self.assertEqual(sum(tally.total.steps for tally in tallies.values()), 3_000)
            self.assertEqual((*tallies,)[-1], None)
            self.assertEqual(tallies[None].sessions, 7)
        self.assertEqual(found.cells[Cell(6, DRAWN)].sessions, 7)
        self.assertEqual(found.whole.sessions, 7)

    def test_as_many_names_as_are_listed(self) -> None:
        """If all names are listed, there are no others."""
        store(step(agent_name=f"agent {at}") for at in range(LISTED))

        found = self.report()

        self.assertEqual(len(found.agents), LISTED)
        self.assertNotIn(None, found.agents)

    def test_users(self) -> None:
        """Each owner has a series; sessions without an owner, and deleted ones, share one."""
        hers, his = owner_of("hers", "annelies"), owner_of("his", "bob")
        owner_of("nobody's", None)
        store([step("hers", total_tokens=500), step("his"), step("nobody's"), unknown("gone")])

        found = self.report(by="user")

        sessions = {name: tally.sessions for name, tally in found.users.items()}
        self.assertEqual(sessions, {hers: 1, his: 1, NOBODY: 2})
        self.assertEqual([*found.users], [hers, NOBODY, his])
        self.assertEqual(found.usernames, {hers: "annelies", his: "bob"})
        self.assertEqual(found.series, [hers, NOBODY, his])
        self.assertEqual(found.users[NOBODY].total.unknown_steps, 1)
        self.assertEqual(
            {key: tally.sessions for key, tally in found.cells.items()},
            {
                (6, 0): 1,
                (6, 1): 2,
                (6, 2): 1,
            },
        )
        total = sum((tally.total for tally in found.cells.values()), UsageTotal())
        self.assertEqual((total, found.whole.total), (found.whole.total, Usage.objects.total()))

    def test_users_agree_with_by(self) -> None:
        """Sums are the same as those of by()."""
        rows = various(period_until(TODAY, "30d"), 100)
        for at in range(10):
            owner_of(f"s{at}", f"user {at % 4}" if at % 3 else None)
        store(rows)
        moments = period_until(TODAY, "30d").moments()

        found = self.report("30d", by="user")

        inside = Usage.objects.filter(created_at__gte=moments[0], created_at__lt=moments[-1])
        expected = {str(pk or NOBODY): total for pk, total in inside.by("user").items()}
        self.assertEqual({name: tally.total for name, tally in found.users.items()}, expected)
        self.assertEqual(
            sum((tally.total for tally in found.buckets.values()), UsageTotal()), inside.total()
        )

    def test_many_users(self) -> None:
        """The greatest users by each measure are named; all others share a series."""
        for at in range(LISTED + 5):
            owner_of(f"s{at}", f"user {at}")
            owner_of(f"t{at}", f"user {at}")
        rows = [step(f"s{at}", total_tokens=1_000 + at) for at in range(LISTED + 5)]
        store([*rows, step("t3", total_tokens=0), step("t4", input_tokens=9_000, total_tokens=0)])

        by_tokens = self.report(by="user")
        by_sessions = self.report(by="user", measure="sessions")
        by_cost = self.report(by="user", measure="cost")

        names = by_tokens.usernames.values()
        self.assertEqual({*names}, {f"user {at}" for at in range(5, LISTED + 5)})
        self.assertEqual(by_tokens.users[None].sessions, 7)
        self.assertEqual((by_tokens.series[-1], len(by_tokens.series)), (None, DRAWN + 1))
        shown = [by_sessions.usernames[str(name)] for name in by_sessions.series[:2]]
        self.assertEqual({*shown}, {"user 3", "user 4"})
        self.assertEqual(by_cost.usernames[str(by_cost.series[0])], "user 4")
        for found in (by_tokens, by_sessions, by_cost):
            self.assertEqual(sum(tally.total.steps for tally in found.users.values()), LISTED + 7)
            self.assertEqual(sum(tally.sessions for tally in found.users.values()), LISTED + 7)
            self.assertEqual(sum(tally.sessions for tally in found.cells.values()), LISTED + 7)

    def test_nothing(self) -> None:
        """Usage just before and just after a period is not counted."""
        days = period_until(TODAY, "7d")
        store([step(created_at=days.moments()[0] - timedelta(microseconds=1))])
        store([step(created_at=days.moments()[-1])])

        with self.assertNumQueries(1):
            self.assertEqual(self.report(), NOTHING_RECORDED)
        self.assertEqual(self.report(by="user"), NOTHING_RECORDED)

    def test_statements(self) -> None:
        """The number of statements does not depend on the data."""
        for number in (1, 300):
            names = [f"{number} {at}" for at in range(number)]
            for name in names:
                owner_of(name, name)
            store(step(name, agent_name=f"agent {name}", model=f"model {name}") for name in names)

            for name, by in product(("7d", "90d", YEAR), ("agent", "model", "user")):
                with self.assertNumQueries(6 if by == "user" else 4):
                    self.report(name, by)

    @override_settings(USE_TZ=False)
    def test_without_time_zones(self) -> None:
        """In a project without time zones, the stored time decides the day."""
        store([step(created_at=datetime(2026, 4, 1, 23, 59))])

        self.assertEqual([*self.report().buckets], [5])


def owner_of(session_id: str, username: str | None) -> str:
    """Create a session and its owner, and return the owner's name in a report."""
    owner = username and User.objects.get_or_create(username=username)[0]
    Session.objects.create(session_id=session_id, user=owner or None)
    return str(owner.pk) if owner else NOBODY


class UsageOfTests(TestCase):
    """usage_of()."""

    def setUp(self) -> None:
        self.owner = User.objects.create_user("annelies")
        Session.objects.create(session_id="hers", user=self.owner)
        Session.objects.create(session_id="nobody's")
        store([step("hers"), step("nobody's"), step("gone")])

    def steps(self, sessions: Any) -> int:
        return usage_of(sessions).total().steps

    def test_all(self) -> None:
        """The usage of all sessions includes that of deleted ones."""
        for sessions in (Session.objects.all(), Session.objects.order_by("-updated_at")):
            self.assertEqual(self.steps(sessions), 3)
        self.assertEqual(self.steps(Session.objects.select_related("user")), 3)

    def test_restricted(self) -> None:
        """The usage of some sessions includes no other."""
        mine = Session.objects.filter(user=self.owner)
        named = Session.objects.filter(user__username="annelies")

        self.assertEqual(self.steps(mine), 1)
        self.assertEqual(self.steps(named.order_by("-updated_at")), 1)
        self.assertEqual(self.steps(Session.objects.exclude(user=None).distinct()), 1)
        self.assertEqual(self.steps(Session.objects.none()), 0)
        self.assertEqual(self.steps(mine.union(mine)), 1)

    def test_alias(self) -> None:
        """Usage is read from the database of the sessions."""
        self.assertEqual(usage_of(Session.objects.using("archive")).db, "archive")


def expected_tallies(days: Period, column: str) -> dict[Any, Tally]:
    """Tally the stored rows one by one; None stands for all days, and for all names."""
    rows: defaultdict[Any, list[Usage]] = defaultdict(list)
    for row in Usage.objects.all():
        day = day_of(row.created_at)
        start = day.replace(day=1) if days.is_by_month else day
        if start in days.starts and day <= days.last:
            at = days.starts.index(start)
            for key in product((at, None), (getattr(row, column), None)):
                rows[key].append(row)
    return {
        key: Tally(
            len({row.session_id for row in found}),
            Usage.objects.filter(pk__in=[row.pk for row in found]).total(),
        )
        for key, found in rows.items()
    }
