"""Snapshots, the SDK's private hook by which compaction replaces the newest items."""

from __future__ import annotations

from typing import Any

from django.test import SimpleTestCase, TestCase

from tests.compacting import (
    SUMMARY,
    DjangoStore,
    SQLiteStore,
    Store,
    always,
)
from tests.contract import ANSWER, TURN, USER, numbered


class SnapshotContract(Store):
    """Snapshots of a store, read and replaced."""

    async def snapshot(self, store: Any, limit: int, **options: Any) -> Any:
        return await store._get_compaction_snapshot(limit, **options)

    async def test_snapshot(self) -> None:
        """A snapshot holds the newest items, and says whether they are all."""
        store = self.make_store("one")
        await store.add_items(numbered(5))

        found = [await self.snapshot(store, limit) for limit in (1, 4, 5, 6)]

        self.assertEqual([read.items for read in found], [numbered(5)[-n:] for n in (1, 4, 5, 5)])
        self.assertEqual([read.complete for read in found], [False, False, True, True])

    async def test_snapshot_of_a_new_session(self) -> None:
        """The snapshot of a new session is empty and complete, and replaces nothing."""
        read = await self.snapshot(self.make_store("one"), 3)

        self.assertEqual((read.items, read.complete), ([], True))
        self.assertIs(await read.replace_suffix(0, [SUMMARY]), False)

    async def test_snapshot_ignores_settings(self) -> None:
        """A snapshot ignores the limit of the session's settings."""
        store = self.make_store("one", session_settings={"limit": 1})
        await store.add_items(numbered(5))

        self.assertEqual((await self.snapshot(store, 4)).items, numbered(5)[-4:])

    async def test_unreadable_rows(self) -> None:
        """There is no snapshot of a row that is not JSON; newer rows can have one."""
        store = self.make_store("one")
        await store.add_items(numbered(2))
        await self.store_text(store, "not JSON")
        await store.add_items([USER])

        self.assertIsNone(await self.snapshot(store, 2))
        self.assertEqual((await self.snapshot(store, 1)).items, [USER])

    async def test_subclass(self) -> None:
        """A subclass, which may transform its items, has no snapshots."""
        store = self.make_store("one")
        store.__class__ = type("Transforming", (type(store),), {})

        self.assertIsNone(await self.snapshot(store, 2))

    async def test_replace_suffix(self) -> None:
        """The output replaces the snapshot's items from a position on, once."""
        for start in range(4):
            store = self.make_store(f"from {start}")
            await store.add_items(TURN)
            read = await self.snapshot(store, 10)

            self.assertIs(await read.replace_suffix(start, [SUMMARY, USER]), True)
            self.assertIs(await read.replace_suffix(start, [SUMMARY]), False)

            self.assertEqual(await store.get_items(), [*TURN[:start], SUMMARY, USER])

    async def test_replace_with_nothing(self) -> None:
        """An empty output deletes the suffix."""
        store = self.make_store("one")
        await store.add_items(TURN)

        self.assertIs(await (await self.snapshot(store, 2)).replace_suffix(0, []), True)

        self.assertEqual(await store.get_items(), TURN[:2])

    async def test_no_suffix(self) -> None:
        """A position after the last item replaces nothing."""
        store = self.make_store("one")
        await store.add_items(TURN)

        self.assertIs(await (await self.snapshot(store, 2)).replace_suffix(2, [SUMMARY]), False)

        self.assertEqual(await store.get_items(), TURN)

    async def test_suffix_that_changed(self) -> None:
        """A session that no longer ends with the snapshot stays unchanged."""

        async def add(store: Any) -> None:
            await store.add_items([USER])

        async def pop(store: Any) -> None:
            await store.pop_item()

        async def pop_and_add_again(store: Any) -> None:
            await store.add_items([await store.pop_item()])

        async def clear(store: Any) -> None:
            await store.clear_session()

        for change in (add, pop, pop_and_add_again, clear):
            store = self.make_store(change.__name__)
            await store.add_items(TURN)
            read = await self.snapshot(store, 2)
            await change(store)
            left = await store.get_items()

            self.assertIs(await read.replace_suffix(0, [SUMMARY]), False, change)

            self.assertEqual(await store.get_items(), left)

    async def test_output_that_is_not_json(self) -> None:
        """An output that is not JSON raises TypeError, and the history stays."""
        store = self.make_store("one")
        await store.add_items(TURN)
        read = await self.snapshot(store, 2)

        with self.assertRaises(TypeError):
            await read.replace_suffix(0, [SUMMARY, {"content": object()}])

        self.assertEqual(await store.get_items(), TURN)
        self.assertIs(await read.replace_suffix(0, [SUMMARY]), True)

    async def test_prune_prefix(self) -> None:
        """The oldest items are deleted while the condition holds, in any number of batches."""
        for kept, limit in ((0, 2), (1, 2), (3, 2), (4, 2), (6, 2), (6, 20), (7, 3)):
            store = self.make_store(f"{kept} {limit}")
            await store.add_items(numbered(8))
            spared = [numbered(8)[kept], SUMMARY]
            read = await self.snapshot(
                store, limit, prune_prefix=lambda item, spared=spared: item not in spared
            )

            self.assertIs(await read.replace_suffix(len(read.items) - 1, [SUMMARY]), True)

            left = numbered(8)[kept:7] if kept < 7 else []
            self.assertEqual(await store.get_items(), [*left, SUMMARY], (kept, limit))

    async def test_pruning_stops_at_unreadable_rows(self) -> None:
        """Pruning stops at a row that is not JSON, which stays with the rows after it."""
        store = self.make_store("one")
        await store.add_items(numbered(3))
        await self.store_text(store, "not JSON")
        await store.add_items([USER, ANSWER])
        read = await self.snapshot(store, 1, prune_prefix=always)

        self.assertIs(await read.replace_suffix(0, [SUMMARY]), True)

        self.assertEqual(await store.get_items(), [USER, SUMMARY])

    async def test_nothing_is_pruned_without_a_replacement(self) -> None:
        """A session that has changed keeps its oldest items too."""
        store = self.make_store("one")
        await store.add_items(numbered(4))
        read = await self.snapshot(store, 1, prune_prefix=always)
        await store.add_items([USER])

        self.assertIs(await read.replace_suffix(0, [SUMMARY]), False)

        self.assertEqual(await store.get_items(), [*numbered(4), USER])


class DjangoSnapshotTests(SnapshotContract, DjangoStore, TestCase):
    """Snapshots of a DjangoSession."""


class SQLiteSnapshotTests(SnapshotContract, SQLiteStore, SimpleTestCase):
    """Snapshots of the SDK's own SQLiteSession: the behaviour is the SDK's."""
