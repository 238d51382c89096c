"""known_sessions: a run does not bring back a deleted session, but may clear its own."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from typing import Any

from agents import Agent, RunContextWrapper, RunHooks, Runner, RunState, Usage, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, connections
from django.test import SimpleTestCase, TestCase, TransactionTestCase, override_settings

from agent_sessions import (
    CompactionSession,
    DjangoSession,
    Session,
    SessionDeletedError,
    SessionOwnershipError,
    known_sessions,
)
from agent_sessions.items import Item
from tests.contract import ANSWER, TURN, USER
from tests.encryption import encrypted
from tests.mixins import Mixin
from tests.statements import statements

Act = Callable[[], Awaitable[Any]]


async def nothing() -> None:
    """Do nothing."""


async def delete() -> None:
    """Delete every session, as the admin does."""
    await Session.objects.all().adelete()


def call(tool: str, number: int = 1, **arguments: Any) -> Any:
    return function_call(tool, arguments, call_id=f"call_{number}")


def club(act: Act = nothing, *, number: int = 1) -> Agent[Any]:
    """Return an agent whose first step calls a tool that runs `act`."""

    @function_tool(failure_error_function=None)
    async def search_events() -> str:
        await act()
        return "[]"

    steps: list[Any] = [[call("search_events", number)], [assistant_message("None tonight.")]]
    return Agent("Calendar Club", model=ScriptedModel(steps), tools=[search_events])


def kinds(items: list[Item]) -> list[str]:
    return [item.get("type", "message") for item in items]


WHOLE = ["message", "function_call", "function_call_output", "message"]


class Guard(Mixin):
    """Tests for every kind of session; a subclass makes sessions of its kind."""

    def make_session(self, session_id: str) -> Any:
        return DjangoSession(session_id)

    async def assert_refused(self, running: Awaitable[Any]) -> None:
        with self.assertRaises(SessionDeletedError) as caught:
            await running
        self.assertEqual(caught.exception.session_id, "one")
        self.assertFalse(await Session.objects.aexists())

    async def test_deleted_while_a_tool_works(self) -> None:
        """After a deletion, the run's later items are refused and the session stays deleted."""
        await self.assert_refused(
            Runner.run(club(delete), "Any?", session=self.make_session("one"))
        )

    async def test_streamed(self) -> None:
        """A streamed run raises the error from its stream."""
        result = Runner.run_streamed(club(delete), "Any?", session=self.make_session("one"))

        async def drain() -> None:
            async for _ in result.stream_events():
                pass

        await self.assert_refused(drain())

    async def test_read_only(self) -> None:
        """A run that has only read items is refused too."""
        session = self.make_session("one")
        await session.add_items([USER])

        await self.assert_refused(Runner.run(club(delete), [], session=session))

    async def test_cleared_by_another_run(self) -> None:
        """A session that another run clears is deleted for this one."""
        other = self.make_session("one")
        clearing = club(self.make_session("one").clear_session)

        async def clear() -> None:
            await Runner.run(clearing, "Forget it.", session=self.make_session("two"))
            await Session.objects.aclear("two")

        running = Runner.run(club(clear), "Any?", session=other)
        await self.assert_refused(running)

    async def test_cleared_by_its_own_tool(self) -> None:
        """A tool of the run may clear the session through any object; the run goes on."""
        session = self.make_session("one")
        clear_all: list[Act] = [
            session.clear_session,
            self.make_session("one").clear_session,
            lambda: Session.objects.aclear("one"),
        ]
        for clear in clear_all:
            await Runner.run(club(clear), "Any?", session=session)

            self.assertEqual(kinds(await session.get_items()), WHOLE[1:])

    async def test_cleared_and_then_deleted(self) -> None:
        """After the run's own clearing, the next stored batch makes the session known again."""
        acts = iter([self.make_session("one").clear_session, delete])
        agent = club(lambda: next(acts)())
        calls: list[Any] = [[call("search_events", n)] for n in (1, 2)]
        agent.model = ScriptedModel([*calls, [assistant_message("Done.")]])

        await self.assert_refused(Runner.run(agent, "Any?", session=self.make_session("one")))

    async def test_cleared_by_a_hook(self) -> None:
        """A hook of the run may clear the session."""
        session = self.make_session("one")

        class Forgetful(RunHooks[Any]):
            async def on_tool_end(self, *args: Any, **kwargs: Any) -> None:
                await session.clear_session()

        await Runner.run(club(), "Any?", session=session, hooks=Forgetful())

        self.assertEqual(kinds(await session.get_items()), WHOLE[1:])

    async def test_popped_empty(self) -> None:
        """Popping all items does not delete the session."""
        session = self.make_session("one")

        async def pop_all() -> None:
            while await session.pop_item():
                pass

        await Runner.run(club(pop_all), "Any?", session=session)

        self.assertEqual(kinds(await session.get_items()), WHOLE[1:])

    async def test_deleted_before_the_next_run(self) -> None:
        """A new run begins a new session under the deleted id, even on the same object."""
        session = self.make_session("one")
        await Runner.run(club(), "Any?", session=session)
        await delete()

        await Runner.run(club(), "Any?", session=session)

        self.assertEqual(kinds(await session.get_items()), WHOLE)

    async def test_one_context_for_two_runs(self) -> None:
        """A user message begins a new session, even if the context knows the deleted one."""
        session, context = self.make_session("one"), RunContextWrapper[Any](None)
        await Runner.run(club(), "Any?", session=session, context=context)
        await delete()

        await Runner.run(club(number=2), "Any?", session=session, context=context)

        self.assertEqual(kinds(await session.get_items()), WHOLE)

    async def test_one_context_for_two_sessions(self) -> None:
        """A context that knows one session can begin another one with any batch."""
        context = RunContextWrapper[Any](None)
        await Runner.run(club(), "Any?", session=self.make_session("one"), context=context)
        other = self.make_session("other")

        await Runner.run(club(number=2), [], session=other, context=context)

        self.assertEqual(kinds(await other.get_items()), WHOLE[1:])

    async def test_outside_a_run(self) -> None:
        """Outside a run, any batch makes the session."""
        session = self.make_session("one")
        await Runner.run(club(), "Any?", session=session)
        await delete()

        await session.add_items([ANSWER])

        self.assertEqual(await session.get_items(), [ANSWER])

    async def test_nested_run(self) -> None:
        """An agent used as a tool does not bring the session back with its first batch."""
        expert = Agent("Expert", model=ScriptedModel([[assistant_message("Jazz.")]]))
        ask = expert.as_tool("ask", "Ask.", session=self.make_session("one"))

        @function_tool(failure_error_function=None)
        async def delete_all() -> str:
            await delete()
            return "gone"

        calls: list[Any] = [[call("delete_all"), call("ask", 2, input="?")]]
        agent = Agent("Club", model=ScriptedModel(calls), tools=[delete_all, ask])
        agent.model_settings.parallel_tool_calls = False

        await self.assert_refused(Runner.run(agent, "Any?", session=self.make_session("one")))

    async def test_nested_run_with_its_own_session(self) -> None:
        """An agent used as a tool begins its own session."""
        expert = Agent("Expert", model=ScriptedModel([[assistant_message("Jazz.")]]))
        ask = expert.as_tool("ask", "Ask.", session=self.make_session("expert"))
        steps: list[Any] = [[call("ask", input="?")], [assistant_message("Jazz.")]]
        agent = Agent("Club", model=ScriptedModel(steps), tools=[ask])

        await Runner.run(agent, "Any?", session=self.make_session("one"))

        found = await self.make_session("expert").get_items()
        self.assertEqual(kinds(found), ["message", "message"])


class DjangoSessionGuardTests(Guard, TestCase):
    """DjangoSession without an owner, and the operations on the manager."""

    async def test_resumed_on_another_session(self) -> None:
        """A run that waited for an approval can be resumed on another session."""

        @function_tool(needs_approval=True)
        async def book() -> str:
            return "booked"

        steps: list[Any] = [[call("book")], [assistant_message("Booked.")]]
        agent = Agent("Club", model=ScriptedModel(steps), tools=[book])
        result = await Runner.run(agent, "Book it.", session=self.make_session("one"))
        state = await RunState.from_string(agent, result.to_state().to_string())
        state.approve(state.get_interruptions()[0])
        await delete()

        await Runner.run(agent, state, session=self.make_session("other"))

        found = await self.make_session("other").get_items()
        self.assertEqual(kinds(found)[-1], "message")
        self.assertFalse(await Session.objects.filter(pk="one").aexists())

    async def test_compaction(self) -> None:
        """Compaction that replaces the whole history does not bring back a session."""
        session = self.make_session("one")

        with self.assertRaises(SessionDeletedError):
            await session._atomic_replace_items([USER])

        self.assertFalse(await Session.objects.aexists())

    def test_statements(self) -> None:
        """`must_exist` takes no extra statement."""
        Session.objects.append("one", TURN)

        with statements() as sent:
            Session.objects.append("one", TURN, must_exist=True)

        self.assertEqual(sent, ["UPDATE", "INSERT"])

    def test_manager(self) -> None:
        """`must_exist` on the manager raises SessionDeletedError."""
        for write in (Session.objects.append, Session.objects.replace):
            with self.assertRaisesMessage(SessionDeletedError, "Session 'one' was deleted"):
                write("one", TURN, must_exist=True)
        self.assertFalse(Session.objects.exists())


class OwnedSessionGuardTests(Guard, TestCase):
    """DjangoSession with an owner."""

    def setUp(self) -> None:
        self.user = User.objects.create(username="annelies")

    def make_session(self, session_id: str) -> Any:
        return DjangoSession(session_id, user=self.user)

    async def test_made_again_by_another_owner(self) -> None:
        """A session that another user has made again raises SessionOwnershipError."""
        other = await User.objects.acreate(username="bart")

        async def take() -> None:
            await delete()
            await Session.objects.aappend("one", [USER], user=other)

        with self.assertRaises(SessionOwnershipError):
            await Runner.run(club(take), "Any?", session=self.make_session("one"))

        self.assertEqual(await DjangoSession("one").get_items(), [USER])


@override_settings(AGENT_SESSIONS_RECORDING=False)
class UnrecordedGuardTests(Guard, TestCase):
    """DjangoSession with recording off."""


class EncryptedSessionGuardTests(Guard, TestCase):
    """DjangoSession inside EncryptedSession, which hides the items."""

    def make_session(self, session_id: str) -> Any:
        return encrypted(session_id, DjangoSession(session_id))


class CompactionSessionGuardTests(Guard, TestCase):
    """DjangoSession inside CompactionSession."""

    def make_session(self, session_id: str) -> Any:
        return CompactionSession(session_id, DjangoSession(session_id))


class SynchronousToolTests(TransactionTestCase):
    """A synchronous tool, which runs in a thread with its own connection."""

    async def test_cleared(self) -> None:
        """A synchronous tool may clear the session on the manager."""

        @function_tool(failure_error_function=None)
        def search_events() -> str:
            Session.objects.clear("one")
            connections.close_all()
            return "[]"

        agent = club()
        agent.tools = [search_events]

        await Runner.run(agent, "Any?", session=DjangoSession("one"))

        self.assertEqual(kinds(await DjangoSession("one").get_items()), WHOLE[1:])


class KnownSessionsTests(SimpleTestCase):
    """The record of sessions that a run knows."""

    def test_no_run(self) -> None:
        """Outside a run nothing is recorded, and forgetting does nothing."""
        self.assertIsNone(known_sessions.enter(None))
        known_sessions.forget(("default", "one"))

    def test_memory(self) -> None:
        """The record is freed with its run."""
        wrapper = RunContextWrapper[Any](None, usage=Usage())
        run = known_sessions.enter(wrapper)
        assert run is not None
        run.learn(("default", "one"))
        known_sessions._current.set(None)
        counter = id(wrapper.usage)

        del wrapper, run
        gc.collect()

        self.assertNotIn(counter, known_sessions._by_counter)


class ClearingTests(TestCase):
    """A run that clears its session forgets it, once it is deleted."""

    def setUp(self) -> None:
        Session.objects.append("one", TURN)
        self.wrapper = RunContextWrapper[Any](None, usage=Usage())
        run = known_sessions.enter(self.wrapper)
        assert run is not None
        run.learn(("default", "one"))
        self.run_memory = run
        self.addCleanup(known_sessions._current.set, None)

    def test_failed(self) -> None:
        """A run that could not clear its session still knows it."""

        def refuse(execute: Any, sql: str, *args: Any) -> Any:
            if sql.startswith("DELETE"):
                raise DatabaseError("refused")
            return execute(sql, *args)

        with self.assertRaisesMessage(DatabaseError, "refused"), connection.execute_wrapper(refuse):
            Session.objects.clear("one")

        self.assertTrue(self.run_memory.knows(("default", "one")))

    async def test_by_its_context(self) -> None:
        """clear_session() finds the run by its context, wherever it is called."""
        known_sessions._current.set(None)

        await DjangoSession("one").clear_session(wrapper=self.wrapper)

        self.assertFalse(self.run_memory.knows(("default", "one")))
