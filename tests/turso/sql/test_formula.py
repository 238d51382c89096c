"""Formulas in larger statements, repeated or in a subquery."""

from __future__ import annotations

import unittest
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.apps.registry import Apps
from django.db import IntegrityError, connections, models
from django.db.models import Avg, Count, F, Max, Q, Sum, Value, Window
from django.db.models import functions as f
from django.utils import timezone

from tests.turso.server import missing
from tests.turso.sql.samples import Sample, SampleTestCase


class Derived(models.Model):  # noqa: DJ008  # nobody looks at one
    objects: ClassVar[models.Manager[Derived]] = models.Manager()
    moment = models.DateTimeField()
    text = models.CharField(max_length=9)
    year = models.GeneratedField(
        expression=f.ExtractYear("moment"), output_field=models.IntegerField(), db_persist=True
    )
    quarter = models.GeneratedField(
        expression=f.TruncQuarter("moment"), output_field=models.DateTimeField(), db_persist=True
    )
    padded = models.GeneratedField(
        expression=f.LPad("text", 5, Value("%")), output_field=models.TextField(), db_persist=False
    )

    class Meta:
        app_label = "turso"
        apps = Apps()
        indexes = (
            models.Index(f.TruncMonth("moment"), name="derived_month"),
            models.Index(f.RPad(f.Lower("text"), 7, Value("%")), name="derived_text"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(moment__day__gte=1) & Q(text__iregex="^[a-z%]*$"), name="derived_check"
            ),
        )


@unittest.skipIf(missing(), missing())
class FormulaTests(SampleTestCase):
    """Formulas in UPDATE, GROUP BY, windows and tables."""

    def test_updates(self) -> None:
        """Functions work in UPDATE as in SELECT."""
        rows = Sample.objects.using(self.alias)
        made = rows.create(group="new", text="abc", moment=datetime(2026, 1, 1, tzinfo=UTC))
        self.addCleanup(made.delete)

        rows.filter(pk=made.pk).update(
            text=f.LPad("text", 5, Value("%")), moment=F("moment") + timedelta(microseconds=1)
        )

        made.refresh_from_db()
        self.assertEqual((made.text, made.moment), ("%%abc", datetime(2026, 1, 1, 0, 0, 0, 1, UTC)))

    def test_truncation_of_aggregates_and_windows(self) -> None:
        """Functions of aggregates and windows see the same rows, in a zone too."""
        berlin = ZoneInfo("Europe/Berlin")
        self.assertSame(f.TruncDay(Window(Max("moment"), partition_by="group"), tzinfo=berlin))
        self.assertSame(f.LPad(Window(Max("text"), partition_by="group"), 9, Value("-")))
        last = {
            "last": f.TruncHour(Max("moment"), tzinfo=berlin),
            "year": f.ExtractYear(f.TruncDay(Max("moment"), tzinfo=berlin), tzinfo=berlin),
            "padded": f.LPad(Max("text"), 9, Value("-")),
        }
        self.assertEqual(self.aggregates(self.alias, **last), self.aggregates("reference", **last))

    def test_grouping_by_a_truncated_moment(self) -> None:
        """Groups, HAVING and order by a month in a zone are SQLite's."""
        for zone in (UTC, ZoneInfo("America/New_York")):
            here, there = (
                list(
                    Sample.objects.using(alias)
                    .annotate(month=f.TruncMonth("moment", tzinfo=zone))
                    .values("month", padded=f.LPad("group", 6, Value("%")))
                    .annotate(n=Count("pk"), total=Sum("real"), mean=Avg("real"))
                    .filter(n__gte=1, month__year__gt=1970)
                    .order_by("month", "padded")
                )
                for alias in (self.alias, "reference")
            )

            self.assertEqual(here, there)
            self.assertEqual(len(here), 7)

    def test_indexes_constraints_and_generated_columns(self) -> None:
        """Formulas in a table have no subqueries, in a zone too."""
        for zone, year in (("UTC", 2025), ("Europe/Berlin", 2026)):
            with self.subTest(zone=zone), timezone.override(zone):
                with connections[self.alias].schema_editor() as editor:
                    editor.create_model(Derived)
                rows = Derived.objects.using(self.alias)

                rows.create(moment=datetime(2025, 12, 31, 23, tzinfo=UTC), text="Aa%")
                with self.assertRaises(IntegrityError):
                    rows.create(moment=datetime(2025, 11, 30, 23, tzinfo=UTC), text="a1")

                self.assertEqual(list(rows.values_list("year", "padded")), [(year, "%%Aa%")])
                with connections[self.alias].schema_editor() as editor:
                    editor.delete_model(Derived)
