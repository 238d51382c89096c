"""threads: DjangoSession works whatever runs the event loop, and leaves no connection behind."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest import skipIf
from unittest.mock import patch

from agents import Agent, Runner, function_tool
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, TestCase, TransactionTestCase, override_settings
from django.urls import path

from agent_sessions import DjangoSession, Session, release_connections, release_connections_sync
from tests.contract import ANSWER, USER
from tests.event_loop import loop_of_this_thread


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


def is_open() -> bool:
    """Tell whether this thread has a connection."""
    return connection.connection is not None


def ask() -> None:
    """Open this thread's connection, as any query does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


on_a_server = skipIf(connection.vendor == "sqlite", "SQLite's connections stay open.")


class ReleaseTests(TransactionTestCase):
    """release_connections(): before a run, from whatever code begins it."""

    databases = {"default", "archive"}

    @on_a_server
    async def test_async_code(self) -> None:
        """The connection that a query of async code opened is released, in its thread."""
        await Session.objects.acount()
        self.assertTrue(await sync_to_async(is_open)())

        await release_connections()

        self.assertFalse(await sync_to_async(is_open)())
        self.assertEqual(await Session.objects.acount(), 0)

    @on_a_server
    async def test_closing_by_hand(self) -> None:
        """sync_to_async(connection.close) is of another thread, and fails; this does not."""
        await Session.objects.acount()

        with self.assertRaises(DatabaseError):
            await sync_to_async(connection.close)()

        await release_connections()
        self.assertFalse(await sync_to_async(is_open)())

    @on_a_server
    def test_sync_code(self) -> None:
        """Sync code, which calls Runner.run_sync(), has a twin of it."""
        ask()

        release_connections_sync()

        self.assertFalse(is_open())

    @on_a_server
    async def test_sync_tool(self) -> None:
        """A tool without async, in a thread of asyncio, can release what it opened there."""

        @function_tool
        def look_up() -> str:
            ask()
            was_open = is_open()
            release_connections_sync()
            return f"{was_open}, {is_open()}"

        call = [function_call("look_up", {}, call_id="a")]
        model = ScriptedModel([call, [assistant_message("Done.")]])

        run = await Runner.run(Agent("Calendar Club", model=model, tools=[look_up]), "?")

        [output] = [item.output for item in run.new_items if item.type == "tool_call_output_item"]
        self.assertEqual(output, "True, False")

    def test_sqlite(self) -> None:
        """SQLite stays open, in memory as well, where closing it would empty it."""
        archive = connections["archive"]
        with archive.cursor() as cursor:
            cursor.execute("SELECT 1")
        opened = archive.connection

        release_connections_sync()

        self.assertIs(archive.connection, opened)

    def test_inside_a_transaction(self) -> None:
        """A transaction keeps its connection, and is committed as if nothing had been called."""
        with transaction.atomic():
            Session.objects.append("one", [USER])
            async_to_sync(release_connections)()
            release_connections_sync()
            self.assertTrue(is_open())

        self.assertEqual(Session.objects.items("one"), [USER])

    def test_transaction_by_hand(self) -> None:
        """A transaction that set_autocommit(False) began is kept as well."""
        transaction.set_autocommit(False)
        try:
            Session.objects.create(session_id="one")
            release_connections_sync()
            transaction.commit()
        finally:
            transaction.rollback()
            transaction.set_autocommit(True)

        self.assertEqual(Session.objects.count(), 1)

    @on_a_server
    def test_connections_that_are_kept(self) -> None:
        """CONN_MAX_AGE keeps connections for as long as it says."""
        connection.close()
        with patch.dict(connection.settings_dict, CONN_MAX_AGE=60):
            ask()

            release_connections_sync()

            self.assertTrue(is_open())
        connection.close()

    def test_in_a_loop_that_blocks_the_orm(self) -> None:
        """It returns where sync code in the ORM's own thread runs the loop."""

        def view() -> None:
            with loop_of_this_thread():
                asyncio.get_event_loop().run_until_complete(release_connections())

        asyncio.run(asyncio.wait_for(sync_to_async(view)(), 30))


class ReleaseInTestCaseTests(TestCase):
    """release_connections() in Django's TestCase, which wraps each test in a transaction."""

    async def test_rows_stay(self) -> None:
        """Rows of the test stay, whatever is released."""
        await Session.objects.acreate(session_id="one")

        await release_connections()
        await sync_to_async(release_connections_sync)()

        self.assertEqual(await Session.objects.acount(), 1)


seen: list[bool] = []


async def view(request: HttpRequest) -> HttpResponse:
    """Ask for the user, release the connection, and note whether it is open during the run."""

    async def answer(call: object) -> list[Any]:
        seen.append(await sync_to_async(is_open)())
        return [assistant_message("Hello!")]

    agent = Agent("Calendar Club", model=ScriptedModel([ModelStep.respond(answer)]))
    session = DjangoSession("one", user=await request.auser())
    await release_connections()
    result = await Runner.run(agent, "Hi", session=session)
    return HttpResponse(result.final_output)


urlpatterns = [path("", view)]


@override_settings(ROOT_URLCONF=__name__)
class ReleaseInAViewTests(TransactionTestCase):
    """The view of README."""

    @on_a_server
    async def test_no_connection_waits_for_the_model(self) -> None:
        """While the model answers, the request's thread has no connection."""
        seen.clear()
        client = AsyncClient()
        await client.aforce_login(await User.objects.acreate(username="annelies"))

        response = await client.get("/")

        self.assertEqual(response.content, b"Hello!")
        self.assertEqual(seen, [False])
