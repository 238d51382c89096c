"""The ORM's functions are compared with the same expressions on SQLite."""

from __future__ import annotations

import itertools
import unittest
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import django
from django.db import DatabaseError, NotSupportedError, models
from django.db.models import Case, F, Max, Sum, Value, When, Window
from django.db.models import functions as f

from tests.turso.server import missing
from tests.turso.sql.samples import TEXT, Sample, SampleTestCase


@unittest.skipIf(missing(), missing())
class FunctionTests(SampleTestCase):
    """Functions of texts and numbers, and patterns."""

    def test_padding(self) -> None:
        """LPAD and RPAD cut, fill with several characters or none, and are NULL with NULL."""
        functions = (f.LPad, f.RPad)
        lengths = (0, 1, 2, 7, 301, None)
        fills = (" ", "0", "00", "ab", "é😀", "", None)
        for function, length, fill in itertools.product(functions, lengths, fills):
            with self.subTest(function=function, length=length, fill=fill):
                self.assertSame(function("text", Value(length), Value(fill)))

    def test_padding_by_columns(self) -> None:
        """Length and filling may be expressions with parameters."""
        length = F("id") + Value(3)

        self.assertSame(f.LPad(f.Concat("text", Value("%s")), length, f.Upper(Value("ab"))))
        self.assertSame(f.LPad(f.RPad(f.Lower("text"), length, Value("<")), 12, Value(">")))

    def test_repeating_and_reversing(self) -> None:
        """A text is repeated as often as a number says, and reversed by characters."""
        self.assertSame(
            f.Repeat("text", 0),
            f.Repeat("text", 3),
            f.Repeat("text", F("id")),  # type: ignore[arg-type]  # the stubs leave out F
            f.Repeat("text", Value(None)),
            f.Reverse("text"),
            f.Reverse(f.Concat("text", Value("%"), output_field=TEXT)),
        )

    def test_bits(self) -> None:
        """XOR is that of signed 64-bit integers, and NULL with NULL."""
        whole: Any = F("whole")  # the stubs know bitxor() of integers only
        number: Any = F("id")
        self.assertSame(
            *(whole.bitxor(other) for other in (0, 1, -1, 48, -(2**63), 2**63 - 1)),
            whole.bitxor(number),
            whole.bitxor(whole),
            whole.bitxor(Value(7)).bitxor(number),
            number.bitxor(Value(None, output_field=models.IntegerField())),
        )

    def test_numbers(self) -> None:
        """Numbers have the values and types of SQLite."""
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
        """Random numbers are at least 0, below 1, and different in each row."""
        [*rows] = self.values(self.alias, f.Random(), f.LPad(f.Cast(f.Random(), TEXT), 30))

        numbers = {number for number, _ in rows}
        self.assertEqual(len(numbers), 8)
        self.assertTrue(all(0 <= number < 1 for number in numbers))
        self.assertTrue(all(len(text) == 30 for _, text in rows))
        self.assertEqual(Sample.objects.using(self.alias).order_by("?").count(), 8)

    @unittest.skipIf(django.VERSION < (6, 1), "Django 5.2 makes none.")
    def test_uuids(self) -> None:
        """The server makes UUIDs of versions 4 and 7, different in each row."""
        made = self.values(self.alias, f.UUID4(), f.UUID7())

        self.assertEqual({fourth.version for fourth, _ in made}, {4})
        self.assertEqual({seventh.bytes[6] >> 4 for _, seventh in made}, {7})
        self.assertEqual({value.variant for row in made for value in row}, {uuid.RFC_4122})
        self.assertEqual(len({value for row in made for value in row}), 16)

    def test_parts_of_dates(self) -> None:
        """A date has the parts of a moment."""
        self.assertSame(
            f.ExtractYear("day"),
            f.ExtractWeek("day"),
            f.ExtractIsoWeekDay("day"),
            f.TruncMonth("day"),
        )

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

    def test_unsupported_patterns(self) -> None:
        """A pattern that the server cannot read raises, and matches nothing."""
        for pattern in (r"(?i)abc", r"(?:abc)"):
            with self.assertRaises(DatabaseError):
                list(Sample.objects.using(self.alias).filter(text__regex=pattern))

    def test_digests(self) -> None:
        """A missing function raises a sentence before anything is sent."""
        for function in (f.MD5, f.SHA1, f.SHA224, f.SHA256, f.SHA384, f.SHA512):
            with self.assertRaisesMessage(
                NotSupportedError, f"A libSQL server has no {function.__name__}. Compute it in"
            ):
                self.values(self.alias, function("text"))

    def test_reversing_over_a_window(self) -> None:
        """It would need a window in a subquery, which has other rows."""
        with self.assertRaisesMessage(NotSupportedError, "Reverse it in Python"):
            self.values(self.alias, f.Reverse(Window(Max("text"))))

    @unittest.skipIf(django.VERSION < (6, 1), "Django 5.2 makes none.")
    def test_shifted_uuid(self) -> None:
        """Django's own error says that UUID7 cannot be shifted."""
        with self.assertRaises(NotSupportedError):
            self.values(self.alias, f.UUID7(timedelta(days=1)))

    def test_classes_of_a_project(self) -> None:
        """A subclass of a Django function is written like that function."""

        class Zeros(f.LPad):
            def __init__(self, expression: Any, length: int) -> None:
                super().__init__(expression, length, Value("0"))

        self.assertEqual(self.values(self.alias, Zeros("group", 5))[0], ("00one",))
