"""forks: sessions that begin as a copy of another."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents import Agent, Runner, SessionSettings
from agents.extensions.memory import AdvancedSQLiteSession
from agents.testing import ScriptedModel, assistant_message
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import IntegrityError, connections
from django.test import TestCase, TransactionTestCase, override_settings
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from agent_sessions import DjangoSession, Message, Session, SessionOwnershipError, fork
from agent_sessions.forks import forks
from agent_sessions.models.usage import Usage
from agent_sessions.usage.steps import Step, Tokens
from tests.concurrent_writers import batch, end, go, in_threads, start_process
from tests.contract import ANSWER, CALL, OUTPUT, TURN, USER, SessionContract, numbered
from tests.encryption import encrypted
from tests.model_input import last_input
from tests.statements import statements
from tests.test_session import DjangoContract

ROOT = Path(__file__).resolve().parent.parent


def items_of(session: DjangoSession) -> list[Any]:
    return Session.objects.items(session.session_id)


def forked(session: DjangoSession, **options: Any) -> DjangoSession:
    return async_to_sync(fork)(session, **options)


def stored(session_id: str, items: list[Any], **options: Any) -> DjangoSession:
    Session.objects.append(session_id, items, **options)
    return DjangoSession(session_id, **options)


class LateFork(DjangoSession):
    """A session that is forked from another one before its first message, when it is first used."""

    is_begun = False

    async def begin(self) -> None:
        if not self.is_begun and not await Session.objects.filter(pk=self.session_id).aexists():
            await fork(DjangoSession("parent"), before=1, session_id=self.session_id)
        self.is_begun = True

    async def get_items(self, limit: int | None = None, *, wrapper: Any = None) -> list[Any]:
        await self.begin()
        return await super().get_items(limit, wrapper=wrapper)

    async def add_items(self, items: list[Any], *, wrapper: Any = None) -> None:
        await self.begin()
        await super().add_items(items, wrapper=wrapper)

    async def pop_item(self, *, wrapper: Any = None) -> Any:
        await self.begin()
        return await super().pop_item(wrapper=wrapper)

    async def clear_session(self, *, wrapper: Any = None) -> None:
        await self.begin()
        await super().clear_session(wrapper=wrapper)


class ForkContractTests(DjangoContract, SessionContract, TestCase):
    """A fork is a session like any other."""

    @classmethod
    def setUpTestData(cls) -> None:
        Session.objects.append("parent", TURN)

    def tearDown(self) -> None:
        """Whatever was done to forks, what they were forked from is as it was."""
        self.assertEqual(Session.objects.items("parent"), TURN)
        super().tearDown()

    def make_session(self, session_id: str, **settings: Any) -> DjangoSession:
        return LateFork(session_id, **settings)


class CopyTests(TestCase):
    """What is in a fork."""

    def test_whole(self) -> None:
        """Without a place the whole session is copied, strange rows included."""
        session = stored("one", [*TURN, {}, ["no dict"]])
        Message.objects.create(session_id="one", message_data="not JSON")

        new = forked(session)

        self.assertNotEqual(new.session_id, "one")
        texts = Message.objects.order_by("pk").values_list("message_data", flat=True)
        self.assertEqual(
            list(texts.filter(session=new.session_id)), list(texts.filter(session="one"))
        )

    def test_columns(self) -> None:
        """A message is copied with all that is known of it, its time included."""
        session = stored("one", TURN)
        Message.objects.update(agent_name="Calendar Club", created_at="2020-01-01T00:00Z")

        new = forked(session)

        names = [f.name for f in Message._meta.concrete_fields if f.name not in ("id", "session")]
        rows = Message.objects.order_by("pk").values_list(*names)
        copied, original = rows.filter(session=new.session_id), rows.filter(session="one")
        self.assertEqual(list(copied), list(original))
        self.assertEqual({row[names.index("created_at")].year for row in copied}, {2020})

    def test_row(self) -> None:
        """A fork has the owner, title and metadata of its parent, and knows it and when."""
        owner = User.objects.create_user("owner")
        session = stored("one", TURN, user=owner)
        Session.objects.update(title="Jazz", metadata={"source": ["web"]})
        Session.objects.update(created_at="2020-01-01T00:00Z", updated_at="2020-01-01T00:00Z")

        new = forked(session, session_id="two")

        row = Session.objects.get(pk="two")
        self.assertEqual(new.session_id, "two")
        self.assertEqual((row.user, row.parent_id), (owner, "one"))
        self.assertEqual((row.title, row.metadata), ("Jazz", {"source": ["web"]}))
        for moment in (row.forked_at, row.created_at, row.updated_at):
            self.assertGreater(moment.year, 2020)
        # To be copied is no activity.
        self.assertEqual(Session.objects.get(pk="one").updated_at.year, 2020)

    def test_usage_stays(self) -> None:
        """What the copied turns cost is counted once, where it was spent."""
        step = Step("Calendar Club", "run", "trace", Tokens(1, 10, 0, 5, 0, 15))
        Session.objects.append("one", TURN, step=step)

        forked(DjangoSession("one"))

        self.assertEqual(list(Usage.objects.values_list("session_id", flat=True)), ["one"])

    def test_options(self) -> None:
        """The new object is of the same class with the same options, and its own settings."""

        class Louder(DjangoSession):
            pass

        owner = User.objects.create_user("owner")
        Session.objects.append("one", TURN, user=owner)
        session = Louder("one", user=owner, using="default", session_settings={"limit": 3})

        new = forked(session)
        new.session_settings.limit = 1

        self.assertIs(type(new), Louder)
        self.assertEqual((new.user, new.using), (owner, "default"))
        self.assertEqual(session.session_settings, SessionSettings(limit=3))

    def test_parts_go_their_own_ways(self) -> None:
        """What happens to one of the two does not happen to the other."""
        session = stored("one", TURN)
        new = forked(session)

        Session.objects.append("one", [USER])
        Session.objects.pop(new.session_id)
        Session.objects.append(new.session_id, [CALL, OUTPUT])

        self.assertEqual(items_of(session), [*TURN, USER])
        self.assertEqual(items_of(new), [*TURN[:-1], CALL, OUTPUT])

    def test_fork_of_a_fork(self) -> None:
        """A fork is forked like any session, by numbers of its own turns."""
        session = stored("one", TURN * 3)
        child = forked(session, at=2)
        Session.objects.append(child.session_id, TURN)

        grandchild = forked(child, before=3)

        self.assertEqual(items_of(grandchild), TURN * 2)
        self.assertEqual(Session.objects.get(pk=grandchild.session_id).parent_id, child.session_id)

    def test_parent_that_goes(self) -> None:
        """A fork is whole without the session that it was forked from."""
        session = stored("one", TURN)
        new = forked(session)

        Session.objects.clear("one")

        self.assertEqual(items_of(new), TURN)
        self.assertIsNone(Session.objects.get(pk=new.session_id).parent)

    def test_another_database(self) -> None:
        """The fork is where its session is."""
        session = DjangoSession("one", using="archive")
        Session.objects.using("archive").append("one", TURN)

        new = forked(session, before=1)

        self.assertTrue(Session.objects.using("archive").filter(pk=new.session_id).exists())
        self.assertFalse(Session.objects.exists())

    databases = {"default", "archive"}

    @override_settings(DATABASE_ROUTERS=["tests.routers.WritesToArchive"])
    def test_router(self) -> None:
        """Turns are looked for where is written, since a replica may be late."""
        session = stored("one", TURN)

        new = forked(session, at=1)

        self.assertEqual(Session.objects.using("archive").items(new.session_id), TURN)


class PlaceTests(TestCase):
    """Where a fork ends."""

    def setUp(self) -> None:
        self.items = [CALL, OUTPUT, *TURN, USER, *TURN]  # turns 0, 1, 2 and 3
        self.session = stored("one", self.items)
        self.pks = list(Message.objects.order_by("pk").values_list("pk", flat=True))

    def test_at_a_turn(self) -> None:
        """The copy ends with the last message of the turn."""
        for number, length in ((0, 2), (1, 6), (2, 7), (3, 11)):
            with self.subTest(turn=number):
                self.assertEqual(items_of(forked(self.session, at=number)), self.items[:length])

    def test_before_a_turn(self) -> None:
        """The copy ends before the user's message, which may be the first of all."""
        for number, length in ((0, 0), (1, 2), (2, 6), (3, 7)):
            with self.subTest(turn=number):
                new = forked(self.session, before=number)
                self.assertEqual(items_of(new), self.items[:length])

    def test_turn(self) -> None:
        """A turn that was read of the session is a place like its number."""
        turns = async_to_sync(self.session.get_conversation_turns)()

        self.assertEqual(items_of(forked(self.session, at=turns[1])), self.items[:6])
        self.assertEqual(items_of(forked(self.session, before=turns[1])), self.items[:2])

    def test_turn_that_went_on(self) -> None:
        """A turn that was read before it grew ends where it ended."""
        turn = async_to_sync(self.session.get_conversation_turns)()[-1]
        Session.objects.append("one", [ANSWER])

        self.assertEqual(items_of(forked(self.session, at=turn)), self.items)

    def test_message(self) -> None:
        """A message is the smallest place."""
        for index in (0, 4, len(self.pks) - 1):
            message = Message.objects.get(pk=self.pks[index])
            with self.subTest(message=index):
                new = forked(self.session, at=message)
                self.assertEqual(items_of(new), self.items[: index + 1])
                new = forked(self.session, before=message)
                self.assertEqual(items_of(new), self.items[:index])

    def test_rows_of_the_sdk(self) -> None:
        """Rows whose columns are blank are counted by what their items say."""
        Message.objects.filter(pk__in=self.pks[2:8]).update(
            kind="", role="", tool_name="", call_id=""
        )
        Message.objects.create(session_id="one", message_data="not JSON")

        for number, length in ((0, 2), (1, 6), (2, 7)):
            self.assertEqual(items_of(forked(self.session, at=number)), self.items[:length])

    def test_gaps(self) -> None:
        """Messages of other sessions between those of this one are not its own."""
        Session.objects.append("other", TURN)
        Session.objects.append("one", TURN)

        self.assertEqual(items_of(forked(self.session, at=4)), [*self.items, *TURN])
        self.assertEqual(items_of(forked(self.session, at=3)), self.items)

    def test_sync(self) -> None:
        """Sync code names messages by their ids."""
        Session.objects.fork("one", "up to", at=self.pks[4])
        Session.objects.fork("one", "before", before=self.pks[4])
        Session.objects.fork("one", "whole")

        for session_id, length in (("up to", 5), ("before", 4), ("whole", 11)):
            self.assertEqual(Session.objects.items(session_id), self.items[:length])

    async def test_async_twin(self) -> None:
        """The twin does the same."""
        await Session.objects.afork("one", "before", before=self.pks[4])

        self.assertEqual(await Session.objects.aitems("before"), self.items[:4])


class RefusalTests(TestCase):
    """What is no fork leaves everything as it was."""

    def setUp(self) -> None:
        self.owner = User.objects.create_user("owner")
        self.session = stored("one", TURN, user=self.owner)

    def assert_refused(self, error: type[Exception], words: str, **options: Any) -> None:
        session = options.pop("session", self.session)
        before = list(Session.objects.order_by("pk").values()), Message.objects.count()
        with self.assertRaisesMessage(error, words):
            forked(session, **options)
        after = list(Session.objects.order_by("pk").values()), Message.objects.count()
        self.assertEqual(after, before)

    def test_two_ends(self) -> None:
        """A copy has one end."""
        self.assert_refused(ValueError, "Pass one", at=1, before=1)

    def test_turn_that_is_not_there(self) -> None:
        """The number of a turn that the session has not got is refused; there is no turn 0."""
        for number in (-1, 0, 2):
            self.assert_refused(ValueError, f"has no turn {number}: it has 1", at=number)
            self.assert_refused(ValueError, f"has no turn {number}: it has 1", before=number)

    def test_message_of_another_session(self) -> None:
        """A message, or a turn, of another session is no place in this one."""
        new = forked(self.session)
        message = Message.objects.filter(session=new.session_id).first()
        turn = async_to_sync(new.get_conversation_turns)()[0]

        for place in (message, turn):
            self.assert_refused(ValueError, "is not in session 'one'", at=place)
            self.assert_refused(ValueError, "is not in session 'one'", before=place)

    def test_message_that_is_not_stored(self) -> None:
        """A message without an id is not taken for no place at all."""
        self.assert_refused(ValueError, "is not stored", at=Message(session_id="one"))

    def test_no_place(self) -> None:
        """What is neither number nor turn nor message is a TypeError."""
        for place in ("1", True, 1.0):
            self.assert_refused(TypeError, "No session is forked at a", at=place)

    def test_wrapper(self) -> None:
        """A session around ours is refused: its copy would go on writing to the one inside."""
        session = encrypted("one", self.session)

        self.assert_refused(TypeError, "No EncryptedSession can be forked", session=session)

    def test_session_that_is_not_there(self) -> None:
        """A session that nobody has written to has nothing to copy, and no turns."""
        session = DjangoSession("new")

        self.assert_refused(ValueError, "There is no session 'new' to fork", session=session)
        self.assert_refused(ValueError, "has no turn 1: it has 0", session=session, at=1)

    def test_id_that_is_taken(self) -> None:
        """An id belongs to one session, the parent's to the parent."""
        self.assert_refused(ValueError, "The id 'one' is taken", session_id="one")

    def test_id_that_no_database_keeps(self) -> None:
        """The new id is checked as any."""
        self.assert_refused(ValueError, "255 fit", session_id="x" * 256)
        with self.assertRaisesMessage(ValueError, "255 fit"):
            Session.objects.fork("one", "x" * 256)

    def test_another_error_of_the_database(self) -> None:
        """An error that is not about the id is not said to be."""

        def fail(execute: Any, sql: str, *arguments: Any) -> Any:
            if sql.startswith("INSERT"):
                raise IntegrityError("for the test")
            return execute(sql, *arguments)

        with connections["default"].execute_wrapper(fail):
            self.assert_refused(IntegrityError, "for the test", session_id="two")

    def test_somebody_else(self) -> None:
        """Nobody forks another's session, nor learns how many turns it has."""
        session = DjangoSession("one", user=User.objects.create_user("other"))

        for place in ({}, {"at": 1}, {"before": 9}, {"at": Message.objects.first()}):
            self.assert_refused(SessionOwnershipError, "does not belong", session=session, **place)

    def test_filters(self) -> None:
        """Like the other operations it heeds no filters, and refuses them."""
        with self.assertRaisesMessage(TypeError, "heeds no filters"):
            Session.objects.owned_by(self.owner).fork("one", "two")


class ListTests(TestCase):
    """The forks of a session."""

    async def test_newest_last(self) -> None:
        """Forks are listed in the order of their making, without theirs."""
        session = DjangoSession("one")
        await session.add_items(TURN)
        made = []
        for session_id in ("b", "a", "c"):
            made.append((await fork(session, session_id=session_id)).session_id)
            # Made within one tick of a clock they would be in the order of their ids.
            await self.clock_ticks(session_id)
        await fork(DjangoSession("a"))

        self.assertEqual([row.pk for row in await forks(session)], made)
        self.assertEqual(await Session.objects.forked_from("one").acount(), 3)
        row = await Session.objects.aget(pk="one")
        self.assertEqual(await row.forks.acount(), 3)

    async def clock_ticks(self, session_id: str) -> None:
        moment = f"2020-01-01T00:00:0{await Session.objects.acount()}Z"
        await Session.objects.filter(pk=session_id).aupdate(forked_at=moment)

    async def test_owner(self) -> None:
        """A user is shown no forks but the user's own."""
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
    """What forks are for."""

    async def test_another_question(self) -> None:
        """The model is given what came before the edited message, and nothing that came after."""
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
        """A fork of envelopes is read under the id from which their key was made."""
        inner = DjangoSession("one")
        session = encrypted("one", inner)
        await session.add_items(TURN)

        new = encrypted("one", await fork(inner))
        await new.add_items([USER])

        self.assertEqual(await new.get_items(), [*TURN, USER])
        self.assertEqual(await session.get_items(), TURN)


class GeneratedTests(HypothesisTestCase):
    """Every turn of any session."""

    kinds = st.sampled_from([USER, CALL, OUTPUT, ANSWER, {}, {"role": "system", "content": "s"}])

    @given(st.lists(kinds, max_size=12), st.lists(st.booleans(), min_size=12, max_size=12))
    def test_prefixes(self, items: list[Any], blank: list[bool]) -> None:
        """At every turn a fork is what stands before the next, before it what stands before."""
        session = stored("one", items)
        pks = list(Message.objects.order_by("pk").values_list("pk", flat=True))
        blanks = [pk for pk, is_blank in zip(pks, blank, strict=False) if is_blank]
        Message.objects.filter(pk__in=blanks).update(kind="", role="")
        starts = [at for at, item in enumerate(items) if item == USER]
        stops = [*starts, len(items)][1:]

        for number, (start, stop) in enumerate(zip(starts, stops, strict=False), start=1):
            self.assertEqual(items_of(forked(session, at=number)), items[:stop])
            self.assertEqual(items_of(forked(session, before=number)), items[:start])


class CostTests(TestCase):
    """How many statements a fork is."""

    def sent(self, work: Callable[[], Any]) -> list[str]:
        with statements() as found:
            work()
        return found

    def test_statements(self) -> None:
        """A fork is as many statements at 10,000 messages as at 10, and no rows in Python."""
        lock_and_copy = ["UPDATE", "INSERT", "INSERT"]
        lock_look_and_copy = ["UPDATE", "SELECT", "INSERT", "INSERT"]
        find_turn = ["SELECT"] * 2
        for length in (10, 10_000):
            session = stored(f"{length} long", numbered(length))
            message = Message.objects.filter(session=session.session_id)[length // 2]
            with self.subTest(length=length):
                whole = self.sent(lambda s=session: forked(s))
                self.assertEqual(whole, lock_and_copy)
                at_message = self.sent(lambda s=session, m=message: forked(s, at=m))
                self.assertEqual(at_message, lock_look_and_copy)
                at_turn = self.sent(lambda s=session, n=length // 2: forked(s, at=n))
                self.assertEqual(at_turn, [*find_turn, "SELECT", *lock_look_and_copy])
                before = self.sent(lambda s=session, n=length: forked(s, before=n))
                self.assertEqual(before, [*find_turn, *lock_look_and_copy])


class ConcurrencyTests(TransactionTestCase):
    """Forks that are made while others write."""

    def test_beside_appends(self) -> None:
        """A fork holds whole batches, from the first on, without a hole or a message of another."""
        Session.objects.append("busy", batch("first", 0))
        processes = [start_process("busy", f"process {n}", 15) for n in range(2)]

        def work(number: int) -> list[list[Any]]:
            found = []
            for index in range(10):
                if number < 2:
                    Session.objects.append("busy", batch(f"thread {number}", index))
                else:
                    Session.objects.fork("busy", f"fork {number} {index}")
                    found.append(Session.objects.items(f"fork {number} {index}"))
            return found

        go(processes)
        forks_of_threads = in_threads(4, work)
        self.assertEqual([end(process) for process in processes], [0] * 2)

        whole = Session.objects.items("busy")
        self.assertEqual(len(whole), 3 * (1 + 2 * 10 + 2 * 15))
        for copied in [copied for found in forks_of_threads for copied in found]:
            self.assertEqual(copied, whole[: len(copied)])
            self.assertEqual(len(copied) % 3, 0)

    def test_turn_that_grows(self) -> None:
        """A fork at a turn ends with it, however many turns are added meanwhile."""
        Session.objects.append("busy", TURN)
        session = DjangoSession("busy")

        def work(number: int) -> list[Any]:
            for _ in range(10):
                if number:
                    Session.objects.append("busy", TURN)
            return [] if number else [items_of(forked(session, at=1)) for _ in range(10)]

        found, *_ = in_threads(3, work)

        self.assertEqual(found, [TURN] * 10)

    def test_one_id_for_two(self) -> None:
        """Of two that make the same fork at once one makes it, whole, and one is told."""
        Session.objects.append("one", TURN)

        def work(number: int) -> bool:
            try:
                Session.objects.fork("one", "contested")
            except ValueError:
                return False
            return True

        self.assertEqual(sorted(in_threads(2, work)), [False, True])
        self.assertEqual(Session.objects.items("contested"), TURN)

    def test_beside_replacement(self) -> None:
        """A session that is replaced is copied as it was before or as it is after."""
        Session.objects.append("one", numbered(30))
        states = [numbered(30), numbered(20)]

        def work(number: int) -> list[Any]:
            for index in range(10):
                if number == 0:
                    Session.objects.replace("one", states[index % 2])
            if number == 0:
                return []
            return [items_of(forked(DjangoSession("one"))) for _ in range(10)]

        for found in in_threads(3, work):
            for copied in found:
                self.assertIn(copied, states)

    def test_cut_that_is_gone(self) -> None:
        """A turn that somebody takes away between the look and the copy is no place any more."""
        Session.objects.append("one", TURN * 2)
        taken: list[Any] = []

        def take(execute: Any, sql: str, *arguments: Any) -> Any:
            if sql.startswith("UPDATE") and not taken:
                taken.append(True)
                Message.objects.filter(session="one").delete()
            return execute(sql, *arguments)

        def fork_in_this_thread() -> None:
            with connections["default"].execute_wrapper(take):
                forked(DjangoSession("one"), at=1)

        with self.assertRaisesMessage(ValueError, "is not in session 'one'"):
            fork_in_this_thread()
        self.assertEqual(Session.objects.count(), 1)

    async def test_cancelled(self) -> None:
        """A fork that began is finished, however often its caller is cancelled."""
        session = DjangoSession("one")
        await session.add_items(TURN * 50)

        tasks = [asyncio.ensure_future(fork(session, session_id=f"fork {n}")) for n in range(5)]
        for _ in range(3):
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

        self.assertTrue(all(task.cancelled() for task in tasks))
        made = await forks(session)
        self.assertEqual(len(made), 5)
        for row in made:
            self.assertEqual(await DjangoSession(row.pk).get_items(), TURN * 50)


class DocumentationTests(TestCase):
    """The way from AdvancedSQLiteSession."""

    def test_every_method(self) -> None:
        """Each of its methods has a row that says what it is here."""
        page = (ROOT / "docs/forks.md").read_text("utf-8")
        table = page.split("## From AdvancedSQLiteSession")[1]
        rows = re.findall(r"^\| `(\w+)", table, re.MULTILINE)

        methods = inspect.getmembers(AdvancedSQLiteSession, inspect.isfunction)
        public = [name for name, _ in methods if not name.startswith("_")]
        self.assertCountEqual(rows, public)
