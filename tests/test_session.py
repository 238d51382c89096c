"""DjangoSession: the SDK's contract, and what it promises beyond."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

from agents import OpenAIResponsesCompactionSession, SQLiteSession
from agents.extensions.memory import EncryptedSession
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import SimpleTestCase, TestCase, override_settings
from pydantic import BaseModel

from agent_sessions import DjangoSession, ItemError, Message, Session, SessionOwnershipError
from tests.contract import (
    ANSWER,
    LONE_SURROGATES,
    TURN,
    USER,
    SessionContract,
    SettingsContract,
    numbered,
)
from tests.encryption import encrypted
from tests.statements import statements


class DjangoContract(SessionContract):
    """The contract on our tables."""

    async def store_text(self, session: Any, text: str) -> None:
        await Message.objects.acreate(session_id=session.session_id, message_data=text)


class DjangoSessionContractTests(DjangoContract, SettingsContract, TestCase):
    """DjangoSession as it is."""

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
        """EncryptedSession itself cannot write them: it fails before anything is stored."""
        session = self.make_session(self.session_id)

        with self.assertRaises(UnicodeEncodeError):
            await session.add_items(LONE_SURROGATES)

        self.assertEqual(await session.get_items(), [])

    async def test_value_that_is_not_json(self) -> None:
        """EncryptedSession itself turns it into text before DjangoSession sees it."""
        session = self.make_session(self.session_id)

        await session.add_items([{"role": "user", "content": {1}}])

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
    """Making a DjangoSession. A SimpleTestCase refuses every query."""

    def test_touches_no_database(self) -> None:
        """An object is made without a query and without an event loop."""
        session = DjangoSession("conversation-1")

        self.assertEqual(repr(session), "DjangoSession('conversation-1')")

    async def test_inside_a_running_loop(self) -> None:
        """It is made as well where an event loop runs."""
        self.assertEqual(DjangoSession("conversation-1").session_id, "conversation-1")

    def test_id_that_is_no_string(self) -> None:
        """An id of another type is refused with the way to convert it."""
        with self.assertRaisesMessage(TypeError, "Pass a str, such as str(session_id)"):
            DjangoSession(42)

    def test_id_that_no_database_keeps(self) -> None:
        """An id that some database would cut, refuse or change is refused by all."""
        with self.assertRaisesMessage(ValueError, "256 characters; 255 fit"):
            DjangoSession("x" * 256)
        for session_id in ("nul\x00", "surrogate\ud800"):
            with self.assertRaisesMessage(ValueError, "databases cannot keep"):
                DjangoSession(session_id)

    def test_anonymous_user(self) -> None:
        """A user who can own nothing is refused, rather than taken for no user at all."""
        for user in (AnonymousUser(), User(username="not saved")):
            with self.assertRaisesMessage(ValueError, "anonymous or not saved"):
                DjangoSession("conversation-1", user=user)

    @override_settings(AGENT_SESSIONS_HISTORY_LIMIT=7)
    def test_history_limit_of_the_project(self) -> None:
        """The project's limit holds where the session has no settings of its own."""
        self.assertEqual(DjangoSession("one").session_settings.limit, 7)
        self.assertIsNone(DjangoSession("one", session_settings={}).session_settings.limit)


class AddItemsTests(TestCase):
    """What add_items writes, and with how many statements."""

    def test_statements(self) -> None:
        """A batch is two statements, whether the session is new or not, owned or not."""
        owner = User.objects.create_user("owner")
        for session in (DjangoSession("free"), DjangoSession("owned", user=owner)):
            for _ in ("new", "there already"):
                with statements() as sent:
                    async_to_sync(session.add_items)(TURN)

                self.assertEqual(sent, ["INSERT", "INSERT"])

    def test_empty_batch_sends_nothing(self) -> None:
        """Nothing to add is nothing to ask the database for."""
        with statements() as sent:
            async_to_sync(DjangoSession("conversation-1").add_items)([])

        self.assertEqual(sent, [])

    async def test_columns(self) -> None:
        """Kind, role, tool and call of each item can be filtered by."""
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
        """Every batch is activity of the session; its creation stays where it was."""
        session = DjangoSession("conversation-1")
        await session.add_items([USER])
        await Session.objects.aupdate(
            updated_at="2020-01-01T00:00Z", created_at="2020-01-01T00:00Z"
        )

        await session.add_items([ANSWER])

        row = await Session.objects.aget(pk="conversation-1")
        self.assertEqual(row.created_at.year, 2020)
        self.assertGreater(row.updated_at.year, 2020)

    async def test_keeps_what_the_project_set(self) -> None:
        """Title and metadata of a session outlive its batches."""
        await Session.objects.acreate(session_id="one", title="Jazz", metadata={"tag": 1})

        await DjangoSession("one").add_items([USER])

        row = await Session.objects.aget(pk="one")
        self.assertEqual((row.title, row.metadata), ("Jazz", {"tag": 1}))

    async def test_pydantic_items(self) -> None:
        """A pydantic item is stored as the SDK would send it: only what was set."""

        class Part(BaseModel):
            text: str
            note: str | None = None

        class OutputMessage(BaseModel):
            role: str
            content: list[Part]

        message = OutputMessage(role="assistant", content=[Part(text="Hi")])
        await DjangoSession("one").add_items([message])

        stored = await DjangoSession("one").get_items()
        self.assertEqual(stored, [{"role": "assistant", "content": [{"text": "Hi"}]}])

    async def test_error_names_the_path(self) -> None:
        """What is not JSON is named by where it is."""
        bad = {"role": "user", "content": [{"text": "fine"}, {"text": float("nan")}]}

        with self.assertRaisesMessage(ItemError, "items[1]['content'][1]['text'] is nan"):
            await DjangoSession("one").add_items([USER, bad])

        self.assertFalse(await Session.objects.aexists())

    def test_few_parameters(self) -> None:
        """A database that takes fewer parameters than a row has columns is given row by row."""
        with mock.patch.object(type(connection.features), "max_query_params", 3):
            Session.objects.append("one", TURN)

        self.assertEqual(Session.objects.items("one"), TURN)

    async def test_large_batch(self) -> None:
        """A batch larger than one statement may carry parameters is still all or nothing."""
        await DjangoSession("one").add_items(numbered(3_000))

        self.assertEqual(await DjangoSession("one").get_items(), numbered(3_000))


class StatementTests(TestCase):
    """How often the other operations ask the database."""

    def setUp(self) -> None:
        self.owner = User.objects.create_user("owner")
        Session.objects.append("one", TURN, user=self.owner)

    def test_get_items(self) -> None:
        """Reading is one statement, ownership included; reading nothing is none."""
        for session in (DjangoSession("one"), DjangoSession("one", user=self.owner)):
            for limit in (None, 2, 4, 100, -1):
                with statements() as sent:
                    async_to_sync(session.get_items)(limit)
                self.assertEqual(sent, ["SELECT"])

        with statements() as sent:
            async_to_sync(DjangoSession("one").get_items)(0)
        self.assertEqual(sent, [])

    def test_pop_item(self) -> None:
        """Popping locks, looks and deletes."""
        with statements() as sent:
            async_to_sync(DjangoSession("one", user=self.owner).pop_item)()

        self.assertEqual(sent, ["UPDATE", "SELECT", "DELETE"])

    def test_replace_items(self) -> None:
        """Between the statements of add_items it looks who owns and who spoke last, and deletes."""
        with statements() as sent:
            async_to_sync(DjangoSession("one", user=self.owner).replace_items)([USER])

        self.assertEqual(sent, ["INSERT", "SELECT", "SELECT", "DELETE", "INSERT"])

    def test_clear_session(self) -> None:
        """Clearing takes the same statements however long the session is."""
        async_to_sync(DjangoSession("one").add_items)(numbered(500))

        with statements() as sent:
            async_to_sync(DjangoSession("one", user=self.owner).clear_session)()

        # Django's collector locks the row again, where rows can be locked.
        lock = ["SELECT"] if connection.features.has_select_for_update else []
        self.assertEqual(sent, ["UPDATE", "SELECT", *lock, "DELETE", "DELETE", "UPDATE", "DELETE"])
        self.assertFalse(Message.objects.exists())


class ReplaceItemsTests(TestCase):
    """replace_items, and the hook by which the SDK's compaction finds it."""

    async def test_replaces_everything(self) -> None:
        """The new items are all there is; the session and its owner stay."""
        owner = await User.objects.acreate(username="owner")
        session = DjangoSession("one", user=owner)
        await session.add_items(TURN)

        await session.replace_items([USER])

        self.assertEqual(await session.get_items(), [USER])
        self.assertEqual((await Session.objects.aget(pk="one")).user_id, owner.pk)

    async def test_nothing_in_the_place_of_everything(self) -> None:
        """An empty list leaves an empty session."""
        await DjangoSession("one").add_items(TURN)

        await DjangoSession("one").replace_items([])

        self.assertEqual(await DjangoSession("one").get_items(), [])

    async def test_bad_item_leaves_the_old_ones(self) -> None:
        """If one new item is not JSON, the old items are still there."""
        await DjangoSession("one").add_items(TURN)

        with self.assertRaises(ItemError):
            await DjangoSession("one").replace_items([USER, {"content": object()}])

        self.assertEqual(await DjangoSession("one").get_items(), TURN)

    async def test_hook_of_compaction(self) -> None:
        """The SDK's hook replaces for DjangoSession itself, and declines for a subclass."""

        class Shouting(DjangoSession):
            pass

        await DjangoSession("one").add_items(TURN)

        self.assertIs(await DjangoSession("one")._atomic_replace_items([USER]), True)
        self.assertIs(await Shouting("one")._atomic_replace_items([ANSWER]), False)
        self.assertEqual(await DjangoSession("one").get_items(), [USER])


class OwnershipTests(TestCase):
    """With user=, nobody else's session is read or changed."""

    owner: ClassVar[User]
    other: ClassVar[User]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.owner = User.objects.create_user("owner")
        cls.other = User.objects.create_user("other")

    async def refuses(self, session: DjangoSession) -> None:
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
        """Who writes to a new session owns it."""
        await DjangoSession("one", user=self.owner).add_items([USER])

        owned = Session.objects.owned_by(self.owner)
        self.assertEqual([session.pk async for session in owned], ["one"])

    async def test_somebody_elses_session(self) -> None:
        """Every method refuses, nothing changes, not even the time of the last activity."""
        await DjangoSession("one", user=self.owner).add_items(TURN)
        before = await Session.objects.aget(pk="one")

        await self.refuses(DjangoSession("one", user=self.other))

        self.assertEqual(await DjangoSession("one").get_items(), TURN)
        after = await Session.objects.aget(pk="one")
        self.assertEqual((after.user_id, after.updated_at), (self.owner.pk, before.updated_at))

    async def test_session_without_an_owner(self) -> None:
        """A session that nobody owns is not anybody's for the asking."""
        await DjangoSession("one").add_items(TURN)

        await self.refuses(DjangoSession("one", user=self.other))

        self.assertIsNone((await Session.objects.aget(pk="one")).user_id)

    async def test_empty_session_of_somebody_else(self) -> None:
        """A session without messages is refused as well."""
        await Session.objects.acreate(session_id="one", user=self.owner)

        await self.refuses(DjangoSession("one", user=self.other))
        self.assertEqual(await DjangoSession("one", user=self.owner).get_items(), [])

    async def test_without_user_any_session_opens(self) -> None:
        """Code that names no user reads and writes every session, and takes none over."""
        await DjangoSession("one", user=self.owner).add_items([USER])

        await DjangoSession("one").add_items([ANSWER])

        self.assertEqual(await DjangoSession("one", user=self.owner).get_items(), [USER, ANSWER])

    async def test_error_is_a_permission_denied(self) -> None:
        """A view that lets the error through answers 403; it says what to do."""
        await DjangoSession("one", user=self.owner).add_items([USER])

        with self.assertRaisesMessage(PermissionDenied, "Open it as its owner"):
            await DjangoSession("one", user=self.other).get_items()

    async def test_older_windows_are_owned_too(self) -> None:
        """The owner's limit looks past unreadable rows like everybody's."""
        session = DjangoSession("one", user=self.owner)
        await session.add_items([USER])
        for text in ("not", "JSON", "at all"):
            await Message.objects.acreate(session_id="one", message_data=text)

        with self.assertLogs("agent_sessions", "WARNING") as logs:
            self.assertEqual(await session.get_items(1), [USER])

        self.assertEqual(len(logs.output), 3)


class UnreadableRowTests(TestCase):
    """Rows that are not JSON: logged, and left unless they are popped over."""

    async def test_left_in_place(self) -> None:
        """Reading logs the row by its id and does not touch it."""
        await DjangoSession("one").add_items([USER])
        bad = await Message.objects.acreate(session_id="one", message_data="not JSON")

        with self.assertLogs("agent_sessions", "WARNING") as logs:
            await DjangoSession("one").get_items()

        self.assertIn(f"Message {bad.pk} is skipped", logs.output[0])
        self.assertTrue(await Message.objects.filter(pk=bad.pk).aexists())

    async def test_popping_over(self) -> None:
        """Popping removes the rows above the item, as SQLiteSession does, and logs each."""
        await DjangoSession("one").add_items(TURN[:2])
        await Message.objects.acreate(session_id="one", message_data="not JSON")

        with self.assertLogs("agent_sessions", "WARNING"):
            await DjangoSession("one").pop_item()

        self.assertEqual(await Message.objects.acount(), 1)


class DatabaseAliasTests(TestCase):
    """using= and routers."""

    databases = {"default", "archive"}

    async def test_using(self) -> None:
        """Everything happens in the database that using= names."""
        session = DjangoSession("one", using="archive")

        await session.add_items(TURN)
        await session.pop_item()

        self.assertEqual(await session.get_items(), TURN[:-1])
        self.assertEqual(await DjangoSession("one").get_items(), [])
        await session.clear_session()
        self.assertFalse(await Session.objects.using("archive").aexists())

    async def test_router(self) -> None:
        """Without using= the project's routers choose, apart for reading and for writing."""
        with override_settings(DATABASE_ROUTERS=["tests.routers.WritesToArchive"]):
            await DjangoSession("one").add_items(TURN)
            self.assertEqual(await DjangoSession("one").get_items(), [])

        self.assertEqual(await DjangoSession("one", using="archive").get_items(), TURN)

    async def test_router_and_owner(self) -> None:
        """An owner who was read from another database owns by key."""
        owner = await User.objects.acreate(username="owner")
        await User.objects.using("archive").acreate(pk=owner.pk, username="owner")
        session = DjangoSession("one", user=owner)

        with override_settings(DATABASE_ROUTERS=["tests.routers.WritesToArchive"]):
            await session.add_items(TURN)
            self.assertEqual(await session.pop_item(), ANSWER)

        rows = Session.objects.using("archive")
        self.assertEqual((await rows.aget(pk="one")).user_id, owner.pk)
