"""usage.totals: the sums of steps, and what is unknown in them."""

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
    """Store an answer with its tokens, and return the row of its usage."""
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
        """The total of no steps is 0 and complete."""
        total = self.total()

        self.assertEqual(total, UsageTotal())
        self.assertEqual(total.cost, 0)
        self.assertTrue(total.is_complete)
        self.assertTrue(total.is_cost_complete)

    def test_sums(self) -> None:
        """All counts are summed, and the cost is exact."""
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
        """A step with unknown tokens is counted as unknown, not as 0."""
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
        """The known tokens of a step are summed, but its cost is unknown."""
        store(tokens=MILLION._replace(cached_tokens=None))

        total = self.total()

        self.assertEqual((total.input_tokens, total.cached_tokens), (1_000_000, 0))
        self.assertEqual((total.unknown_steps, total.cost), (1, None))

    def test_no_price(self) -> None:
        """Without a price that it needs, a step has tokens and no cost."""
        for model in ("", "other", "large"):  # large has no price for cached tokens
            store(model=model)

        total = self.total()

        self.assertIsNone(total.cost)
        self.assertTrue(total.is_complete)
        self.assertFalse(total.is_cost_complete)
        self.assertEqual((total.unpriced_steps, total.total_tokens), (3, 6_000_000))

    def test_without_the_setting(self) -> None:
        """Without the setting there are tokens and no cost."""
        store()

        with override_settings():
            del settings.AGENT_SESSIONS_PRICES  # type: ignore[misc]  # not a setting of Django's
            self.assertIsNone(self.total().cost)

    def test_filters(self) -> None:
        """Filters are respected, and ordering does not matter."""
        user = User.objects.create_user("annelies")
        store("hers", user=user)
        store("nobody's")

        mine = Usage.objects.filter(session__user=user).order_by("-created_at")
        with self.assertNumQueries(1):
            total = mine.total()

        self.assertEqual((total.steps, total.cost), (1, Decimal("2.55")))

    async def test_async(self) -> None:
        """atotal() and aby() return the same."""
        await Session.objects.aappend("one", [ANSWER], step=Step("Bot", "run", "", MILLION))

        self.assertEqual((await Usage.objects.atotal()).total_tokens, 2_000_000)
        self.assertEqual([*await Usage.objects.aby("agent")], ["Bot"])


class AdditionTests(SimpleTestCase):
    """Adding totals."""

    def test_addition(self) -> None:
        """The sum of two totals is the total of all their steps."""
        priced = UsageTotal(steps=1, requests=1, total_tokens=5, cost=Decimal("0.5"))
        unpriced = UsageTotal(steps=1, unpriced_steps=1, total_tokens=7, cost=None)

        self.assertEqual(
            priced + unpriced,
            UsageTotal(steps=2, unpriced_steps=1, requests=1, total_tokens=12, cost=Decimal("0.5")),
        )
        self.assertEqual((priced + priced).cost, 1)
        self.assertIsNone((unpriced + unpriced).cost)

    def test_nothing(self) -> None:
        """Adding an empty total changes nothing, so sum() can begin with it."""
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
        """Each value has its total, priced by model; the values are sorted."""
        store(agent="B", model="small")
        store(agent="B", model="large", tokens=UNCACHED)
        store(agent="A")

        found = self.by("agent")

        self.assertEqual([*found], ["A", "B"])
        self.assertEqual((found["B"].steps, found["B"].cost), (2, Decimal("32.55")))

    def test_several_keys(self) -> None:
        """With several keys the keys of the result are tuples."""
        store("one", model="small")
        store("two", model="")

        found = self.by("model", "session")

        self.assertEqual([*found], [("", "two"), ("small", "one")])

    def test_user(self) -> None:
        """A user's key is the primary key; None, for no owner, comes last."""
        user = User.objects.create_user("annelies")
        store("nobody's")
        store("hers", user=user)

        self.assertEqual([*self.by("user")], [user.pk, None])

    def test_deleted_session(self) -> None:
        """The usage of a session that the SDK has deleted counts under no owner."""
        store()
        Message.objects.all()._raw_delete("default")
        Session.objects.all()._raw_delete("default")

        self.assertEqual(self.by("user")[None].steps, 1)
        self.assertEqual(self.by("session")["one"].steps, 1)

    def test_day(self) -> None:
        """Days are those of the current time zone, with daylight saving and half hours."""
        store(created_at=datetime(2026, 3, 28, 22, 59, tzinfo=UTC))
        store(created_at=datetime(2026, 3, 28, 23, 0, tzinfo=UTC))
        store(
            created_at=datetime(2026, 3, 29, 22, 0, tzinfo=UTC)
        )  # after the change to summer time
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
        """Without USE_TZ, days are those of the stored times."""
        store(created_at=datetime(2026, 3, 28, 23, 59))

        self.assertEqual([*self.by("day")], [date(2026, 3, 28)])

    def test_wrong_keys(self) -> None:
        """Unknown keys, or none, raise ValueError with the known ones."""
        for keys in (["month"], ["agent", "month"], []):
            with self.assertRaisesMessage(ValueError, "by() takes one or more of 'session'"):
                Usage.objects.by(*keys)

    def test_filters(self) -> None:
        """Filters are respected."""
        store("one")
        store("two")

        found = Usage.objects.filter(session="two").by("session")

        self.assertEqual([*found], ["two"])
