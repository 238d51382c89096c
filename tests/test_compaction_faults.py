"""Compaction, failed or cancelled at every step, leaves the old history or the new one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection
from django.test import TransactionTestCase

from agent_sessions import DjangoSession, Session
from agent_sessions.items import Item
from tests.compacting import SUMMARY, always, compacting, run
from tests.contract import TURN, USER, numbered
from tests.row_lock import locked

OLD: list[Item] = [*numbered(4), *TURN]
NEW_BY_SUFFIX: list[Item] = [*numbered(4)[3:], *TURN[:3], SUMMARY]


class Transforming(DjangoSession):
    """A subclass, which the SDK compacts by clearing the session and adding items."""


async def replace_suffix(store: DjangoSession) -> None:
    read = await store._get_compaction_snapshot(2, prune_prefix=lambda item: item in OLD[:3])
    assert read is not None
    assert await read.replace_suffix(1, [SUMMARY])


async def replace_whole(store: DjangoSession) -> None:
    assert await store._atomic_replace_items([SUMMARY])


async def compact_by_hand(store: DjangoSession) -> None:
    await compacting("one", store).run_compaction({"force": True})


async def compact_after_a_run(store: DjangoSession) -> None:
    await run(compacting("one", store, should_trigger_compaction=always))


@contextmanager
def fault(at: int, *, is_lasting: bool, is_late: bool) -> Iterator[list[str]]:
    """Let statement `at` fail, or all from there on if it is lasting; yield the failed ones.

    A late failure comes after the database has executed the statement.
    """
    sent = count(1)
    failed: list[str] = []

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        number = next(sent)
        if number < at or (number > at and not is_lasting):
            return execute(sql, params, many, context)
        failed.append(sql)
        if is_late and not sql.startswith("BEGIN"):  # nothing is lost with the answer to a BEGIN
            execute(sql, params, many, context)
        raise OperationalError("a fault of the test")

    with connection.execute_wrapper(fail):
        yield failed


class CancelledAt:
    """Await an operation, and cancel its task at `times` suspensions from the `at`-th on."""

    def __init__(self, operation: Any, *, at: int, times: int) -> None:
        self.operation, self.at, self.times = operation, at, times
        self.suspensions = 0

    def __await__(self) -> Any:
        inner, task = self.operation.__await__(), asyncio.current_task()
        assert task is not None
        resume = partial(inner.send, None)
        while True:
            try:
                waited_for = resume()
            except StopIteration as end:
                return end.value
            self.suspensions += 1
            if self.at <= self.suspensions < self.at + self.times:
                asyncio.get_running_loop().call_soon(task.cancel)
            try:
                yield waited_for
                resume = partial(inner.send, None)
            except BaseException as error:  # any exception is passed on to the operation
                resume = partial(inner.throw, error)


class FaultTests(TransactionTestCase):
    """Each way to compact, with a fault or a cancellation at each step."""

    # Functions that compact, each with the history that it leaves.
    ways: dict[str, tuple[Callable[[DjangoSession], Awaitable[None]], list[Item]]] = {
        "replace_suffix": (replace_suffix, NEW_BY_SUFFIX),
        "_atomic_replace_items": (replace_whole, [SUMMARY]),
        "run_compaction": (compact_by_hand, [SUMMARY]),
        "a run": (compact_after_a_run, [SUMMARY]),
    }

    async def seed(self, kind: type[DjangoSession] = DjangoSession) -> DjangoSession:
        """Make the session again, with its first items."""
        owner, _ = await User.objects.aget_or_create(username="owner")
        await Session.objects.all().adelete()
        await Session.objects.acreate(
            session_id="one", user=owner, title="Jazz", metadata={"tag": 1}
        )
        store = kind("one", user=owner)
        await store.add_items(OLD)
        return store

    async def check(self, store: DjangoSession, new: list[Any], case: Any) -> list[Any]:
        """Check that the history is whole, and that the session kept its facts and can be used.

        A run also writes its own messages, so that they may follow the old history.
        """
        stored: list[Item] = await store.get_items()
        row = await Session.objects.aget(pk="one")

        between = stored[: len(OLD)] == OLD and [item["role"] for item in stored[len(OLD) :]]
        self.assertTrue(stored == new or between in ([], ["user"], ["user", "assistant"]), case)
        self.assertEqual(row.user_id, store.user.pk, case)
        if type(store) is DjangoSession:
            self.assertEqual((row.title, row.metadata), ("Jazz", {"tag": 1}), case)
        await store.add_items([USER])
        self.assertEqual(await store.get_items(), [*stored, USER], case)
        return stored

    def fail_at_every_statement(self, name: str, **how: bool) -> int:
        """Compact with a fault at each statement in turn, and return their number."""
        work, new = self.ways[name]
        for at in count(1):
            store = async_to_sync(self.seed)()
            with fault(at, **how) as failed, suppress(OperationalError):
                async_to_sync(work)(store)
            stored = async_to_sync(self.check)(store, new, (name, at, failed))
            if not failed:
                self.assertEqual(stored, new)
                return at - 1
        raise AssertionError

    def test_every_statement(self) -> None:
        """Any statement may fail, before or after its execution, alone or with all later ones."""
        for name in self.ways:
            for is_lasting in (False, True):
                for is_late in (False, True):
                    faults = self.fail_at_every_statement(
                        name, is_lasting=is_lasting, is_late=is_late
                    )
                    self.assertGreaterEqual(faults, 3, name)

    def test_commit(self) -> None:
        """A transaction that fails at its COMMIT changes nothing."""
        orphan = "INSERT INTO agent_messages (session_id, message_data) VALUES ('nobody', '{}')"

        def spoil(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            result = execute(sql, params, many, context)
            if sql.startswith("INSERT") and "agent_messages" in sql:
                execute(orphan, (), False, context)
            return result

        for name in ("replace_suffix", "_atomic_replace_items", "run_compaction"):
            work, new = self.ways[name]
            store = async_to_sync(self.seed)()

            with connection.execute_wrapper(spoil), self.assertRaises(IntegrityError):
                async_to_sync(work)(store)

            self.assertEqual(async_to_sync(self.check)(store, new, name), OLD)

    async def cancel_at_every_step(
        self, work: Any, new: list[Any], times: int, kind: type[DjangoSession] = DjangoSession
    ) -> list[Any]:
        """Compact, cancelled at the first, the second... suspension; return the histories left.

        Each cancelled task has to end as cancelled.
        """
        left = []
        for at in count(1):
            store = await self.seed(kind)
            operation = CancelledAt(work(store), at=at, times=times)
            task = asyncio.ensure_future(operation)
            await asyncio.wait({task})

            self.assertEqual(task.cancelled(), operation.suspensions >= at, (work, at, times))
            left.append(await self.check(store, new, (work, at, times)))
            if not task.cancelled():
                task.result()
                break
        return left

    async def test_cancelled_at_every_step(self) -> None:
        """Cancelled before the replacement begins, the old history is left, later the new one."""
        for work, new in self.ways.values():
            for times in (1, 2, 5):
                left = await self.cancel_at_every_step(work, new, times)

                first = left.index(new)
                self.assertNotIn(new, left[:first])
                self.assertEqual(left[first:], [new] * len(left[first:]))

    async def test_cancelled_while_the_database_is_busy(self) -> None:
        """A caller that is cancelled while the replacement waits for a lock waits for its end."""
        store = await self.seed()
        read = await store._get_compaction_snapshot(2)
        assert read is not None
        with locked("one") as release:
            task = asyncio.ensure_future(read.replace_suffix(1, [SUMMARY]))
            for _ in range(10):
                await asyncio.sleep(0.005)
                task.cancel()
            self.assertFalse(task.done())
            release()
            await asyncio.wait({task})

        self.assertTrue(task.cancelled())
        self.assertEqual(await store.get_items(), [*OLD[:-1], SUMMARY])

    async def test_subclass_cancelled_at_every_step(self) -> None:
        """Subclasses, which the SDK compacts in two writes, keep the history, not the title."""
        for times in (1, 2, 5):
            left = await self.cancel_at_every_step(
                compact_by_hand, [SUMMARY], times, kind=Transforming
            )

            self.assertIn(OLD, left)
            self.assertEqual(left[-1], [SUMMARY])

    def test_subclass_with_one_failure(self) -> None:
        """Subclasses keep their history after one failed statement."""
        for at in count(1):
            store = async_to_sync(self.seed)(Transforming)
            with fault(at, is_lasting=False, is_late=False) as failed, suppress(OperationalError):
                async_to_sync(compact_by_hand)(store)
            async_to_sync(self.check)(store, [SUMMARY], (at, failed))
            if not failed:
                break
