"""Conversations that the demo, the documentation and the pages show."""

from __future__ import annotations

from typing import Any

from agents import Runner
from asgiref.sync import sync_to_async

from agent_sessions import DjangoSession
from calendarclub.chat.management.commands.demo import MESSAGES
from tests.calendarclub.offline_model.conversations import (
    ConversationTestCase,
    agent,
    answered,
    say,
    talk,
)
from tests.calendarclub.programme import make_event

WEEKEND = {"start": "2040-12-01T00:00:00+01:00", "end": "2040-12-03T00:00:00+01:00"}
NEXT_WEEKEND = {"start": "2040-12-08T00:00:00+01:00", "end": "2040-12-10T00:00:00+01:00"}


class MemoryTests(ConversationTestCase):
    """Messages that depend on earlier ones."""

    async def test_search_and_refine(self) -> None:
        """A subject waits for its time, and a list is narrowed."""
        session = DjangoSession("first turns")

        asked = await say("Hi! I'd love to go to a concert", session)
        found = await say("This weekend", session)
        free = await say("only free ones", session)

        self.assertEqual(asked.calls, [])
        self.assertIn("offline", asked.text)
        self.assertIn("music", asked.text)
        self.assertIn("This weekend", asked.picks)
        self.assert_searched(found, **WEEKEND, category="music")
        self.assertNotIn("offline", found.text)
        self.assert_titles(found, "Blue Hour Jazz", "Brass on the Quay", "Choir of the Canals")
        self.assertIn("Only free ones", found.picks)
        music = [event["id"] for event in found.outputs[0]["events"]]
        refine = {"event_ids": music, "words": "", "category": "", "free_only": True}
        self.assertEqual(free.calls, [("refine_results", refine)])
        self.assert_titles(free, "Blue Hour Jazz")

    async def test_similar_and_details(self) -> None:
        """A place in the last list says which event is meant."""
        found, similar, details = await talk(
            "free concerts this weekend",
            "something like the first",
            "tell me more about the fourth",
        )

        jazz = found.outputs[0]["events"][0]["id"]
        self.assertEqual(similar.calls, [("find_similar", {"event_id": jazz})])
        self.assert_titles(
            similar,
            "Blue Hour Jazz",  # the one that the others are similar to
            "Late Quartet",
            "Brass on the Quay",
            "Choir of the Canals",
            "Jazz Brunch",
            "Carols by Candle",
        )
        self.assertEqual(details.calls, [])
        self.assert_titles(details, "Jazz Brunch")
        self.assertIn("EUR 18.00", details.text)
        self.assertIn("Sat 8 Dec 2040, 11:00", details.text)

    async def test_changes(self) -> None:
        """A new subject keeps the time and the price, and a new time keeps the subject."""
        _, _, comedy, later, first, search = await talk(
            "concerts this weekend",
            "only free ones",
            "what about comedy?",
            "and next weekend?",
            "what did I ask first?",
            "what are we looking for?",
        )

        self.assert_searched(comedy, **WEEKEND, category="comedy", free_only=True)
        self.assertIn("no free comedy events", comedy.text)
        self.assert_titles(comedy)
        self.assert_searched(later, **NEXT_WEEKEND, category="comedy", free_only=True)
        self.assert_titles(later, "Open Mic")
        self.assertEqual(first.calls + search.calls, [])
        self.assertIn("concerts this weekend", first.text)
        self.assertIn(
            "free comedy events from Saturday 8 December to Sunday 9 December", search.text
        )

    async def test_time_of_another_day(self) -> None:
        """The meaning of "tomorrow" stays that of the day on which it was said."""
        session = DjangoSession("days")
        first = await say("music tomorrow", session)
        next_day = agent()
        next_day.instructions = "Now: 2040-11-29T09:00+01:00 (x), time zone Europe/Amsterdam."

        run = await Runner.run(next_day, "what about family?", session=session)

        self.assertEqual(first.calls[0][1]["start"], "2040-11-29T00:00:00+01:00")
        self.assertEqual(answered(run).calls[0][1]["start"], "2040-11-29T00:00:00+01:00")


class ShownTests(ConversationTestCase):
    """Messages that a page or the documentation suggests."""

    async def test_demo(self) -> None:
        """The demo asks for a time, searches, refines and finds similar events."""
        turns = await talk(*MESSAGES)

        names = [turn.names for turn in turns]
        self.assertEqual(names, [[], ["search_events"], ["refine_results"], ["find_similar"]])

    async def test_first_messages(self) -> None:
        """A message with a time is searched at once, with all that it says."""
        cases: dict[str, dict[str, Any]] = {
            "What\u2019s on this weekend?": WEEKEND,  # as the page writes it
            "Live music on Saturday": {
                **WEEKEND, "category": "music", "end": "2040-12-02T00:00:00+01:00",
            },
            "Free things this weekend": {**WEEKEND, "free_only": True},
            "Something with children this weekend": {**WEEKEND, "category": "family"},
            "jazz this weekend": {**WEEKEND, "words": "jazz"},
            "I'm free this weekend": WEEKEND,
        }  # fmt: skip

        for text, expected in cases.items():
            with self.subTest(text):
                (turn,) = await talk(text)

                self.assert_searched(turn, **expected)
                self.assertIn("offline", turn.text)

    async def test_every_pick(self) -> None:
        """Each suggestion is understood where it is made."""
        openings = [["hello"], ["today"], ["this weekend"], ["jazz", "in december"], ["in may"]]
        cases = [(texts, pick) for texts in openings for pick in (await talk(*texts))[-1].picks]

        for texts, pick in cases:
            with self.subTest(texts, pick=pick):
                turn = (await talk(*texts, pick))[-1]

                self.assertNotIn("You can say", turn.text)
                self.assertNotIn("Which event", turn.text)

    async def test_anything_else(self) -> None:
        """A message that is not understood is answered with messages that are."""
        for text in ["hello", "thank you!", "", "?!", "🎉🎉🎉", "a" * 10_000, "1 " * 5000]:
            with self.subTest(text[:10]):
                (turn,) = await talk(text)

                self.assertEqual(turn.calls, [])
                self.assertLess(len(turn.text), 1000)


class SearchTests(ConversationTestCase):
    async def test_new_search(self) -> None:
        """A new time with a new subject is a new search."""
        *_, turn = await talk("free jazz this weekend", "comedy next weekend")

        self.assert_searched(turn, **NEXT_WEEKEND, category="comedy")

    async def test_all_kinds(self) -> None:
        """The subject can be dropped."""
        *_, turn = await talk("music this weekend", "all kinds of events")

        self.assert_searched(turn, **WEEKEND)

    async def test_nothing_found(self) -> None:
        """An answer without results says so and names no event."""
        (turn,) = await talk("comedy in may 2041")

        self.assertIn("I found no comedy events", turn.text)
        self.assert_titles(turn)

    async def test_refinement_without_results(self) -> None:
        """A condition that found nothing is not part of the next search."""
        *_, none, turn = await talk("comedy this weekend", "only free ones", "and next weekend?")

        self.assertIn("Among those there are no free events", none.text)
        self.assert_searched(turn, **NEXT_WEEKEND, category="comedy")

    async def test_unknown_category(self) -> None:
        """A category that the calendar does not have is searched for as a word."""
        (turn,) = await talk("theatre this weekend")

        found = [(arguments["category"], arguments["words"]) for _, arguments in turn.calls]
        self.assertEqual(found, [("theatre", ""), ("", "theatre")])
        self.assertIn("I found no events matching “theatre”", turn.text)

    async def test_incomplete_list(self) -> None:
        """A list that does not have all events is not refined but searched again."""
        for hour in range(20):
            price = "0" if hour > 16 else "5"
            await sync_to_async(make_event)(f"Gig {hour}", f"2041-01-05 {hour:02}:00", price=price)

        first, turn = await talk("music in january", "only free ones")

        self.assertIn("These are the first 15", first.text)
        self.assertEqual(turn.names, ["search_events"])
        self.assertIn("I found 3 free music events", turn.text)

    async def test_event_that_is_not_listed(self) -> None:
        """A number beyond the list, or before there is one, is not guessed."""
        *_, beyond = await talk("music this weekend", "something like number 9")
        (before,) = await talk("tell me more about the second")

        self.assertIn("I showed 3", beyond.text)
        self.assertIn("not shown you any events", before.text)
        self.assertEqual(beyond.calls + before.calls, [])
