"""A sample calendar around today, as an .ics file that is imported like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import icalendar
from django.utils.text import slugify

from calendarclub.events.sample_programme import CITY, DAYTIMES, EVENINGS, FREE, Activity
from calendarclub.events.zones import project_zone_name

DAYS = 35
PRODUCT = "-//Calendar Club//sample events//EN"
# Weekly events begin in this week. Any week in the past would do.
LONG_AGO = date(2024, 1, 1)


@dataclass(frozen=True, slots=True)
class Weekly:
    """An activity of every week. `weekday` is 0 for Monday."""

    weekday: int
    activity: Activity


Condition = Callable[[Activity], bool]

WEEKLY = (
    Weekly(
        5,
        Activity(
            "market",
            "Saturday farmers' market",
            "Vegetables, cheese and flowers from within thirty kilometres.",
            "Lantern Square",
            ("08:30",),
            330,
            (FREE,),
        ),
    ),
    Weekly(
        1,
        Activity(
            "music",
            "Open mic Tuesday",
            "Three songs each; sign up at the bar from seven.",
            "The Copper Lantern",
            ("20:00",),
            180,
            (FREE,),
        ),
    ),
    Weekly(
        6,
        Activity(
            "film",
            "Sunday matinee",
            "A classic, with tea in the foyer afterwards.",
            "Cinema Meridian",
            ("14:30",),
            130,
            ("6.50 EUR",),
        ),
    ),
)


def sample_calendar(today: date) -> bytes:
    """Return an .ics file with events from yesterday until five weeks from today.

    The events of a day depend only on its date, so importing tomorrow's file changes none of them.
    """
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("x-wr-timezone", project_zone_name())
    for weekly in WEEKLY:
        calendar.add_component(_series(weekly))
    for offset in range(-1, DAYS):
        for event in _events_of(today + timedelta(days=offset)):
            calendar.add_component(event)
    calendar.add_missing_timezones(first_date=LONG_AGO, last_date=date(today.year + 2, 1, 1))
    return bytes(calendar.to_ical())


def _events_of(day: date) -> Iterator[icalendar.Event]:
    """Yield the events of a day: music in the evening, and at weekends family and free events."""
    random = Random(day.isoformat())  # noqa: S311  # not a secret
    for activity in _chosen(EVENINGS, random, [lambda activity: activity.category == "music"]):
        yield _event(day, activity, random)
    if day.weekday() < 5:
        return
    conditions: list[Condition] = [
        lambda activity: activity.prices == (FREE,),
        lambda activity: activity.category == "family",
    ]
    for activity in _chosen(DAYTIMES, random, conditions):
        yield _event(day, activity, random)
    # A weekend in four has something that lasts the whole of it.
    if day.weekday() == 5 and day.isocalendar().week % 4 == 0:
        yield _festival(day)


def _chosen(
    activities: tuple[Activity, ...], random: Random, conditions: list[Condition]
) -> list[Activity]:
    """Choose three activities: one for each condition, and others at random."""
    chosen = [random.choice([*filter(condition, activities)]) for condition in conditions]
    others = [activity for activity in activities if activity not in chosen]
    return [*chosen, *random.sample(others, 3 - len(chosen))]


def _event(day: date, activity: Activity, random: Random) -> icalendar.Event:
    title = activity.title.format(name=random.choice(activity.names))
    uid = f"sample-{day:%Y%m%d}-{slugify(activity.venue)}-{slugify(title)}@example.org"
    return _vevent(uid, title, day, activity, random)


def _series(weekly: Weekly) -> icalendar.Event:
    activity = weekly.activity
    uid = f"sample-weekly-{slugify(activity.title)}@example.org"
    first = LONG_AGO + timedelta(days=(weekly.weekday - LONG_AGO.weekday()) % 7)
    event = _vevent(uid, activity.title, first, activity, Random(uid))  # noqa: S311  # as above
    event.add("rrule", {"freq": "weekly"})
    return event


def _vevent(uid: str, title: str, day: date, activity: Activity, random: Random) -> icalendar.Event:
    begins = time.fromisoformat(random.choice(activity.starts))
    event = _named(uid, title, activity.category, activity.description)
    event.add("dtstart", datetime.combine(day, begins, ZoneInfo(project_zone_name())))
    event.add("duration", timedelta(minutes=activity.minutes))
    event.add("location", f"{activity.venue}, {CITY}")
    price = random.choice(activity.prices)
    if price:
        event.add("x-cost", price)
    return event


def _festival(saturday: date) -> icalendar.Event:
    uid = f"sample-{saturday:%Y%m%d}-open-studios@example.org"
    description = "Forty artists open their doors. Maps are at the tourist office."
    event = _named(uid, "Open studios weekend", "art", description)
    event.add("dtstart", saturday)
    event.add("dtend", saturday + timedelta(days=2))
    event.add("location", f"All over town, {CITY}")
    event.add("x-cost", FREE)
    return event


def _named(uid: str, title: str, category: str, description: str) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", uid)
    event.add("dtstamp", datetime.combine(LONG_AGO, time.min, UTC))
    event.add("summary", title)
    event.add("description", description)
    event.add("categories", [category])
    event.add("url", f"https://example.org/waterhaven/{uid.partition('@')[0]}")
    return event
