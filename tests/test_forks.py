"""forks: sessions that begin as a copy of another."""

from __future__ import annotations

from typing import Any

from agents import Agent, Runner, SessionSettings
from agents.testing import ScriptedModel, assistant_message
from django.contrib.auth.models import User
from django.test import TestCase, override_settings

from agent_sessions import DjangoSession, Message, Session, SessionOwnershipError, fork
from agent_sessions.forks import forks
from agent_sessions.items import Item
from agent_sessions.models.usage import Usage
from agent_sessions.usage.steps import Step, Tokens
from tests.contract import CALL, OUTPUT, TURN, USER, DjangoContract, SessionContract, numbered
from tests.encryption import encrypted
from tests.forking import forked, items_of, stored
from tests.model_input import last_input
from tests.statements import statements


class LateFork(DjangoSession):
    """A session that is made as an empty fork of "parent" when it is first used."""

    is_begun = False

    async def begin(self) -> None:
        if not self.is_begun and not await Session.objects.filter(pk=self.session_id).aexists():
            await fork(DjangoSession("parent"), before=1, session_id=self.session_id)
        self.is_begun = True

    async def get_items(self, limit: int | None = None, *, wrapper: Any = None) -> list[Item]:
        await self.begin()
        return await super().get_items(limit, wrapper=wrapper)

    async def add_items(self, items: list[Item], *, wrapper: Any = None) -> None:
        await self.begin()
        await super().add_items(items, wrapper=wrapper)

    async def pop_item(self, *, wrapper: Any = None) -> Any:
        await self.begin()
        return await super().pop_item(wrapper=wrapper)

    async def clear_session(self, *, wrapper: Any = None) -> None:
        await self.begin()
        await super().clear_session(wrapper=wrapper)


class ForkContractTests(DjangoContract, SessionContract, TestCase):
    """A fork fulfils the contract of a session."""

    @classmethod
    def setUpTestData(cls) -> None:
        Session.objects.append("parent", TURN)

    def tearDown(self) -> None:
        """Check that nothing done to a fork has changed its parent."""
        self.assertEqual(Session.objects.items("parent"), TURN)
        super().tearDown()

    def make_session(self, session_id: str, **settings: Any) -> DjangoSession:
        return LateFork(session_id, **settings)


class CopyTests(TestCase):
    """The messages and facts of a fork."""

    def test_whole(self) -> None:
        """Without a place, every row of the session is copied, unreadable ones included."""
        session = stored("one", [*TURN, {}, ["no dict"]])
        Message.objects.create(session_id="one", message_data="not JSON")

        new = forked(session)

        self.assertNotEqual(new.session_id, "one")
        texts = Message.objects.order_by("pk").values_list("message_data", flat=True)
        self.assertEqual(
            list(texts.filter(session=new.session_id)), list(texts.filter(session="one"))
        )

    def test_columns(self) -> None:
        """A message is copied with all its columns, its time included."""
        session = stored("one", TURN)
        Message.objects.update(agent_name="Calendar Club", created_at="2020-01-01T00:00Z")

        new = forked(session)

        names = [f.name for f in Message._meta.concrete_fields if f.name not in ("id", "session")]
        rows = Message.objects.order_by("pk").values_list(*names)
        copied, original = rows.filter(session=new.session_id), rows.filter(session="one")
        self.assertEqual(list(copied), list(original))
        self.assertEqual({row[names.index("created_at")].year for row in copied}, {2020})

    def test_facts(self) -> None:
        """A fork has the owner, title and metadata of its parent, its parent and its own times."""
        owner = User.objects.create_user("owner")
        session = stored("one", TURN, user=owner)
        Session.objects.update(title="Jazz", metadata={"source": ["web"]})
        Session.objects.update(created_at="2020-01-01T00:00Z", updated_at="2020-01-01T00:00Z")

        new = forked(session, session_id="two")

        row = Session.objects.get(pk="two")
        self.assertEqual(new.session_id, "two")
        self.assertEqual((row.user, row.parent_id), (owner, "one"))
        self.assertEqual((row.title, row.metadata), ("Jazz", {"source": ["web"]}))
        assert row.forked_at is not None
        for moment in (row.forked_at, row.created_at, row.updated_at):
            self.assertGreater(moment.year, 2020)
        # Forking a session is not activity in it.
        self.assertEqual(Session.objects.get(pk="one").updated_at.year, 2020)

    def test_usage_stays(self) -> None:
        """The usage of the copied turns is not copied."""
        step = Step("Calendar Club", "run", "trace", Tokens(1, 10, 0, 5, 0, 15))
        Session.objects.append("one", TURN, step=step)

        forked(DjangoSession("one"))

        self.assertEqual(list(Usage.objects.values_list("session_id", flat=True)), ["one"])

    def test_options(self) -> None:
        """The new object has the same class and options, and a copy of the settings."""

        class Louder(DjangoSession):
            pass

        owner = User.objects.create_user("owner")
        Session.objects.append("one", TURN, user=owner)
        session = Louder("one", user=owner, using="default", session_settings={"limit": 3})

        new = forked(session)
        assert new.session_settings is not None
        new.session_settings.limit = 1

        self.assertIs(type(new), Louder)
        self.assertEqual((new.user, new.using), (owner, "default"))
        self.assertEqual(session.session_settings, SessionSettings(limit=3))

    def test_independence(self) -> None:
        """Changes to a session do not reach its fork, nor the other way round."""
        session = stored("one", TURN)
        new = forked(session)

        Session.objects.append("one", [USER])
        Session.objects.pop(new.session_id)
        Session.objects.append(new.session_id, [CALL, OUTPUT])

        self.assertEqual(items_of(session), [*TURN, USER])
        self.assertEqual(items_of(new), [*TURN[:-1], CALL, OUTPUT])

    def test_fork_of_a_fork(self) -> None:
        """A fork can be forked, by the numbers of its own turns."""
        session = stored("one", TURN * 3)
        child = forked(session, at=2)
        Session.objects.append(child.session_id, TURN)

        grandchild = forked(child, before=3)

        self.assertEqual(items_of(grandchild), TURN * 2)
        self.assertEqual(Session.objects.get(pk=grandchild.session_id).parent_id, child.session_id)

    def test_deleted_parent(self) -> None:
        """A fork outlives its parent."""
        session = stored("one", TURN)
        new = forked(session)

        Session.objects.clear("one")

        self.assertEqual(items_of(new), TURN)
        self.assertIsNone(Session.objects.get(pk=new.session_id).parent)

    def test_another_database(self) -> None:
        """A fork is stored in the database of its parent."""
        session = DjangoSession("one", using="archive")
        Session.objects.using("archive").append("one", TURN)

        new = forked(session, before=1)

        self.assertTrue(Session.objects.using("archive").filter(pk=new.session_id).exists())
        self.assertFalse(Session.objects.exists())

    databases = {"default", "archive"}

    @override_settings(DATABASE_ROUTERS=["tests.routers.WritesToArchive"])
    def test_router(self) -> None:
        """The place is looked up in the database for writes, since a replica may be late."""
        session = stored("one", TURN)

        new = forked(session, at=1)

        self.assertEqual(Session.objects.using("archive").items(new.session_id), TURN)


class ListTests(TestCase):
    """forks(), which lists the forks of a session."""

    async def test_order(self) -> None:
        """Forks are listed oldest first, without forks of forks."""
        session = DjangoSession("one")
        await session.add_items(TURN)
        made = []
        for session_id in ("b", "a", "c"):
            made.append((await fork(session, session_id=session_id)).session_id)
            await self.set_forked_at(session_id)
        await fork(DjangoSession("a"))

        self.assertEqual([row.pk for row in await forks(session)], made)
        self.assertEqual(await Session.objects.forked_from("one").acount(), 3)
        row = await Session.objects.aget(pk="one")
        self.assertEqual(await row.forks.acount(), 3)

    async def set_forked_at(self, session_id: str) -> None:
        """Tell the forks apart by their times, which the clock may not."""
        moment = f"2020-01-01T00:00:0{await Session.objects.acount()}Z"
        await Session.objects.filter(pk=session_id).aupdate(forked_at=moment)

    async def test_owner(self) -> None:
        """A user can list only the forks of own sessions."""
        owner = await User.objects.acreate(username="owner")
        other = await User.objects.acreate(username="other")
        session = DjangoSession("one", user=owner)
        await session.add_items(TURN)
        new = await fork(session)

        self.assertEqual([row.pk for row in await forks(session)], [new.session_id])
        self.assertEqual(await forks(new), [])
        with self.assertRaises(SessionOwnershipError):
            await forks(DjangoSession("one", user=other))


class EditAndResendTests(TestCase):
    """Forks that a run continues."""

    async def test_another_question(self) -> None:
        """The model gets the items before the edited message and nothing after it."""
        model = ScriptedModel([[assistant_message(answer)] for answer in ("One.", "Two.", "2.")])
        agent = Agent("Calendar Club", model=model)
        session = DjangoSession("one")
        await Runner.run(agent, "First?", session=session)
        await Runner.run(agent, "Second?", session=session)

        again = await fork(session, before=2)
        await Runner.run(agent, "Second, put better?", session=again)

        seen = [item["content"] for item in last_input(model) if item["role"] == "user"]
        self.assertEqual(seen, ["First?", "Second, put better?"])
        self.assertEqual(len(await session.get_items()), 4)
        self.assertEqual(len(await again.get_items()), 4)

    async def test_encrypted(self) -> None:
        """A fork of encrypted items is read with the id from which their key was derived."""
        inner = DjangoSession("one")
        session = encrypted("one", inner)
        await session.add_items(TURN)

        new = encrypted("one", await fork(inner))
        await new.add_items([USER])

        self.assertEqual(await new.get_items(), [*TURN, USER])
        self.assertEqual(await session.get_items(), TURN)


class CostTests(TestCase):
    """The number of statements of a fork."""

    def sent(self, session: DjangoSession, **place: Any) -> list[str]:
        with statements() as found:
            forked(session, **place)
        return found

    def test_statements(self) -> None:
        """A fork takes the same statements for 10,000 messages as for 10."""
        lock_and_copy = ["UPDATE", "INSERT", "INSERT"]
        lock_look_and_copy = ["UPDATE", "SELECT", "INSERT", "INSERT"]
        find_turn = ["SELECT"] * 2
        for length in (10, 10_000):
            session = stored(f"{length} long", numbered(length))
            message = Message.objects.filter(session=session.session_id)[length // 2]
            with self.subTest(length=length):
                whole = self.sent(session)
                self.assertEqual(whole, lock_and_copy)
                at_message = self.sent(session, at=message)
                self.assertEqual(at_message, lock_look_and_copy)
                at_turn = self.sent(session, at=length // 2)
                self.assertEqual(at_turn, [*find_turn, "SELECT", *lock_look_and_copy])
                before = self.sent(session, before=length)
                self.assertEqual(before, [*find_turn, *lock_look_and_copy])
