"""Events of 2040, which are in the future on every test machine."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from calendarclub.events.models import Event

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
# A Wednesday afternoon.
NOW = datetime(2040, 11, 28, 15, 5, tzinfo=AMSTERDAM)

# Title, category, start, hours, price, city.
PROGRAMME = [
    ("Late Quartet", "music", "2040-11-28 21:00", 2, "12.50", "Utrecht"),
    ("Blue Hour Jazz", "music", "2040-12-01 20:00", 2, "0", "Utrecht"),
    ("Brass on the Quay", "music", "2040-12-01 22:00", 2, "15", "Amsterdam"),
    ("Choir of the Canals", "music", "2040-12-02 15:00", 2, None, "Utrecht"),
    ("Stand-up Sunday", "comedy", "2040-12-02 20:00", 2, "9", "Amsterdam"),
    ("Puppets at Noon", "family", "2040-12-01 12:00", 1, "0", "Utrecht"),
    ("Jazz Brunch", "music", "2040-12-08 11:00", 3, "18", "Utrecht"),
    ("Open Mic", "comedy", "2040-12-08 20:00", 2, "0", "Utrecht"),
    ("Improv Battle", "comedy", "2040-12-09 20:00", 2, "8", "Amsterdam"),
    ("Carols by Candle", "music", "2040-12-24 19:00", 1, "0", "Utrecht"),
]


def make_programme() -> None:
    for title, category, start, hours, price, city in PROGRAMME:
        make_event(title, start, hours=hours, category=category, price=price, city=city)


def make_event(
    title: str,
    start: str,
    *,
    hours: int = 2,
    category: str = "music",
    price: str | None = None,
    city: str = "Utrecht",
) -> Event:
    begin = datetime.fromisoformat(start).replace(tzinfo=AMSTERDAM)
    return Event.objects.create(
        uid=f"{title}@test",
        title=title,
        start=begin,
        end=begin + timedelta(hours=hours),
        timezone="Europe/Amsterdam",
        venue="The Hall",
        city=city,
        category=category,
        price=None if price is None else Decimal(price),
    )
