"""models.indexes: indexes added to tables in use, by migrations that can be repeated."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from unittest import skipUnless

from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import TransactionTestCase, override_settings

from agent_sessions import Message, Session
from tests.contract import TURN

BEFORE, WITH = "0003", "0004"
INDEXES = {
    "agent_messages": {
        "agent_messages_shape": ["session_id", "id", "kind", "role", "agent_name"],
        "agent_messages_tool": ["tool_name", "session_id", "created_at", "kind"],
    },
    "agent_sessions": {"agent_sessions_activity": ["updated_at", "session_id"]},
    "agent_usage": {"agent_usage_session": ["session_id", "message_id"]},
}
is_postgres = connection.vendor == "postgresql"


def migrate(*target: str) -> None:
    call_command("migrate", "agent_sessions", *target, verbosity=0)


def indexes() -> dict[str, dict[str, list[str]]]:
    """Return the columns of the admin's indexes that exist, by table and name."""
    found = {}
    with connection.cursor() as cursor:
        for table, named in INDEXES.items():
            there = connection.introspection.get_constraints(cursor, table)
            found[table] = {name: there[name]["columns"] for name in named if name in there}
    return found


class IndexTests(TransactionTestCase):
    """AddIndexToTableInUse, in the migration with the admin's indexes."""

    def setUp(self) -> None:
        self.addCleanup(migrate)

    def test_both_ways(self) -> None:
        """The migration adds the indexes, and its reverse removes them; rows stay."""
        Session.objects.append("one", TURN)

        migrate(BEFORE)
        without = indexes()
        migrate()

        self.assertEqual(without, {table: {} for table in INDEXES})
        self.assertEqual(indexes(), INDEXES)
        self.assertEqual(Session.objects.items("one"), TURN)

    def test_after_a_failure(self) -> None:
        """A migration that failed halfway can be repeated."""
        migrate(BEFORE)
        with connection.cursor() as cursor:
            cursor.execute("CREATE INDEX agent_messages_shape ON agent_messages (kind)")

        migrate()

        self.assertEqual(indexes(), INDEXES)

    def test_back_after_a_failure(self) -> None:
        """Migrating backwards works if an index is missing."""
        table = " ON agent_messages" if connection.vendor == "mysql" else ""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX agent_messages_shape{table}")

        migrate(BEFORE)

        self.assertEqual(indexes(), {table: {} for table in INDEXES})

    @override_settings(DATABASE_ROUTERS=["tests.routers.MigratesNothing"])
    def test_router(self) -> None:
        """Nothing is done in a database that a router excludes."""
        migrate(BEFORE)
        left = indexes()
        migrate()

        self.assertEqual(left, INDEXES)

    def test_sql(self) -> None:
        """sqlmigrate prints the statements, which are concurrent only on PostgreSQL."""
        written = io.StringIO()

        call_command("sqlmigrate", "agent_sessions", WITH, stdout=written)

        create = "CREATE INDEX CONCURRENTLY" if is_postgres else "CREATE INDEX"
        sql = written.getvalue()
        self.assertEqual(sql.count(f"{create} "), 4)
        self.assertNotIn("BEGIN", sql)


@skipUnless(is_postgres, "Only PostgreSQL builds indexes concurrently.")
class ConcurrentTests(TransactionTestCase):
    """Indexes that PostgreSQL builds beside writers."""

    def setUp(self) -> None:
        self.addCleanup(migrate)
        Session.objects.append("one", TURN)

    def test_invalid(self) -> None:
        """An invalid index, which PostgreSQL keeps after a failed build, is replaced."""
        migrate(BEFORE)
        with connection.cursor() as cursor, suppress(DatabaseError):
            cursor.execute(
                "CREATE UNIQUE INDEX CONCURRENTLY agent_messages_tool "
                "ON agent_messages (session_id)"
            )
        broken = self.invalid()

        migrate()

        self.assertEqual(broken, ["agent_messages_tool"])
        self.assertEqual(self.invalid(), [])
        self.assertEqual(indexes(), INDEXES)

    def test_writers(self) -> None:
        """Others can write while the index waits for an older transaction."""
        migrate(BEFORE)
        other = connection.copy()
        self.addCleanup(other.close)
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                self.insert(connection)
                migrated = pool.submit(self.migrate_and_close)
                self.wait_for("CREATE INDEX CONCURRENTLY%")

                with other.cursor() as cursor:
                    cursor.execute("SET lock_timeout = '2s'")
                self.insert(other)
                was_waiting = not migrated.done()
            migrated.result(30)

        self.assertTrue(was_waiting)
        self.assertEqual(indexes(), INDEXES)
        self.assertEqual(Message.objects.count(), len(TURN) + 2)

    def insert(self, using: Any) -> None:
        """Insert a message with the columns of before the migrations: the model has more."""
        with using.cursor() as cursor:
            cursor.execute(
                "INSERT INTO agent_messages (session_id, message_data) VALUES ('one', '{}')"
            )

    def migrate_and_close(self) -> None:
        try:
            migrate()
        finally:
            connection.close()

    def wait_for(self, statement: str) -> None:
        """Wait until the server executes a statement like this."""
        deadline = time.monotonic() + 30
        with connection.cursor() as cursor:
            while time.monotonic() < deadline:
                cursor.execute(
                    "SELECT pg_stat_clear_snapshot(), count(*) FROM pg_stat_activity "
                    "WHERE state = 'active' AND query LIKE %s AND pid <> pg_backend_pid()",
                    [statement],
                )
                if cursor.fetchone()[1]:
                    return
        self.fail(f"{statement} was not executed.")

    def invalid(self) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid "
                "WHERE NOT indisvalid"
            )
            return [name for (name,) in cursor.fetchall()]
