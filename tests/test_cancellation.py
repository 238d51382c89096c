"""Cancelled callers: a write that has begun finishes before its caller is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from django.test import TransactionTestCase

from agent_sessions import DjangoSession
from agent_sessions.items import Item
from tests.contract import ANSWER, TURN, USER
from tests.row_lock import locked

Mutation = Callable[[DjangoSession], Coroutine[Any, Any, Any]]

MUTATIONS: dict[str, tuple[Mutation, list[Item]]] = {
    "add_items": (lambda session: session.add_items([USER, ANSWER]), [*TURN, USER, ANSWER]),
    "pop_item": (lambda session: session.pop_item(), TURN[:-1]),
    "clear_session": (lambda session: session.clear_session(), []),
    "replace_items": (lambda session: session.replace_items([USER]), [USER]),
    "hook": (lambda session: session._atomic_replace_items([USER]), [USER]),
}


class CancellationTests(TransactionTestCase):
    """Every mutation, cancelled before it starts, at each step of the loop, and repeatedly."""

    async def outcome(self, mutation: Mutation, steps: int, times: int) -> tuple[bool, list[Item]]:
        """Cancel the mutation `times` times from step `steps` on, if it still runs by then.

        Return whether it did, and the items stored. A cancelled caller has to end as cancelled.
        """
        session = DjangoSession("one")
        await session.replace_items(TURN)
        task = asyncio.ensure_future(mutation(session))
        for _ in range(steps):
            await asyncio.sleep(0)

        is_running = not task.done()
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait({task})

        self.assertEqual(task.cancelled(), is_running)
        return is_running, await session.get_items()

    async def test_before_the_first_step(self) -> None:
        """A mutation that is cancelled before it begins changes nothing."""
        for name, (mutation, _) in MUTATIONS.items():
            self.assertEqual(await self.outcome(mutation, 0, 1), (True, TURN), name)

    async def test_at_every_step(self) -> None:
        """A mutation that has begun is finished, and its caller is cancelled."""
        for name, (mutation, after) in MUTATIONS.items():
            for times in (1, 2, 5):
                for steps in range(1, 40):
                    was_running, stored = await self.outcome(mutation, steps, times)
                    self.assertEqual(stored, after, (name, steps, times))
                    if not was_running:
                        break

    async def test_while_the_database_is_busy(self) -> None:
        """A caller that is cancelled while the write waits for a lock waits for its end."""
        for name, (mutation, after) in MUTATIONS.items():
            session = DjangoSession("one")
            await session.replace_items(TURN)
            with locked("one") as release:
                task = asyncio.ensure_future(mutation(session))
                for _ in range(10):
                    await asyncio.sleep(0.005)
                    task.cancel()
                self.assertFalse(task.done(), name)
                release()
                await asyncio.wait({task})

            self.assertTrue(task.cancelled(), name)
            self.assertEqual(await session.get_items(), after, name)

    async def test_failure_of_a_cancelled_write(self) -> None:
        """A write that fails after its caller was cancelled leaves the session unchanged."""
        session = DjangoSession("one")
        await session.add_items(TURN)
        bad: Item = {"content": object()}
        task = asyncio.ensure_future(session.add_items([USER, bad]))
        await asyncio.sleep(0)

        task.cancel()
        await asyncio.wait({task})

        self.assertTrue(task.cancelled())
        self.assertEqual(await session.get_items(), TURN)
