"""transfer.batches: a session's rows, read in batches."""

from __future__ import annotations

from itertools import islice

from django.test import TestCase

from agent_sessions import Message, Session, Usage
from agent_sessions.transfer.batches import BATCH, SHORT_LENGTH, RunningCosts, messages_of, usage_of
from tests.contract import (
    ANSWER,
    TURN,
    USER,
    numbered,
)
from tests.exported_sessions import session, step
from tests.statements import statements


class BatchTests(TestCase):
    """messages_of(), usage_of() and RunningCosts."""

    def test_every_message_once(self) -> None:
        """Each message of several batches is read once, in order, with few statements."""
        Session.objects.append("one", numbered(2 * BATCH + 1))
        Session.objects.append("other", TURN)

        with statements() as sent:
            found = [message.item for message in messages_of(session())]

        self.assertEqual(found, numbered(2 * BATCH + 1))
        self.assertEqual(len(sent), 1 + 1 + 3)

    def test_in_pieces(self) -> None:
        """Only the batches that are consumed are read."""
        Session.objects.append("one", numbered(5 * BATCH))

        with statements() as sent:
            found = list(islice(messages_of(session()), BATCH))

        self.assertEqual((len(found), len(sent)), (BATCH, 1 + 2))

    def test_messages_added_meanwhile(self) -> None:
        """Messages that are added during the reading are left out."""
        Session.objects.append("one", numbered(2))
        found = messages_of(session())
        next(found)

        Session.objects.append("one", numbered(500))

        self.assertEqual(len(list(found)), 1)

    def test_messages_deleted_meanwhile(self) -> None:
        """Messages that are deleted during the reading are left out, long ones too."""
        Session.objects.append("one", numbered(2 * BATCH))
        Session.objects.append("two", [USER, {"role": "user", "content": "x" * SHORT_LENGTH}, USER])
        one, two = messages_of(session()), messages_of(session("two"))
        next(one), next(two)

        newest = Message.objects.filter(session="one").order_by("pk")[BATCH].pk
        Message.objects.filter(session="one", pk__gte=newest).delete()
        [_, long, _] = Message.objects.filter(session="two").order_by("pk")
        long.delete()

        self.assertEqual(len([*one]), BATCH - 1)
        self.assertEqual([message.item for message in two], [USER])

    def test_nothing(self) -> None:
        """A session without messages gives nothing."""
        Session.objects.create(session_id="one")

        self.assertEqual(list(messages_of(session())), [])
        self.assertEqual(list(usage_of(session())), [])

    def test_every_step_once(self) -> None:
        """Usage is ordered by its message, and begins with usage without one."""
        Session.objects.append("one", TURN)
        pks = [None, 3, 3, 1, *range(4, BATCH + 4), *[BATCH] * BATCH]
        Usage.objects.bulk_create(Usage(session_id="one", message_id=pk) for pk in pks)

        found = [usage.message_id for usage in usage_of(session())]

        self.assertEqual(found, sorted(pks, key=lambda pk: pk or 0))

    def test_costs(self) -> None:
        """Usage is summed up to a message, each row once; unknown tokens are counted."""
        for tokens in (10, 20, None):
            Session.objects.append("one", [USER, ANSWER], step=step(tokens))
        first, _, second, *_ = Message.objects.order_by("pk").values_list("pk", flat=True)
        costs = RunningCosts(session())

        found = [costs.until(first), costs.until(second), costs.until(), costs.until()]

        sums = [(total.steps, total.total_tokens, total.unknown_steps) for total in found]
        self.assertEqual(sums, [(0, 0, 0), (1, 10, 0), (2, 20, 1), (0, 0, 0)])
