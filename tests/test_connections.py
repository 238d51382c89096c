"""connections: none waits at a database server while a model thinks."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.test import TransactionTestCase

from agent_sessions import DjangoSession, Session
from tests.contract import USER


class HandBackTests(TransactionTestCase):
    """What becomes of this thread's connection after an operation of DjangoSession."""

    def test_after_an_operation(self) -> None:
        """A server gets its connection back; SQLite's, which costs nobody anything, stays."""
        async_to_sync(DjangoSession("one").add_items)([USER])

        self.assertEqual(connection.connection is not None, connection.vendor == "sqlite")

    def test_inside_a_transaction(self) -> None:
        """A transaction around the operation keeps its connection, and what it did."""
        with transaction.atomic():
            async_to_sync(DjangoSession("one").add_items)([USER])
            self.assertIsNotNone(connection.connection)

        self.assertEqual(Session.objects.items("one"), [USER])

    def test_without_autocommit(self) -> None:
        """A transaction that the caller runs by hand is not ended."""
        transaction.set_autocommit(False)
        self.addCleanup(transaction.set_autocommit, True)
        Session.objects.create(session_id="by hand")

        async_to_sync(DjangoSession("one").get_items)()

        self.assertTrue(Session.objects.filter(pk="by hand").exists())
        transaction.rollback()
