"""The contract of a Session of the Agents SDK, as mixins for test cases.

DjangoSession runs it, alone and inside the SDK's own wrappers. So does the SDK's own SQLiteSession,
which shows that the contract is the SDK's.
"""

from __future__ import annotations

from typing import Any

from agents import Agent, Runner, function_tool
from agents.memory import Session, SessionSettings
from agents.testing import ScriptedModel, assistant_message, function_call

from agent_sessions import Message
from agent_sessions.items import Item
from tests.mixins import Mixin
from tests.model_input import last_input

USER: Item = {"role": "user", "content": "Any jazz tonight?"}
CALL: Item = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "search_events",
    "arguments": '{"words": "jazz"}',
}
OUTPUT: Item = {"type": "function_call_output", "call_id": "call_1", "output": "[]"}
ANSWER: Item = {
    "type": "message",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "None tonight.", "annotations": []}],
}
TURN: list[Item] = [USER, CALL, OUTPUT, ANSWER]

STRANGE_ITEMS: list[Item] = [
    {},
    {"role": "user", "content": "NUL \x00 and the rest 日本語 🎷"},
    {"role": "user", "content": "quotes \" ' `, a backslash \\ and\nlines\r\nof\ttext"},
    {"type": "not_invented_yet", "id": 9_007_199_254_740_993, "price": 0.1, "nothing": None},
    {"big": 10**400, "small": -(10**400), "true": True, "deep": [[[[[{"a": [[]]}]]]]]},
    {"": "an empty key", "\x00": "NUL as a key"},
]
LONE_SURROGATES: list[Item] = [
    {"role": "user", "content": "half of an emoji \ud83d, and 日本語 beside it"},
    {"\udc00": "as a key"},
]


def numbered(count: int) -> list[Item]:
    """Return `count` items that can be told apart."""
    return [{"role": "user", "content": f"item {number}"} for number in range(count)]


class SessionContract(Mixin):
    """The tests of the contract; a subclass makes and damages sessions of its kind."""

    session_id = "conversation-1"

    def make_session(self, session_id: str, **settings: Any) -> Any:
        """Return a session object, which stores nothing until items are added."""
        raise NotImplementedError

    async def store_text(self, session: Any, text: str) -> None:
        """Append a row whose data is exactly `text` to a session that exists."""
        raise NotImplementedError

    async def test_protocol(self) -> None:
        """The object is a Session to the SDK and keeps its id unchanged."""
        session = self.make_session("  Ünïcode / id? ")

        self.assertIsInstance(session, Session)
        self.assertEqual(session.session_id, "  Ünïcode / id? ")

    async def test_new_session_is_empty(self) -> None:
        """A new session has no items; popping and clearing it do nothing."""
        session = self.make_session(self.session_id)

        self.assertEqual(await session.get_items(), [])
        self.assertIsNone(await session.pop_item())
        await session.clear_session()

    async def test_order_within_and_across_batches(self) -> None:
        """Items are returned in the order in which they were added."""
        session = self.make_session(self.session_id)

        await session.add_items(TURN[:1])
        await session.add_items(TURN[1:])

        self.assertEqual(await session.get_items(), TURN)

    async def test_empty_batch(self) -> None:
        """Adding nothing changes nothing."""
        session = self.make_session(self.session_id)

        await session.add_items([])

        self.assertEqual(await session.get_items(), [])

    async def test_equal_items_are_kept(self) -> None:
        """Equal items are each stored."""
        session = self.make_session(self.session_id)

        await session.add_items([USER, USER])
        await session.add_items([USER])

        self.assertEqual(await session.get_items(), [USER] * 3)

    async def test_strange_items(self) -> None:
        """Every JSON value is returned unchanged, with exactly the keys that it had."""
        session = self.make_session(self.session_id)

        await session.add_items(STRANGE_ITEMS)

        self.assertEqual(await session.get_items(), STRANGE_ITEMS)

    async def test_lone_surrogates(self) -> None:
        """Half a character, as an interrupted stream leaves it, is returned unchanged."""
        session = self.make_session(self.session_id)

        await session.add_items(LONE_SURROGATES)

        self.assertEqual(await session.get_items(), LONE_SURROGATES)

    async def test_items_are_copies(self) -> None:
        """Changing an item after it was added, or after it was read, does not change the store."""
        session = self.make_session(self.session_id)
        given: Item = {"role": "user", "content": ["as", "given"]}
        await session.add_items([given])

        given["content"].append("changed")
        (await session.get_items())[0]["content"].append("changed")

        self.assertEqual(await session.get_items(), [{"role": "user", "content": ["as", "given"]}])

    async def test_limit(self) -> None:
        """A limit returns the newest items, oldest first; zero returns none."""
        session = self.make_session(self.session_id)
        items = numbered(5)
        await session.add_items(items)

        self.assertEqual(await session.get_items(2), items[-2:])
        self.assertEqual(await session.get_items(limit=3), items[-3:])
        self.assertEqual(await session.get_items(limit=5), items)
        self.assertEqual(await session.get_items(limit=2**31 - 1), items)
        self.assertEqual(await session.get_items(limit=0), [])
        self.assertEqual(await session.get_items(limit=None), items)

    async def test_negative_limit(self) -> None:
        """A negative limit returns everything, as LIMIT -1 does in SQLite."""
        session = self.make_session(self.session_id)
        await session.add_items(numbered(3))

        self.assertEqual(await session.get_items(limit=-1), numbered(3))

    async def test_unreadable_rows_are_skipped(self) -> None:
        """A row that is not JSON is skipped, and a limit counts only readable items."""
        session = self.make_session(self.session_id)
        await session.add_items(numbered(3))
        for text in ("not JSON", '{"cut": ', ""):
            await self.store_text(session, text)
        await session.add_items([ANSWER])

        self.assertEqual(await session.get_items(), [*numbered(3), ANSWER])
        self.assertEqual(await session.get_items(limit=1), [ANSWER])
        self.assertEqual(await session.get_items(limit=2), [numbered(3)[-1], ANSWER])
        self.assertEqual(await session.get_items(limit=9), [*numbered(3), ANSWER])

    async def test_pop(self) -> None:
        """The newest item is removed and returned, until there is none."""
        session = self.make_session(self.session_id)
        await session.add_items([USER, ANSWER])

        self.assertEqual(await session.pop_item(), ANSWER)
        self.assertEqual(await session.get_items(), [USER])
        self.assertEqual(await session.pop_item(), USER)
        self.assertIsNone(await session.pop_item())

    async def test_pop_skips_unreadable_rows(self) -> None:
        """Popping returns the newest readable item, never None while there is one."""
        session = self.make_session(self.session_id)
        await session.add_items([USER])
        await self.store_text(session, "not JSON")
        await self.store_text(session, "nor this")

        self.assertEqual(await session.pop_item(), USER)
        self.assertIsNone(await session.pop_item())

    async def test_clear(self) -> None:
        """A cleared session is empty and can be written to again."""
        session = self.make_session(self.session_id)
        await session.add_items(TURN)

        await session.clear_session()
        self.assertEqual(await session.get_items(), [])

        await session.add_items([USER])
        self.assertEqual(await session.get_items(), [USER])

    async def test_value_that_is_not_json(self) -> None:
        """A value that is not JSON raises TypeError, and nothing of its batch is stored."""
        session = self.make_session(self.session_id)
        await session.add_items([USER])

        with self.assertRaises(TypeError):
            await session.add_items([ANSWER, {"role": "user", "content": {1, 2}}])

        await session.add_items([CALL])
        self.assertEqual(await session.get_items(), [USER, CALL])

    async def test_sessions_are_apart(self) -> None:
        """Ids that differ in letter case, accents or spaces are different sessions."""
        ids = ["a", "A", "a ", " a", "á", "a%", "_"]
        for session_id in ids:
            await self.make_session(session_id).add_items([{"content": session_id}])

        await self.make_session("a").clear_session()

        for session_id in ids[1:]:
            stored = await self.make_session(session_id).get_items()
            self.assertEqual(stored, [{"content": session_id}])
        self.assertEqual(await self.make_session("a").get_items(), [])

    async def test_run_remembers(self) -> None:
        """A run is given the items of earlier runs, tool calls and outputs included."""

        @function_tool
        def search_events(words: str) -> str:
            return f"nothing about {words}"

        model = ScriptedModel(
            [
                [function_call("search_events", {"words": "jazz"}, call_id="call_1")],
                [assistant_message("None tonight.")],
                [assistant_message("Nor tomorrow.")],
            ]
        )
        agent = Agent("Calendar Club", model=model, tools=[search_events])
        session = self.make_session(self.session_id)

        await Runner.run(agent, "Any jazz tonight?", session=session)
        await Runner.run(agent, "And tomorrow?", session=session)

        kinds = [item.get("type", "message") for item in await session.get_items()]
        call = ["message", "function_call", "function_call_output", "message"]
        self.assertEqual(kinds, [*call, "message", "message"])
        self.assertEqual(len(last_input(model)), 5)

    async def test_streamed_run_remembers(self) -> None:
        """A streamed run stores the same items as a run without streaming."""
        agent = Agent("Calendar Club", model=ScriptedModel([[assistant_message("Hello!")]]))
        session = self.make_session(self.session_id)

        streamed = Runner.run_streamed(agent, "Hi", session=session)
        async for _ in streamed.stream_events():
            pass

        stored = await session.get_items()
        self.assertEqual([item["role"] for item in stored], ["user", "assistant"])


class DjangoContract(SessionContract):
    """The contract of sessions that store Message rows."""

    async def store_text(self, session: Any, text: str) -> None:
        await Message.objects.acreate(session_id=session.session_id, message_data=text)


class SettingsContract(Mixin):
    """The contract of `session_settings`, for sessions that have their own."""

    def make_session(self, session_id: str, **settings: Any) -> Any:
        raise NotImplementedError

    async def test_settings_are_never_none(self) -> None:
        """A session without settings gets new ones, shared with no other session."""
        one, other = self.make_session("one"), self.make_session("other")

        self.assertEqual(one.session_settings, SessionSettings())
        one.session_settings.limit = 1
        self.assertIsNone(other.session_settings.limit)

    async def test_settings_limit(self) -> None:
        """The limit of the settings is the default of get_items(); an explicit limit wins."""
        session = self.make_session("limited", session_settings=SessionSettings(limit=2))
        await session.add_items(numbered(5))

        self.assertEqual(await session.get_items(), numbered(5)[-2:])
        self.assertEqual(await session.get_items(limit=4), numbered(5)[-4:])

    async def test_settings_as_dict(self) -> None:
        """Settings may be a dict; a key that the SDK does not know raises TypeError."""
        session = self.make_session("limited", session_settings={"limit": 1})

        self.assertEqual(session.session_settings, SessionSettings(limit=1))
        with self.assertRaises(TypeError):
            self.make_session("limited", session_settings={"limits": 1})

    async def test_settings_assigned_later(self) -> None:
        """Settings can be assigned on the object, as the SDK's wrappers do."""
        session = self.make_session("limited")
        await session.add_items(numbered(3))

        session.session_settings = SessionSettings(limit=1)

        self.assertEqual(await session.get_items(), numbered(3)[-1:])
