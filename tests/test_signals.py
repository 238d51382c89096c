"""signals: when they are sent, and what receivers can do."""

from __future__ import annotations

import os
import threading
import unittest
from functools import partial
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
    """Tests that receive every signal. They commit, since signals are sent on commit."""

    def setUp(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        for name, signal in SIGNALS.items():
            self.connect(signal, partial(self.hear, name))

    def connect(self, signal: Signal, receiver: Any) -> None:
        signal.connect(receiver, weak=False)
        self.addCleanup(signal.disconnect, receiver)

    def hear(self, name: str, *, signal: Signal, sender: type[Session], **facts: Any) -> None:
        self.assertIs(sender, Session)
        self.heard.append((name, facts))


def added(session_id: str, count: int, using: str = "default") -> tuple[str, dict[str, Any]]:
    return "added", {"session_id": session_id, "count": count, "using": using}


def cleared(session_id: str, using: str = "default") -> tuple[str, dict[str, Any]]:
    return "cleared", {"session_id": session_id, "using": using}


class SentTests(Listening):
    """The signals of each operation."""

    databases = {"default", "archive"}

    async def test_add(self) -> None:
        """A batch sends one signal with its number of items; an empty batch sends none."""
        session = DjangoSession("one")

        await session.add_items(TURN)
        await session.add_items([])
        await session.add_items([USER])

        self.assertEqual(self.heard, [added("one", 4), added("one", 1)])

    async def test_clear(self) -> None:
        """Clearing a session sends a signal, unless the session did not exist."""
        await DjangoSession("one").add_items([USER])

        await DjangoSession("one").clear_session()
        await DjangoSession("never written to").clear_session()

        self.assertEqual(self.heard, [added("one", 1), cleared("one")])

    async def test_replace(self) -> None:
        """Replacing sends the signals of clearing and, if there are new items, of adding."""
        session = DjangoSession("one")

        await session.replace_items(TURN)
        await session.replace_items([])

        self.assertEqual(self.heard, [cleared("one"), added("one", 4), cleared("one")])

    async def test_fork(self) -> None:
        """A fork sends a signal with its own id, and none for the copied items."""
        session = DjangoSession("one")
        await session.add_items(TURN)

        await fork(session, session_id="two")

        forked = {"session_id": "two", "parent_id": "one", "using": "default"}
        self.assertEqual(self.heard, [added("one", 4), ("forked", forked)])

    def test_using(self) -> None:
        """`using` is the alias of the database that was written to."""
        Session.objects.using("archive").append("one", TURN)
        Session.objects.using("archive").clear("one")

        self.assertEqual(self.heard, [added("one", 4, "archive"), cleared("one", "archive")])

    def test_thread(self) -> None:
        """Receivers run in the thread of the write, and can read the items."""
        found: list[Any] = []

        def look(session_id: str, **facts: Any) -> None:
            found.append((threading.get_ident(), Session.objects.items(session_id)))

        self.connect(items_added, look)

        Session.objects.append("one", TURN)

        self.assertEqual(found, [(threading.get_ident(), TURN)])

    async def test_async_receiver(self) -> None:
        """A receiver may be a coroutine."""
        found: list[Any] = []

        async def look(session_id: str, **facts: Any) -> None:
            found.append(await DjangoSession(session_id).get_items())

        self.connect(items_added, look)

        await DjangoSession("one").add_items(TURN)

        self.assertEqual(found, [TURN])


class CommittedTests(Listening):
    """Signals are sent only for committed changes."""

    def test_outer_transaction(self) -> None:
        """Inside a transaction of the project, the signal is sent after its commit."""
        with transaction.atomic():
            Session.objects.append("one", TURN)
            heard_inside = list(self.heard)

        self.assertEqual(heard_inside, [])
        self.assertEqual(self.heard, [added("one", 4)])

    def test_outer_transaction_rolled_back(self) -> None:
        """A change that is rolled back sends no signal."""
        with self.assertRaises(RuntimeError), transaction.atomic():
            Session.objects.append("one", TURN)
            raise RuntimeError

        with transaction.atomic():
            with self.assertRaises(RuntimeError), transaction.atomic():
                Session.objects.append("inner", TURN)
                raise RuntimeError
            Session.objects.append("outer", [USER])

        self.assertEqual(self.heard, [added("outer", 1)])

    def test_refused_operation(self) -> None:
        """An operation that fails sends no signal."""
        with self.assertRaises(ItemError):
            Session.objects.append("one", [object()])
        with self.assertRaises(ValueError):
            async_to_sync(fork)(DjangoSession("never written to"))

        self.assertEqual(self.heard, [])

    def test_failing_commit(self) -> None:
        """A change whose COMMIT fails, here for a missing owner, sends no signal."""
        with self.assertRaises(IntegrityError):
            Session.objects.append("orphan", numbered(1), user=User(pk=4_711))

        self.assertEqual(self.heard, [])


class ReceiverTests(Listening):
    """Receivers that fail or write."""

    def test_error(self) -> None:
        """An exception of a receiver is logged; the write and other receivers are unaffected."""

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

    def test_database_error(self) -> None:
        """A failing statement of a receiver fails in the receiver, on Turso too."""

        def fail(session_id: str, **facts: Any) -> None:
            Session.objects.create(session_id=session_id)

        self.connect(items_added, fail)

        with self.assertLogs("django.dispatch", "ERROR") as logged:
            Session.objects.append("one", TURN)
            Session.objects.append("one", [USER])

        self.assertEqual(len(logged.output), 2)
        self.assertEqual(Session.objects.items("one"), [*TURN, USER])

    def test_writing(self) -> None:
        """A receiver may write to the database."""

        def note(session_id: str, count: int, **facts: Any) -> None:
            if session_id == "one":
                Session.objects.append("journal", [{"content": f"{count} more"}])

        self.connect(items_added, note)

        Session.objects.append("one", TURN)

        self.assertEqual(Session.objects.items("journal"), [{"content": "4 more"}])
        self.assertCountEqual(self.heard, [added("one", 4), added("journal", 1)])


class QuietTests(TestCase):
    """The cost of signals."""

    def test_without_receivers(self) -> None:
        """Without a receiver, no callback is registered on commit."""
        with self.captureOnCommitCallbacks() as callbacks:
            Session.objects.append("one", TURN)
            Session.objects.replace("one", [USER])
            Session.objects.fork("one", "two")
            Session.objects.clear("one")

        self.assertEqual(callbacks, [])

    def test_with_a_receiver(self) -> None:
        """A receiver adds no statement."""

        def receiver(**facts: Any) -> None:
            """Do nothing."""

        items_added.connect(receiver)
        self.addCleanup(items_added.disconnect, receiver)

        with statements() as sent, self.captureOnCommitCallbacks() as callbacks:
            Session.objects.append("one", TURN)

        self.assertEqual(sent, ["INSERT", "INSERT"])
        self.assertEqual(len(callbacks), 1)


@unittest.skipUnless(
    os.environ.get("TEST_DATABASE") == "turso", "It tests Turso: run with TEST_DATABASE=turso."
)
class TursoTests(Listening):
    """COMMIT, which travels with the statements before it and can be lost with them."""

    def test_lost_commit(self) -> None:
        """No signal is sent if COMMIT was lost, or may have been."""
        proxy = through_proxy(self, connection)
        for fault in (Fault.STATUS_401, Fault.CUT_UNANSWERED):
            with self.subTest(fault=fault):
                proxy.arm(fault)
                with self.assertRaises(Error):
                    Session.objects.append("one", TURN)
                proxy.heal()

        self.assertEqual(self.heard, [])

    def test_requests(self) -> None:
        """A signal takes no request."""
        proxy = through_proxy(self, connection)
        Session.objects.append("one", TURN)
        proxy.reset()

        Session.objects.append("one", TURN)

        self.assertEqual(len(proxy.requests), 1)
        self.assertEqual(self.heard, [added("one", 4)] * 2)

    def test_receiver_sees_the_commit(self) -> None:
        """When a receiver runs, other connections can see the change."""
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
