"""migrations: a database that has tables of the same names already."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError, call_command
from django.db import connection
from django.test import TransactionTestCase, override_settings


class OtherDatabase:
    """A router that keeps the app out of the database."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if app_label == "agent_sessions" else None


class ExistingTablesTests(TransactionTestCase):
    """migrate, before the app's first migration is applied. AdoptionTests adopt a real file."""

    def setUp(self) -> None:
        self.migrate("zero")
        self.addCleanup(self.migrate)

    def migrate(self, *target: str) -> None:
        call_command("migrate", "agent_sessions", *target, verbosity=0)

    def make(self, table: str) -> None:
        """Make a table with a row."""
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {table} (session_id VARCHAR(255) PRIMARY KEY)")
            cursor.execute(f"INSERT INTO {table} VALUES ('theirs')")
        self.addCleanup(self.drop, table)

    def drop(self, table: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {table}")

    def rows(self, table: str) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")
            return list(cursor.fetchall())

    def test_tables_of_the_sdk(self) -> None:
        """Both tables may be adopted: the error names the option, and nothing has changed."""
        self.make("agent_sessions")
        self.make("agent_messages")

        with self.assertRaisesMessage(CommandError, "python manage.py migrate --fake-initial"):
            self.migrate()

        self.assertEqual(self.rows("agent_sessions"), [("theirs",)])

    def test_table_of_something_else(self) -> None:
        """One of them alone is not the SDK's, and the option would not help."""
        self.make("agent_messages")

        with self.assertRaisesMessage(CommandError, "named agent_messages already") as caught:
            self.migrate()

        self.assertNotIn("--fake-initial", str(caught.exception))
        self.assertEqual(self.rows("agent_messages"), [("theirs",)])

    def test_another_database(self) -> None:
        """Tables of a database from which a router keeps the app are nobody's concern."""
        self.make("agent_sessions")
        self.make("agent_messages")

        with override_settings(DATABASE_ROUTERS=[OtherDatabase()]):
            self.migrate()
            self.migrate("zero")

        self.assertEqual(self.rows("agent_sessions"), [("theirs",)])
