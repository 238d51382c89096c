"""signals: what is sent, when, and what a receiver cannot break."""

from __future__ import annotations

import os
import threading
import unittest
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import Error, IntegrityError, connection, transaction
from django.dispatch import Signal
from django.test import TestCase, TransactionTestCase

from agent_sessions import DjangoSession, ItemError, Message, Session, fork
from agent_sessions.signals import items_added, session_cleared, session_forked
from tests.contract import TURN, USER, numbered
from tests.statements import statements
from tests.turso.faults import Fault
from tests.turso.proxy import through_proxy

SIGNALS = {"added": items_added, "cleared": session_cleared, "forked": session_forked}


class Listening(TransactionTestCase):
    """Tests that hear every signal; they commit, as on_commit() asks for."""

    def setUp(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        for name, signal in SIGNALS.items():
            self.connect(signal, lambda signal, name=name, **facts: self.hear(name, facts))

    def connect(self, signal: Signal, receiver: Any) -> None:
        signal.connect(receiver, weak=False)
        self.addCleanup(signal.disconnect, receiver)

    def hear(self, name: str, facts: dict[str, Any]) -> None:
        self.assertIs(facts.pop("sender"), Session)
        self.heard.append((name, facts))


def added(session_id: str, count: int, using: str = "default") -> tuple[str, dict[str, Any]]:
    return "added", {"session_id": session_id, "count": count, "using": using}


def cleared(session_id: str, using: str = "default") -> tuple[str, dict[str, Any]]:
    return "cleared", {"session_id": session_id, "using": using}


class SentTests(Listening):
    """Which operation sends which signal."""

    databases = {"default", "archive"}

    async def test_add(self) -> None:
        """A batch is one signal that says how many items it had; an empty one is none."""
        session = DjangoSession("one")

        await session.add_items(TURN)
        await session.add_items([])
        await session.add_items([USER])

        self.assertEqual(self.heard, [added("one", 4), added("one", 1)])

    async def test_clear(self) -> None:
        """A session that is cleared is; one that nobody has written to is not."""
        await DjangoSession("one").add_items([USER])

        await DjangoSession("one").clear_session()
        await DjangoSession("never written to").clear_session()

        self.assertEqual(self.heard, [added("one", 1), cleared("one")])

    async def test_replace(self) -> None:
        """Replacing is clearing and, if there is something to put in its place, adding."""
        session = DjangoSession("one")

        await session.replace_items(TURN)
        await session.replace_items([])

        self.assertEqual(self.heard, [cleared("one"), added("one", 4), cleared("one")])

    async def test_fork(self) -> None:
        """A fork is announced under its own id; to copy items is not to add them."""
        session = DjangoSession("one")
        await session.add_items(TURN)

        await fork(session, session_id="two")

        forked = {"session_id": "two", "parent_id": "one", "using": "default"}
        self.assertEqual(self.heard, [added("one", 4), ("forked", forked)])

    def test_using(self) -> None:
        """The alias is that of the database that was written to."""
        Session.objects.using("archive").append("one", TURN)
        Session.objects.using("archive").clear("one")

        self.assertEqual(self.heard, [added("one", 4, "archive"), cleared("one", "archive")])

    def test_thread(self) -> None:
        """Receivers run in the thread that wrote, and find there what was written."""
        found: list[Any] = []

        def look(session_id: str, **facts: Any) -> None:
            found.append((threading.get_ident(), Session.objects.items(session_id)))

        self.connect(items_added, look)

        Session.objects.append("one", TURN)

        self.assertEqual(found, [(threading.get_ident(), TURN)])

    async def test_async_receiver(self) -> None:
        """A coroutine may listen too."""
        found: list[Any] = []

        async def look(session_id: str, **facts: Any) -> None:
            found.append(await DjangoSession(session_id).get_items())

        self.connect(items_added, look)

        await DjangoSession("one").add_items(TURN)

        self.assertEqual(found, [TURN])


class CommittedTests(Listening):
    """A signal tells of what is committed, and of nothing else."""

    def test_outer_transaction(self) -> None:
        """Inside a transaction of the project's a signal waits for it to commit."""
        with transaction.atomic():
            Session.objects.append("one", TURN)
            heard_inside = list(self.heard)

        self.assertEqual(heard_inside, [])
        self.assertEqual(self.heard, [added("one", 4)])

    def test_outer_transaction_rolled_back(self) -> None:
        """What is rolled back has not happened."""
        with self.assertRaises(RuntimeError), transaction.atomic():
            Session.objects.append("one", TURN)
            raise RuntimeError

        with transaction.atomic():
            with self.assertRaises(RuntimeError), transaction.atomic():
                Session.objects.append("inner", TURN)
                raise RuntimeError
            Session.objects.append("outer", [USER])

        self.assertEqual(self.heard, [added("outer", 1)])

    def test_what_is_refused(self) -> None:
        """An operation that fails is not announced."""
        with self.assertRaises(ItemError):
            Session.objects.append("one", [object()])
        with self.assertRaises(ValueError):
            async_to_sync(fork)(DjangoSession("never written to"))

        self.assertEqual(self.heard, [])

    def test_failing_commit(self) -> None:
        """A transaction that fails when it commits, as for an owner who is gone, is not sent."""
        with self.assertRaises(IntegrityError):
            Session.objects.append("orphan", numbered(1), user=User(pk=4_711))

        self.assertEqual(self.heard, [])


class ReceiverTests(Listening):
    """What a receiver does is its own affair."""

    def test_error(self) -> None:
        """A receiver that raises is logged, and harms neither the write nor the others."""

        def fail(**facts: Any) -> None:
            raise RuntimeError("for the test")

        self.connect(items_added, fail)
        last: list[Any] = []
        self.connect(items_added, lambda count, **facts: last.append(count))

        with self.assertLogs("django.dispatch", "ERROR") as logged:
            Session.objects.append("one", TURN)

        self.assertIn("for the test", logged.output[0])
        self.assertEqual(Session.objects.items("one"), TURN)
        self.assertEqual(last, [4])

    def test_error_of_the_database(self) -> None:
        """A statement of a receiver that fails fails there, on Turso as elsewhere."""

        def fail(session_id: str, **facts: Any) -> None:
            Session.objects.create(session_id=session_id)

        self.connect(items_added, fail)

        with self.assertLogs("django.dispatch", "ERROR") as logged:
            Session.objects.append("one", TURN)
            Session.objects.append("one", [USER])

        self.assertEqual(len(logged.output), 2)
        self.assertEqual(Session.objects.items("one"), [*TURN, USER])

    def test_writing(self) -> None:
        """A receiver may write, and what it writes is stored."""

        def note(session_id: str, count: int, **facts: Any) -> None:
            if session_id == "one":
                Session.objects.append("journal", [{"content": f"{count} more"}])

        self.connect(items_added, note)

        Session.objects.append("one", TURN)

        self.assertEqual(Session.objects.items("journal"), [{"content": "4 more"}])
        self.assertCountEqual(self.heard, [added("one", 4), added("journal", 1)])


class QuietTests(TestCase):
    """What it costs."""

    def test_nobody_listens(self) -> None:
        """Without a receiver nothing waits for the commit."""
        with self.captureOnCommitCallbacks() as callbacks:
            Session.objects.append("one", TURN)
            Session.objects.replace("one", [USER])
            Session.objects.fork("one", "two")
            Session.objects.clear("one")

        self.assertEqual(callbacks, [])

    def test_somebody_listens(self) -> None:
        """With one there are no more statements than without."""
        receiver = lambda **facts: None  # noqa: E731  # to be disconnected again
        items_added.connect(receiver)
        self.addCleanup(items_added.disconnect, receiver)

        with statements() as sent, self.captureOnCommitCallbacks() as callbacks:
            Session.objects.append("one", TURN)

        self.assertEqual(sent, ["INSERT", "INSERT"])
        self.assertEqual(len(callbacks), 1)


@unittest.skipUnless(
    os.environ.get("TEST_DATABASE") == "turso", "It is about Turso: run with TEST_DATABASE=turso."
)
class TursoTests(Listening):
    """COMMIT travels with the statements before it, and can be lost with them."""

    def test_commit_that_is_lost(self) -> None:
        """No signal is sent if COMMIT never arrived, nor if nobody knows whether it did."""
        proxy = through_proxy(self, connection)
        for fault in (Fault.STATUS_401, Fault.CUT_UNANSWERED):
            with self.subTest(fault=fault):
                proxy.arm(fault)
                with self.assertRaises(Error):
                    Session.objects.append("one", TURN)
                proxy.heal()

        self.assertEqual(self.heard, [])

    def test_requests(self) -> None:
        """To be heard costs no request."""
        proxy = through_proxy(self, connection)
        Session.objects.append("one", TURN)
        proxy.reset()

        Session.objects.append("one", TURN)

        self.assertEqual(len(proxy.requests), 1)
        self.assertEqual(self.heard, [added("one", 4)] * 2)

    def test_receiver_sees_the_commit(self) -> None:
        """When a receiver runs, the transaction is stored for everybody else too."""
        counts: list[int] = []

        def count(**facts: Any) -> None:
            found: list[int] = []

            def look() -> None:
                found.append(Message.objects.count())
                connection.close()

            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
            counts.extend(found)

        self.connect(items_added, count)

        Session.objects.append("one", TURN)

        self.assertEqual(counts, [4])
