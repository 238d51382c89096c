"""The filter by cost, which the database computes."""

from __future__ import annotations

from decimal import Decimal

from django.test import override_settings

from agent_sessions import Session
from agent_sessions.admin.changelist.columns import cost
from agent_sessions.admin.changelist.filters import BANDS
from agent_sessions.admin.changelist.row_facts import facts_of
from agent_sessions.models.usage import Usage
from agent_sessions.usage.steps import Tokens
from tests.admin.changelist.testcase import ListTestCase
from tests.admin.testcase import LIST
from tests.contract import TURN

PRICES = {
    "small": {"input": "0.1", "cached": "0.025", "output": "2"},
    "large": {"input": 3, "output": "0.3"},  # cached tokens have no price
    "tiny": {"input": "0.000001", "cached": 0, "output": 0},
    "free": {"input": 0, "cached": 0, "output": 0},
}


@override_settings(AGENT_SESSIONS_PRICES=PRICES)
class CostTests(ListTestCase):
    """CostFilter and session_cost()."""

    def step(self, session_id: str, model: str, tokens: Tokens) -> None:
        session, _ = Session.objects.get_or_create(session_id=session_id)
        Usage.objects.create(session=session, model=model, **tokens._asdict())

    def spend(self, session_id: str, tokens: int, model: str = "small") -> None:
        self.step(session_id, model, Tokens(1, tokens, 0, 0, 0, tokens))

    def bands(self) -> dict[str, list[str]]:
        return {band: sorted(self.found(cost=band)) for band in ("unknown", "0", *BANDS)}

    def test_borders(self) -> None:
        """A cost on a border belongs to the upper band, and one token less to the lower band."""
        for cents in (1, 10, 100):
            self.spend(f"{cents} cents", cents * 100_000)
            self.spend(f"under {cents} cents", cents * 100_000 - 1)
        self.spend("nothing", 0)
        self.spend("free", 1_000, "free")
        self.spend("next to nothing", 1, "tiny")

        self.assertEqual(
            self.bands(),
            {
                "unknown": [],
                "0": ["free", "nothing"],
                "0-0.01": ["next to nothing", "under 1 cents"],
                "0.01-0.1": ["1 cents", "under 10 cents"],
                "0.1-1": ["10 cents", "under 100 cents"],
                "1-": ["100 cents"],
            },
        )

    def test_many_small_sums(self) -> None:
        """Sums of many small costs are exact, unlike in floating point."""
        for _ in range(10):
            self.spend("ten times a tenth of a cent", 10_000)
            self.spend("ten times a cent", 100_000)

        self.assertEqual(self.found(cost="0.01-0.1"), ["ten times a tenth of a cent"])
        self.assertEqual(self.found(cost="0.1-1"), ["ten times a cent"])

    def test_unknown(self) -> None:
        """Steps of unknown cost are left out, as they are in the column."""
        Session.objects.append("no steps", TURN)
        self.spend("no price", 10_000_000, "unheard of")
        self.step("no tokens", "small", Tokens(1))
        self.step("some tokens", "small", Tokens(1, 10_000_000, 0, None, None, None))
        self.step("no price of cached", "large", Tokens(1, 10, 5, 0, 0, 10))
        self.step("more cached than input", "small", Tokens(1, 5, 10, 0, 0, 10))
        self.step("part", "large", Tokens(1, 10, 5, 0, 0, 10))
        self.spend("part", 1_000_000)

        unknown = self.bands()["unknown"]

        self.assertEqual(self.found(cost="0.1-1"), ["part"])
        self.assertEqual(
            unknown,
            [
                "more cached than input",
                "no price",
                "no price of cached",
                "no steps",
                "no tokens",
                "some tokens",
            ],
        )

    def test_as_the_column_shows(self) -> None:
        """A session is in the band of the cost that the list shows."""
        for number in range(0, 60, 2):
            for model in ("small", "large", "large", "unheard of")[: 1 + number % 4]:
                cached = number * 500 * (number % 3)
                tokens = Tokens(1, number * 7_001, cached, number * 1_000, 0, 0)
                self.step(f"{number}", model, tokens)
        self.spend("unknown", 1, "unheard of")
        costs = {s.pk: facts_of(s).summary.usage for s in self.result()}

        bands = self.bands()

        for band, (least, below) in BANDS.items():
            for found in bands[band]:
                spent = costs.pop(found).cost
                assert spent is not None
                self.assertTrue(max(least, Decimal("1e-9")) <= spent < (below or 10**9), found)
        for found in bands["0"]:
            self.assertEqual(costs.pop(found).cost, 0)
        self.assertEqual({usage.cost for usage in costs.values()}, {None})
        self.assertTrue(all(bands[band] for band in ("0", "0-0.01", "0.01-0.1", "0.1-1", "1-")))

    def result(self) -> list[Session]:
        return list(self.session_list(all="").result_list)

    def test_prices_of_many_digits(self) -> None:
        """Prices with too many digits for an integer are rounded."""
        prices = {"a": {"input": "1e-30"}, "b": {"input": "12345678.1"}}
        with override_settings(AGENT_SESSIONS_PRICES=prices):
            self.spend("one", 10**12, "b")
            self.spend("two", 10**12, "a")

            self.assertEqual(self.found(cost="1-"), ["one"])
            self.assertEqual(self.found(cost="0"), ["two"])

    def test_offered(self) -> None:
        """The filter is offered if there are prices; an unknown band leads back to the list."""
        self.assertContains(self.get(), "0.01 to under 0.1")
        self.assertRedirects(self.client.get(LIST, {"cost": "x"}), f"{LIST}?e=1")
        self.spend("one", 1)

        with override_settings(AGENT_SESSIONS_PRICES={}):
            self.assertNotContains(self.get(), "By cost")
            self.assertEqual(self.found(cost="1-"), ["one"])

    def test_free(self) -> None:
        """The column shows a cost of 0 as 0, as the filter does."""
        self.spend("free", 1_000, "free")

        (session,) = self.result()

        self.assertEqual(cost(session), "0.00")
