"""migrations: a database that already has tables of the same names."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import TransactionTestCase, override_settings

from agent_sessions import Session
from tests.contract import TURN


class OtherDatabase:
    """A router that excludes the app from the database."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if app_label == "agent_sessions" else None


class ExistingTablesTests(TransactionTestCase):
    """migrate without recorded migrations. test_interoperation.py adopts a file of the SDK."""

    def setUp(self) -> None:
        Session.objects.append("one", TURN)
        recorded = MigrationRecorder(connection).migration_qs.filter(app="agent_sessions")
        rows = list(recorded)
        recorded.delete()
        self.addCleanup(recorded.model.objects.bulk_create, rows)
        self.addCleanup(recorded.delete)

    def migrate(self) -> None:
        call_command("migrate", "agent_sessions", verbosity=0)

    def rename(self, table: str, name: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} RENAME TO {name}")

    def test_tables_of_the_sdk(self) -> None:
        """If both tables exist, the error names --fake-initial, and nothing changes."""
        with self.assertRaisesMessage(CommandError, "python manage.py migrate --fake-initial"):
            self.migrate()

        self.assertEqual(Session.objects.items("one"), TURN)

    def test_only_one_table(self) -> None:
        """If only one of the tables exists, the error does not name --fake-initial."""
        self.rename("agent_messages", "elsewhere")
        self.addCleanup(self.rename, "elsewhere", "agent_messages")

        with self.assertRaisesMessage(CommandError, "named agent_sessions already") as caught:
            self.migrate()

        self.assertNotIn("--fake-initial", str(caught.exception))

    def test_another_database(self) -> None:
        """Tables of a database that a router excludes are not checked."""
        with override_settings(DATABASE_ROUTERS=[OtherDatabase()]):
            self.migrate()

        self.assertEqual(Session.objects.items("one"), TURN)
