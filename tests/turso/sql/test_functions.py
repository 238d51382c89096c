"""Functions of the ORM are compared with the same expressions on SQLite."""

from __future__ import annotations

import math
import unittest
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import django
from django.apps.registry import Apps
from django.db import DatabaseError, IntegrityError, NotSupportedError, connections, models
from django.db.models import Avg, Case, Count, F, Max, Q, StdDev, Sum, Value, Variance, When, Window
from django.db.models import functions as f
from django.db.utils import ConnectionHandler
from django.utils import timezone

from tests.turso.connections import WireTestCase, connected
from tests.turso.server import Server, missing


class Sample(models.Model):  # noqa: DJ008  # nobody looks at one
    group = models.CharField(max_length=9)
    text = models.TextField(null=True)  # noqa: DJ001  # NULL is what is tested
    whole = models.BigIntegerField(null=True)
    real = models.FloatField(null=True)
    price = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    day = models.DateField(null=True)
    moment = models.DateTimeField(null=True)
    clock = models.TimeField(null=True)
    lasts = models.DurationField(null=True)

    class Meta:
        app_label = "turso"
        apps = Apps()


class Derived(models.Model):  # noqa: DJ008  # nobody looks at one
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


def samples() -> list[Sample]:
    texts = (None, "", "abc", "Ääß 😀 ñ", "00", "a%s%%d", "x" * 300, "Line\nLine")
    wholes = (None, 0, 1, -1, 5, -(2**63), 2**63 - 1, 12_345)
    reals = (None, 0.5, -1.25, 3.0, 1e-9, 123.456, 1e9, 2.0)
    prices = (None, "1.25", "-3.50", "0.10", "99999.99", "8.00", "2.00", "16.50")
    return [
        Sample(
            group="one" if n == 0 else "three" if n < 4 else "four",
            text=texts[n],
            whole=wholes[n],
            real=reals[n],
            price=Decimal(prices[n] or 0) if n else None,
            day=date(1969, 12, 24 + n) if n else None,
            moment=datetime(1965 + 10 * n, 3, 29, 1, 0, 0, n, UTC) if n else None,
            clock=time(n, 30, 0, n * 1000) if n else None,
            lasts=timedelta(days=n - 3, microseconds=n) if n else None,
        )
        for n in range(8)
    ]


@unittest.skipIf(missing(), missing())
class FunctionTests(WireTestCase):
    server: ClassVar[Server]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = Server().start()
        cls.addClassCleanup(cls.server.remove)
        turso = cls.enterClassContext(connected(cls.server.create("functions")))
        engine = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
        sqlite = ConnectionHandler({"default": {}, "reference": engine})["reference"]
        connections["reference"] = sqlite
        cls.addClassCleanup(lambda: connections.__delitem__("reference"))
        cls.addClassCleanup(lambda: sqlite.connection.close())
        cls.alias = turso.alias
        for connection in (turso, sqlite):
            with connection.schema_editor() as editor:
                editor.create_model(Sample)
            Sample.objects.using(connection.alias).bulk_create(samples())

    alias: ClassVar[str]

    def values(self, alias: str, *expressions: Any) -> list[tuple[Any, ...]]:
        """Return the expressions of every row."""
        return list(Sample.objects.using(alias).order_by("pk").values_list(*expressions))

    def assertSame(self, *expressions: Any) -> None:  # noqa: N802
        """Assert that every row has the same values on both databases, floats to 12 digits."""
        here = self.values(self.alias, *expressions)
        there = self.values("reference", *expressions)
        for row, expected in zip(here, there, strict=True):
            for value, wanted in zip(row, expected, strict=True):
                if isinstance(wanted, float) and isinstance(value, float):
                    self.assertTrue(math.isclose(value, wanted, rel_tol=1e-12), (value, wanted))
                else:
                    self.assertEqual((type(value), value), (type(wanted), wanted))

    def aggregates(self, alias: str, **aggregates: Any) -> list[dict[str, Any]]:
        rows = Sample.objects.using(alias).values("group").order_by("group")
        return list(rows.annotate(**aggregates))

    def test_padding(self) -> None:
        """LPAD and RPAD cut, fill with several characters or none, and are NULL with NULL."""
        for function in (f.LPad, f.RPad):
            for length in (0, 1, 2, 7, 301, None):
                for fill in (" ", "0", "00", "ab", "é😀", "", None):
                    with self.subTest(function=function, length=length, fill=fill):
                        self.assertSame(function("text", Value(length), Value(fill)))

    def test_padding_by_columns(self) -> None:
        """Length and filling may be expressions, whose parameters are repeated with them."""
        length = F("id") + Value(3)

        self.assertSame(f.LPad(f.Concat("text", Value("%s")), length, f.Upper(Value("ab"))))
        self.assertSame(f.LPad(f.RPad(f.Lower("text"), length, Value("<")), 12, Value(">")))

    def test_repeating_and_reversing(self) -> None:
        """A text is repeated as often as a number says, and reversed by characters."""
        self.assertSame(
            f.Repeat("text", 0),
            f.Repeat("text", 3),
            f.Repeat("text", F("id")),
            f.Repeat("text", Value(None)),
            f.Reverse("text"),
            f.Reverse(f.Concat("text", Value("%"), output_field=TEXT)),
        )

    def test_bits(self) -> None:
        """XOR is that of 64 bits with sign, and NULL with NULL."""
        self.assertSame(
            *(F("whole").bitxor(other) for other in (0, 1, -1, 48, -(2**63), 2**63 - 1)),
            F("whole").bitxor(F("id")),
            F("whole").bitxor(F("whole")),
            F("whole").bitxor(Value(7)).bitxor(F("id")),
            F("id").bitxor(Value(None, output_field=models.IntegerField())),
        )

    def test_numbers(self) -> None:
        """Numbers have the values and the types that they have on SQLite."""
        self.assertSame(
            f.Sign("whole"),
            f.Sign("real"),
            f.Sign("price"),
            f.Cot("real"),
            f.Mod("real", 0.75),
            f.Mod("price", Decimal("0.50")),
            f.Mod(F("id"), 3),
            f.Mod(Value(2**62), 1000),
            f.Power("price", 2),
            F("id") ** 2,
            f.Ceil("real"),
            f.Floor("real"),
            f.Round("real", 2),
            f.Degrees("real"),
            f.ATan2("real", "id"),
        )

    def test_logarithms(self) -> None:
        """A logarithm takes its base first, which may be an expression."""
        self.assertSame(
            f.Log(2, F("id")),
            f.Log(10, F("id") * 100),
            f.Log(F("id") + 1, Value(81)),
            f.Log(Value(None, output_field=models.FloatField()), F("id")),
            f.Ln(F("id")),
        )

    def test_random(self) -> None:
        """Random numbers are at least 0, below 1, and each another, once for each row."""
        [*rows] = self.values(self.alias, f.Random(), f.LPad(f.Cast(f.Random(), TEXT), 30))

        numbers = {number for number, _ in rows}
        self.assertEqual(len(numbers), 8)
        self.assertTrue(all(0 <= number < 1 for number in numbers))
        self.assertTrue(all(len(text) == 30 for _, text in rows))
        self.assertEqual(Sample.objects.using(self.alias).order_by("?").count(), 8)

    def test_deviations(self) -> None:
        """Deviation and variance are Python's, also under a filter and beside other aggregates."""
        for field in ("id", "real", "price"):
            for kind in (StdDev, Variance):
                aggregates = {
                    "all": kind(field),
                    "some": kind(field, filter=Q(id__gt=2)),
                    "twice": kind(F(field) * Value(2)),
                    "count": Count("pk"),
                }
                with self.subTest(field=field, kind=kind):
                    # SQLite fails for a group whose only value is NULL.
                    rows = {
                        alias: Sample.objects.using(alias)
                        .filter(id__gt=1)
                        .values("group")
                        .order_by("group")
                        .annotate(**aggregates)
                        for alias in (self.alias, "reference")
                    }
                    for row, expected in zip(rows[self.alias], rows["reference"], strict=True):
                        for name, value in expected.items():
                            if value is None or isinstance(value, str):
                                self.assertEqual(row[name], value)
                            else:
                                self.assertAlmostEqual(
                                    float(row[name]), float(value), delta=abs(float(value)) * 1e-9
                                )

    def test_deviations_of_few_rows(self) -> None:
        """Of no value nothing is known, and of one no sample's deviation."""
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
        """An aggregate of several stands in HAVING and ORDER BY as one."""
        rows = Sample.objects.using(self.alias).values("group").annotate(x=StdDev("id"))

        self.assertEqual(
            [row["group"] for row in rows.filter(x__gt=0.5).order_by("-x")], ["four", "three"]
        )

    @unittest.skipIf(django.VERSION < (6, 1), "Django 5.2 has none of these.")
    def test_aggregates_of_django_6(self) -> None:
        """Bits are taken together over all 64, NULL left out, and any value is one of the group."""
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

    @unittest.skipIf(django.VERSION < (6, 1), "Django 5.2 makes none.")
    def test_uuids(self) -> None:
        """The server makes UUIDs of versions 4 and 7, each row another."""
        made = self.values(self.alias, f.UUID4(), f.UUID7())

        self.assertEqual({fourth.version for fourth, _ in made}, {4})
        self.assertEqual({seventh.bytes[6] >> 4 for _, seventh in made}, {7})
        self.assertEqual({value.variant for row in made for value in row}, {uuid.RFC_4122})
        self.assertEqual(len({value for row in made for value in row}), 16)

    def test_durations(self) -> None:
        """What is added, taken away, multiplied and divided is Python's to the microsecond."""
        self.assertSame(
            F("moment") + F("lasts"),
            F("moment") - F("lasts"),
            F("lasts") + F("moment"),
            F("moment") + timedelta(days=-400, seconds=1, microseconds=-1),
            F("moment") - timedelta(microseconds=1) - timedelta(hours=5) + F("lasts"),
            F("moment") - F("moment"),
            F("moment") - Value(datetime(1900, 1, 1, 0, 0, 0, 1, UTC)),
            F("day") - Value(date(1970, 1, 1)),
            F("clock") - Value(time(12)),
            models.ExpressionWrapper(F("lasts") * 3, models.DurationField()),
            models.ExpressionWrapper(F("lasts") * Value(0.5), models.DurationField()),
            models.ExpressionWrapper(F("lasts") / 4, models.DurationField()),
            F("lasts") - timedelta(1),
        )

    def test_parts_of_dates(self) -> None:
        """A date is taken apart as a moment is."""
        self.assertSame(
            f.ExtractYear("day"),
            f.ExtractWeek("day"),
            f.ExtractIsoWeekDay("day"),
            f.TruncMonth("day"),
        )

    def test_dates_and_durations(self) -> None:
        """A date moves by whole days."""
        moved = [
            models.ExpressionWrapper(F("day") + F("lasts"), models.DateField()),
            models.ExpressionWrapper(F("day") - timedelta(hours=1), models.DateField()),
        ]

        self.assertSame(*moved)

    def test_a_time_and_a_duration(self) -> None:
        """A time goes round the clock; on SQLite it would be NULL."""
        rows = self.values(self.alias, F("clock") + timedelta(hours=23, microseconds=1))

        self.assertEqual(rows[2], (time(1, 30, 0, 2001),))

    def test_comparing_durations(self) -> None:
        """Sums of moments are compared with moments."""
        for alias in (self.alias, "reference"):
            rows = Sample.objects.using(alias).filter(
                moment__lt=F("moment") + F("lasts"), moment__gt=F("moment") - F("lasts")
            )

            self.assertEqual(list(rows.values_list("id", flat=True)), [4, 5, 6, 7, 8])

    def test_updates(self) -> None:
        """Functions stand in UPDATE as in SELECT."""
        rows = Sample.objects.using(self.alias)
        made = rows.create(group="new", text="abc", moment=datetime(2026, 1, 1, tzinfo=UTC))
        self.addCleanup(made.delete)

        rows.filter(pk=made.pk).update(
            text=f.LPad("text", 5, Value("%")), moment=F("moment") + timedelta(microseconds=1)
        )

        made.refresh_from_db()
        self.assertEqual((made.text, made.moment), ("%%abc", datetime(2026, 1, 1, 0, 0, 0, 1, UTC)))

    def test_truncation_of_aggregates_and_windows(self) -> None:
        """What is computed over rows keeps its rows when more is made of it, in a zone too."""
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
        """Groups, HAVING and order by a month in a zone are those of SQLite."""
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
        """What is declared in a table is written without subqueries, in a zone too."""
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

    def test_regular_expressions(self) -> None:
        """Patterns match as on SQLite, NULL never, and may be columns."""
        lookups: dict[str, Any] = {
            "text__regex": r"^a.c$",
            "text__iregex": r"^A.C$",
            "whole__regex": r"^-?\d+$",
            "group__iregex": f.Concat(Value("THR"), Value("ee")),
            "group__regex": F("group"),
        }
        for lookup, pattern in lookups.items():
            with self.subTest(lookup=lookup):
                here, there = (
                    list(Sample.objects.using(alias).filter(**{lookup: pattern}).values_list("id"))
                    for alias in (self.alias, "reference")
                )
                self.assertEqual(here, there)
                self.assertTrue(here)
        rows = Sample.objects.using(self.alias)
        self.assertEqual(rows.filter(text__iregex=Value(None, TEXT)).count(), 0)
        self.assertEqual(rows.exclude(text__iregex="LINE").count(), 7)
        matches = Case(When(group__iregex=f.Upper("group"), then=1), default=0)
        self.assertEqual(rows.aggregate(n=Sum(matches)), {"n": 8})

    def test_what_the_dialect_of_the_server_does_not_know(self) -> None:
        """A pattern that the server cannot read is an error, and never matches something else."""
        for pattern in (r"(?i)abc", r"(?:abc)"):
            with self.assertRaises(DatabaseError):
                list(Sample.objects.using(self.alias).filter(text__regex=pattern))

    def test_digests(self) -> None:
        """What cannot be had is said in a sentence, before anything is sent."""
        for function in (f.MD5, f.SHA1, f.SHA224, f.SHA256, f.SHA384, f.SHA512):
            with self.assertRaisesMessage(
                NotSupportedError, f"A libSQL server has no {function.__name__}. Compute it in"
            ):
                self.values(self.alias, function("text"))

    def test_deviations_over_windows(self) -> None:
        """A formula of several aggregates is not a window function, on SQLite neither."""
        with self.assertRaisesMessage(NotSupportedError, "cannot compute StdDev over a window"):
            self.values(self.alias, Window(StdDev("id")))

    def test_reversing_over_a_window(self) -> None:
        """It would need a window in a subquery, where the rows are others."""
        with self.assertRaisesMessage(NotSupportedError, "Reverse it in Python"):
            self.values(self.alias, f.Reverse(Window(Max("text"))))

    @unittest.skipIf(django.VERSION < (6, 1), "Django 5.2 makes none.")
    def test_shifted_uuid(self) -> None:
        """Django's own sentence says that there are none."""
        with self.assertRaises(NotSupportedError):
            self.values(self.alias, f.UUID7(timedelta(days=1)))

    def test_a_duration_and_nothing(self) -> None:
        """A duration and what has no type is NULL, as NULL is."""
        nothing = models.ExpressionWrapper(
            F("lasts") + Value(None), output_field=models.DurationField()
        )

        self.assertEqual({value for (value,) in self.values(self.alias, nothing)}, {None})

    def test_what_no_duration_can(self) -> None:
        """An operator that durations have not is an error, as on SQLite."""
        rest = models.ExpressionWrapper(F("lasts") % F("whole"), models.DurationField())

        for alias in (self.alias, "reference"):
            with self.assertRaisesMessage(DatabaseError, "Invalid connector for timedelta"):
                self.values(alias, rest)

    def test_classes_of_a_project(self) -> None:
        """A subclass of a function of Django's is written as that function."""

        class Zeros(f.LPad):
            def __init__(self, expression: Any, length: int) -> None:
                super().__init__(expression, length, Value("0"))

        self.assertEqual(self.values(self.alias, Zeros("group", 5))[0], ("00one",))


TEXT = models.TextField()
