"""threads: DjangoSession works whatever runs the event loop, and leaves no connection behind."""

from __future__ import annotations

import asyncio
from typing import Any

from agents import Agent, Runner
from agents.testing import ScriptedModel, assistant_message
from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async
from django.db import connection, transaction
from django.test import TransactionTestCase

from agent_sessions import DjangoSession, Session
from tests.contract import ANSWER, USER
from tests.loops import loop_of_this_thread


class LoopTests(TransactionTestCase):
    """One object, whatever runs the event loop."""

    def agent(self) -> Agent[Any]:
        return Agent("Calendar Club", model=ScriptedModel([[assistant_message("Hello!")]]))

    def run_sync(self, session_id: str) -> None:
        """Run an agent with Runner.run_sync, which leaves its loop to the caller."""
        with loop_of_this_thread():
            Runner.run_sync(self.agent(), "Hi", session=DjangoSession(session_id))

    def stored_roles(self) -> list[str]:
        return [item["role"] for item in Session.objects.items("one")]

    def test_several_loops(self) -> None:
        """An object outlives the loop that it was first used in."""
        session = DjangoSession("one")

        asyncio.run(session.add_items([USER]))
        asyncio.run(session.add_items([ANSWER]))

        self.assertEqual(asyncio.run(session.get_items()), [USER, ANSWER])

    def test_run_sync(self) -> None:
        """Sync code, a script or a view under WSGI, runs an agent with Runner.run_sync."""
        self.run_sync("one")

        self.assertEqual(self.stored_roles(), ["user", "assistant"])

    def test_run_sync_in_a_sync_view_under_asgi(self) -> None:
        """A sync view has the only thread of its executor; run_sync in it does not wait for it."""

        async def request() -> None:
            async with ThreadSensitiveContext():
                await sync_to_async(self.run_sync)("one")

        asyncio.run(asyncio.wait_for(request(), 30))

        self.assertEqual(self.stored_roles(), ["user", "assistant"])

    def test_run_sync_inside_sync_to_async(self) -> None:
        """The same in a thread that async code without requests has handed work to."""
        asyncio.run(asyncio.wait_for(sync_to_async(self.run_sync)("one"), 30))

        self.assertEqual(self.stored_roles(), ["user", "assistant"])

    def test_async_to_sync_inside_a_transaction(self) -> None:
        """async_to_sync(Runner.run) works in the transaction of the sync code around it."""
        with transaction.atomic():
            async_to_sync(Runner.run)(self.agent(), "Hi", session=DjangoSession("one"))
            self.assertEqual(self.stored_roles(), ["user", "assistant"])
            transaction.set_rollback(True)

        self.assertEqual(self.stored_roles(), [])


class HandBackTests(TransactionTestCase):
    """What becomes of this thread's connection after an operation of DjangoSession."""

    def test_connection_that_the_operation_opened(self) -> None:
        """A server gets its connection back; SQLite's, which costs nobody anything, stays."""
        connection.close()

        async_to_sync(DjangoSession("one").add_items)([USER])

        self.assertEqual(connection.connection is not None, connection.vendor == "sqlite")

    def test_connection_that_was_open(self) -> None:
        """A connection of the caller's stays open, with what the caller does on it."""
        for number in range(10):
            Session.objects.append(str(number), [USER])

        read = [
            async_to_sync(DjangoSession(session.pk).get_items)()
            for session in Session.objects.iterator(chunk_size=2)
        ]

        self.assertEqual(read, [[USER]] * 10)
        self.assertIsNotNone(connection.connection)

    def test_nothing_to_ask(self) -> None:
        """An operation that needs no database connects to none."""
        connection.close()

        async_to_sync(DjangoSession("one").get_items)(0)
        async_to_sync(DjangoSession("one").add_items)([])

        self.assertIsNone(connection.connection)

    def test_inside_a_transaction(self) -> None:
        """A transaction around the operation keeps its connection, and what it did."""
        with transaction.atomic():
            async_to_sync(DjangoSession("one").add_items)([USER])
            self.assertIsNotNone(connection.connection)

        self.assertEqual(Session.objects.items("one"), [USER])
