"""Turns and forks, compared with the SDK's AdvancedSQLiteSession."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import agents
from agents import Agent, Runner, function_tool
from agents.extensions.memory import AdvancedSQLiteSession
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from django.test import TestCase
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

from agent_sessions import DjangoSession, Message
from agent_sessions.usage.totals import UsageTotal
from tests.contract import USER
from tests.stored_turns import ASKING, calls, says

ROOT = Path(__file__).resolve().parent.parent


@function_tool
def search_events(words: str) -> str:
    return "[]"


@function_tool
def book(event: str) -> str:
    return "booked"


def spent(tokens: int) -> agents.Usage:
    return agents.Usage(
        requests=1,
        input_tokens=tokens,
        input_tokens_details=InputTokensDetails(cached_tokens=tokens // 2, cache_write_tokens=0),
        output_tokens=2 * tokens,
        output_tokens_details=OutputTokensDetails(reasoning_tokens=tokens),
        total_tokens=3 * tokens,
    )


class AdvancedSQLiteSessionTests(TestCase):
    """The same runs, stored by a DjangoSession and by an AdvancedSQLiteSession."""

    RUNS: tuple[tuple[Any, list[list[Any]]], ...] = (
        ("Any jazz this weekend? " * 9, [[assistant_message("When?")]]),
        (
            "Free, ÜBERALL",
            [
                [
                    function_call("search_events", {"words": "jazz"}, call_id="c1"),
                    function_call("search_events", {"words": "free"}, call_id="c2"),
                ],
                [function_call("book", {"event": "jazz"}, call_id="c3")],
                [assistant_message("Booked.")],
            ],
        ),
        ([says("One"), says("more thing")], [[assistant_message("Yes?")]]),
    )

    async def run_in(self, session: Any) -> None:
        for message, outputs in self.RUNS:
            steps = [ModelStep(output=output, usage=spent(7)) for output in outputs]
            agent = Agent("Club", model=ScriptedModel(steps), tools=[search_events, book])
            result = await Runner.run(agent, message, session=session)
            if isinstance(session, AdvancedSQLiteSession):
                await session.store_run_usage(result)

    async def run_in_both(self) -> None:
        self.ours = DjangoSession("one")
        self.theirs = AdvancedSQLiteSession(session_id="one", create_tables=True)
        self.addCleanup(self.theirs.close)
        for session in (self.ours, self.theirs):
            await self.run_in(session)

    async def test_turns(self) -> None:
        """Turns have the same numbers, and previews that begin alike."""
        await self.run_in_both()

        ours = await self.ours.get_conversation_turns()
        theirs = await self.theirs.get_conversation_turns()

        self.assertEqual([turn.number for turn in ours], [turn["turn"] for turn in theirs])
        for turn, other in zip(ours, theirs, strict=True):
            self.assertEqual(turn.preview[:99], other["content"][:99])
        self.assertEqual([turn.state for turn in ours][::2], ["complete", "incomplete"])
        self.assertEqual(ours[1].agents, ("Club",))

    async def test_items(self) -> None:
        """The items of all turns are the items of the session."""
        await self.run_in_both()

        every = [
            item
            for turn in await self.ours.get_conversation_turns()
            for item in await self.ours.get_turn_items(turn.number)
        ]

        self.assertEqual(every, await self.theirs.get_items())

    async def test_content(self) -> None:
        """The same words are found in the same turns; DjangoSession ignores case beyond ASCII."""
        await self.run_in_both()

        for words in ("JAZZ", "free", "Über", "ÜBER", "thing", "nothing"):
            ours = await self.ours.find_turns_by_content(words)
            theirs = await self.theirs.find_turns_by_content(words)
            self.assertEqual([turn.number for turn in ours], [turn["turn"] for turn in theirs])
        self.assertEqual(len(await self.ours.find_turns_by_content("über")), 1)

    async def test_tools(self) -> None:
        """Tools have the same counts."""
        await self.run_in_both()

        found = await self.ours.get_tool_usage()

        self.assertEqual(found, [("book", 1, 2), ("search_events", 2, 2)])
        self.assertEqual(found, await self.theirs.get_tool_usage())

    async def test_usage(self) -> None:
        """Tokens are the same in total and in each turn."""
        await self.run_in_both()

        ours, theirs = await self.ours.get_session_usage(), await self.theirs.get_session_usage()

        assert theirs is not None
        for name in ("requests", "input_tokens", "output_tokens", "total_tokens"):
            self.assertEqual(getattr(ours, name), theirs[name], name)
        by_turn: Any = await self.theirs.get_turn_usage()  # a list, without a turn to ask for
        for other in by_turn:
            total = await self.ours.get_turn_usage(other["user_turn_number"])
            self.assertEqual(total.requests, other["requests"])
            self.assertEqual(total.total_tokens, other["total_tokens"])
            self.assertEqual(total.cached_tokens, other["input_tokens_details"]["cached_tokens"])
        self.assertEqual([*await self.ours.get_usage_by_turn()], [1, 2, 4])
        self.assertEqual(await self.ours.get_turn_usage(9), UsageTotal())

    async def test_names_of_the_sdk(self) -> None:
        """Every kind of call has the same name and count."""
        items = [
            USER,
            calls("search"),
            calls("search", namespace="events"),
            calls("search", namespace="search"),
            {"type": "custom_tool_call", "name": "grep", "call_id": "c", "input": "x"},
            {"type": "mcp_call", "id": "m", "name": "pay", "server_label": "bank"},
            ASKING,
            {"type": "tool_search_call", "id": "t"},
            USER,
            *(
                {"type": kind, "id": kind}
                for kind in (
                    "computer_call",
                    "file_search_call",
                    "web_search_call",
                    "code_interpreter_call",
                    "shell_call",
                    "apply_patch_call",
                )
            ),
        ]
        theirs = AdvancedSQLiteSession(session_id="one", create_tables=True)
        self.addCleanup(theirs.close)
        ours = DjangoSession("one")
        for session in (ours, theirs):
            await session.add_items(items)
        await Message.objects.filter(kind="custom_tool_call").aupdate(kind="", tool_name="")

        found = await ours.get_tool_usage()

        self.assertEqual(found, await theirs.get_tool_usage())
        [first, second] = await ours.get_conversation_turns()
        self.assertEqual(
            sorted({(name, first.tools.count(name), 1) for name in first.tools}),
            [tuple(use) for use in found if use.turn == 1],
        )
        self.assertEqual(len(second.tools), 6)


class DocumentationTests(TestCase):
    """The table in docs/forks.md for users of AdvancedSQLiteSession."""

    def test_every_method(self) -> None:
        """Each of its public methods has a row."""
        page = (ROOT / "docs/forks.md").read_text("utf-8")
        table = page.split("## From AdvancedSQLiteSession")[1]
        rows = re.findall(r"^\| `(\w+)", table, re.MULTILINE)

        methods = inspect.getmembers(AdvancedSQLiteSession, inspect.isfunction)
        public = [name for name, _ in methods if not name.startswith("_")]
        self.assertCountEqual(rows, public)
