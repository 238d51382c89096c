"""Aggregates are compared with the same ones on SQLite."""

from __future__ import annotations

import itertools
import math
import unittest
from typing import Any

import django
from django.db import NotSupportedError, models
from django.db.models import Count, F, Q, StdDev, Value, Variance, Window

from tests.turso.server import missing
from tests.turso.sql.samples import Sample, SampleTestCase


@unittest.skipIf(missing(), missing())
class AggregateTests(SampleTestCase):
    """Deviations, bits and any value."""

    def test_deviations(self) -> None:
        """Deviation and variance are Python's, with a filter and next to other aggregates too."""
        for field, kind in itertools.product(("id", "real", "price"), (StdDev, Variance)):
            aggregates = {
                "all": kind(field),
                "some": kind(field, filter=Q(id__gt=2)),
                "twice": kind(F(field) * Value(2)),
                "count": Count("pk"),
            }
            with self.subTest(field=field, kind=kind):
                here, there = (self.groups(alias, **aggregates) for alias in self.both)
                for row, expected in zip(here, there, strict=True):
                    self.assert_close(row, expected)

    def groups(self, alias: str, **aggregates: Any) -> list[dict[str, Any]]:
        """Return aggregates of the groups, except the one whose only value is NULL.

        Django's Python function on SQLite fails for that.
        """
        rows = Sample.objects.using(alias).filter(id__gt=1).values("group").order_by("group")
        return list(rows.annotate(**aggregates))

    def assert_close(self, row: dict[str, Any], expected: dict[str, Any]) -> None:
        """Assert that the numbers of two rows agree to 9 digits, and the rest is equal."""
        for name, value in expected.items():
            if value is None or isinstance(value, str):
                self.assertEqual(row[name], value)
            else:
                self.assertTrue(math.isclose(row[name], value, rel_tol=1e-9), (name, row, value))

    def test_deviations_of_few_rows(self) -> None:
        """Without values the result is NULL, and for one value that of a sample is."""
        rows = Sample.objects.using(self.alias)
        kinds = {
            "stddev": StdDev("real"),
            "variance": Variance("real"),
            "stddev_sample": StdDev("real", sample=True),
            "variance_sample": Variance("real", sample=True),
        }

        self.assertEqual(set(rows.none().aggregate(**kinds).values()), {None})
        self.assertEqual(set(rows.filter(id=1).aggregate(**kinds).values()), {None})
        self.assertEqual(
            rows.filter(id=2).aggregate(**kinds),
            {"stddev": 0.0, "variance": 0.0, "stddev_sample": None, "variance_sample": None},
        )
        self.assertEqual(
            rows.filter(id__in=(4, 8)).aggregate(**kinds),
            {
                "stddev": 0.5,
                "variance": 0.25,
                "stddev_sample": math.sqrt(0.5),
                "variance_sample": 0.5,
            },
        )
        self.assertEqual(rows.filter(id=1).aggregate(x=StdDev("real", default=7.5)), {"x": 7.5})

    def test_ordering_and_filtering_by_a_deviation(self) -> None:
        """A formula of several aggregates works in HAVING and ORDER BY."""
        rows = Sample.objects.using(self.alias).values("group").annotate(x=StdDev("id"))

        self.assertEqual(
            [row["group"] for row in rows.filter(x__gt=0.5).order_by("-x")], ["four", "three"]
        )

    @unittest.skipIf(django.VERSION < (6, 1), "Django 5.2 has none of these.")
    def test_aggregates_of_django_6(self) -> None:
        """Bits are combined over all 64, without NULL, and any value is one of the group's."""
        bits = {
            name: getattr(models, name)(F("whole"), filter=Q(id__lt=20))
            for name in ("BitAnd", "BitOr", "BitXor")
        }
        for where in (Q(), Q(whole__gt=0), Q(id=1), Q(id__gt=100)):
            with self.subTest(where=where):
                here, there = (
                    Sample.objects.using(alias).filter(where).aggregate(**bits)
                    for alias in (self.alias, "reference")
                )
                self.assertEqual(here, there)
        self.assertEqual(self.aggregates(self.alias, **bits), self.aggregates("reference", **bits))
        any_value = models.AnyValue("text")
        groups = {row["group"]: row["x"] for row in self.aggregates(self.alias, x=any_value)}
        self.assertIn(groups["four"], ("00", "a%s%%d", "x" * 300, "Line\nLine"))

    def test_deviations_over_windows(self) -> None:
        """A formula of several aggregates is not a window function, on SQLite neither."""
        with self.assertRaisesMessage(NotSupportedError, "cannot compute StdDev over a window"):
            self.values(self.alias, Window(StdDev("id")))
