"""session: DjangoSession, by the SDK's contract and beyond it."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

from agents import OpenAIResponsesCompactionSession, SQLiteSession
from agents.extensions.memory import EncryptedSession
from agents.memory import SessionSettings
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import SimpleTestCase, TestCase, override_settings
from pydantic import BaseModel

from agent_sessions import DjangoSession, ItemError, Message, Session, SessionOwnershipError
from agent_sessions.items import Item
from tests.contract import (
    ANSWER,
    LONE_SURROGATES,
    TURN,
    USER,
    DjangoContract,
    SessionContract,
    SettingsContract,
    numbered,
)
from tests.encryption import encrypted
from tests.statements import statements


class DjangoSessionContractTests(DjangoContract, SettingsContract, TestCase):
    """DjangoSession without an owner."""

    def make_session(self, session_id: str, **settings: Any) -> DjangoSession:
        return DjangoSession(session_id, **settings)


class OwnedSessionContractTests(DjangoContract, SettingsContract, TestCase):
    """DjangoSession with an owner."""

    owner: ClassVar[User]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.owner = User.objects.create_user("owner")

    def make_session(self, session_id: str, **settings: Any) -> DjangoSession:
        return DjangoSession(session_id, user=self.owner, **settings)


class EncryptedSessionContractTests(DjangoContract, SettingsContract, TestCase):
    """The SDK's EncryptedSession around DjangoSession."""

    def make_session(self, session_id: str, **settings: Any) -> EncryptedSession:
        return encrypted(session_id, DjangoSession(session_id, **settings))

    async def test_lone_surrogates(self) -> None:
        """EncryptedSession cannot encode them and fails before anything is stored."""
        session = self.make_session(self.session_id)

        with self.assertRaises(UnicodeEncodeError):
            await session.add_items(LONE_SURROGATES)

        self.assertEqual(await session.get_items(), [])

    async def test_value_that_is_not_json(self) -> None:
        """EncryptedSession converts the value to text before DjangoSession gets it."""
        session = self.make_session(self.session_id)

        item: Item = {"role": "user", "content": {1}}
        await session.add_items([item])

        self.assertEqual(await session.get_items(), [{"role": "user", "content": "{1}"}])


class CompactionSessionContractTests(DjangoContract, TestCase):
    """The SDK's compaction session around DjangoSession."""

    def make_session(self, session_id: str, **settings: Any) -> OpenAIResponsesCompactionSession:
        return OpenAIResponsesCompactionSession(session_id, DjangoSession(session_id))


class SQLiteSessionContractTests(SessionContract, SettingsContract, SimpleTestCase):
    """The SDK's own SQLiteSession: the contract is the SDK's."""

    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.path = Path(folder) / "conversations.db"

    def make_session(self, session_id: str, **settings: Any) -> SQLiteSession:
        session = SQLiteSession(session_id, self.path, **settings)
        self.addCleanup(session.close)
        return session

    async def store_text(self, session: Any, text: str) -> None:
        with sqlite3.connect(self.path) as connection:
            connection.execute(
                "INSERT INTO agent_messages (session_id, message_data) VALUES (?, ?)",
                (session.session_id, text),
            )
        connection.close()


class ConstructionTests(SimpleTestCase):
    """Construction, in a SimpleTestCase, which fails at any query."""

    def test_no_query(self) -> None:
        """A session is constructed without a query and without an event loop."""
        session = DjangoSession("conversation-1")

        self.assertEqual(repr(session), "DjangoSession('conversation-1')")

    async def test_inside_a_running_loop(self) -> None:
        """A session can be constructed inside a running event loop."""
        self.assertEqual(DjangoSession("conversation-1").session_id, "conversation-1")

    def test_id_that_is_not_a_string(self) -> None:
        """An id of another type raises an error that says how to convert it."""
        with self.assertRaisesMessage(TypeError, "Pass a str, such as str(session_id)"):
            DjangoSession(42)  # type: ignore[arg-type]  # refused at runtime, too

    def test_invalid_id(self) -> None:
        """An id that any database would truncate, reject or change is refused."""
        with self.assertRaisesMessage(ValueError, "256 characters; 255 fit"):
            DjangoSession("x" * 256)
        for session_id in ("nul\x00", "surrogate\ud800"):
            with self.assertRaisesMessage(ValueError, "databases cannot"):
                DjangoSession(session_id)

    def test_anonymous_user(self) -> None:
        """A user that cannot own sessions is refused, instead of meaning no user."""
        for user in (AnonymousUser(), User(username="not saved")):
            with self.assertRaisesMessage(ValueError, "anonymous or not saved"):
                DjangoSession("conversation-1", user=user)

    @override_settings(AGENT_SESSIONS_HISTORY_LIMIT=7)
    def test_history_limit_of_the_project(self) -> None:
        """The project's limit applies only to sessions without settings."""
        default, own = DjangoSession("one"), DjangoSession("one", session_settings={})

        self.assertEqual(default.session_settings, SessionSettings(limit=7))
        self.assertEqual(own.session_settings, SessionSettings(limit=None))


class AddItemsTests(TestCase):
    """add_items(): rows and statements."""

    def test_statements(self) -> None:
        """A batch takes two statements, whether or not the session exists or has an owner."""
        owner = User.objects.create_user("owner")
        for session in (DjangoSession("free"), DjangoSession("owned", user=owner)):
            for _ in ("new", "there already"):
                with statements() as sent:
                    async_to_sync(session.add_items)(TURN)

                self.assertEqual(sent, ["INSERT", "INSERT"])

    def test_empty_batch_sends_nothing(self) -> None:
        """An empty batch sends no statement."""
        with statements() as sent:
            async_to_sync(DjangoSession("conversation-1").add_items)([])

        self.assertEqual(sent, [])

    async def test_columns(self) -> None:
        """Each row has the kind, role, tool and call of its item."""
        await DjangoSession("conversation-1").add_items(TURN)

        columns = Message.objects.order_by("pk").values_list("kind", "role", "tool_name", "call_id")
        self.assertEqual(
            [row async for row in columns],
            [
                ("message", "user", "", ""),
                ("function_call", "assistant", "search_events", "call_1"),
                ("function_call_output", "tool", "", "call_1"),
                ("message", "assistant", "", ""),
            ],
        )

    async def test_updated_at_moves(self) -> None:
        """Every batch updates `updated_at`, and none changes `created_at`."""
        session = DjangoSession("conversation-1")
        await session.add_items([USER])
        await Session.objects.aupdate(
            updated_at="2020-01-01T00:00Z", created_at="2020-01-01T00:00Z"
        )

        await session.add_items([ANSWER])

        row = await Session.objects.aget(pk="conversation-1")
        self.assertEqual(row.created_at.year, 2020)
        self.assertGreater(row.updated_at.year, 2020)

    async def test_title_and_metadata(self) -> None:
        """A batch leaves the title and metadata of the session unchanged."""
        await Session.objects.acreate(session_id="one", title="Jazz", metadata={"tag": 1})

        await DjangoSession("one").add_items([USER])

        row = await Session.objects.aget(pk="one")
        self.assertEqual((row.title, row.metadata), ("Jazz", {"tag": 1}))

    async def test_pydantic_items(self) -> None:
        """A pydantic item is stored as the SDK would send it: with the fields that were set."""

        class Part(BaseModel):
            text: str
            note: str | None = None

        class OutputMessage(BaseModel):
            role: str
            content: list[Part]

        message: Item = OutputMessage(role="assistant", content=[Part(text="Hi")])
        await DjangoSession("one").add_items([message])

        stored = await DjangoSession("one").get_items()
        self.assertEqual(stored, [{"role": "assistant", "content": [{"text": "Hi"}]}])

    async def test_error_names_the_path(self) -> None:
        """The error for a value that is not JSON names its path."""
        bad: Item = {"role": "user", "content": [{"text": "fine"}, {"text": float("nan")}]}

        with self.assertRaisesMessage(ItemError, "items[1]['content'][1]['text'] is nan"):
            await DjangoSession("one").add_items([USER, bad])

        self.assertFalse(await Session.objects.aexists())

    def test_few_parameters(self) -> None:
        """Rows are inserted one by one if the database takes too few parameters for two."""
        with mock.patch.object(type(connection.features), "max_query_params", 3):
            Session.objects.append("one", TURN)

        self.assertEqual(Session.objects.items("one"), TURN)

    async def test_large_batch(self) -> None:
        """A batch of several statements is stored whole."""
        await DjangoSession("one").add_items(numbered(3_000))

        self.assertEqual(await DjangoSession("one").get_items(), numbered(3_000))


class StatementTests(TestCase):
    """The statements of the other operations."""

    def setUp(self) -> None:
        self.owner = User.objects.create_user("owner")
        Session.objects.append("one", TURN, user=self.owner)

    def test_get_items(self) -> None:
        """Reading takes one statement, with or without an owner; a limit of 0 takes none."""
        for session in (DjangoSession("one"), DjangoSession("one", user=self.owner)):
            for limit in (None, 2, 4, 100, -1):
                with statements() as sent:
                    async_to_sync(session.get_items)(limit)
                self.assertEqual(sent, ["SELECT"])

        with statements() as sent:
            async_to_sync(DjangoSession("one").get_items)(0)
        self.assertEqual(sent, [])

    def test_pop_item(self) -> None:
        """Popping locks the session, finds the item and deletes it."""
        with statements() as sent:
            async_to_sync(DjangoSession("one", user=self.owner).pop_item)()

        self.assertEqual(sent, ["UPDATE", "SELECT", "DELETE"])

    def test_replace_items(self) -> None:
        """Replacing adds three statements: owner, last agent, deletion."""
        with statements() as sent:
            async_to_sync(DjangoSession("one", user=self.owner).replace_items)([USER])

        self.assertEqual(sent, ["INSERT", "SELECT", "SELECT", "DELETE", "INSERT"])

    def test_clear_session(self) -> None:
        """Clearing takes the same statements for any number of messages."""
        async_to_sync(DjangoSession("one").add_items)(numbered(500))

        with statements() as sent:
            async_to_sync(DjangoSession("one", user=self.owner).clear_session)()

        # Django's deletion collector locks the row again if the database has row locks.
        lock = ["SELECT"] if connection.features.has_select_for_update else []
        self.assertEqual(sent, ["UPDATE", "SELECT", *lock, "DELETE", "DELETE", "UPDATE", "DELETE"])
        self.assertFalse(Message.objects.exists())


class ReplaceItemsTests(TestCase):
    """replace_items(), and the SDK's private hook for it."""

    async def test_replaces_everything(self) -> None:
        """Only the new items are left; the session keeps its owner."""
        owner = await User.objects.acreate(username="owner")
        session = DjangoSession("one", user=owner)
        await session.add_items(TURN)

        await session.replace_items([USER])

        self.assertEqual(await session.get_items(), [USER])
        self.assertEqual((await Session.objects.aget(pk="one")).user_id, owner.pk)

    async def test_empty_list(self) -> None:
        """Replacing with an empty list empties the session."""
        await DjangoSession("one").add_items(TURN)

        await DjangoSession("one").replace_items([])

        self.assertEqual(await DjangoSession("one").get_items(), [])

    async def test_bad_item_leaves_the_old_ones(self) -> None:
        """If a new item is not JSON, the old items stay."""
        await DjangoSession("one").add_items(TURN)
        bad: Item = {"content": object()}

        with self.assertRaises(ItemError):
            await DjangoSession("one").replace_items([USER, bad])

        self.assertEqual(await DjangoSession("one").get_items(), TURN)

    async def test_hook_for_compaction(self) -> None:
        """The hook replaces items for DjangoSession itself, and declines for a subclass."""

        class Shouting(DjangoSession):
            pass

        await DjangoSession("one").add_items(TURN)

        self.assertIs(await DjangoSession("one")._atomic_replace_items([USER]), True)
        self.assertIs(await Shouting("one")._atomic_replace_items([ANSWER]), False)
        self.assertEqual(await DjangoSession("one").get_items(), [USER])


class OwnershipTests(TestCase):
    """With `user`, only that user's sessions can be read or changed."""

    owner: ClassVar[User]
    other: ClassVar[User]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.owner = User.objects.create_user("owner")
        cls.other = User.objects.create_user("other")

    async def assert_refused(self, session: DjangoSession) -> None:
        for operation in (
            session.get_items(),
            session.get_items(1),
            session.add_items([ANSWER]),
            session.pop_item(),
            session.replace_items([ANSWER]),
            session.clear_session(),
        ):
            with self.assertRaises(SessionOwnershipError):
                await operation

    async def test_first_write_makes_the_owner(self) -> None:
        """The user of the first write owns the session."""
        await DjangoSession("one", user=self.owner).add_items([USER])

        owned = Session.objects.owned_by(self.owner)
        self.assertEqual([session.pk async for session in owned], ["one"])

    async def test_other_owner(self) -> None:
        """Every method raises SessionOwnershipError and changes nothing, not even `updated_at`."""
        await DjangoSession("one", user=self.owner).add_items(TURN)
        before = await Session.objects.aget(pk="one")

        await self.assert_refused(DjangoSession("one", user=self.other))

        self.assertEqual(await DjangoSession("one").get_items(), TURN)
        after = await Session.objects.aget(pk="one")
        self.assertEqual((after.user_id, after.updated_at), (self.owner.pk, before.updated_at))

    async def test_session_without_an_owner(self) -> None:
        """A session without an owner cannot be used, nor taken over, by a user."""
        await DjangoSession("one").add_items(TURN)

        await self.assert_refused(DjangoSession("one", user=self.other))

        self.assertIsNone((await Session.objects.aget(pk="one")).user_id)

    async def test_empty_session(self) -> None:
        """Another user's session is refused even if it is empty."""
        await Session.objects.acreate(session_id="one", user=self.owner)

        await self.assert_refused(DjangoSession("one", user=self.other))
        self.assertEqual(await DjangoSession("one", user=self.owner).get_items(), [])

    async def test_without_user(self) -> None:
        """Without `user` every session can be read and written, and keeps its owner."""
        await DjangoSession("one", user=self.owner).add_items([USER])

        await DjangoSession("one").add_items([ANSWER])

        self.assertEqual(await DjangoSession("one", user=self.owner).get_items(), [USER, ANSWER])

    async def test_error_is_a_permission_denied(self) -> None:
        """The error is a PermissionDenied, so a view answers 403, and says what to do."""
        await DjangoSession("one", user=self.owner).add_items([USER])

        with self.assertRaisesMessage(PermissionDenied, "Open it as its owner"):
            await DjangoSession("one", user=self.other).get_items()

    async def test_unreadable_rows(self) -> None:
        """A limit counts only readable rows, with an owner too."""
        session = DjangoSession("one", user=self.owner)
        await session.add_items([USER])
        for text in ("not", "JSON", "at all"):
            await Message.objects.acreate(session_id="one", message_data=text)

        with self.assertLogs("agent_sessions", "WARNING") as logs:
            self.assertEqual(await session.get_items(1), [USER])

        self.assertEqual(len(logs.output), 3)


class UnreadableRowTests(TestCase):
    """Rows that are not JSON."""

    async def test_left_in_place(self) -> None:
        """Reading logs the id of the row and leaves the row in place."""
        await DjangoSession("one").add_items([USER])
        bad = await Message.objects.acreate(session_id="one", message_data="not JSON")

        with self.assertLogs("agent_sessions", "WARNING") as logs:
            await DjangoSession("one").get_items()

        self.assertIn(f"Skipped message {bad.pk}", logs.output[0])
        self.assertTrue(await Message.objects.filter(pk=bad.pk).aexists())

    async def test_popping(self) -> None:
        """Popping deletes the unreadable rows after the item, as in SQLiteSession, and logs it."""
        await DjangoSession("one").add_items(TURN[:2])
        await Message.objects.acreate(session_id="one", message_data="not JSON")

        with self.assertLogs("agent_sessions", "WARNING"):
            await DjangoSession("one").pop_item()

        self.assertEqual(await Message.objects.acount(), 1)


class DatabaseAliasTests(TestCase):
    """`using` and database routers."""

    databases = {"default", "archive"}

    async def test_using(self) -> None:
        """Every operation uses the database of `using`."""
        session = DjangoSession("one", using="archive")

        await session.add_items(TURN)
        await session.pop_item()

        self.assertEqual(await session.get_items(), TURN[:-1])
        self.assertEqual(await DjangoSession("one").get_items(), [])
        await session.clear_session()
        self.assertFalse(await Session.objects.using("archive").aexists())

    async def test_router(self) -> None:
        """Without `using`, routers choose the database, separately for reads and writes."""
        with override_settings(DATABASE_ROUTERS=["tests.routers.WritesToArchive"]):
            await DjangoSession("one").add_items(TURN)
            self.assertEqual(await DjangoSession("one").get_items(), [])

        self.assertEqual(await DjangoSession("one", using="archive").get_items(), TURN)

    async def test_router_and_owner(self) -> None:
        """An owner read from another database is matched by primary key."""
        owner = await User.objects.acreate(username="owner")
        await User.objects.using("archive").acreate(pk=owner.pk, username="owner")
        session = DjangoSession("one", user=owner)

        with override_settings(DATABASE_ROUTERS=["tests.routers.WritesToArchive"]):
            await session.add_items(TURN)
            self.assertEqual(await session.pop_item(), ANSWER)

        rows = Session.objects.using("archive")
        self.assertEqual((await rows.aget(pk="one")).user_id, owner.pk)
