import django.core.validators
from django.db import migrations, models

import calendarclub.events.models
import calendarclub.events.zones


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "uid",
                    models.CharField(
                        default=calendarclub.events.models.new_uid,
                        help_text="The source's UID; dates of a series have their start appended.",
                        max_length=255,
                        unique=True,
                        verbose_name="UID",
                    ),
                ),
                (
                    "series_uid",
                    models.CharField(
                        blank=True,
                        db_index=True,
                        editable=False,
                        help_text="The source's own UID; blank for an event entered here.",
                        max_length=255,
                        verbose_name="UID of the series",
                    ),
                ),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                ("description", models.TextField(blank=True, verbose_name="description")),
                ("start", models.DateTimeField(verbose_name="start")),
                (
                    "end",
                    models.DateTimeField(
                        help_text="The first moment after it. Midnight if the event is all day.",
                        verbose_name="end",
                    ),
                ),
                (
                    "timezone",
                    models.CharField(
                        default=calendarclub.events.zones.project_zone_name,
                        help_text="IANA name of its own zone, like “Europe/Amsterdam”.",
                        max_length=64,
                        validators=[calendarclub.events.zones.validate_zone_name],
                        verbose_name="time zone",
                    ),
                ),
                ("all_day", models.BooleanField(default=False, verbose_name="all day")),
                ("venue", models.CharField(blank=True, max_length=200, verbose_name="venue")),
                ("city", models.CharField(blank=True, max_length=100, verbose_name="city")),
                (
                    "category",
                    models.CharField(
                        blank=True,
                        help_text="In lower case, like “music”.",
                        max_length=50,
                        verbose_name="category",
                    ),
                ),
                (
                    "url",
                    models.CharField(
                        blank=True,
                        max_length=500,
                        validators=[django.core.validators.URLValidator(schemes=["http", "https"])],
                        verbose_name="address",
                    ),
                ),
                (
                    "price",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="0 is free; leave it empty if it is unknown.",
                        max_digits=8,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="price",
                    ),
                ),
                (
                    "currency",
                    models.CharField(default="EUR", max_length=3, verbose_name="currency"),
                ),
            ],
            options={
                "verbose_name": "event",
                "verbose_name_plural": "events",
                "ordering": ("start", "id"),
                "indexes": [
                    models.Index(fields=["start", "id"], name="events_event_by_start"),
                    models.Index(fields=["category", "start"], name="events_event_by_category"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("end__gte", models.F("start"))),
                        name="events_event_end_not_before_start",
                        violation_error_message="An event ends after it starts.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("price__isnull", True), ("price__gte", 0), _connector="OR"
                        ),
                        name="events_event_price_not_negative",
                    ),
                ],
            },
        ),
    ]
