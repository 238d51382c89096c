"""SQL that differs from Django's for SQLite."""

from __future__ import annotations

import unittest
from typing import ClassVar

from django.apps.registry import Apps
from django.core.management.color import no_style
from django.db import models
from django.db.models import Sum, Value

from agent_sessions.turso.base import DatabaseWrapper
from tests.turso.connections import WireTestCase, connected, run
from tests.turso.server import Server, missing


class Venue(models.Model):  # noqa: DJ008  # nobody looks at one
    objects: ClassVar[models.Manager[Venue]] = models.Manager()
    seats = models.IntegerField()

    class Meta:
        app_label = "turso"
        apps = Apps()


@unittest.skipIf(missing(), missing())
class OperationsTests(WireTestCase):
    connection: ClassVar[DatabaseWrapper]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        server = cls.enterClassContext(Server())
        cls.connection = cls.enterClassContext(connected(server.create("operations")))
        with cls.connection.schema_editor() as editor:
            editor.create_model(Venue)
        Venue.objects.using(cls.connection.alias).bulk_create([Venue(seats=40), Venue(seats=60)])

    def test_version(self) -> None:
        """The version is the server's, not that of this Python's sqlite3."""
        [(version,)] = run(self.connection, "SELECT sqlite_version()")

        self.assertEqual(".".join(map(str, self.connection.get_database_version())), version)

    def test_having_without_group_by(self) -> None:
        """A condition on all rows has a GROUP BY, which the server's parser requires."""
        sums = (
            Venue.objects.using(self.connection.alias)
            .annotate(all=Value("all"))
            .values("all")
            .annotate(sum=Sum("seats"))
            .filter(sum__gte=1)
            .values_list("sum", flat=True)
        )

        self.assertEqual(list(sums), [100])

    def test_flush_with_what_refers_to_it(self) -> None:
        """Tables that refer to a table, directly or not, are emptied with it."""
        for sql in (
            "CREATE TABLE parent (id integer PRIMARY KEY)",
            'CREATE TABLE child (id integer PRIMARY KEY, up integer REFERENCES "Parent" (id))',
            "CREATE TABLE grandchild (up integer REFERENCES child (id))",
            "CREATE TABLE stranger (id integer)",
        ):
            run(self.connection, sql)

        statements = self.connection.ops.sql_flush(no_style(), ["parent"], allow_cascade=True)

        expected = [f'DELETE FROM "{name}";' for name in ("child", "grandchild", "parent")]
        self.assertEqual(sorted(statements), expected)

    def test_log(self) -> None:
        """The log of DEBUG shows parameters as SQL, without a request."""
        self.connection.force_debug_cursor = True
        self.addCleanup(setattr, self.connection, "force_debug_cursor", False)

        run(self.connection, "SELECT %s, %s, %s", ["it's", 7, None])

        logged = [query["sql"] for query in self.connection.queries_log]
        self.assertEqual(logged, ["SELECT 'it''s', 7, NULL"])
