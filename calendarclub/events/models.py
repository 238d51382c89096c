"""Events, and a queryset with the searches of the chat."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from functools import reduce
from operator import add, or_
from typing import Self

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Case, F, IntegerField, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from calendarclub.events.web_address import validate_web_address
from calendarclub.events.zones import project_zone_name, validate_zone_name, zone_or_project_zone

SEARCHED_FIELDS = ("title", "description", "venue", "city", "category")
# SQLite's limits are a depth of 1,000 for conditions and 50,000 bytes for a pattern:
# https://sqlite.org/limits.html
MOST_WORDS, LONGEST_WORD = 20, 100


def new_uid() -> str:
    """Return a UID for an event that was not imported."""
    return f"{uuid.uuid4()}@calendarclub"


def title_words(title: str) -> list[str]:
    """Return at most ten words that describe the event."""
    # Shorter words are mostly "the", "and", "with". The keys of a dict keep the title's order.
    return list(dict.fromkeys(re.findall(r"\w{5,}", title.lower())))[:10]


class EventQuerySet(models.QuerySet["Event"]):
    def between(self, start: datetime, end: datetime) -> Self:
        """Return events that overlap the half-open range of aware times.

        An event without a length overlaps it if it starts in it.
        """
        return self.filter(Q(end__gt=start) | Q(start__gte=start), start__lt=end)

    def not_over(self, moment: datetime) -> Self:
        """Return events that end after `moment` or start then or later."""
        return self.filter(Q(end__gt=moment) | Q(start__gte=moment))

    def matching(self, words: str) -> Self:
        """Return events with every word in their title, description, venue, city or category.

        Words after the twentieth, and characters of a word after the hundredth, are ignored.
        """
        found = self
        # PostgreSQL does not accept NUL in a text.
        for word in words.replace("\0", " ").split()[:MOST_WORDS]:
            part = word[:LONGEST_WORD]
            conditions = [Q((f"{field}__icontains", part)) for field in SEARCHED_FIELDS]
            found = found.filter(reduce(or_, conditions))
        return found

    def in_category(self, name: str) -> Self:
        """Return events of the category, in upper or lower case."""
        return self.filter(category=name.replace("\0", "").strip().lower())

    def free(self) -> Self:
        """Return events that are known to be free."""
        return self.filter(price=0)

    def similar_to(self, event: Event) -> Self:
        """Return events that share category or title words with `event`, the best match first.

        The category counts as two words. Past events and other dates of its series are left out.
        """
        scores = [_points(2, category=event.category)] if event.category else []
        scores += [_points(1, title__icontains=word) for word in title_words(event.title)]
        others = self.exclude(pk=event.pk).not_over(timezone.now())
        if event.series_uid:
            others = others.exclude(series_uid=event.series_uid)
        if not scores:
            return others.none()
        scored = others.annotate(score=reduce(add, scores)).filter(score__gt=0)
        return scored.order_by(F("score").desc(), "start", "id")

    def categories(self) -> models.QuerySet[Event, str]:
        """Return the distinct categories, sorted; a queryset of texts."""
        named = self.exclude(category="").order_by("category")
        return named.values_list("category", flat=True).distinct()


def _points(points: int, **condition: str) -> Case:
    """Count `points` for a row that meets the condition, or else 0."""
    return Case(When(**condition, then=Value(points)), default=0, output_field=IntegerField())


class Event(models.Model):
    """An event of an imported calendar, or one that was entered in the admin.

    Texts may come from a stranger's calendar: always escape them.
    """

    uid = models.CharField(
        _("UID"),
        max_length=255,
        unique=True,
        default=new_uid,
        help_text=_("The source's UID; dates of a series have their start appended."),
    )
    series_uid = models.CharField(
        _("UID of the series"),
        max_length=255,
        blank=True,
        db_index=True,
        editable=False,
        help_text=_("The source's own UID; blank for an event entered here."),
    )
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(
        _("end"), help_text=_("The first moment after it. Midnight if the event is all day.")
    )
    timezone = models.CharField(
        _("time zone"),
        max_length=64,
        default=project_zone_name,
        validators=[validate_zone_name],
        help_text=_("IANA name of its own zone, like “Europe/Amsterdam”."),
    )
    all_day = models.BooleanField(_("all day"), default=False)
    venue = models.CharField(_("venue"), max_length=200, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    category = models.CharField(
        _("category"), max_length=50, blank=True, help_text=_("In lower case, like “music”.")
    )
    url = models.CharField(
        _("address"), max_length=500, blank=True, validators=[validate_web_address]
    )
    price = models.DecimalField(
        _("price"),
        max_digits=8,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("0 is free; leave it empty if it is unknown."),
    )
    currency = models.CharField(_("currency"), max_length=3, default="EUR")

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("start", "id")
        constraints = [
            models.CheckConstraint(
                condition=Q(end__gte=F("start")),
                name="events_event_end_not_before_start",
                violation_error_message=_("An event ends after it starts."),
            ),
            models.CheckConstraint(
                condition=Q(price__isnull=True) | Q(price__gte=0),
                name="events_event_price_not_negative",
            ),
        ]
        indexes = [
            models.Index(fields=["start", "id"], name="events_event_by_start"),
            models.Index(fields=["category", "start"], name="events_event_by_category"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.local_start:%Y-%m-%d %H:%M})"

    @property
    def local_start(self) -> datetime:
        """Return the start in the event's own time zone."""
        return self.start.astimezone(zone_or_project_zone(self.timezone))

    @property
    def local_end(self) -> datetime:
        """Return the end in the event's own time zone."""
        return self.end.astimezone(zone_or_project_zone(self.timezone))

    @property
    def is_free(self) -> bool:
        """Tell whether the event is known to be free."""
        return self.price == 0
