"""operations.purge: the content of a session is deleted, its rows and usage stay."""

from __future__ import annotations

import logging
from typing import Any

from agents import Agent, Runner
from agents.testing import ScriptedModel, assistant_message
from django.contrib.auth.models import User
from django.db import transaction
from django.test import TestCase, TransactionTestCase

from agent_sessions import DjangoSession, Message, Session, SessionOwnershipError, Usage, fork
from agent_sessions.history import LastTurns
from agent_sessions.items.codec import encode
from agent_sessions.items.columns import Columns, columns
from agent_sessions.items.reported_errors import TOOL_FAILED
from agent_sessions.models.operations.purge import BATCH
from agent_sessions.signals import session_purged
from agent_sessions.usage.steps import Step, Tokens
from tests.contract import ANSWER, CALL, LONE_SURROGATES, STRANGE_ITEMS, TURN, USER, numbered
from tests.model_input import last_input
from tests.sdk_sessions import needs_a_file, sqlite_session
from tests.statements import statements

KEPT = ("pk", "created_at", *Columns._fields, "agent_name")


def rows(session_id: str) -> list[tuple[Any, ...]]:
    """Return the columns of a session's messages that a purge keeps."""
    return list(Message.objects.filter(session_id=session_id).order_by("pk").values_list(*KEPT))


def texts(session_id: str) -> set[str]:
    found = Message.objects.filter(session_id=session_id).values_list("message_data", flat=True)
    return set(found)


def store(session_id: str, *stored: str) -> None:
    """Store rows as the SDK's own sessions do: texts with blank columns."""
    for text in stored:
        Message.objects.create(session_id=session_id, message_data=text)


class PurgeTests(TestCase):
    """purge(): what is deleted and what stays."""

    def test_content_and_facts(self) -> None:
        """Items and title are deleted; rows, columns, times, usage and metadata stay unchanged."""
        owner = User.objects.create_user("annelies")
        step = Step("Calendar Club", tokens=Tokens(1, 10, 0, 5, 0, 15))
        Session.objects.append("one", TURN, user=owner, step=step)
        Session.objects.filter(pk="one").update(title="Jazz", metadata={"tenant": 7})
        Session.objects.append("other", TURN)
        before, row = rows("one"), Session.objects.get(pk="one")

        purged = Session.objects.purge("one")

        after = Session.objects.get(pk="one")
        self.assertEqual(purged, 4)
        self.assertEqual((texts("one"), rows("one")), ({""}, before))
        self.assertEqual((after.title, after.metadata), ("", {"tenant": 7}))
        self.assertEqual((after.updated_at, after.user), (row.updated_at, owner))
        self.assertEqual(Usage.objects.filter(session="one").total().total_tokens, 15)
        self.assertNotIn("", texts("other"))

    def test_again(self) -> None:
        """Purging again counts only the messages that were added since."""
        Session.objects.append("one", TURN)
        Session.objects.purge("one")

        self.assertEqual(Session.objects.purge("one"), 0)
        Session.objects.append("one", [USER])
        self.assertEqual(Session.objects.purge("one"), 1)

    def test_missing_session(self) -> None:
        """Purging a missing session does not make one."""
        self.assertEqual(Session.objects.purge("unknown"), 0)
        self.assertFalse(Session.objects.exists())

    def test_empty_session(self) -> None:
        """Purging a session without messages deletes its title."""
        Session.objects.create(session_id="one", title="Jazz")

        self.assertEqual(Session.objects.purge("one"), 0)
        self.assertEqual(Session.objects.get().title, "")

    def test_other_owner(self) -> None:
        """Purging another user's session raises SessionOwnershipError."""
        owner, other = User.objects.create_user("annelies"), User.objects.create_user("bert")
        Session.objects.append("one", TURN, user=owner)

        with self.assertRaises(SessionOwnershipError):
            Session.objects.purge("one", user=other)

        self.assertNotIn("", texts("one"))
        self.assertEqual(Session.objects.purge("one", user=owner), 4)

    def test_rows_of_the_sdk(self) -> None:
        """Blank columns are filled from the items first, except of rows that are not JSON."""
        items = [*TURN, *STRANGE_ITEMS, *LONE_SURROGATES, *numbered(2 * BATCH)]
        Session.objects.create(session_id="one")
        store("one", "not JSON", *map(encode, items), "{")

        Session.objects.purge("one")

        found = Message.objects.filter(session="one").order_by("pk")
        stored = list(found.values_list(*Columns._fields))
        self.assertEqual(stored[1:-1], [tuple(columns(item)) for item in items])
        self.assertEqual({stored[0], stored[-1]}, {("", "", "", "", None)})
        self.assertEqual(texts("one"), {""})

    def test_unknown_failures(self) -> None:
        """Unknown tool failures are read from the results before these are deleted."""
        web_search = {"type": "web_search_call", "id": "w", "status": "failed"}
        failed = {"type": "function_call_output", "call_id": "c", "output": f"{TOOL_FAILED}."}
        Session.objects.append("one", [*TURN, web_search, failed])
        known = list(Message.objects.order_by("pk").values_list("tool_failed", flat=True))
        Message.objects.update(tool_failed=None)

        Session.objects.purge("one")

        kept = list(Message.objects.order_by("pk").values_list("tool_failed", flat=True))
        self.assertEqual(kept, known)
        self.assertEqual(kept, [None, None, False, None, True, True])

    def test_statements(self) -> None:
        """A long session with filled columns takes as many statements as a short one."""
        counts = []
        for session_id, length in (("short", 2), ("long", 500)):
            Session.objects.append(session_id, numbered(length))
            with statements() as sent:
                Session.objects.purge(session_id)
            counts.append(sent)

        self.assertEqual(counts, [["UPDATE", "SELECT", "UPDATE", "UPDATE"]] * 2)

    async def test_async(self) -> None:
        """apurge() does the same."""
        await DjangoSession("one").add_items(TURN)

        self.assertEqual(await Session.objects.apurge("one"), 4)


class SignalTests(TransactionTestCase):
    """session_purged."""

    def setUp(self) -> None:
        self.heard: list[dict[str, Any]] = []
        session_purged.connect(self.hear)
        self.addCleanup(session_purged.disconnect, self.hear)

    def hear(self, **facts: Any) -> None:
        self.heard.append({name: facts[name] for name in ("sender", "session_id", "count")})

    def test_sent_after_commit(self) -> None:
        """The signal has the number of messages; a purge that is rolled back sends none."""
        Session.objects.append("one", TURN)

        with transaction.atomic():
            Session.objects.purge("one")
            transaction.set_rollback(True)
        self.assertNotIn("", texts("one"))
        Session.objects.purge("unknown")
        Session.objects.purge("one")

        self.assertEqual(self.heard, [{"sender": Session, "session_id": "one", "count": 4}])
        self.assertEqual(texts("one"), {""})


class AfterPurgeTests(TestCase):
    """A purged session in use."""

    async def purged(self) -> DjangoSession:
        """Return a session of four purged messages and two newer ones."""
        session = DjangoSession("one")
        await session.add_items(TURN)
        await Session.objects.apurge("one")
        await session.add_items([USER, ANSWER])
        return session

    async def test_reading(self) -> None:
        """Purged messages are skipped without a warning, and do not count for a limit."""
        session = await self.purged()

        with self.assertNoLogs("agent_sessions", logging.WARNING):
            self.assertEqual(await session.get_items(), [USER, ANSWER])
            self.assertEqual(await session.get_items(limit=1), [ANSWER])
            self.assertEqual(await session.get_items(limit=4), [USER, ANSWER])
            self.assertEqual(await session.get_turn_items(1), [])
            self.assertEqual(await session.get_turn_items(2), [USER, ANSWER])
        limited = DjangoSession("one", history=LastTurns(2))
        self.assertEqual(await limited.get_items(), [USER, ANSWER])

    async def test_popping(self) -> None:
        """Popping skips purged messages, which stay."""
        session = await self.purged()
        count = Message.objects.filter(session="one").acount

        self.assertEqual([await session.pop_item() for _ in range(3)], [ANSWER, USER, None])
        self.assertEqual(await count(), 4)

    async def test_popping_below_unreadable_rows(self) -> None:
        """Popping skips a purged message after the newest item, as in a damaged session."""
        session = await self.purged()
        await Message.objects.acreate(session_id="one", message_data="not JSON")
        await Message.objects.acreate(session_id="one", message_data="")

        with self.assertLogs("agent_sessions", logging.WARNING) as logged:
            self.assertEqual(await session.pop_item(), ANSWER)
        self.assertEqual(len(logged.output), 1)
        self.assertEqual(await Message.objects.filter(session="one").acount(), 6)

    async def test_turns(self) -> None:
        """Purged turns keep their number, tools and state, and have no preview."""
        session = await self.purged()

        first, second = await session.get_conversation_turns()

        self.assertEqual((first.number, first.preview, first.item_count), (1, "", 4))
        self.assertEqual((first.tools, first.state), (("search_events",), "complete"))
        self.assertEqual((second.number, second.preview), (2, USER["content"]))
        self.assertEqual(await session.find_turns_by_content("jazz"), [second])
        self.assertEqual([use.tool_name for use in await session.get_tool_usage()], [CALL["name"]])

    async def test_forking(self) -> None:
        """A fork copies purged messages, and may end at a purged turn."""
        session = await self.purged()

        whole, part = await fork(session), await fork(session, at=1)

        self.assertEqual(await whole.get_items(), [USER, ANSWER])
        self.assertEqual(await part.get_items(), [])
        self.assertEqual(await Message.objects.filter(session=part.session_id).acount(), 4)

    async def test_forks_keep_their_copies(self) -> None:
        """Forks made before the purge keep their items."""
        session = DjangoSession("one")
        await session.add_items(TURN)
        copy = await fork(session)

        await Session.objects.apurge("one")

        self.assertEqual(await copy.get_items(), TURN)

    async def test_replacing(self) -> None:
        """Replacing the items keeps the purged messages before them."""
        session = await self.purged()

        await session.replace_items([ANSWER])

        self.assertEqual(await session.get_items(), [ANSWER])
        self.assertEqual(await Message.objects.filter(session="one").acount(), 5)

    async def test_compacting(self) -> None:
        """Compaction replaces the newest items and prunes older ones, but no purged messages."""
        session = await self.purged()
        tail = await Session.objects.atail("one", 1)
        self.assertEqual((tail.items, tail.is_whole), ([ANSWER], False))
        self.assertTrue((await Session.objects.atail("one", 2)).is_whole)

        is_replaced = await Session.objects.areplace_tail(
            "one", tail, 0, [CALL], prune=lambda item: True
        )

        self.assertTrue(is_replaced)
        self.assertEqual(await session.get_items(), [CALL])
        self.assertEqual(await Message.objects.filter(session="one").acount(), 5)

    async def test_running(self) -> None:
        """A run continues a purged session with the last agent."""
        agents = [
            Agent(name, model=ScriptedModel([[assistant_message("Hello!")]]))
            for name in ("Triage", "Bookings")
        ]
        session = DjangoSession("one")
        await Runner.run(agents[1], "Hi", session=session)
        await Session.objects.apurge("one")

        agent = await session.pick_agent(agents)
        agent.model = model = ScriptedModel([[assistant_message("Again.")]])
        await Runner.run(agent, "Hi again", session=session)

        self.assertEqual(agent.name, "Bookings")
        self.assertEqual(len(last_input(model)), 1)
        self.assertEqual(len(await session.get_items()), 2)
        self.assertEqual(len(await session.get_usage_by_turn()), 2)

    async def test_clearing(self) -> None:
        """Clearing deletes purged messages too."""
        session = await self.purged()

        await session.clear_session()

        self.assertFalse(await Message.objects.aexists())

    def test_entry(self) -> None:
        """The entry of a purged message has its kind, role, tool and call."""
        Session.objects.append("one", [CALL])
        Session.objects.purge("one")

        message = Message.objects.get()

        self.assertTrue(message.is_purged)
        entry = message.entry
        self.assertEqual(
            (entry.kind, entry.role, entry.label, entry.text, entry.tool_name, entry.call_id),
            ("function_call", "assistant", "Purged", "", "search_events", "call_1"),
        )


@needs_a_file
class InteroperationTests(TransactionTestCase):
    """SQLiteSession on a purged session."""

    async def test_read_by_the_sdk(self) -> None:
        """SQLiteSession skips purged messages and reads newer ones."""
        session = DjangoSession("one")
        await session.add_items(TURN)
        await Session.objects.apurge("one")

        async with sqlite_session("one") as theirs:
            self.assertEqual(await theirs.get_items(), [])
            await theirs.add_items([USER])
            self.assertEqual(await theirs.get_items(), [USER])
            self.assertEqual(await theirs.get_items(2), [USER])
        self.assertEqual(await session.get_items(), [USER])

    async def test_written_by_the_sdk(self) -> None:
        """Rows of SQLiteSession get their columns before their items are deleted."""
        async with sqlite_session("one") as theirs:
            await theirs.add_items(TURN)

        await Session.objects.apurge("one")

        kinds = [row[2] async for row in Message.objects.order_by("pk").values_list(*KEPT)]
        self.assertEqual(kinds, [columns(item).kind for item in TURN])
