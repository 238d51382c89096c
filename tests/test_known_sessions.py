"""known_sessions: a run does not bring back what was deleted, and may clear what is its own."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from typing import Any

from agents import Agent, RunContextWrapper, RunHooks, Runner, RunState, Usage, function_tool
from agents.testing import ScriptedModel, assistant_message, function_call
from django.contrib.auth.models import User
from django.db import connections
from django.test import SimpleTestCase, TestCase, TransactionTestCase, override_settings

from agent_sessions import (
    CompactionSession,
    DjangoSession,
    Session,
    SessionDeletedError,
    SessionOwnershipError,
    known_sessions,
)
from tests.contract import ANSWER, TURN, USER
from tests.encryption import encrypted
from tests.statements import statements

Act = Callable[[], Awaitable[Any]]


async def nothing() -> None:
    """Do nothing."""


async def delete() -> None:
    """Delete every session as the admin does."""
    await Session.objects.all().adelete()


def call(tool: str, number: int = 1, **arguments: Any) -> Any:
    return function_call(tool, arguments, call_id=f"call_{number}")


def club(act: Act = nothing, *, number: int = 1) -> Agent[Any]:
    """Return an agent whose tool, which its first step calls, does what is given."""

    @function_tool(failure_error_function=None)
    async def search_events() -> str:
        await act()
        return "[]"

    steps: list[Any] = [[call("search_events", number)], [assistant_message("None tonight.")]]
    return Agent("Calendar Club", model=ScriptedModel(steps), tools=[search_events])


def kinds(items: list[Any]) -> list[str]:
    return [item.get("type", "message") for item in items]


WHOLE = ["message", "function_call", "function_call_output", "message"]


class Guard:
    """Tests for every kind of session; a subclass says how one is made."""

    def make_session(self, session_id: str) -> Any:
        return DjangoSession(session_id)

    async def assert_refused(self, running: Awaitable[Any]) -> None:
        with self.assertRaises(SessionDeletedError) as caught:  # type: ignore[attr-defined]
            await running
        self.assertEqual(caught.exception.session_id, "one")  # type: ignore[attr-defined]
        self.assertFalse(await Session.objects.aexists())  # type: ignore[attr-defined]

    async def test_deleted_while_a_tool_works(self) -> None:
        """The run's later items are not stored, and the session does not come back."""
        await self.assert_refused(
            Runner.run(club(delete), "Any?", session=self.make_session("one"))
        )

    async def test_streamed(self) -> None:
        """A streamed run is told by its stream."""
        result = Runner.run_streamed(club(delete), "Any?", session=self.make_session("one"))

        async def drain() -> None:
            async for _ in result.stream_events():
                pass

        await self.assert_refused(drain())

    async def test_read_only(self) -> None:
        """A run that has only read items of it, as one that is tried again, knows it too."""
        session = self.make_session("one")
        await session.add_items([USER])

        await self.assert_refused(Runner.run(club(delete), [], session=session))

    async def test_cleared_by_another_run(self) -> None:
        """A session that another run clears is gone for this one."""
        other = self.make_session("one")
        clearing = club(self.make_session("one").clear_session)

        async def clear() -> None:
            await Runner.run(clearing, "Forget it.", session=self.make_session("two"))
            await Session.objects.aclear("two")

        running = Runner.run(club(clear), "Any?", session=other)
        await self.assert_refused(running)

    async def test_cleared_by_its_own_tool(self) -> None:
        """The run's own tool may clear the session, through any object, and the run goes on."""
        session = self.make_session("one")
        clear_all: list[Act] = [
            session.clear_session,
            self.make_session("one").clear_session,
            lambda: Session.objects.aclear("one"),
        ]
        for clear in clear_all:
            await Runner.run(club(clear), "Any?", session=session)

            self.assertEqual(kinds(await session.get_items()), WHOLE[1:])  # type: ignore[attr-defined]

    async def test_cleared_and_then_deleted(self) -> None:
        """Once a batch is stored after the run's own clearing, the session is known again."""
        acts = iter([self.make_session("one").clear_session, delete])
        agent = club(lambda: next(acts)())
        calls: list[Any] = [[call("search_events", n)] for n in (1, 2)]
        agent.model = ScriptedModel([*calls, [assistant_message("Done.")]])

        await self.assert_refused(Runner.run(agent, "Any?", session=self.make_session("one")))

    async def test_cleared_by_a_hook(self) -> None:
        """A hook of the run may clear it as well."""
        session = self.make_session("one")

        class Forgetful(RunHooks[Any]):
            async def on_tool_end(self, *args: Any, **kwargs: Any) -> None:
                await session.clear_session()

        await Runner.run(club(), "Any?", session=session, hooks=Forgetful())

        self.assertEqual(kinds(await session.get_items()), WHOLE[1:])  # type: ignore[attr-defined]

    async def test_popped_empty(self) -> None:
        """A session without items is still there."""
        session = self.make_session("one")

        async def pop_all() -> None:
            while await session.pop_item():
                pass

        await Runner.run(club(pop_all), "Any?", session=session)

        self.assertEqual(kinds(await session.get_items()), WHOLE[1:])  # type: ignore[attr-defined]

    async def test_deleted_before_the_next_run(self) -> None:
        """A new run begins a new session under the old id, on the same object too."""
        session = self.make_session("one")
        await Runner.run(club(), "Any?", session=session)
        await delete()

        await Runner.run(club(), "Any?", session=session)

        self.assertEqual(kinds(await session.get_items()), WHOLE)  # type: ignore[attr-defined]

    async def test_one_context_for_two_runs(self) -> None:
        """The user's words begin a new session, although the context knows the old one."""
        session, context = self.make_session("one"), RunContextWrapper[Any](None)
        await Runner.run(club(), "Any?", session=session, context=context)
        await delete()

        await Runner.run(club(number=2), "Any?", session=session, context=context)

        self.assertEqual(kinds(await session.get_items()), WHOLE)  # type: ignore[attr-defined]

    async def test_one_context_for_two_sessions(self) -> None:
        """Knowing one session, a context begins another one with any batch."""
        context = RunContextWrapper[Any](None)
        await Runner.run(club(), "Any?", session=self.make_session("one"), context=context)
        other = self.make_session("other")

        await Runner.run(club(number=2), [], session=other, context=context)

        self.assertEqual(kinds(await other.get_items()), WHOLE[1:])  # type: ignore[attr-defined]

    async def test_outside_a_run(self) -> None:
        """Without a run behind it any batch makes the session, before and after."""
        session = self.make_session("one")
        await Runner.run(club(), "Any?", session=session)
        await delete()

        await session.add_items([ANSWER])

        self.assertEqual(await session.get_items(), [ANSWER])  # type: ignore[attr-defined]

    async def test_nested_run(self) -> None:
        """An agent used as a tool does not bring it back with its first batch either."""
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

    async def test_nested_run_with_a_session_of_its_own(self) -> None:
        """It begins a session that nobody knows."""
        expert = Agent("Expert", model=ScriptedModel([[assistant_message("Jazz.")]]))
        ask = expert.as_tool("ask", "Ask.", session=self.make_session("expert"))
        steps: list[Any] = [[call("ask", input="?")], [assistant_message("Jazz.")]]
        agent = Agent("Club", model=ScriptedModel(steps), tools=[ask])

        await Runner.run(agent, "Any?", session=self.make_session("one"))

        found = await self.make_session("expert").get_items()
        self.assertEqual(kinds(found), ["message", "message"])  # type: ignore[attr-defined]


class DjangoSessionGuardTests(Guard, TestCase):
    """DjangoSession itself."""

    async def test_resumed_on_another_session(self) -> None:
        """A run that waited for approval goes on in a session that it has never seen."""

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
        """Compaction that replaces the whole history replaces what is still there."""
        session = self.make_session("one")

        with self.assertRaises(SessionDeletedError):
            await session._atomic_replace_items([USER])

        self.assertFalse(await Session.objects.aexists())

    def test_statements(self) -> None:
        """Looking whether the session is there takes no further statement."""
        Session.objects.append("one", TURN)

        with statements() as sent:
            Session.objects.append("one", TURN, must_exist=True)

        self.assertEqual(sent, ["UPDATE", "INSERT"])

    def test_manager(self) -> None:
        """Sync code may ask for the same."""
        for write in (Session.objects.append, Session.objects.replace):
            with self.assertRaisesMessage(SessionDeletedError, "Session 'one' was deleted"):
                write("one", TURN, must_exist=True)
        self.assertFalse(Session.objects.exists())


class OwnedSessionGuardTests(Guard, TestCase):
    """With an owner."""

    def setUp(self) -> None:
        self.user = User.objects.create(username="annelies")

    def make_session(self, session_id: str) -> Any:
        return DjangoSession(session_id, user=self.user)

    async def test_somebody_elses_meanwhile(self) -> None:
        """A session that was made again by somebody else is theirs."""
        other = await User.objects.acreate(username="bart")

        async def take() -> None:
            await delete()
            await Session.objects.aappend("one", [USER], user=other)

        with self.assertRaises(SessionOwnershipError):
            await Runner.run(club(take), "Any?", session=self.make_session("one"))

        self.assertEqual(await DjangoSession("one").get_items(), [USER])


@override_settings(AGENT_SESSIONS_RECORDING=False)
class UnrecordedGuardTests(Guard, TestCase):
    """With recording off."""


class EncryptedSessionGuardTests(Guard, TestCase):
    """Inside the SDK's EncryptedSession, where nothing is known of an item."""

    def make_session(self, session_id: str) -> Any:
        return encrypted(session_id, DjangoSession(session_id))


class CompactionSessionGuardTests(Guard, TestCase):
    """Inside our CompactionSession."""

    def make_session(self, session_id: str) -> Any:
        return CompactionSession(session_id, DjangoSession(session_id))


class SynchronousToolTests(TransactionTestCase):
    """A tool that is a plain function works in a thread, with a connection of its own."""

    async def test_cleared(self) -> None:
        """It may clear the session by the manager."""

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
    """The notes themselves."""

    def test_no_run(self) -> None:
        """Outside a run there is nothing to know or to forget."""
        self.assertIsNone(known_sessions.enter(None))
        known_sessions.forget(("default", "one"))

    def test_goes_with_the_run(self) -> None:
        """Nothing is kept of a run that is over."""
        wrapper = RunContextWrapper[Any](None, usage=Usage())
        run = known_sessions.enter(wrapper)
        assert run is not None
        run.learn(("default", "one"))
        known_sessions._current.set(None)
        counter = id(wrapper.usage)

        del wrapper, run
        gc.collect()

        self.assertNotIn(counter, known_sessions._by_counter)
