"""usage: sums of what steps cost, and what is missing in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from datetime import timezone as fixed
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.test import SimpleTestCase, TestCase, override_settings
from django.utils import timezone

from agent_sessions import Message, Session, Usage
from agent_sessions.usage.steps import Step, Tokens
from agent_sessions.usage.totals import UsageTotal
from tests.contract import ANSWER

PRICES = {
    "small": {"input": 1, "cached": "0.1", "output": 2},
    "large": {"input": 10, "output": 20},
}
MILLION = Tokens(1, 1_000_000, 500_000, 1_000_000, 250_000, 2_000_000)
UNCACHED = MILLION._replace(cached_tokens=0)


def store(session_id: str = "one", tokens: Tokens = MILLION, **values: Any) -> Usage:
    """Store an answer with what it cost, and return the row of its usage."""
    step = Step(agent_name=values.pop("agent", "Calendar Club"), run_id="run", tokens=tokens)
    Session.objects.append(session_id, [ANSWER], user=values.pop("user", None), step=step)
    usage = Usage.objects.latest("pk")
    Usage.objects.filter(pk=usage.pk).update(**{"model": "small", **values})
    return usage


@override_settings(AGENT_SESSIONS_PRICES=PRICES)
class TotalTests(TestCase):
    """total()."""

    def total(self) -> UsageTotal:
        with self.assertNumQueries(1):
            return Usage.objects.total()

    def test_nothing(self) -> None:
        """No steps cost nothing, and nothing is missing."""
        total = self.total()

        self.assertEqual(total, UsageTotal())
        self.assertEqual(total.cost, 0)
        self.assertTrue(total.is_complete)
        self.assertTrue(total.is_cost_complete)

    def test_sums(self) -> None:
        """All that is counted is summed, and what it cost is told to the last digit."""
        store()
        store(tokens=UNCACHED, model="large")

        total = self.total()

        self.assertEqual(
            total,
            UsageTotal(
                steps=2,
                requests=2,
                input_tokens=2_000_000,
                cached_tokens=500_000,
                output_tokens=2_000_000,
                reasoning_tokens=500_000,
                total_tokens=4_000_000,
                cost=Decimal("2.55") + 30,
            ),
        )
        self.assertTrue(total.is_complete)
        self.assertTrue(total.is_cost_complete)
        self.assertTrue(all(type(getattr(total, name)) is int for name in Tokens._fields))

    def test_unknown_tokens(self) -> None:
        """A step of which the tokens are not known is counted as such, and not as 0."""
        store()
        store(tokens=Tokens(requests=1))
        store(tokens=Tokens())

        total = self.total()

        self.assertEqual((total.steps, total.unknown_steps, total.unpriced_steps), (3, 2, 2))
        self.assertEqual((total.requests, total.total_tokens), (2, 2_000_000))
        self.assertEqual(total.cost, Decimal("2.55"))
        self.assertFalse(total.is_complete)
        self.assertFalse(total.is_cost_complete)

    def test_partly_known_tokens(self) -> None:
        """What is known of a step is summed; its cost is unknown all the same."""
        store(tokens=MILLION._replace(cached_tokens=None))

        total = self.total()

        self.assertEqual((total.input_tokens, total.cached_tokens), (1_000_000, 0))
        self.assertEqual((total.unknown_steps, total.cost), (1, None))

    def test_no_price(self) -> None:
        """A model without prices, or without one that is needed, has tokens and no cost."""
        for model in ("", "other", "large"):  # large has no price for what is cached
            store(model=model)

        total = self.total()

        self.assertIsNone(total.cost)
        self.assertTrue(total.is_complete)
        self.assertFalse(total.is_cost_complete)
        self.assertEqual((total.unpriced_steps, total.total_tokens), (3, 6_000_000))

    def test_without_the_setting(self) -> None:
        """Without prices there are tokens and no cost."""
        store()

        with override_settings():
            del settings.AGENT_SESSIONS_PRICES
            self.assertIsNone(self.total().cost)

    def test_filters(self) -> None:
        """Sums are those of the rows that filters leave, in whatever order these are."""
        user = User.objects.create_user("annelies")
        store("hers", user=user)
        store("nobody's")

        mine = Usage.objects.filter(session__user=user).order_by("-created_at")
        with self.assertNumQueries(1):
            total = mine.total()

        self.assertEqual((total.steps, total.cost), (1, Decimal("2.55")))

    async def test_async(self) -> None:
        """The a-twins return the same."""
        await Session.objects.aappend("one", [ANSWER], step=Step("Bot", "run", "", MILLION))

        self.assertEqual((await Usage.objects.atotal()).total_tokens, 2_000_000)
        self.assertEqual([*await Usage.objects.aby("agent")], ["Bot"])


class AdditionTests(SimpleTestCase):
    """The sum of two totals."""

    def test_addition(self) -> None:
        """Two totals add up to the total of all their steps."""
        priced = UsageTotal(steps=1, requests=1, total_tokens=5, cost=Decimal("0.5"))
        unpriced = UsageTotal(steps=1, unpriced_steps=1, total_tokens=7, cost=None)

        self.assertEqual(
            priced + unpriced,
            UsageTotal(steps=2, unpriced_steps=1, requests=1, total_tokens=12, cost=Decimal("0.5")),
        )
        self.assertEqual((priced + priced).cost, 1)
        self.assertIsNone((unpriced + unpriced).cost)

    def test_nothing(self) -> None:
        """Nothing added changes nothing, so that sum() begins with it."""
        unpriced = UsageTotal(steps=1, unpriced_steps=1, cost=None)

        self.assertEqual(sum([unpriced], UsageTotal()), unpriced)
        self.assertEqual(sum([], UsageTotal()), UsageTotal())


@override_settings(AGENT_SESSIONS_PRICES=PRICES)
class ByTests(TestCase):
    """by()."""

    def by(self, *keys: str) -> dict[Any, UsageTotal]:
        with self.assertNumQueries(1):
            return Usage.objects.by(*keys)

    def test_one_key(self) -> None:
        """Each value has its sums, priced by model; the values are in order."""
        store(agent="B", model="small")
        store(agent="B", model="large", tokens=UNCACHED)
        store(agent="A")

        found = self.by("agent")

        self.assertEqual([*found], ["A", "B"])
        self.assertEqual((found["B"].steps, found["B"].cost), (2, Decimal("32.55")))

    def test_several_keys(self) -> None:
        """Several keys make tuples."""
        store("one", model="small")
        store("two", model="")

        found = self.by("model", "session")

        self.assertEqual([*found], [("", "two"), ("small", "one")])

    def test_user(self) -> None:
        """The key of a user is the primary key; sessions without an owner come last."""
        user = User.objects.create_user("annelies")
        store("nobody's")
        store("hers", user=user)

        self.assertEqual([*self.by("user")], [user.pk, None])

    def test_session_that_is_gone(self) -> None:
        """What was spent in a session that the SDK has deleted is nobody's, and not lost."""
        store()
        Message.objects.all()._raw_delete("default")
        Session.objects.all()._raw_delete("default")

        self.assertEqual(self.by("user")[None].steps, 1)
        self.assertEqual(self.by("session")["one"].steps, 1)

    def test_day(self) -> None:
        """A day is that of the current time zone, daylight saving and half hours included."""
        store(created_at=datetime(2026, 3, 28, 22, 59, tzinfo=UTC))
        store(created_at=datetime(2026, 3, 28, 23, 0, tzinfo=UTC))
        store(created_at=datetime(2026, 3, 29, 22, 0, tzinfo=UTC))  # an hour earlier by the sun
        first = date(2026, 3, 28)

        for zone, days in (
            ("Europe/Amsterdam", [0, 1, 2]),
            (UTC, [0, 1]),
            (fixed(timedelta(hours=1, minutes=1)), [1]),
            (fixed(timedelta(hours=5, minutes=30)), [1, 2]),
        ):
            with self.subTest(zone=zone), timezone.override(zone):
                self.assertEqual([*self.by("day")], [first + timedelta(days=n) for n in days])

    @override_settings(USE_TZ=False)
    def test_day_without_time_zones(self) -> None:
        """Where the project has no time zones, a day is that of the time that is stored."""
        store(created_at=datetime(2026, 3, 28, 23, 59))

        self.assertEqual([*self.by("day")], [date(2026, 3, 28)])

    def test_wrong_keys(self) -> None:
        """Other keys, or none, are refused with those that there are."""
        for keys in (["month"], ["agent", "month"], []):
            with self.assertRaisesMessage(ValueError, "by() takes one or more of 'session'"):
                Usage.objects.by(*keys)

    def test_filters(self) -> None:
        """Sums are those of the rows that filters leave."""
        store("one")
        store("two")

        found = Usage.objects.filter(session="two").by("session")

        self.assertEqual([*found], ["two"])
