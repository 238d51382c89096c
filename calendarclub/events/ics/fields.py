"""The fields of an event from a VEVENT, with notes on values that had to be changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from zoneinfo import ZoneInfo

import icalendar
from django.db.models import CharField

from calendarclub.events.export import CITY_PROPERTY
from calendarclub.events.ics.clock import event_time
from calendarclub.events.ics.place import venue_and_city
from calendarclub.events.ics.price import price_of
from calendarclub.events.models import Event
from calendarclub.events.web_address import is_web_address

Note = Callable[[str], None]
# PostgreSQL does not store NUL, and no program shows the others.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ESCAPED = re.compile(r"\\(.)")


def event_of(component: icalendar.Event, *, uid: str, home: ZoneInfo, note: Note) -> Event:
    """Return an unsaved event for a valid VEVENT, and call `note` with each change."""
    when = event_time(component, home)
    venue, city = _place(component, note)
    categories = _categories(component)
    price, currency = _price(component, note)
    return Event(
        uid=uid,
        title=_title(component, note),
        description=_description(component, categories, note),
        start=when.start,
        end=when.end,
        timezone=when.timezone,
        all_day=when.all_day,
        venue=_fit("venue", venue, note),
        city=_fit("city", city, note),
        category=_fit("category", categories[0] if categories else "", note),
        url=_url(component, note),
        price=price,
        currency=currency or "EUR",
    )


def _title(component: icalendar.Event, note: Note) -> str:
    title = _line(component, "SUMMARY", note)
    if not title:
        note("SUMMARY is missing; the title is “Untitled”")
    return _fit("title", title or "Untitled", note)


def _text(component: icalendar.Event, name: str, note: Note) -> str:
    """Return the text of a property, or of the first one if there are several."""
    value = component.get(name, "")
    if isinstance(value, list):
        note(f"there are {len(value)} {name}; the first was used")
        value = value[0]
    text = value if isinstance(value, str) else value.to_ical().decode()
    if name.startswith("X-") and not isinstance(value, icalendar.vText):
        # icalendar 7 leaves escapes in properties that the standard does not name.
        text = _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], text)
    return _CONTROLS.sub("", text.replace("\r\n", "\n")).strip()


def _line(component: icalendar.Event, name: str, note: Note) -> str:
    return " ".join(_text(component, name, note).split())


def _fit(field: str, text: str, note: Note) -> str:
    """Return the text, cut to the length of the column."""
    longest = _room(field)
    if len(text) <= longest:
        return text
    note(f"{field} has {len(text)} characters and was cut after {longest}")
    return text[:longest].rstrip()


def _room(field: str) -> int:
    """Return the maximum length of the column."""
    column = Event._meta.get_field(field)
    assert isinstance(column, CharField), "only these have a length"  # noqa: S101  # for mypy
    return column.max_length or 0


def _description(component: icalendar.Event, categories: list[str], note: Note) -> str:
    """Return the description, followed by the categories if there are several."""
    text = _text(component, "DESCRIPTION", note)
    if len(categories) < 2:
        return text
    return f"{text}\n\nCategories: {', '.join(categories)}".strip()


def _categories(component: icalendar.Event) -> list[str]:
    """Return each category once, in lower case."""
    values = component.get("CATEGORIES", [])
    groups = values if isinstance(values, list) else [values]
    texts = [str(text) for group in groups for text in getattr(group, "cats", ())]
    names = [" ".join(_CONTROLS.sub("", text).lower().split()) for text in texts]
    return list(dict.fromkeys(filter(None, names)))


def _place(component: icalendar.Event, note: Note) -> tuple[str, str]:
    location = _text(component, "LOCATION", note)
    if CITY_PROPERTY not in component:
        return venue_and_city(location)
    city = _line(component, CITY_PROPERTY, note)
    return location.removesuffix(city).removesuffix(", "), city


def _url(component: icalendar.Event, note: Note) -> str:
    url = _text(component, "URL", note)
    if not url or (is_web_address(url) and len(url) <= _room("url")):
        return url
    note("URL is not a valid http or https address and was left out")
    return ""


def _price(component: icalendar.Event, note: Note) -> tuple[Decimal | None, str]:
    """Return price and currency from the properties of WordPress calendars."""
    text = _line(component, "X-COST", note) or _line(component, "X-PRICE", note)
    if not text and str(component.get("X-COST-TYPE", "")).lower() == "free":
        return Decimal(0), ""
    found = price_of(text)
    if text and found is None:
        note(f"the price “{text[:40]}” is not clear and was left out")
    return found or (None, "")
