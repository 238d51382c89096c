"""history and dangling, the options of DjangoSession that bound what a run is given."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

from agents import Agent, RunConfig, RunContextWrapper, Runner, function_tool
from agents.extensions.memory import EncryptedSession
from agents.memory import SessionSettings
from agents.testing import ScriptedModel, assistant_message, function_call
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import SimpleTestCase, TestCase, override_settings

from agent_sessions import (
    DjangoSession,
    LastItems,
    LastTurns,
    Message,
    Session,
    SessionOwnershipError,
    TokenBudget,
)
from agent_sessions.compaction import CompactionSession
from agent_sessions.items import Item
from agent_sessions.items.pairing import NO_OUTPUT, Dangling
from tests.contract import ANSWER, CALL, OUTPUT, TURN, USER, numbered
from tests.encryption import encrypted
from tests.histories import REQUEST, RESPONSE, SYSTEM, turns
from tests.model_input import last_input
from tests.statements import statements


class ConstructionTests(SimpleTestCase):
    """The options, as DjangoSession checks them."""

    def test_history_that_is_not_a_limit(self) -> None:
        """A number, or a limit without its number, raises an error that says what to pass."""
        wrong: list[Any] = [20, "all", LastTurns]
        for history in wrong:
            with self.assertRaisesMessage(TypeError, "Pass LastTurns(20), LastItems(100),"):
                DjangoSession("one", history=history)

    def test_dangling(self) -> None:
        """An unknown word raises ValueError at once, not at the first run."""
        with self.assertRaisesMessage(ValueError, "dangling='heal' is unknown."):
            DjangoSession("one", dangling="heal")  # type: ignore[arg-type]  # refused, too

    @override_settings(AGENT_SESSIONS_HISTORY_LIMIT=7)
    def test_limit_of_the_project(self) -> None:
        """The project's limit applies only to sessions without a history."""
        limited, unlimited = DjangoSession("one", history=LastTurns(1)), DjangoSession("one")

        self.assertEqual(limited.session_settings, SessionSettings(limit=None))
        self.assertEqual(unlimited.session_settings, SessionSettings(limit=7))


class GetItemsTests(TestCase):
    """get_items() with a history, or with dangling calls."""

    async def store(self, *items: Item) -> None:
        await DjangoSession("one").add_items(list(items))

    async def test_history(self) -> None:
        """Without a limit, the history decides what is returned."""
        await self.store(*turns(5))

        for history in (LastTurns(2), LastItems(8), TokenBudget(8, count=lambda item: 1)):
            session = DjangoSession("one", history=history)
            self.assertEqual(await session.get_items(), turns(5)[-6:])

    async def test_limits_win(self) -> None:
        """An explicit limit, or that of the settings, is exact and wins over the history."""
        await self.store(*turns(5))
        session = DjangoSession("one", history=LastTurns(1), dangling="drop")

        self.assertEqual(await session.get_items(4), turns(5)[-4:])
        self.assertEqual(await session.get_items(-1), turns(5))
        self.assertEqual(await session.get_items(0), [])
        session.session_settings = SessionSettings(limit=1)
        self.assertEqual(await session.get_items(), turns(5)[-1:])

    async def test_function(self) -> None:
        """A function gets all items, and its result is returned, then healed if asked."""
        await self.store(USER, CALL, USER)
        given: list[Any] = []

        def history(items: list[Any]) -> list[Any]:
            given.extend(items)
            return [SYSTEM, CALL]

        self.assertEqual(await DjangoSession("one", history=history).get_items(), [SYSTEM, CALL])
        self.assertEqual(given, [USER, CALL, USER])
        session = DjangoSession("one", history=history, dangling="drop")
        self.assertEqual(await session.get_items(), [SYSTEM])

    async def test_function_that_returns_no_list(self) -> None:
        """A function that does not return a list raises TypeError."""

        def history(items: list[Item]) -> Any:
            return None

        session = DjangoSession("one", history=history)

        with self.assertRaisesMessage(TypeError, "returned a NoneType. Return a list of items"):
            await session.get_items()

    async def test_dangling(self) -> None:
        """The calls of an incomplete run are kept, dropped or closed; the store stays unchanged."""
        items = [USER, CALL, USER, ANSWER]
        await self.store(*items)
        closing = {**OUTPUT, "output": NO_OUTPUT}

        cases: dict[Dangling, list[Item]] = {
            "keep": items,
            "drop": [USER, USER, ANSWER],
            "close": [USER, CALL, closing, USER, ANSWER],
        }
        for dangling, expected in cases.items():
            session = DjangoSession("one", dangling=dangling)
            self.assertEqual(await session.get_items(), expected)
        self.assertEqual(await DjangoSession("one").get_items(), items)

    async def test_dangling_with_a_limit(self) -> None:
        """A history drops dangling calls, unless they are closed."""
        await self.store(USER, USER, CALL)

        counts: dict[Dangling, int] = {"keep": 1, "drop": 1, "close": 3}
        for dangling, count in counts.items():
            session = DjangoSession("one", history=LastTurns(1), dangling=dangling)
            self.assertEqual(len(await session.get_items()), count)

    async def test_pair_aware_limit(self) -> None:
        """A run gets no half pairs at a limit; any other caller gets the exact number."""
        await self.store(USER, REQUEST, RESPONSE, ANSWER)
        session = DjangoSession("one", pair_aware_limit=True)
        wrapper = RunContextWrapper(None)

        self.assertEqual(await session.get_items(2, wrapper=wrapper), [ANSWER])
        self.assertEqual(await session.get_items(2), [RESPONSE, ANSWER])
        self.assertEqual(await session.get_items(0, wrapper=wrapper), [])
        compacted = CompactionSession("one", session)
        self.assertEqual(await compacted.get_items(2, wrapper=wrapper), [ANSWER])
        wrapper.usage.requests = 1
        self.assertEqual(await session.get_items(2, wrapper=wrapper), [RESPONSE, ANSWER])
        exact = DjangoSession("one")
        self.assertEqual(
            await exact.get_items(2, wrapper=RunContextWrapper(None)), [RESPONSE, ANSWER]
        )

    async def test_owner(self) -> None:
        """Reading somebody else's session with a history raises SessionOwnershipError."""
        owner = await User.objects.acreate(username="owner")
        other = await User.objects.acreate(username="other")
        await DjangoSession("one", user=owner).add_items(turns(2))

        session = DjangoSession("one", user=owner, history=LastTurns(1))
        self.assertEqual(await session.get_items(), turns(2)[-3:])
        with self.assertRaises(SessionOwnershipError):
            await DjangoSession("one", user=other, history=LastTurns(1)).get_items()

    async def test_unreadable_rows(self) -> None:
        """Rows that are not JSON are skipped, logged and not counted."""
        await self.store(*turns(2))
        await Message.objects.acreate(session_id="one", message_data="not JSON")

        with self.assertLogs("agent_sessions", "WARNING") as logs:
            items = await DjangoSession("one", history=LastItems(3)).get_items()

        self.assertEqual(items, turns(2)[-3:])
        self.assertEqual(len(logs.output), 1)


class ReadingTests(TestCase):
    """The number of rows and statements of a read."""

    owner: ClassVar[User]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.owner = User.objects.create_user("owner")
        Session.objects.append("short", turns(3), user=cls.owner)
        Session.objects.append("long", turns(3_400), user=cls.owner)
        Session.objects.append("one turn", [USER, *[ANSWER] * 400], user=cls.owner)

    def test_one_statement(self) -> None:
        """The usual read is one statement, with 9 items as with 10,000."""
        for history in (LastTurns(3), LastItems(9), LastItems(200), TokenBudget(600)):
            for name in ("short", "long"):
                session = DjangoSession(name, user=self.owner, history=history)
                with self.subTest(history=history, session=name), statements() as sent:
                    async_to_sync(session.get_items)()

                self.assertEqual(sent, ["SELECT"])

    def test_same_as_reading_all(self) -> None:
        """Reading a window gives the same result as reading the whole session."""
        for history in (LastTurns(90), LastItems(300), TokenBudget(3_000), LastItems(20_000)):
            for name in ("short", "long", "one turn"):
                items = async_to_sync(DjangoSession(name, history=history).get_items)()

                self.assertEqual(items, history(Session.objects.items(name)))

    def test_growing_windows(self) -> None:
        """A turn that is longer than the window is read in a few statements."""
        session = DjangoSession("one turn", history=LastItems(5))

        with statements() as sent:
            items = async_to_sync(session.get_items)()

        self.assertEqual(len(items), 401)
        self.assertEqual(sent, ["SELECT"] * 3)

    def test_sync(self) -> None:
        """The manager has the same read, for sync code."""
        items = Session.objects.items_until("long", LastTurns(1).is_enough, window=4)

        self.assertEqual(items, turns(3_400)[-4:])


class EncryptedSessionTests(TestCase):
    """The SDK's EncryptedSession around a DjangoSession with a history."""

    def make_session(self, **options: Any) -> EncryptedSession:
        return encrypted("one", DjangoSession("one", **options))

    async def test_histories(self) -> None:
        """Envelopes are counted and never dropped; turns cannot be found in them."""
        await self.make_session().add_items([USER, CALL, USER, ANSWER])

        for history, count in ((LastItems(2), 2), (LastTurns(1), 4), (TokenBudget(1), 1)):
            session = self.make_session(history=history, dangling="drop", pair_aware_limit=True)
            self.assertEqual(len(await session.get_items()), count)

    async def test_limit(self) -> None:
        """A limit that is passed to the wrapper is exact."""
        await self.make_session().add_items(numbered(5))
        session = self.make_session(history=LastItems(1), pair_aware_limit=True)

        self.assertEqual(await session.get_items(3), numbered(5)[-3:])

    async def test_window(self) -> None:
        """Only a part of a long session of envelopes is read."""
        await self.make_session().add_items(numbered(300))
        session = self.make_session(history=LastItems(10))

        self.assertEqual(await session.get_items(), numbered(300)[-10:])
        window = await Session.objects.aitems_until("one", LastItems(10).is_enough, window=64)
        self.assertEqual(len(window), 64)


@function_tool(needs_approval=True)
def buy(ticket: str) -> str:
    return f"bought {ticket}"


def outline(items: list[Item]) -> list[str]:
    """Return the words of user messages and the kinds of other items."""
    return [
        item["content"] if item.get("role") == "user" else item.get("type", "message")
        for item in items
    ]


class RunTests(TestCase):
    """The model's input in a run."""

    def talker(self, answers: int) -> tuple[Agent[Any], ScriptedModel]:
        model = ScriptedModel([[assistant_message("Yes.")] for _ in range(answers)])
        return Agent("Calendar Club", model=model), model

    def buyer(self) -> tuple[Agent[Any], ScriptedModel]:
        model = ScriptedModel(
            [
                [function_call("buy", {"ticket": "jazz"}, call_id="call_2")],
                [assistant_message("There you are.")],
            ]
        )
        return Agent("Calendar Club", model=model, tools=[buy]), model

    async def test_last_turns(self) -> None:
        """The model gets the newest turn and the user's message, streamed or not."""
        agent, model = self.talker(4)
        session = DjangoSession("one", history=LastTurns(1))

        for question in ("one", "two", "three"):
            await Runner.run(agent, question, session=session)
        self.assertEqual(outline(last_input(model)), ["two", "message", "three"])

        streamed = Runner.run_streamed(agent, "four", session=session)
        async for _ in streamed.stream_events():
            pass
        self.assertEqual(outline(last_input(model)), ["three", "message", "four"])
        self.assertEqual(len(await DjangoSession("one").get_items()), 8)

    async def test_limit_of_the_run_wins(self) -> None:
        """The limit of a RunConfig wins over the session's history."""
        agent, model = self.talker(3)
        session = DjangoSession("one", history=LastTurns(1))
        for question in ("one", "two"):
            await Runner.run(agent, question, session=session)

        config = RunConfig(session_settings=SessionSettings(limit=3))
        await Runner.run(agent, "three", session=session, run_config=config)

        self.assertEqual(outline(last_input(model)), ["message", "two", "message", "three"])

    async def test_pair_aware_limit(self) -> None:
        """A run whose limit would cut an approval in half gets none of it."""
        for pair_aware_limit, halves in ((True, 0), (False, 1)):
            name = f"aware {pair_aware_limit}"
            agent, model = self.talker(1)
            session = DjangoSession(
                name, session_settings={"limit": 2}, pair_aware_limit=pair_aware_limit
            )
            await session.add_items([USER, REQUEST, RESPONSE, ANSWER])

            await Runner.run(agent, "Thanks.", session=session)

            self.assertEqual(outline(last_input(model)).count("mcp_approval_response"), halves)

    async def test_pair_aware_limit_of_an_agent_as_tool(self) -> None:
        """An agent used as a tool, which shares the outer counter, gets no half pairs either."""
        expert, model = self.talker(1)
        inner = DjangoSession("expert", session_settings={"limit": 2}, pair_aware_limit=True)
        await inner.add_items([USER, REQUEST, RESPONSE, ANSWER])
        asking = ScriptedModel(
            [
                [function_call("ask", {"input": "Jazz?"}, call_id="call_1")],
                [assistant_message("Done.")],
            ]
        )
        agent = Agent("Club", model=asking, tools=[expert.as_tool("ask", "Ask.", session=inner)])

        await Runner.run(agent, "What is jazz?", session=DjangoSession("one"))

        self.assertNotIn("mcp_approval_response", outline(last_input(model)))

    async def test_run_resumed_after_an_approval(self) -> None:
        """A run resumed after an approval is the same with any history or dangling option."""
        histories = (None, LastTurns(1), LastItems(1), TokenBudget(1), lambda items: items[-1:])
        for number, (history, dangling, limit) in enumerate(
            itertools.product(histories, ("keep", "drop", "close"), (None, 2))
        ):
            session = DjangoSession(
                f"resumed {number}",
                history=history,
                dangling=dangling,
                session_settings={"limit": limit},
                pair_aware_limit=True,
            )
            agent, model = self.buyer()
            await session.add_items(TURN)

            paused = await Runner.run(agent, "Buy it.", session=session)
            state = paused.to_state()
            state.approve(paused.interruptions[0])
            result = await Runner.run(agent, state, session=session)

            self.assertEqual(result.final_output, "There you are.")
            seen = ["Buy it.", "function_call", "function_call_output"]
            self.assertEqual(outline(last_input(model))[-3:], seen)
            stored = outline(await DjangoSession(session.session_id).get_items())
            self.assertEqual(stored[4:], [*seen, "message"])

    async def test_run_that_was_never_resumed(self) -> None:
        """The next run gets the unanswered call only if dangling calls are closed."""
        cases: dict[Dangling, list[str]] = {
            "keep": ["Buy it."],  # the SDK itself drops the call
            "drop": ["Buy it."],
            "close": ["Buy it.", "function_call", "function_call_output"],
        }
        for dangling, seen in cases.items():
            session = DjangoSession(dangling, dangling=dangling)
            agent, model = self.buyer()
            await Runner.run(agent, "Buy it.", session=session)

            await Runner.run(agent, "And?", session=session)

            self.assertEqual(outline(last_input(model)), [*seen, "And?"])
            stored = outline(await DjangoSession(dangling).get_items())
            self.assertEqual(stored, ["Buy it.", "function_call", "And?", "message"])
