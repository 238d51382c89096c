"""Tables are created, changed, inspected, dumped and flushed on a real server as on SQLite."""

from __future__ import annotations

import io
import json
import tempfile
import unittest
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from django.apps.registry import Apps
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import IntegrityError, NotSupportedError, models, transaction

from tests.turso.connections import WireTestCase, connected, run
from tests.turso.server import Server, missing

scratch = Apps()


class Parent(models.Model):  # noqa: DJ008  # nobody looks at one
    name = models.CharField(max_length=9)

    class Meta:
        app_label = "turso"
        apps = scratch
        db_table = "parent"


def tables(connection: Any) -> set[str]:
    return set(connection.introspection.table_names())


@unittest.skipIf(missing(), missing())
class SchemaTestCase(WireTestCase):
    """Each test has its own empty database."""

    server: ClassVar[Server]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.enterClassContext(Server())

    def setUp(self) -> None:
        self.connection = self.enterContext(connected(self.server.create(self._testMethodName)))
        self.alias = self.connection.alias

    def migrate(self, *target: str) -> None:
        call_command("migrate", *target, database=self.alias, verbosity=0)


class RebuildTests(SchemaTestCase):
    """SQLite makes most changes by building a new table and dropping the old one."""

    def setUp(self) -> None:
        super().setUp()
        with self.connection.schema_editor() as editor:
            editor.create_model(Parent)
        run(
            self.connection,
            "CREATE TABLE child (id integer PRIMARY KEY, parent_id integer NOT NULL "
            "REFERENCES parent (id) ON DELETE CASCADE)",
        )
        run(self.connection, "INSERT INTO parent (id, name) VALUES (1, 'a'), (2, 'b')")
        run(self.connection, "INSERT INTO child (id, parent_id) VALUES (10, 1), (20, 2)")

    def rebuild(self) -> None:
        """Change the type of a column, for which SQLite has no ALTER TABLE."""
        longer = models.CharField(max_length=99, unique=True)
        longer.set_attributes_from_name("name")
        longer.model = Parent
        with self.connection.schema_editor() as editor:
            editor.alter_field(Parent, Parent._meta.get_field("name"), longer, strict=True)

    def children(self) -> list[Any]:
        return run(self.connection, "SELECT id, parent_id FROM child ORDER BY id")

    def test_the_children_of_a_parent_stay(self) -> None:
        """Dropping the old table triggers no ON DELETE CASCADE."""
        self.rebuild()

        self.assertEqual(self.children(), [(10, 1), (20, 2)])
        (sql,) = run(self.connection, "SELECT sql FROM sqlite_master WHERE name = 'parent'")[0]
        self.assertIn("varchar(99) NOT NULL UNIQUE", sql)

    def test_foreign_keys_are_on_again(self) -> None:
        """The children still have their parent, and later statements are checked."""
        self.rebuild()

        with self.assertRaises(IntegrityError):
            run(self.connection, "INSERT INTO child (id, parent_id) VALUES (30, 3)")
        run(self.connection, "DELETE FROM parent WHERE id = 1")
        self.assertEqual(self.children(), [(20, 2)])

    def test_a_rebuild_that_fails_changes_nothing(self) -> None:
        """It is rolled back, and foreign keys are on afterwards."""
        run(self.connection, "UPDATE parent SET name = 'a'")

        with self.assertRaises(IntegrityError):
            self.rebuild()

        (sql,) = run(self.connection, "SELECT sql FROM sqlite_master WHERE name = 'parent'")[0]
        self.assertIn("varchar(9) NOT NULL", sql)
        self.assertEqual(self.children(), [(10, 1), (20, 2)])
        with self.assertRaises(IntegrityError):
            run(self.connection, "INSERT INTO child (id, parent_id) VALUES (30, 3)")

    def test_not_within_a_transaction(self) -> None:
        """It is refused there, because foreign keys cannot be turned off."""
        with (
            self.assertRaisesMessage(
                NotSupportedError,
                "schema editor cannot be used while foreign key constraint checks",
            ),
            transaction.atomic(using=self.alias),
        ):
            self.rebuild()

        self.assertEqual(self.children(), [(10, 1), (20, 2)])


class CommandTests(SchemaTestCase):
    """The commands of manage.py for a whole database."""

    def test_migrate_both_ways(self) -> None:
        """Migrations run forwards, all the way back, and forwards again."""
        self.migrate()
        made = tables(self.connection)
        self.migrate("agent_sessions", "zero")
        left = tables(self.connection)
        self.migrate()

        self.assertEqual(made - left, {"agent_sessions", "agent_messages", "agent_usage"})
        self.assertEqual(tables(self.connection), made)

    def test_inspectdb(self) -> None:
        """The models have keys, lengths, uniqueness and relations."""
        self.migrate()
        written = io.StringIO()

        call_command(
            "inspectdb", "auth_user", "auth_permission", database=self.alias, stdout=written
        )

        described = written.getvalue()
        compile(described, "models.py", "exec")
        self.assertIn("username = models.CharField(unique=True, max_length=150)", described)
        self.assertIn("date_joined = models.DateTimeField()", described)
        self.assertRegex(described, r"content_type = models.ForeignKey\(.*DO_NOTHING\)")
        self.assertIn("unique_together = (('content_type', 'codename'),)", described)

    def test_dump_flush_and_load(self) -> None:
        """Dumped data is complete after a flush and loaddata."""
        self.migrate()
        noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
        user = User.objects.using(self.alias).create(
            username="a", first_name='\u20ac "x" %s', date_joined=noon
        )
        user.groups.add(Group.objects.using(self.alias).create(name="readers"))
        folder = self.enterContext(tempfile.TemporaryDirectory())
        file = Path(folder) / "all.json"

        call_command("dumpdata", "auth.user", "auth.group", database=self.alias, output=str(file))
        call_command("flush", database=self.alias, interactive=False, verbosity=0)
        left = User.objects.using(self.alias).count()
        call_command("loaddata", str(file), database=self.alias, verbosity=0)

        self.assertEqual(left, 0)
        loaded = User.objects.using(self.alias).get()
        self.assertEqual(
            (loaded.pk, loaded.first_name, loaded.date_joined), (user.pk, '\u20ac "x" %s', noon)
        )
        self.assertEqual([group.name for group in loaded.groups.all()], ["readers"])

    def test_loaddata_with_a_missing_parent(self) -> None:
        """Foreign keys are checked at the end, and nothing is loaded if one is violated."""
        self.migrate()
        folder = self.enterContext(tempfile.TemporaryDirectory())
        file = Path(folder) / "orphans.json"
        fields = {"name": "Can", "content_type": 999, "codename": "can"}
        orphan = {"model": "auth.permission", "pk": 900, "fields": fields}
        group = {"model": "auth.group", "pk": 1, "fields": {"name": "g", "permissions": []}}
        file.write_text(json.dumps([group, orphan]))

        with self.assertRaisesMessage(IntegrityError, "invalid foreign key"):
            call_command("loaddata", str(file), database=self.alias, verbosity=0)

        self.assertFalse(Group.objects.using(self.alias).exists())

    def test_flush_resets_ids(self) -> None:
        """After a flush ids start at 1, as on SQLite."""
        self.migrate()
        Group.objects.using(self.alias).create(name="old")

        call_command("flush", database=self.alias, interactive=False, verbosity=0)

        self.assertEqual(Group.objects.using(self.alias).create(name="new").pk, 1)
