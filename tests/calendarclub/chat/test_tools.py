"""The agent's tools, called by the SDK with a model's arguments."""

from __future__ import annotations

import json
from typing import Any
from unittest import skipIf

from agents import Agent, FunctionTool, RunConfig, Runner
from agents.testing import ScriptedModel, assistant_message, function_call
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import TestCase, TransactionTestCase

from agent_sessions import Session
from calendarclub.chat.tools import TOOLS
from calendarclub.events.models import Event
from tests.calendarclub.programme import make_event, make_programme

QUIET = RunConfig(tracing_disabled=True)
WEEKEND = {"start": "2040-12-01", "end": "2040-12-02"}


async def output(
    name: str, arguments: dict[str, Any] | str, session: Session | None = None
) -> dict[str, Any]:
    """Run an agent that calls the tool, and return the tool's output."""
    call = function_call(name, arguments, call_id="call_1")
    model = ScriptedModel([[call], [assistant_message("Done.")]])

    run = await Runner.run(
        Agent(name="A", model=model, tools=TOOLS), "?", context=session, run_config=QUIET
    )

    (text,) = [item.output for item in run.new_items if item.type == "tool_call_output_item"]
    answer = json.loads(str(text))
    assert isinstance(answer, dict)
    return answer


def titles(answer: dict[str, Any]) -> list[str]:
    return [card["title"] for card in answer["events"]]


def hide_events() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {Event._meta.db_table} RENAME TO elsewhere")


class ToolTestCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        make_programme()

    async def assert_error(self, name: str, arguments: dict[str, Any] | str, part: str) -> None:
        answer = await output(name, arguments)
        self.assertIn(part, answer["error"])


class SchemaTests(TestCase):
    def test_descriptions(self) -> None:
        """Every tool and every parameter is described to the model."""
        for tool in TOOLS:
            assert isinstance(tool, FunctionTool)
            self.assertGreater(len(tool.description), 50, tool.name)
            self.assertTrue(tool.strict_json_schema)
            for name, parameter in tool.params_json_schema["properties"].items():
                self.assertGreater(len(parameter["description"]), 20, (tool.name, name))


class SearchEventsTests(ToolTestCase):
    async def test_range(self) -> None:
        """An end without a time includes that day, and the events are sorted by start."""
        answer = await output("search_events", WEEKEND)

        self.assertEqual(
            titles(answer),
            [
                "Puppets at Noon",
                "Blue Hour Jazz",
                "Brass on the Quay",
                "Choir of the Canals",
                "Stand-up Sunday",
            ],
        )
        self.assertEqual(answer["total"], 5)

    async def test_moments(self) -> None:
        """Times are local unless they have an offset, and overlapping events are found."""
        local = {"start": "2040-12-01T21:00", "end": "2040-12-01T21:30"}
        utc = {"start": "2040-12-01T20:00:00Z", "end": "2040-12-01T20:30:00Z"}

        self.assertEqual(titles(await output("search_events", local)), ["Blue Hour Jazz"])
        self.assertEqual(titles(await output("search_events", utc)), ["Blue Hour Jazz"])

    async def test_conditions(self) -> None:
        """Words, category and price narrow the search together."""
        conditions: list[tuple[dict[str, Any], list[str]]] = [
            ({"words": "jazz utrecht"}, ["Blue Hour Jazz"]),
            ({"category": " Comedy "}, ["Stand-up Sunday"]),
            ({"free_only": True}, ["Puppets at Noon", "Blue Hour Jazz"]),
            ({"free_only": True, "category": "music"}, ["Blue Hour Jazz"]),
            ({"words": "nothing like it"}, []),
        ]

        for condition, expected in conditions:
            with self.subTest(condition):
                self.assertEqual(
                    titles(await output("search_events", WEEKEND | condition)), expected
                )

    async def test_card(self) -> None:
        """An event has the fields for the page and the model, in local time and in words."""
        answer = await output("search_events", WEEKEND | {"words": "brass"})

        card = answer["events"][0]
        event = await Event.objects.aget(title="Brass on the Quay")
        self.assertEqual(
            card,
            {
                "id": event.pk,
                "title": "Brass on the Quay",
                "start": "2040-12-01T22:00:00+01:00",
                "end": "2040-12-02T00:00:00+01:00",
                "all_day": False,
                "when": "Sat 1 Dec 2040, 22:00–00:00",  # noqa: RUF001
                "venue": "The Hall",
                "city": "Amsterdam",
                "category": "music",
                "price": "EUR 15.00",
                "url": "",
            },
        )

    async def test_all_day(self) -> None:
        """An all-day event has its first and last day, without hours."""
        await self._make_all_day("Fair", "2040-12-10", days=1)
        await self._make_all_day("Biennale", "2040-12-11", days=3)

        answer = await output("search_events", {"start": "2040-12-10", "end": "2040-12-13"})

        self.assertEqual(
            [card["when"] for card in answer["events"]],
            ["Mon 10 Dec 2040, all day", "Tue 11 Dec 2040 – Thu 13 Dec 2040, all day"],  # noqa: RUF001
        )

    async def test_hours(self) -> None:
        """An event without a length has one time, and a long one the day of its end."""
        await sync_to_async(make_event)("Bell", "2040-12-10 12:00", hours=0)
        await sync_to_async(make_event)("Jam", "2040-12-10 18:00", hours=30)

        answer = await output("search_events", {"start": "2040-12-10", "end": "2040-12-10"})

        self.assertEqual(
            [card["when"] for card in answer["events"]],
            ["Mon 10 Dec 2040, 12:00", "Mon 10 Dec 2040, 18:00 – Wed 12 Dec 2040, 00:00"],  # noqa: RUF001
        )

    async def _make_all_day(self, title: str, start: str, *, days: int) -> None:
        event = await sync_to_async(make_event)(title, start, hours=24 * days)
        await Event.objects.filter(pk=event.pk).aupdate(all_day=True)

    async def test_most_events(self) -> None:
        """Fifteen events are listed, with the total and a note that there are more."""
        for number in range(20):
            await sync_to_async(make_event)(f"Gig {number}", f"2041-01-01 {number:02}:00")

        answer = await output("search_events", {"start": "2041-01-01", "end": "2041-01-02"})

        self.assertEqual(titles(answer), [f"Gig {number}" for number in range(15)])
        self.assertEqual(answer["total"], 20)
        self.assertIn("15 of 20", answer["note"])

    async def test_unusable_arguments(self) -> None:
        """A model's mistake is an error with a sentence that says what to do, not an exception."""
        mistakes: list[tuple[dict[str, Any] | str, str]] = [
            ({"start": "this weekend", "end": "2040-12-02"}, "ISO 8601"),
            ({"start": "2040-12-01", "end": ""}, "end is not a date"),
            ({"start": "2040-02-31", "end": "2040-03-01"}, "start is not a date"),
            ({"start": "2040-12-02", "end": "2040-12-01"}, "not after start"),
            ({"start": "2040-12-02T10:00", "end": "2040-12-02T10:00"}, "not after start"),
            ({"start": "2040-01-01", "end": "2049-01-01"}, "longer than a year"),
            ({"start": "0001-01-01", "end": "9999-12-31"}, "year 1"),
            ({"start": "9999-12-31", "end": "9999-12-31"}, "year 9999"),
            ({"start": "2040-12-01", "end": "9999-12-31"}, "end is not a date"),
            (WEEKEND | {"category": "opera"}, "no category 'opera'"),
            (WEEKEND | {"free_only": "perhaps"}, "schema"),
            ({"end": "2040-12-01"}, "schema"),
            ("{not json", "schema"),
        ]

        for arguments, part in mistakes:
            with self.subTest(arguments):
                await self.assert_error("search_events", arguments, part)

    async def test_unknown_category(self) -> None:
        """The error for an unknown category lists the known ones."""
        answer = await output("search_events", WEEKEND | {"category": "opera"})

        self.assertEqual(answer["categories"], ["comedy", "family", "music"])

    async def test_broken_database(self) -> None:
        """The model hears of a database error without its details, and the log has them."""
        await sync_to_async(hide_events)()

        with self.assertLogs("calendarclub.chat", "ERROR") as logs:
            answer = await output("search_events", WEEKEND, Session(session_id="s-1", user_id=7))

        self.assertIn("cannot be read at the moment", answer["error"])
        self.assertIn("A tool failed in session 's-1' of user 7.", logs.output[0])

    async def test_hostile_words(self) -> None:
        """Any words can be searched for."""
        for words in ["%", "'; DROP TABLE x; --", "\0", "🎉", "\u202e", "x " * 500, "%" * 10_000]:
            with self.subTest(words[:10]):
                answer = await output("search_events", WEEKEND | {"words": words})

                self.assertNotIn("error", answer)


class RefineResultsTests(ToolTestCase):
    async def test_narrows(self) -> None:
        """The given events are narrowed by the same conditions as in a search."""
        found = await output("search_events", WEEKEND | {"category": "music"})
        ids = [card["id"] for card in found["events"]]

        free = await output("refine_results", {"event_ids": ids, "free_only": True})
        words = await output("refine_results", {"event_ids": ids, "words": "amsterdam"})

        self.assertEqual(titles(free), ["Blue Hour Jazz"])
        self.assertEqual(titles(words), ["Brass on the Quay"])

    async def test_unusable_arguments(self) -> None:
        """Unknown ids are an error, unless there are known ones among them."""
        event = await Event.objects.aget(title="Jazz Brunch")
        for ids in ([], [0], [-1], [999_999], [2**70], list(range(1, 200))):
            with self.subTest(ids[:3]):
                answer = await output("refine_results", {"event_ids": ids})

                self.assertIn("id", answer["error"])
        await self.assert_error("refine_results", {"event_ids": "all"}, "schema")

        answer = await output("refine_results", {"event_ids": [999_999, event.pk]})

        self.assertEqual(titles(answer), ["Jazz Brunch"])


class FindSimilarTests(ToolTestCase):
    async def test_similar(self) -> None:
        """Similar events that are not over are found, sorted by start."""
        await sync_to_async(make_event)("Old Jazz", "2001-01-01 20:00")
        event = await Event.objects.aget(title="Blue Hour Jazz")

        answer = await output("find_similar", {"event_id": event.pk})

        self.assertEqual(
            titles(answer),
            [
                "Late Quartet",
                "Brass on the Quay",
                "Choir of the Canals",
                "Jazz Brunch",
                "Carols by Candle",
            ],
        )

    async def test_unknown(self) -> None:
        """An unknown id is an error."""
        for number in (0, -1, 999_999, 2**70):
            with self.subTest(number):
                await self.assert_error("find_similar", {"event_id": number}, str(number))


class OfferQuickPicksTests(TestCase):
    async def test_offer(self) -> None:
        """There are at most four picks, none of them empty, repeated or too long for a button."""
        picks = ["Today", " Today ", "", "x" * 100, "This weekend", "Next week", "Next month"]

        answer = await output("offer_quick_picks", {"picks": picks, "placeholder": " When? "})

        self.assertEqual(
            answer,
            {
                "quick_picks": ["Today", "x" * 60, "This weekend", "Next week"],
                "placeholder": "When?",
            },
        )


@skipIf(connection.vendor == "sqlite", "SQLite's connections stay open.")
class ConnectionTests(TransactionTestCase):
    """Tools open connections during a run."""

    async def test_released(self) -> None:
        """A tool releases its connection, so that none stays open while the model answers."""
        calls: dict[str, dict[str, Any]] = {
            "search_events": WEEKEND,
            "refine_results": {"event_ids": [1]},
            "find_similar": {"event_id": 1},
        }

        for name, arguments in calls.items():
            await output(name, arguments)

            is_open = await sync_to_async(lambda: connection.connection is not None)()
            self.assertFalse(is_open, name)
