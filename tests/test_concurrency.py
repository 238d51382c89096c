"""concurrency: DjangoSession works in any event loop, and releases its connections."""

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
    """Sessions in every kind of event loop."""

    def agent(self) -> Agent[Any]:
        return Agent("Calendar Club", model=ScriptedModel([[assistant_message("Hello!")]]))

    def run_sync(self, session_id: str) -> None:
        """Run an agent with Runner.run_sync, which uses the loop of its thread."""
        with loop_of_this_thread():
            Runner.run_sync(self.agent(), "Hi", session=DjangoSession(session_id))

    def stored_roles(self) -> list[str]:
        return [item["role"] for item in Session.objects.items("one")]

    def test_several_loops(self) -> None:
        """An object can be used in several event loops."""
        session = DjangoSession("one")

        asyncio.run(session.add_items([USER]))
        asyncio.run(session.add_items([ANSWER]))

        self.assertEqual(asyncio.run(session.get_items()), [USER, ANSWER])

    def test_run_sync(self) -> None:
        """Runner.run_sync works in sync code, such as a script or a view under WSGI."""
        self.run_sync("one")

        self.assertEqual(self.stored_roles(), ["user", "assistant"])

    def test_run_sync_in_a_sync_view_under_asgi(self) -> None:
        """Runner.run_sync in a sync view does not wait for the view's own thread."""

        async def request() -> None:
            async with ThreadSensitiveContext():
                await sync_to_async(self.run_sync)("one")

        asyncio.run(asyncio.wait_for(request(), 30))

        self.assertEqual(self.stored_roles(), ["user", "assistant"])

    def test_run_sync_inside_sync_to_async(self) -> None:
        """Runner.run_sync inside sync_to_async, outside a request, does not wait either."""
        asyncio.run(asyncio.wait_for(sync_to_async(self.run_sync)("one"), 30))

        self.assertEqual(self.stored_roles(), ["user", "assistant"])

    def test_async_to_sync_inside_a_transaction(self) -> None:
        """async_to_sync(Runner.run) takes part in the surrounding transaction."""
        with transaction.atomic():
            async_to_sync(Runner.run)(self.agent(), "Hi", session=DjangoSession("one"))
            self.assertEqual(self.stored_roles(), ["user", "assistant"])
            transaction.set_rollback(True)

        self.assertEqual(self.stored_roles(), [])


class ConnectionTests(TransactionTestCase):
    """This thread's connection after an operation of DjangoSession."""

    def test_opened_by_the_operation(self) -> None:
        """A connection that the operation opened is closed, except SQLite's."""
        connection.close()

        async_to_sync(DjangoSession("one").add_items)([USER])

        self.assertEqual(connection.connection is not None, connection.vendor == "sqlite")

    def test_open_before(self) -> None:
        """A connection that was open before stays open, with the caller's cursor."""
        for number in range(10):
            Session.objects.append(str(number), [USER])

        read = [
            async_to_sync(DjangoSession(session.pk).get_items)()
            for session in Session.objects.iterator(chunk_size=2)
        ]

        self.assertEqual(read, [[USER]] * 10)
        self.assertIsNotNone(connection.connection)

    def test_no_query(self) -> None:
        """An operation without a query opens no connection."""
        connection.close()

        async_to_sync(DjangoSession("one").get_items)(0)
        async_to_sync(DjangoSession("one").add_items)([])

        self.assertIsNone(connection.connection)

    def test_inside_a_transaction(self) -> None:
        """Inside a transaction, the connection stays open and the change is kept."""
        with transaction.atomic():
            async_to_sync(DjangoSession("one").add_items)([USER])
            self.assertIsNotNone(connection.connection)

        self.assertEqual(Session.objects.items("one"), [USER])


def is_open() -> bool:
    """Tell whether this thread has an open connection."""
    return connection.connection is not None


def query() -> None:
    """Open this thread's connection by a query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


on_a_server = skipIf(connection.vendor == "sqlite", "SQLite's connections stay open.")


class ReleaseTests(TransactionTestCase):
    """release_connections() and release_connections_sync()."""

    databases = {"default", "archive"}

    @on_a_server
    async def test_async_code(self) -> None:
        """The connection that async code opened is released in its own thread."""
        await Session.objects.acount()
        self.assertTrue(await sync_to_async(is_open)())

        await release_connections()

        self.assertFalse(await sync_to_async(is_open)())
        self.assertEqual(await Session.objects.acount(), 0)

    @on_a_server
    async def test_closing_by_hand(self) -> None:
        """sync_to_async(connection.close) fails in another thread; release_connections() works."""
        await Session.objects.acount()

        with self.assertRaises(DatabaseError):
            await sync_to_async(connection.close)()

        await release_connections()
        self.assertFalse(await sync_to_async(is_open)())

    @on_a_server
    def test_sync_code(self) -> None:
        """Sync code has release_connections_sync()."""
        query()

        release_connections_sync()

        self.assertFalse(is_open())

    @on_a_server
    async def test_sync_tool(self) -> None:
        """A sync tool, which runs in a thread, can release the connection of that thread."""

        @function_tool
        def look_up() -> str:
            query()
            was_open = is_open()
            release_connections_sync()
            return f"{was_open}, {is_open()}"

        call = [function_call("look_up", {}, call_id="a")]
        model = ScriptedModel([call, [assistant_message("Done.")]])

        run = await Runner.run(Agent("Calendar Club", model=model, tools=[look_up]), "?")

        [output] = [item.output for item in run.new_items if item.type == "tool_call_output_item"]
        self.assertEqual(output, "True, False")

    def test_sqlite(self) -> None:
        """SQLite's connection stays open: closing an in-memory database would empty it."""
        archive = connections["archive"]
        with archive.cursor() as cursor:
            cursor.execute("SELECT 1")
        opened = archive.connection

        release_connections_sync()

        self.assertIs(archive.connection, opened)

    def test_inside_a_transaction(self) -> None:
        """Inside a transaction, the connection stays open and the transaction is committed."""
        with transaction.atomic():
            Session.objects.append("one", [USER])
            async_to_sync(release_connections)()
            release_connections_sync()
            self.assertTrue(is_open())

        self.assertEqual(Session.objects.items("one"), [USER])

    def test_transaction_by_hand(self) -> None:
        """A transaction that was begun with set_autocommit(False) is kept."""
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
    def test_persistent_connections(self) -> None:
        """Connections with CONN_MAX_AGE stay open until that age."""
        connection.close()
        with patch.dict(connection.settings_dict, CONN_MAX_AGE=60):
            query()

            release_connections_sync()

            self.assertTrue(is_open())
        connection.close()

    def test_in_a_loop_that_blocks_the_orm(self) -> None:
        """release_connections() returns in a loop that runs in the ORM's own thread."""

        def view() -> None:
            with loop_of_this_thread():
                asyncio.get_event_loop().run_until_complete(release_connections())

        asyncio.run(asyncio.wait_for(sync_to_async(view)(), 30))


class ReleaseInTestCaseTests(TestCase):
    """Releasing connections in Django's TestCase, which wraps each test in a transaction."""

    async def test_rows_stay(self) -> None:
        """The rows of the test stay."""
        await Session.objects.acreate(session_id="one")

        await release_connections()
        await sync_to_async(release_connections_sync)()

        self.assertEqual(await Session.objects.acount(), 1)


seen: list[bool] = []


async def view(request: HttpRequest) -> HttpResponse:
    """Load the user, release the connection, and note whether it is open during the run."""

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
    """A view that releases its connection before a run."""

    @on_a_server
    async def test_during_the_run(self) -> None:
        """While the model answers, the request's thread has no open connection."""
        seen.clear()
        client = AsyncClient()
        await client.aforce_login(await User.objects.acreate(username="annelies"))

        response = await client.get("/")

        self.assertEqual(response.content, b"Hello!")
        self.assertEqual(seen, [False])
