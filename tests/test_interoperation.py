"""DjangoSession and the SDK's own sessions on one SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3

from agents import SQLiteSession
from asgiref.sync import sync_to_async
from django.core.management import CommandError, call_command
from django.test import TransactionTestCase
from django.utils import timezone

from agent_sessions import DjangoSession, Message, Session
from tests.contract import LONE_SURROGATES, STRANGE_ITEMS, TURN, USER, numbered
from tests.sdk_sessions import MAKERS, THEIRS, file, needs_a_file, sqlite_session


@needs_a_file
class SharedFileTests(TransactionTestCase):
    """One conversation, read and written by DjangoSession and by the SDK's sessions."""

    async def test_read_by_the_sdk(self) -> None:
        """The SDK's sessions read the items of DjangoSession, NUL and surrogates included."""
        items = [*TURN, *STRANGE_ITEMS, *LONE_SURROGATES]
        await DjangoSession("shared").add_items(items)

        for name, opened in THEIRS.items():
            async with opened("shared") as theirs:
                self.assertEqual(await theirs.get_items(), items, name)
                self.assertEqual(await theirs.get_items(2), items[-2:], name)

    async def test_written_by_the_sdk(self) -> None:
        """DjangoSession reads rows written by the SDK, whose other columns have defaults."""
        for name, opened in THEIRS.items():
            async with opened(name) as theirs:
                await theirs.add_items([*TURN, *STRANGE_ITEMS])

            self.assertEqual(await DjangoSession(name).get_items(), [*TURN, *STRANGE_ITEMS])
            row = await Session.objects.aget(pk=name)
            self.assertEqual((row.user_id, row.title, row.metadata), (None, "", {}))
            first = await Message.objects.filter(session_id=name).aearliest("pk")
            self.assertEqual((first.kind, first.entry.label), ("", "User"))

    async def test_alternating_writers(self) -> None:
        """Items written alternately within a second have the same order for both."""
        for name, opened in THEIRS.items():
            ours = DjangoSession(name)
            async with opened(name) as theirs:
                for number, item in enumerate(numbered(12)):
                    await (ours if number % 2 else theirs).add_items([item])

                self.assertEqual(await theirs.get_items(), numbered(12), name)
                self.assertEqual(await ours.get_items(), numbered(12), name)

    async def test_alternating_pops(self) -> None:
        """An item that one has popped is gone for the other."""
        for name, opened in THEIRS.items():
            ours = DjangoSession(name)
            await ours.add_items(numbered(4))
            async with opened(name) as theirs:
                popped = [await session.pop_item() for session in (theirs, ours, theirs, ours)]
                self.assertEqual(popped, numbered(4)[::-1], name)
                self.assertIsNone(await theirs.pop_item())

    async def test_clearing(self) -> None:
        """A session that one has cleared is empty for the other, and usable."""
        for name, opened in THEIRS.items():
            ours = DjangoSession(name)
            async with opened(name) as theirs:
                await ours.add_items(TURN)
                await theirs.clear_session()
                self.assertEqual(await ours.get_items(), [], name)

                await theirs.add_items(TURN)
                await ours.clear_session()
                self.assertEqual(await theirs.get_items(), [], name)

                await theirs.add_items([USER])
                self.assertEqual(await ours.get_items(), [USER], name)


@needs_a_file
class AdoptionTests(TransactionTestCase):
    """Migrations on an existing file of the SDK."""

    def setUp(self) -> None:
        call_command("migrate", "agent_sessions", "zero", verbosity=0)
        self.addCleanup(call_command, "migrate", "agent_sessions", verbosity=0)

    def adopt(self) -> None:
        call_command("migrate", "agent_sessions", fake_initial=True, verbosity=0)

    def sql(self, *statements: str) -> None:
        with sqlite3.connect(file()) as writer:
            for statement in statements:
                writer.execute(statement)
        writer.close()

    async def test_fake_initial(self) -> None:
        """migrate --fake-initial keeps every row, and the SDK can write afterwards."""
        items = [*TURN, *STRANGE_ITEMS]
        for name, opened in MAKERS.items():
            async with opened("old") as theirs:
                await theirs.add_items(items)

                await sync_to_async(self.adopt)()
                await theirs.add_items([USER])

                self.assertEqual(await theirs.get_items(), [*items, USER], name)
            self.assertEqual(await DjangoSession("old").get_items(), [*items, USER], name)
            self.assertEqual((await Session.objects.aget(pk="old")).title, "")
            await sync_to_async(call_command)("migrate", "agent_sessions", "zero", verbosity=0)

    async def test_without_fake_initial(self) -> None:
        """Without the option, migrate fails with its name and leaves the file unchanged."""
        async with sqlite_session("old") as theirs:
            await theirs.add_items(TURN)

            with self.assertRaisesMessage(CommandError, "migrate --fake-initial"):
                await sync_to_async(call_command)("migrate", "agent_sessions", verbosity=0)

            self.assertEqual(await theirs.get_items(), TURN)
            await sync_to_async(self.adopt)()
        self.assertEqual(await DjangoSession("old").get_items(), TURN)

    def test_backwards_without_a_parent(self) -> None:
        """Migrating backwards works if the SDK has deleted a session that was forked."""
        call_command("migrate", "agent_sessions", verbosity=0)
        Session.objects.append("parent", TURN)
        Session.objects.fork("parent", "fork")
        Session.objects.fork("fork", "fork of the fork")
        self.sql(
            "DELETE FROM agent_messages WHERE session_id = 'parent'",
            "DELETE FROM agent_sessions WHERE session_id = 'parent'",
        )

        call_command("migrate", "agent_sessions", "0002", verbosity=0)
        call_command("migrate", "agent_sessions", verbosity=0)

        parents = Session.objects.order_by("pk").values_list("pk", "parent")
        self.assertEqual([*parents], [("fork", None), ("fork of the fork", "fork")])

    def test_rows_without_times(self) -> None:
        """Rows with NULL as times, which the SDK's tables allow, get the current time."""
        asyncio.run(self.seed())
        self.sql(
            "UPDATE agent_sessions SET created_at = NULL, updated_at = NULL",
            "UPDATE agent_messages SET created_at = NULL",
        )

        self.adopt()

        self.assertEqual(Session.objects.items("old"), TURN)
        self.assertEqual(Session.objects.get().created_at.date(), timezone.now().date())

    async def seed(self) -> None:
        async with sqlite_session("old") as theirs:
            await theirs.add_items(TURN)


@needs_a_file
class IndexTests(TransactionTestCase):
    """The index on a session's messages."""

    def test_index_is_made_once(self) -> None:
        """The SDK makes no second index, since ours has the name of its own."""
        theirs = SQLiteSession("any", file())
        theirs.close()

        with sqlite3.connect(file()) as reader:
            found = reader.execute(
                "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
                "AND tbl_name = 'agent_messages'"
            ).fetchone()
        reader.close()

        self.assertEqual(found, (len(Message._meta.indexes),))
