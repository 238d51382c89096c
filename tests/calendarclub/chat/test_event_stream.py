"""A run is streamed as server-sent events, and the last one is always `done`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from agents import Agent, RunConfig, Runner, RunResultStreaming, function_tool
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from django.test import SimpleTestCase, TestCase

from agent_sessions import DjangoSession, Session, SessionDeletedError, Usage
from calendarclub.chat.event_stream import event_stream, server_sent_events

QUIET = RunConfig(tracing_disabled=True)
MUSIC = Session(session_id="music", user_id=7, title="Music?")


@function_tool
def search_events() -> str:
    return json.dumps({"events": [{"id": 7, "title": "Trio <3"}], "total": 9})


@function_tool
def offer_quick_picks() -> str:
    return json.dumps({"quick_picks": ["Free ones"], "placeholder": "Which day?"})


def agent(*steps: Any) -> Agent[None]:
    tools: list[Any] = [search_events, offer_quick_picks]
    return Agent(name="Calendar Club", model=ScriptedModel(steps), tools=tools)


async def unrecorded(run: RunResultStreaming) -> None:
    """Record nothing: the run has no session."""


async def events_of(stream: AsyncGenerator[str, None]) -> list[tuple[str, dict[str, Any]]]:
    """Read a stream as the page's script does."""
    events = []
    for block in "".join([part async for part in stream]).removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


class ServerSentEventsTests(SimpleTestCase):
    async def run_of(self, *steps: Any, **options: Any) -> list[tuple[str, dict[str, Any]]]:
        async def begin() -> RunResultStreaming:
            return Runner.run_streamed(agent(*steps), "Music?", run_config=QUIET, **options)

        stream = server_sent_events(begin, record=unrecorded, conversation=MUSIC)
        return await events_of(stream)

    async def test_answer(self) -> None:
        """The text is streamed as it is written. `done` has it as safe HTML, with the title."""
        events = await self.run_of([assistant_message("**Hi** <b>")])

        self.assertEqual(events[0], ("content", {"delta": "**Hi** <b>"}))
        html = "<p><strong>Hi</strong> &lt;b&gt;</p>\n"
        self.assertEqual(events[-1], ("done", {"html": html, "title": "Music?", "answered": True}))

    async def test_line_breaks(self) -> None:
        """A line break in the text does not end its event."""
        events = await self.run_of([assistant_message("one\n\nevent: two")])

        self.assertEqual(events[0], ("content", {"delta": "one\n\nevent: two"}))

    async def test_tools(self) -> None:
        """Cards, picks and placeholder are sent before the answer."""
        calls = [
            function_call("search_events", {}, call_id="a"),
            function_call("offer_quick_picks", {}, call_id="b"),
        ]

        events = await self.run_of(calls, [assistant_message("Here.")])

        names = [name for name, _ in events]
        self.assertEqual(
            names, ["events", "quick_picks", "placeholder", "content", "content", "done"]
        )
        found = events[0][1]
        self.assertEqual([card["id"] for card in found["events"]], [7])
        self.assertEqual(found["total"], 9)
        self.assertIn("Trio &lt;3", found["html"])
        self.assertEqual(events[1][1], {"quick_picks": ["Free ones"]})
        self.assertEqual(events[2][1], {"placeholder": "Which day?"})

    async def test_failure(self) -> None:
        """A run that fails sends one error, and no answer."""
        with self.assertLogs("calendarclub.chat", "ERROR") as logs:
            events = await self.run_of(RuntimeError("secret detail"))

        self.assertEqual([name for name, _ in events], ["error", "done"])
        self.assertNotIn("secret", json.dumps(events))
        self.assertEqual(events[-1][1], {"html": "", "title": "Music?", "answered": False})
        self.assertIn("secret detail", logs.output[0])
        self.assertIn("session 'music' of user 7", logs.output[0])

    async def test_deleted_meanwhile(self) -> None:
        """The error says so if the conversation was deleted during the run."""
        deleted = SessionDeletedError("music")

        with self.assertLogs("calendarclub.chat", "INFO") as logs:
            events = await self.run_of(deleted)

        self.assertEqual([name for name, _ in events], ["error", "done"])
        self.assertIn("was deleted", events[0][1]["message"])
        self.assertEqual([record.levelname for record in logs.records], ["INFO"])

    async def test_too_many_steps(self) -> None:
        """The error says what to do if a run takes too many steps."""
        calls = [[function_call("search_events", {}, call_id=str(n))] for n in range(2)]

        with self.assertLogs("calendarclub.chat", "ERROR"):
            events = await self.run_of(*calls, max_turns=1)

        (sentence,) = [data["message"] for name, data in events if name == "error"]
        self.assertIn("too many steps", sentence)
        self.assertEqual(events[-1][0], "done")

    async def test_run_that_cannot_begin(self) -> None:
        """The last event is `done` even if the run cannot be started."""

        async def begin() -> RunResultStreaming:
            raise LookupError("no such model")

        with self.assertLogs("calendarclub.chat", "ERROR"):
            events = await events_of(
                server_sent_events(begin, record=unrecorded, conversation=MUSIC)
            )

        self.assertEqual([name for name, _ in events], ["error", "done"])


class ResponseTests(SimpleTestCase):
    def test_headers(self) -> None:
        """The headers keep proxies from buffering and storing the stream."""
        response = event_stream(
            lambda: self.fail("nobody has asked for an event"),
            record=unrecorded,
            conversation=MUSIC,
        )

        self.assertEqual(response["Content-Type"], "text/event-stream")
        self.assertEqual(response["Cache-Control"], "no-store")
        self.assertEqual(response["X-Accel-Buffering"], "no")


class LeavingTests(TestCase):
    async def test_reader_leaves(self) -> None:
        """A reader who leaves while the model answers ends the run, whose cost is recorded."""
        asked, stopped = asyncio.Event(), asyncio.Event()

        async def never_answers(call: object) -> list[Any]:
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()
            return []

        session = DjangoSession("left")
        calls = [function_call("search_events", {}, call_id="a")]
        club = agent(calls, ModelStep.respond(never_answers))

        async def begin() -> RunResultStreaming:
            return Runner.run_streamed(club, "Music?", session=session, run_config=QUIET)

        stream = server_sent_events(
            begin,
            record=session.record_run,
            conversation=MUSIC,
        )
        first = await anext(stream)

        reader = asyncio.ensure_future(anext(stream))
        await asyncio.wait_for(asked.wait(), 5)
        reader.cancel()
        await asyncio.wait({reader})

        self.assertTrue(first.startswith("event: events\n"))
        self.assertTrue(reader.cancelled())
        await asyncio.wait_for(stopped.wait(), 5)
        items: list[Any] = await session.get_items()
        kinds = [item.get("type", item.get("role")) for item in items]
        self.assertEqual(kinds, ["user", "function_call", "function_call_output"])
        [step] = [step async for step in Usage.objects.all()]
        self.assertEqual(step.response_id, "resp-789")

    async def test_reader_closes(self) -> None:
        """Closing the stream between two events ends the run."""
        session = DjangoSession("closed")
        club = agent([assistant_message("one")])

        async def begin() -> RunResultStreaming:
            return Runner.run_streamed(club, "Music?", session=session, run_config=QUIET)

        stream = server_sent_events(
            begin,
            record=session.record_run,
            conversation=MUSIC,
        )
        first = await anext(stream)

        await stream.aclose()

        self.assertTrue(first.startswith("event: content\n"))
        self.assertEqual(await session.get_items(), [{"role": "user", "content": "Music?"}])
