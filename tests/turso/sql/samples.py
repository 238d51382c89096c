"""The same rows on a libSQL server and on SQLite, to compare expressions."""

from __future__ import annotations

import math
import unittest
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from django.apps.registry import Apps
from django.db import connections, models
from django.db.utils import ConnectionHandler

from tests.turso.connections import WireTestCase, connected
from tests.turso.server import Server, missing

TEXT = models.TextField()


class Sample(models.Model):  # noqa: DJ008  # nobody looks at one
    objects: ClassVar[models.Manager[Sample]] = models.Manager()  # for the types
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
class SampleTestCase(WireTestCase):
    """Rows on a libSQL server (`alias`) and on Django's SQLite backend ("reference")."""

    server: ClassVar[Server]
    alias: ClassVar[str]
    both: ClassVar[tuple[str, str]]

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
        cls.both = (turso.alias, "reference")
        for connection in (turso, sqlite):
            with connection.schema_editor() as editor:
                editor.create_model(Sample)
            Sample.objects.using(connection.alias).bulk_create(samples())

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
