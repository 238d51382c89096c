"""Many writers to one session, in threads and processes with their own connections."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import groupby
from typing import Any

from asgiref.sync import ThreadSensitiveContext, async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.db import IntegrityError, connections
from django.test import TransactionTestCase

from agent_sessions import DjangoSession, Message, Session, SessionOwnershipError
from agent_sessions.items import Item
from tests.concurrent_writers import batch, end, go, in_threads, start_process
from tests.contract import numbered

BATCHES = 25


class AppendTests(TransactionTestCase):
    """Concurrent appends."""

    def test_deleted_owner(self) -> None:
        """Appending for a user who was deleted meanwhile fails and makes no session."""
        gone = User(pk=4_711)

        with self.assertRaises(IntegrityError):
            Session.objects.append("orphan", numbered(1), user=gone)

        self.assertFalse(Session.objects.filter(pk="orphan").exists())

    def test_threads_and_processes(self) -> None:
        """No batch is lost, doubled or interleaved, and each writer's batches stay in order."""
        processes = [start_process("busy", f"process {n}", BATCHES) for n in range(4)]

        def append(number: int) -> None:
            for index in range(BATCHES):
                async_to_sync(DjangoSession("busy").add_items)(batch(f"thread {number}", index))

        go(processes)
        in_threads(8, append)
        self.assertEqual([end(process) for process in processes], [0] * 4)

        stored = Session.objects.items("busy")
        self.assertEqual(len(stored), 12 * BATCHES * 3)
        for writer, of_writer in self.batches_by_writer(stored).items():
            self.assertEqual(of_writer, [batch(writer, n) for n in range(BATCHES)])
        self.assertTrue(self.took_turns(stored), "The writers did not write at the same time.")

    def took_turns(self, items: list[Item]) -> bool:
        """Tell whether threads wrote after processes, and processes after threads."""
        kinds = [kind for kind, _ in groupby(item["writer"].split()[0] for item in items)]
        return len(kinds) > 2

    def batches_by_writer(self, items: list[Item]) -> dict[str, list[list[Item]]]:
        found: dict[str, list[list[Item]]] = {}
        for (writer, _), of_batch in groupby(items, lambda i: (i["writer"], i["batch"])):
            found.setdefault(writer, []).append(list(of_batch))
        return found

    def test_first_writers_of_a_session(self) -> None:
        """Eight threads that make the same session concurrently make one."""
        for attempt in range(10):
            session_id = f"new {attempt}"

            def append(number: int, session_id: str = session_id) -> None:
                Session.objects.append(session_id, batch(str(number), 0))

            in_threads(8, append)

            stored = Session.objects.items(session_id)
            self.assertEqual(len(self.batches_by_writer(stored)), 8)
            self.assertEqual(len(stored), 24)

    def test_first_writer_is_the_owner(self) -> None:
        """Of two users who make the same session concurrently, one owns it and one is refused."""
        users = [User.objects.create_user(f"user {n}") for n in range(2)]

        def append(number: int) -> bool:
            try:
                Session.objects.append("contested", numbered(1), user=users[number])
            except SessionOwnershipError:
                return False
            return True

        outcomes = in_threads(2, append)

        self.assertEqual(sorted(outcomes), [False, True])
        owner = Session.objects.get(pk="contested").user
        self.assertEqual(owner, users[outcomes.index(True)])
        self.assertEqual(len(Session.objects.items("contested")), 1)


class PopTests(TransactionTestCase):
    """Concurrent pops."""

    async def test_tasks(self) -> None:
        """200 tasks, each with its own thread as under ASGI, pop 150 items once each."""
        session = DjangoSession("stack")
        await session.add_items(numbered(150))
        places = asyncio.Semaphore(16)  # the maximum of open connections

        async def pop() -> Any:
            async with places, ThreadSensitiveContext():
                item = await session.pop_item()
                await asgi_request_finished()
                return item

        popped = await asyncio.gather(*(pop() for _ in range(200)))

        counts = Counter(item["content"] for item in popped if item is not None)
        self.assertEqual(counts, Counter(item["content"] for item in numbered(150)))
        self.assertEqual(popped.count(None), 50)

    def test_pop_beside_append(self) -> None:
        """The popped items and those left are the appended ones."""

        def work(number: int) -> list[Item]:
            if number % 2:
                return [Session.objects.pop("stack") for _ in range(10)]
            for index in range(10):
                Session.objects.append("stack", batch(str(number), index))
            return []

        popped = [item for items in in_threads(6, work) for item in items if item is not None]

        everything = [*popped, *Session.objects.items("stack")]
        written = [item for n in (0, 2, 4) for index in range(10) for item in batch(str(n), index)]
        self.assertCountEqual(map(str, everything), map(str, written))


class UnlockedWriterTests(TransactionTestCase):
    """Writers that do not lock the session, such as the SDK's SQLAlchemySession."""

    def test_stolen_item(self) -> None:
        """An item that another writer deletes before the pop does is not returned."""
        Session.objects.append("stack", numbered(3))
        stolen: list[Item] = []

        def steal(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.startswith("DELETE") and not stolen:
                stolen.append(Message.objects.latest("pk").item)
                execute(sql, params, many, context)
            return execute(sql, params, many, context)

        with connections["default"].execute_wrapper(steal):
            popped = Session.objects.pop("stack")

        self.assertEqual([popped, *stolen], numbered(3)[1:])
        self.assertEqual(Session.objects.items("stack"), numbered(3)[:1])

    def test_owner_between_two_statements(self) -> None:
        """A session that its owner makes during a pop is not refused to the owner."""
        owner = User.objects.create_user("owner")

        def make(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            result = execute(sql, params, many, context)
            if sql.startswith("UPDATE"):
                Session.objects.create(session_id="new", user=owner)
            return result

        with connections["default"].execute_wrapper(make):
            self.assertIsNone(Session.objects.pop("new", user=owner))


class ClearTests(TransactionTestCase):
    """Clearing beside appends."""

    def test_clear_beside_append(self) -> None:
        """A batch is cleared whole or left whole."""

        def work(number: int) -> None:
            for index in range(10):
                if number == 0:
                    Session.objects.clear("busy")
                else:
                    Session.objects.append("busy", batch(str(number), index))

        in_threads(4, work)

        stored = Session.objects.items("busy")
        for (writer, number), items in groupby(stored, lambda i: (i["writer"], i["batch"])):
            self.assertEqual(list(items), batch(writer, number))


async def asgi_request_finished() -> None:
    """Close this thread's connection, as Django does at the end of a request."""
    await sync_to_async(connections.close_all)()
