"""operations.replacing: tail() and replace_tail(), on which snapshots are built."""

from __future__ import annotations

from typing import Any, ClassVar

from agents.memory import session as sdk
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import TestCase

from agent_sessions import DjangoSession, Message, Session, SessionOwnershipError
from agent_sessions.signals import items_added
from agent_sessions.usage.steps import Step
from tests.compacting import (
    SUMMARY,
    always,
    compacting,
    run,
)
from tests.contract import ANSWER, TURN, USER
from tests.statements import statements


class TailTests(TestCase):
    """tail() and replace_tail()."""

    owner: ClassVar[User]
    other: ClassVar[User]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.owner = User.objects.create_user("owner")
        cls.other = User.objects.create_user("other")

    def setUp(self) -> None:
        Session.objects.create(session_id="one", user=self.owner, title="Jazz", metadata={"tag": 1})
        Session.objects.append("one", TURN)
        Session.objects.update(updated_at="2020-01-01T00:00Z")

    def test_statements(self) -> None:
        """A tail takes one statement, replacing it five, and three if it has changed."""
        for user in (None, self.owner):
            with statements() as sent:
                tail = Session.objects.tail("one", 2, user=user)
            self.assertEqual(sent, ["SELECT"])

            with statements() as sent:
                Session.objects.replace_tail("one", tail, 1, [SUMMARY], user=user)
            self.assertEqual(sent, ["UPDATE", "SELECT", "SELECT", "DELETE", "INSERT"])

            with statements() as sent:
                Session.objects.replace_tail("one", tail, 1, [SUMMARY], user=user)
            self.assertEqual(sent, ["UPDATE", "SELECT", "SELECT"])

    def test_statements_of_pruning(self) -> None:
        """Pruning takes two statements per batch, and one more that finds the end."""
        tail = Session.objects.tail("one", 1)

        with statements() as sent:
            Session.objects.replace_tail("one", tail, 0, [SUMMARY], prune=always)

        pruning = ["SELECT", "DELETE"] * 3 + ["SELECT"]
        self.assertEqual(sent, ["UPDATE", "SELECT", "SELECT", "DELETE", *pruning, "INSERT"])

    def test_session_stays(self) -> None:
        """Owner, title and metadata outlive a replacement, which updates `updated_at`."""
        Session.objects.replace_tail("one", Session.objects.tail("one", 2), 0, [SUMMARY])

        row = Session.objects.get()
        self.assertEqual((row.user, row.title, row.metadata), (self.owner, "Jazz", {"tag": 1}))
        self.assertGreater(row.updated_at.year, 2020)
        self.assertEqual(Message.objects.latest("pk").kind, "compaction")

    def test_last_agent(self) -> None:
        """The last agent is still known after its messages were replaced."""
        Session.objects.append("one", [ANSWER], step=Step(agent_name="Refunds"))

        Session.objects.replace_tail("one", Session.objects.tail("one", 2), 0, [SUMMARY])
        self.assertEqual(Session.objects.last_agent_name("one"), "Refunds")

        Session.objects.replace("one", [USER, SUMMARY])
        self.assertEqual(Session.objects.last_agent_name("one"), "Refunds")

    def test_no_replacement_is_no_activity(self) -> None:
        """If nothing is replaced, `updated_at` stays too."""
        tail = Session.objects.tail("one", 2)
        Message.objects.latest("pk").delete()

        self.assertIs(Session.objects.replace_tail("one", tail, 0, [SUMMARY]), False)

        self.assertEqual(Session.objects.get().updated_at.year, 2020)

    def test_inside_a_transaction(self) -> None:
        """A replacement that does not happen keeps the surrounding transaction's changes."""
        tail = Session.objects.tail("one", 2)

        with transaction.atomic():
            Session.objects.append("one", [USER])
            self.assertIs(Session.objects.replace_tail("one", tail, 0, [SUMMARY]), False)

        self.assertEqual(Session.objects.items("one"), [*TURN, USER])

    def test_signal(self) -> None:
        """items_added is sent with the number of new items, and only if some were stored."""
        heard: list[int] = []

        def hear(count: int, **facts: Any) -> None:
            heard.append(count)

        items_added.connect(hear)
        self.addCleanup(items_added.disconnect, hear)
        tail = Session.objects.tail("one", 2)

        with self.captureOnCommitCallbacks(execute=True):
            for output in ([SUMMARY, USER], [SUMMARY]):
                Session.objects.replace_tail("one", tail, 0, output)
            Session.objects.replace_tail("one", Session.objects.tail("one", 1), 0, [])

        self.assertEqual(heard, [2])

    def test_row_that_changed_in_place(self) -> None:
        """A message with the same id and another text is a change."""
        tail = Session.objects.tail("one", 2)
        Message.objects.filter(pk=tail.rows[0][0]).update(message_data="{}")

        self.assertIs(Session.objects.replace_tail("one", tail, 0, [SUMMARY]), False)

    def test_deletion_without_a_lock(self) -> None:
        """A message that another writer deletes after the check prevents the replacement."""
        tail = Session.objects.tail("one", 2)

        def delete_before(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if sql.startswith("DELETE"):
                execute(
                    "DELETE FROM agent_messages WHERE id = %s", [tail.rows[1][0]], False, context
                )
            return execute(sql, params, many, context)

        with connection.execute_wrapper(delete_before):
            self.assertIs(Session.objects.replace_tail("one", tail, 0, [SUMMARY]), False)

    async def test_owner(self) -> None:
        """Another user's session cannot be read, nor replaced after it changed hands."""
        with self.assertRaises(SessionOwnershipError):
            await DjangoSession("one", user=self.other)._get_compaction_snapshot(2)

        read = await DjangoSession("one", user=self.owner)._get_compaction_snapshot(2)
        await Session.objects.aupdate(user=self.other)
        assert read is not None
        with self.assertRaises(SessionOwnershipError):
            await read.replace_suffix(0, [SUMMARY])

        self.assertEqual(await DjangoSession("one").get_items(), TURN)

    async def test_sdk_without_snapshots(self) -> None:
        """Without the SDK's private class, a complete history is still compacted."""
        self.addCleanup(setattr, sdk, "_CompactionSnapshot", sdk._CompactionSnapshot)
        del sdk._CompactionSnapshot
        store = DjangoSession("one", user=self.owner)
        whole = compacting("one", store, should_trigger_compaction=always)

        self.assertIsNone(await store._get_compaction_snapshot(2))
        await run(whole)

        self.assertEqual(await store.get_items(), [SUMMARY])
        self.assertEqual((await Session.objects.aget()).title, "Jazz")
