"""forks that are made while others write."""

from __future__ import annotations

import asyncio
from typing import Any

from django.db import connections
from django.test import TransactionTestCase

from agent_sessions import DjangoSession, Message, Session, fork
from agent_sessions.forks import forks
from agent_sessions.items import Item
from tests.concurrent_writers import batch, end, go, in_threads, start_process
from tests.contract import TURN, numbered
from tests.forking import forked, items_of


class ConcurrencyTests(TransactionTestCase):
    """Forks beside appends, replacements, other forks and cancellations."""

    def test_beside_appends(self) -> None:
        """A fork holds whole batches, from the first on, without gaps."""
        Session.objects.append("busy", batch("first", 0))
        processes = [start_process("busy", f"process {n}", 15) for n in range(2)]

        def work(number: int) -> list[list[Item]]:
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
        """A fork at a turn ends with it, even if turns are added meanwhile."""
        Session.objects.append("busy", TURN)
        session = DjangoSession("busy")

        def work(number: int) -> list[Item]:
            for _ in range(10):
                if number:
                    Session.objects.append("busy", TURN)
            return [] if number else [items_of(forked(session, at=1)) for _ in range(10)]

        found, *_ = in_threads(3, work)

        self.assertEqual(found, [TURN] * 10)

    def test_one_id_for_two(self) -> None:
        """Of two concurrent forks under one id, one succeeds and one raises ValueError."""
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
        """A session that is being replaced is copied as it was before or after."""
        Session.objects.append("one", numbered(30))
        states = [numbered(30), numbered(20)]

        def work(number: int) -> list[Item]:
            for index in range(10):
                if number == 0:
                    Session.objects.replace("one", states[index % 2])
            if number == 0:
                return []
            return [items_of(forked(DjangoSession("one"))) for _ in range(10)]

        for found in in_threads(3, work):
            for copied in found:
                self.assertIn(copied, states)

    def test_deleted_place(self) -> None:
        """A turn that is deleted between the lookup and the copy is refused."""
        Session.objects.append("one", TURN * 2)
        taken: list[bool] = []

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
        """A fork that has begun is finished even if its caller is cancelled."""
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
