"""usage_numbers: exact sums and sessions by day, agent and model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import product
from random import Random
from typing import Any

from django.contrib.auth import get_user_model
from django.test import TestCase, override_settings
from django.utils import timezone

from agent_sessions.admin.usage_page.buckets import YEAR, Period, period
from agent_sessions.admin.usage_page.numbers import (
    DRAWN,
    LISTED,
    NOBODY,
    NOTHING,
    Line,
    Numbers,
    numbers,
    usage_of,
)
from agent_sessions.models import Session, Usage
from agent_sessions.models.usage import day_of
from agent_sessions.usage.totals import UsageTotal

PRICES = {"small": {"input": 1, "cached": "0.1", "output": 2}}
TODAY = date(2026, 4, 2)
NOON = datetime(2026, 4, 2, 12, tzinfo=UTC)


def step(session_id: str = "one", **values: Any) -> Usage:
    """Return a row that is not stored."""
    known = {
        "created_at": NOON,
        "agent_name": "Bot",
        "model": "small",
        "requests": 1,
        "input_tokens": 100,
        "cached_tokens": 10,
        "output_tokens": 20,
        "reasoning_tokens": 5,
        "total_tokens": 120,
    }
    return Usage(session_id=session_id, **{**known, **values})


def unknown(session_id: str = "one", **values: Any) -> Usage:
    tokens = ("input", "cached", "output", "reasoning", "total")
    return step(session_id, **{**values, **{f"{name}_tokens": None for name in tokens}})


def store(rows: Iterable[Usage]) -> None:
    Usage.objects.bulk_create(rows)


def various(days: Period, number: int) -> list[Usage]:
    """Return rows of all sorts, many of them close to the bounds of days."""
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
    """numbers()."""

    def numbers(self, name: str = "7d", by: str = "agent", measure: str = "tokens") -> Numbers:
        return numbers(Usage.objects.all(), period(name, TODAY), by=by, measure=measure)

    def test_exact(self) -> None:
        """All sums and sessions are those of the rows, in any time zone and where clocks change."""
        for zone in ("Europe/Amsterdam", "Pacific/Auckland", "America/New_York", "UTC"):
            for name, by in product(("7d", "30d", YEAR), ("agent", "model")):
                with self.subTest(zone=zone, name=name, by=by), timezone.override(zone):
                    self.check(name, by)

    def check(self, name: str, by: str) -> None:
        days = period(name, TODAY)
        Usage.objects.all().delete()
        store(various(days, 120))
        column = {"agent": "agent_name", "model": "model"}[by]

        found = self.numbers(name, by)

        expected = expected_lines(days, column)
        self.assertEqual(found.whole, expected[None, None])
        self.assertEqual(found.days, {key: expected[key, None] for key in sorted(found.days)})
        self.assertEqual(
            {(day, found.series[at]): line for (day, at), line in found.cells.items()},
            {key: line for key, line in expected.items() if None not in key},
        )
        lines = {"agent": found.agents, "model": found.models}[by]
        self.assertEqual(lines, {name: expected[None, name] for name in lines})
        self.assertEqual(sum((line.total for line in lines.values()), UsageTotal()), found.whole[1])

    def test_by_day_agrees(self) -> None:
        """The sums are those that by() tells of the same rows."""
        store(various(period("30d", TODAY), 100))
        days = period("30d", TODAY)
        moments = days.moments()

        found = self.numbers("30d")

        inside = Usage.objects.filter(created_at__gte=moments[0], created_at__lt=moments[-1])
        self.assertEqual(
            {days.starts[day]: line.total for day, line in found.days.items()}, inside.by("day")
        )
        self.assertEqual(
            {name: line.total for name, line in found.agents.items()}, inside.by("agent")
        )
        self.assertEqual(
            {name: line.total for name, line in found.models.items()}, inside.by("model")
        )

    def test_order(self) -> None:
        """The greatest by the measure come first."""
        store([step("one", agent_name="A", total_tokens=500)])
        store([step("two", agent_name="B", total_tokens=1), step("three", agent_name="B")])
        store([step("two", agent_name="C", model="large", total_tokens=9)])
        store([step("two", agent_name="D", input_tokens=9_000_000)])

        orders = {
            measure: [*self.numbers(measure=measure).agents] for measure in ("tokens", "sessions")
        }

        self.assertEqual(orders, {"tokens": [*"ABDC"], "sessions": [*"BACD"]})
        self.assertEqual([*self.numbers(measure="cost").agents], [*"DBAC"])
        self.assertEqual(self.numbers(measure="sessions").series, [*"BACD"])

    def test_unknown_tokens(self) -> None:
        """Steps of unknown tokens are counted as such on their day and with their agent."""
        store([step(), unknown(), unknown(agent_name="Desk")])

        found = self.numbers()

        self.assertEqual(found.days[6].total.unknown_steps, 2)
        self.assertEqual(found.agents["Bot"].total.unknown_steps, 1)
        self.assertEqual(found.agents["Desk"].total.cost, None)

    def test_many_names(self) -> None:
        """Of thousands of agents the greatest are named; the others are one, sessions exact."""
        store(
            step(
                f"s{at % 7}", agent_name=f"agent {at}", model=f"m{at % 30}", total_tokens=9_999 - at
            )
            for at in range(3_000)
        )

        found = self.numbers()

        self.assertEqual(len(found.series), DRAWN + 1)
        self.assertEqual(len(found.cells), DRAWN + 1)
        for lines in (found.agents, found.models):
            self.assertEqual(len(lines), LISTED + 1)
            self.assertEqual(sum(line.total.steps for line in lines.values()), 3_000)
            self.assertEqual((*lines,)[-1], None)
            self.assertEqual(lines[None].sessions, 7)
        self.assertEqual(found.cells[6, DRAWN].sessions, 7)
        self.assertEqual(found.whole.sessions, 7)

    def test_as_many_names_as_are_listed(self) -> None:
        """Where all names are listed there are no others."""
        store(step(agent_name=f"agent {at}") for at in range(LISTED))

        found = self.numbers()

        self.assertEqual(len(found.agents), LISTED)
        self.assertNotIn(None, found.agents)

    def test_users(self) -> None:
        """Each owner has a line and a series; sessions without one are together, and gone ones."""
        hers, his = owner_of("hers", "annelies"), owner_of("his", "bob")
        owner_of("nobody's", None)
        store([step("hers", total_tokens=500), step("his"), step("nobody's"), unknown("gone")])

        found = self.numbers(by="user")

        sessions = {name: line.sessions for name, line in found.users.items()}
        self.assertEqual(sessions, {hers: 1, his: 1, NOBODY: 2})
        self.assertEqual([*found.users], [hers, NOBODY, his])
        self.assertEqual(found.owners, {hers: "annelies", his: "bob"})
        self.assertEqual(found.series, [hers, NOBODY, his])
        self.assertEqual(found.users[NOBODY].total.unknown_steps, 1)
        self.assertEqual(
            {key: line.sessions for key, line in found.cells.items()},
            {
                (6, 0): 1,
                (6, 1): 2,
                (6, 2): 1,
            },
        )
        total = sum((line.total for line in found.cells.values()), UsageTotal())
        self.assertEqual((total, found.whole.total), (found.whole.total, Usage.objects.total()))

    def test_users_agree(self) -> None:
        """The sums are those that by() tells of the same rows."""
        rows = various(period("30d", TODAY), 100)
        for at in range(10):
            owner_of(f"s{at}", f"user {at % 4}" if at % 3 else None)
        store(rows)
        moments = period("30d", TODAY).moments()

        found = self.numbers("30d", by="user")

        inside = Usage.objects.filter(created_at__gte=moments[0], created_at__lt=moments[-1])
        expected = {str(pk or NOBODY): total for pk, total in inside.by("user").items()}
        self.assertEqual({name: line.total for name, line in found.users.items()}, expected)
        self.assertEqual(
            sum((line.total for line in found.days.values()), UsageTotal()), inside.total()
        )

    def test_many_users(self) -> None:
        """Of hundreds of users the greatest by each measure are named, and the others are one."""
        for at in range(LISTED + 5):
            owner_of(f"s{at}", f"user {at}")
            owner_of(f"t{at}", f"user {at}")
        rows = [step(f"s{at}", total_tokens=1_000 + at) for at in range(LISTED + 5)]
        store([*rows, step("t3", total_tokens=0), step("t4", input_tokens=9_000, total_tokens=0)])

        by_tokens = self.numbers(by="user")
        by_sessions = self.numbers(by="user", measure="sessions")
        by_cost = self.numbers(by="user", measure="cost")

        names = by_tokens.owners.values()
        self.assertEqual({*names}, {f"user {at}" for at in range(5, LISTED + 5)})
        self.assertEqual(by_tokens.users[None].sessions, 7)
        self.assertEqual((by_tokens.series[-1], len(by_tokens.series)), (None, DRAWN + 1))
        shown = [by_sessions.owners[str(name)] for name in by_sessions.series[:2]]
        self.assertEqual({*shown}, {"user 3", "user 4"})
        self.assertEqual(by_cost.owners[str(by_cost.series[0])], "user 4")
        for found in (by_tokens, by_sessions, by_cost):
            self.assertEqual(sum(line.total.steps for line in found.users.values()), LISTED + 7)
            self.assertEqual(sum(line.sessions for line in found.users.values()), LISTED + 7)
            self.assertEqual(sum(line.sessions for line in found.cells.values()), LISTED + 7)

    def test_nothing(self) -> None:
        """Where nothing was recorded, and on both sides of a period, there is nothing."""
        days = period("7d", TODAY)
        store([step(created_at=days.moments()[0] - timedelta(microseconds=1))])
        store([step(created_at=days.moments()[-1])])

        with self.assertNumQueries(1):
            self.assertEqual(self.numbers(), NOTHING)
        self.assertEqual(self.numbers(by="user"), NOTHING)

    def test_statements(self) -> None:
        """The number of statements is the same, whatever the data."""
        for number in (1, 300):
            names = [f"{number} {at}" for at in range(number)]
            for name in names:
                owner_of(name, name)
            store(step(name, agent_name=f"agent {name}", model=f"model {name}") for name in names)

            for name, by in product(("7d", "90d", YEAR), ("agent", "model", "user")):
                with self.assertNumQueries(6 if by == "user" else 4):
                    self.numbers(name, by)

    @override_settings(USE_TZ=False)
    def test_without_time_zones(self) -> None:
        """Where the project has no time zones, a day is that of the time that is stored."""
        store([step(created_at=datetime(2026, 4, 1, 23, 59))])

        self.assertEqual([*self.numbers().days], [5])


def owner_of(session_id: str, username: str | None) -> str:
    """Make a session of a user, who is made as well, and return the user's name in numbers."""
    owner = username and get_user_model().objects.get_or_create(username=username)[0]
    Session.objects.create(session_id=session_id, user=owner or None)
    return str(owner.pk) if owner else NOBODY


class UsageOfTests(TestCase):
    """usage_of()."""

    def setUp(self) -> None:
        self.owner = get_user_model().objects.create_user("annelies")
        Session.objects.create(session_id="hers", user=self.owner)
        Session.objects.create(session_id="nobody's")
        store([step("hers"), step("nobody's"), step("gone")])

    def steps(self, sessions: Any) -> int:
        return usage_of(sessions).total().steps

    def test_all(self) -> None:
        """With all sessions there is the usage of those too that are gone."""
        for sessions in (Session.objects.all(), Session.objects.order_by("-updated_at")):
            self.assertEqual(self.steps(sessions), 3)
        self.assertEqual(self.steps(Session.objects.select_related("user")), 3)

    def test_restricted(self) -> None:
        """With some sessions there is theirs alone."""
        mine = Session.objects.filter(user=self.owner)
        named = Session.objects.filter(user__username="annelies")

        self.assertEqual(self.steps(mine), 1)
        self.assertEqual(self.steps(named.order_by("-updated_at")), 1)
        self.assertEqual(self.steps(Session.objects.exclude(user=None).distinct()), 1)
        self.assertEqual(self.steps(Session.objects.none()), 0)
        self.assertEqual(self.steps(mine.union(mine)), 1)

    def test_alias(self) -> None:
        """Usage is read from where the sessions are."""
        self.assertEqual(usage_of(Session.objects.using("archive")).db, "archive")


def expected_lines(days: Period, column: str) -> dict[Any, Line]:
    """Count the stored rows one by one; None stands for all days, and for all names."""
    rows: defaultdict[Any, list[Usage]] = defaultdict(list)
    for row in Usage.objects.all():
        day = day_of(row.created_at)
        start = day.replace(day=1) if days.is_by_month else day
        if start in days.starts and day <= days.last:
            at = days.starts.index(start)
            for key in product((at, None), (getattr(row, column), None)):
                rows[key].append(row)
    return {
        key: Line(
            len({row.session_id for row in found}),
            Usage.objects.filter(pk__in=[row.pk for row in found]).total(),
        )
        for key, found in rows.items()
    }
