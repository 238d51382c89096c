"""Many writers at one session, in threads and processes, with connections of their own."""

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
from tests.concurrent_writers import batch, end, go, in_threads, start_process
from tests.contract import numbered

BATCHES = 25


class AppendTests(TransactionTestCase):
    """add_items from everywhere."""

    def test_owner_that_is_gone(self) -> None:
        """A user who was deleted meanwhile owns nothing, and nobody is said to."""
        gone = User(pk=4_711)

        with self.assertRaises(IntegrityError):
            Session.objects.append("orphan", numbered(1), user=gone)

        self.assertFalse(Session.objects.filter(pk="orphan").exists())

    def test_threads_and_processes(self) -> None:
        """Nothing is lost, doubled or torn apart, whoever wins; each writer keeps its order."""
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

    def took_turns(self, items: list[Any]) -> bool:
        """Tell whether threads wrote after processes, and processes after threads."""
        kinds = [kind for kind, _ in groupby(item["writer"].split()[0] for item in items)]
        return len(kinds) > 2

    def batches_by_writer(self, items: list[Any]) -> dict[str, list[list[Any]]]:
        found: dict[str, list[list[Any]]] = {}
        for (writer, _), of_batch in groupby(items, lambda i: (i["writer"], i["batch"])):
            found.setdefault(writer, []).append(list(of_batch))
        return found

    def test_first_writers_of_a_session(self) -> None:
        """Eight that make the same session at once make one."""
        for attempt in range(10):
            in_threads(8, lambda n, s=f"new {attempt}": Session.objects.append(s, batch(str(n), 0)))

            stored = Session.objects.items(f"new {attempt}")
            self.assertEqual(len(self.batches_by_writer(stored)), 8)
            self.assertEqual(len(stored), 24)

    def test_first_writer_is_the_owner(self) -> None:
        """Of two users who make the same session at once, one owns it and one is refused."""
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
    """pop_item from everywhere."""

    async def test_tasks(self) -> None:
        """200 tasks, each with a thread as under ASGI, get 150 items once each."""
        session = DjangoSession("stack")
        await session.add_items(numbered(150))
        places = asyncio.Semaphore(16)  # as many connections at once

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
        """What is popped and what is left is what was appended."""

        def work(number: int) -> list[Any]:
            if number % 2:
                return [Session.objects.pop("stack") for _ in range(10)]
            for index in range(10):
                Session.objects.append("stack", batch(str(number), index))
            return []

        popped = [item for items in in_threads(6, work) for item in items if item is not None]

        everything = [*popped, *Session.objects.items("stack")]
        written = [item for n in (0, 2, 4) for index in range(10) for item in batch(str(n), index)]
        self.assertCountEqual(map(str, everything), map(str, written))


class StealingTests(TransactionTestCase):
    """Somebody at the same tables who locks no session, such as the SDK's SQLAlchemySession."""

    def test_item_that_is_gone(self) -> None:
        """An item that somebody else took between the look and the deletion is not ours."""
        Session.objects.append("stack", numbered(3))
        stolen: list[Any] = []

        def steal(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.startswith("DELETE") and not stolen:
                stolen.append(Message.objects.order_by("pk").last().item)
                execute(sql, params, many, context)
            return execute(sql, params, many, context)

        with connections["default"].execute_wrapper(steal):
            popped = Session.objects.pop("stack")

        self.assertEqual([popped, *stolen], numbered(3)[1:])
        self.assertEqual(Session.objects.items("stack"), numbered(3)[:1])

    def test_owner_between_two_statements(self) -> None:
        """A session that its owner makes while the owner pops from it is nobody else's."""
        owner = User.objects.create_user("owner")

        def make(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            result = execute(sql, params, many, context)
            if sql.startswith("UPDATE"):
                Session.objects.create(session_id="new", user=owner)
            return result

        with connections["default"].execute_wrapper(make):
            self.assertIsNone(Session.objects.pop("new", user=owner))


class ClearTests(TransactionTestCase):
    """clear_session among writers."""

    def test_clear_beside_append(self) -> None:
        """A batch is cleared whole or is there whole."""

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
