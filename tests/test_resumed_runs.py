"""recording: runs that go on after an approval, or after a write that failed."""

from __future__ import annotations

import gc
from typing import Any

import agents
from agents import (
    GuardrailFunctionOutput,
    Runner,
    RunState,
    output_guardrail,
    set_trace_processors,
    set_tracing_disabled,
)
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import TestCase, override_settings

from agent_sessions import DjangoSession
from agent_sessions.items import Item
from agent_sessions.models.usage import Usage
from tests.priced_agents import calls, club, says
from tests.recording_contract import Encrypted, Owned, Recording, Traced


class FailingOnce:
    """A session around another whose n-th write fails, as without a database connection."""

    def __init__(self, inner: Any, at: int = 2) -> None:
        self.inner, self.writes_left = inner, at
        self.session_id, self.session_settings = inner.session_id, inner.session_settings

    async def add_items(self, items: list[Item], *, wrapper: Any = None) -> None:
        self.writes_left -= 1
        if self.writes_left:
            await self.inner.add_items(items, wrapper=wrapper)
            return
        self.failed = items, wrapper

        def refuse(*_: Any) -> None:
            raise ConnectionError("the database is away")

        def install() -> Any:
            blocker = connection.execute_wrapper(refuse)
            blocker.__enter__()
            return blocker

        blocker = await sync_to_async(install)()
        try:
            await self.inner.add_items(items, wrapper=wrapper)
        finally:
            await sync_to_async(blocker.__exit__)(None, None, None)

    async def repeat(self) -> None:
        """Store the batch that could not be stored."""
        items, wrapper = self.failed
        await self.inner.add_items(items, wrapper=wrapper)

    async def get_items(self, limit: int | None = None, *, wrapper: Any = None) -> list[Item]:
        items: list[Item] = await self.inner.get_items(limit, wrapper=wrapper)
        return items

    async def pop_item(self, *, wrapper: Any = None) -> Item | None:
        return await self.inner.pop_item(wrapper=wrapper)

    async def clear_session(self, *, wrapper: Any = None) -> None:
        await self.inner.clear_session(wrapper=wrapper)


class ResumedRuns(Recording):
    """Runs that are resumed, whose requests are each counted once."""

    async def test_resumed_in_the_process(self) -> None:
        """A run that waited for an approval counts nothing twice after it."""
        agent = club(calls("book", tokens=10), says("Booked.", 20))
        result, _ = await self.paused(agent)
        state = result.to_state()
        state.approve(result.interruptions[0])

        result = await self.run_club(agent, state)

        self.assertEqual(result.context_wrapper.usage.requests, 2)
        await self.assert_spent(result.context_wrapper.usage)

    async def test_resumed_elsewhere(self) -> None:
        """A run that another process resumes from its text counts nothing twice."""
        agent = club(calls("book", tokens=10), says("Booked.", 20))
        result, text = await self.paused(agent)
        del result
        gc.collect()

        result = await self.resumed(agent, text)

        self.assertEqual(result.context_wrapper.usage.requests, 2)
        await self.assert_spent(result.context_wrapper.usage)
        if self.is_traced:
            self.assertEqual(len(set(await self.values("run_id", Usage))), 1)

    async def test_resumed_with_a_call_not_stored_yet(self) -> None:
        """A call that is stored only after the run is resumed is counted then."""

        @output_guardrail
        async def guard(context: Any, agent: Any, output: Any) -> GuardrailFunctionOutput:
            return GuardrailFunctionOutput(None, tripwire_triggered=False)

        agent = club(
            calls("book", tokens=10),
            output_guardrails=[guard],
            tool_use_behavior="stop_on_first_tool",
        )
        _, text = await self.paused(agent)
        self.assertEqual(await self.rows(), [])

        result = await self.resumed(agent, text)

        await self.assert_spent(result.context_wrapper.usage)

    async def test_resumed_twice(self) -> None:
        """A state that is resumed twice counts only the new requests the second time."""
        agent = club(calls("book", tokens=10), says("Booked.", 20), says("Booked again.", 30))
        _, text = await self.paused(agent)

        await self.resumed(agent, text)
        await self.resumed(agent, text)

        self.assertEqual([row.total_tokens for row in await self.rows()], [20, 40, 60])

    async def test_resumed_among_others(self) -> None:
        """A resumed run finds its own steps among those of other runs in the same trace."""
        agent = club(calls("book", tokens=10), says("Booked.", 20))
        with agents.trace("An evening"):
            _, text = await self.paused(agent)
            await self.run_club(club(says("Meanwhile.", 3)))
            await self.resumed(agent, text)

        self.assertEqual([row.total_tokens for row in await self.rows()], [20, 6, 40])

    async def test_resumed_on_another_session(self) -> None:
        """A run resumed on another session, such as a fork, counts its new requests there."""
        agent = club(calls("book", tokens=10), says("Booked.", 20))
        _, text = await self.paused(agent)
        self.session = self.make_session("another")

        await self.resumed(agent, text)

        self.assertEqual([row.total_tokens for row in await self.rows()], [20, 40])

    async def test_approval_inside_an_agent_as_tool(self) -> None:
        """An agent used as a tool that has its own session and waits for approval counts once."""
        expert = club(calls("book", tokens=5), says("Booked.", 7), name="Expert")
        remembering = expert.as_tool("ask", "Ask.", session=self.make_session("expert"))
        agent = club(
            calls("ask", tokens=10, input="A table."), says("Done.", 20), tools=[remembering]
        )
        _, text = await self.paused(agent)

        result = await self.resumed(agent, text)

        await self.assert_spent(result.context_wrapper.usage)

    async def test_write_that_fails(self) -> None:
        """The cost of a step whose write failed is counted when the batch is stored again."""
        agent = club(calls("search_events", tokens=10), says("None.", 20))
        failing = FailingOnce(self.session)

        with self.assertRaises(ConnectionError):
            await Runner.run(agent, "Any jazz?", session=failing)
        self.assertEqual(await self.rows(), [])

        await failing.repeat()
        self.assertEqual([row.total_tokens for row in await self.rows()], [20])

    async def test_resumed_after_a_write_that_failed(self) -> None:
        """A resumed run whose write fails has every request once after it is resumed again."""
        agent = club(calls("book", tokens=10), says("Booked.", 20))
        _, text = await self.paused(agent)
        state = await RunState.from_string(agent, text)
        state.approve(state.get_interruptions()[0])
        with self.assertRaises(ConnectionError):
            await Runner.run(agent, state, session=FailingOnce(self.session, at=1))

        state = await RunState.from_string(agent, state.to_string())
        result = await self.run_club(agent, state)

        self.assertEqual(result.context_wrapper.usage.requests, 2)
        await self.assert_spent(result.context_wrapper.usage)


class ResumedRunTests(ResumedRuns, TestCase):
    """Resumed runs without traces."""


class TracedResumedRunTests(ResumedRuns, Traced, TestCase):
    """Resumed runs with traces."""

    async def test_approval_inside_an_agent_without_a_session(self) -> None:
        """The tokens that the inner agent spends after the approval belong to the calling step."""
        expert = club(calls("book", tokens=5), says("Booked.", 7), name="Expert")
        agent = club(
            calls("ask", tokens=10, input="A table."),
            says("Done.", 20),
            tools=[expert.as_tool("ask", "Ask.")],
        )
        _, text = await self.paused(agent)

        result = await self.resumed(agent, text)

        await self.assert_spent(result.context_wrapper.usage)


class OwnedResumedRunTests(ResumedRuns, Owned, TestCase):
    """Resumed runs on a session with an owner."""


class EncryptedResumedRunTests(ResumedRuns, Encrypted, TestCase):
    """Resumed runs on a session inside EncryptedSession."""


class ReplicaTests(TestCase):
    """Resumed runs where reads and writes go to different databases."""

    databases = {"default", "archive"}

    @override_settings(DATABASE_ROUTERS=["tests.routers.WritesToArchive"])
    async def test_resumed(self) -> None:
        """The recorded steps are looked up in the database for writes."""
        set_trace_processors([])
        set_tracing_disabled(False)
        self.addCleanup(set_tracing_disabled, True)
        agent = club(calls("book", tokens=10), says("Booked.", 20))
        paused = await Runner.run(agent, "Book it.", session=DjangoSession("one"))
        state = await RunState.from_string(agent, paused.to_state().to_string())
        state.approve(state.get_interruptions()[0])

        await Runner.run(agent, state, session=DjangoSession("one"))

        rows = Usage.objects.using("archive").order_by("pk").values_list("total_tokens", flat=True)
        self.assertEqual([row async for row in rows], [20, 40])
